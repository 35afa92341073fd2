package threats

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Who holds a lease on a file makes others wait that open it, for 45 seconds each time.
func TestALeaseOnAFragmentDelaysNobody(t *testing.T) {
	s := newSession(t)
	must(t, os.WriteFile(s.path("drop", "leased.json"), []byte(appending("leased")), 0o644))
	f, err := os.OpenFile(s.path("drop", "leased.json"), os.O_RDWR, 0)
	must(t, err)
	defer f.Close()
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skipf("no leases here: %v", err)
	}
	agent := s.start(nil)
	s.until("the agent is there", func() bool { return !gone(s.path("drop", ".sessionsync", "claimed")) })
	began := time.Now()
	for _, note := range []string{"1", "2", "3"} {
		must(t, os.WriteFile(s.path("drop", note+".json"), []byte(appending(note)), 0o644))
		s.until("another one is applied", func() bool { return s.notes()[note] == 1 })
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("the others took %v", took)
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	s.until("it is applied too", func() bool { return s.notes()["leased"] == 1 })
	if r := agent.stop(); r.code != 0 {
		t.Errorf("exit code %d\n%s", r.code, r.log)
	}
	s.exactly("leased", "1", "2", "3")
}
