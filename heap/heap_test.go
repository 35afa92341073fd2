package heap

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestASmallHeapHasRoomAndALargeOneDoesNotGrowMuch(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 400, 1 << 20: 400, 4 << 20: 400, 5 << 20: 320, 30 << 20: 50, 110 << 20: 50, 10 << 30: 50,
	} {
		if got := shareOf(live); got != want {
			t.Errorf("%d bytes in use: it may grow by %d %%, want %d", live, got, want)
		}
	}
}

func TestMemoryGoesBackWhenThereWasNothingToDoForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		freed := 0
		rest := newRest(func() { freed++ })
		time.Sleep(2 * time.Hour)
		for range 10 {
			rest.Reset(restAfter)
			time.Sleep(restAfter - 1)
			synctest.Wait()
		}
		if freed != 0 {
			t.Fatal("it was freed though there was always something to do")
		}
		time.Sleep(time.Hour)
		if freed != 1 {
			t.Fatalf("it was freed %d times", freed)
		}
	})
}

var held []byte

func TestTheShareFollowsWhatIsInUse(t *testing.T) {
	if os.Getenv("HEAP_TEST") == "" { // a process of its own, whose heap is nobody else's
		out, err := tuned(t, "GOGC=").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	told := make(chan int, 1)
	tune(0, func(share int) { told <- share })
	<-told
	share := func() int {
		runtime.GC()
		runtime.GC() // what the one before has found is finalized now
		return <-told
	}
	held = make([]byte, 64<<20)
	for share() != leastShare { // a collection may have been under way
	}
	held = nil
	for share() == leastShare {
	}
}

func TestGOGCCounts(t *testing.T) {
	if given := os.Getenv("HEAP_TEST_GOGC"); given != "" {
		Tune()
		runtime.GC()
		runtime.GC()
		if now := debug.SetGCPercent(100); strconv.Itoa(now) != given {
			t.Fatalf("%d, not %s", now, given)
		}
		return
	}
	if out, err := tuned(t, "GOGC=77", "HEAP_TEST_GOGC=77").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func tuned(t *testing.T, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(append(os.Environ(), "HEAP_TEST=1"), env...)
	return cmd
}
