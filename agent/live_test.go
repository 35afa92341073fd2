package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// What follows is real: file system events, the clock, and producers that do not wait for anybody. How long anything takes
// is not looked at, only what becomes of the fragments.

const failsafe = 2 * time.Minute

func (h *house) live() {
	w := &h.config.Watch
	w.Mode, w.Settle, w.Rescan = "auto", 5*time.Millisecond, time.Second
	h.config.Batch.Quiet, h.config.Batch.MaxWait = 2*time.Millisecond, 20*time.Millisecond
}

func TestProducersDropWhileTheAgentIsRestartedAgainAndAgain(t *testing.T) {
	h := newHouse(t)
	h.live()
	h.config.Batch.MaxFragments = 50
	goroutines := runtime.NumGoroutine()

	const producers, each = 6, 150
	var dropping sync.WaitGroup
	for p := range producers {
		for i := range each {
			h.names = append(h.names, fmt.Sprintf("%d-%d.json", p, i))
		}
	}
	for p := range producers {
		dropping.Go(func() {
			for _, name := range h.names[p*each : (p+1)*each] {
				final := filepath.Join(h.config.Drop, name)
				if p < 4 { // by mv
					hidden := filepath.Join(h.config.Drop, "."+name)
					if os.WriteFile(hidden, []byte(appending(name)), 0o644) != nil || os.Rename(hidden, final) != nil {
						t.Error("cannot drop " + name)
					}
					continue
				}
				slowly(t, final, appending(name))
			}
		})
	}
	dropped := make(chan struct{})
	go func() { dropping.Wait(); close(dropped) }()
	restarts := 0
	for running := true; running; restarts++ {
		// Each time it ends a little later in its work.
		reached := make(chan struct{})
		var once sync.Once
		operations := &countdown{n: 40 + 97*restarts}
		a := h.start(func(op vfs.Op, path string) error {
			if operations.hook(op, path); operations.hasFired() {
				once.Do(func() { close(reached) })
			}
			return nil
		})
		select {
		case <-reached:
		case <-dropped:
			h.within(failsafe, "all applied", h.allHandled)
			running = false
		case <-time.After(failsafe):
			t.Fatalf("nothing happens any more\n%s", h.log)
		}
		a.stop()
	}
	<-dropped
	if _, err := h.once(nil); err != nil {
		t.Error(err)
	}
	h.isDone(fmt.Sprintf("after %d restarts", restarts), nil)
	h.within(failsafe, "no goroutine left", func() bool { return runtime.NumGoroutine() <= goroutines })
}

// slowly is a producer that writes in place, in two pieces, with other things to do in between.
func slowly(t *testing.T, path, content string) {
	f, err := os.Create(path)
	if err == nil {
		_, err = f.WriteString(content[:len(content)/2])
	}
	runtime.Gosched()
	if err == nil {
		_, err = f.WriteString(content[len(content)/2:])
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Error(err)
	}
}

func TestThousandsOfFragmentsBeforeTheStart(t *testing.T) {
	h := newHouse(t)
	h.live()
	many := 3000
	if testing.Short() {
		many = 1100 // still more than the watcher sends at once
	}
	for i := range many {
		h.appends(fmt.Sprintf("%d.json", i))
	}
	h.config.Batch.MaxFragments = 100000
	h.config.Batch.Quiet, h.config.Batch.MaxWait = time.Second, 10*time.Second
	report, err := h.once(nil)
	if err != nil || report.Fragments != many || report.Commits != 1 {
		t.Errorf("report %+v, error %v", report, err)
	}
	h.isDone("at the end", nil)
}

// A producer that learns of it by an event has it applied soon, without a rescan.
func TestAnEventIsEnough(t *testing.T) {
	h := newHouse(t)
	h.live()
	h.config.Watch.Rescan = 24 * time.Hour
	a := h.start(nil)
	h.within(failsafe, "in service", func() bool {
		_, err := os.Stat(filepath.Join(h.config.Drop, ".sessionsync", "claimed"))
		return err == nil
	})
	var names []string
	for i := range 20 {
		names = append(names, fmt.Sprintf("%d.json", i))
		h.appends(names[i])
		h.within(failsafe, "applied", h.hasApplied(names...))
	}
	a.stop()
}
