package agent

import (
	"context"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// alive asks with a deadline.
func alive(a *Agent, within time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	return a.Alive(ctx)
}

func TestAnAgentIsAliveWhileItIdlesHoldsAndWaitsForItsDropDirectory(t *testing.T) {
	for name, spoil := range map[string]func(h *house) error{
		"it idles":                        func(*house) error { return nil },
		"it holds from the start":         func(h *house) error { return os.Remove(h.config.Tasks) },
		"its drop directory is not there": func(h *house) error { return os.Remove(h.config.Drop) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				must(t, spoil(h))
				if name == "it holds from the start" {
					must(t, os.MkdirAll(h.config.Drop+"/.sessionsync/claimed/18ea000000000000-000001", 0o700))
				}
				a := h.start(nil)
				for range 100 {
					time.Sleep(time.Minute)
					if err := alive(a.agent, time.Millisecond); err != nil {
						t.Fatal(err)
					}
				}
				a.stop()
			})
		})
	}
}

func TestAnAgentThatDoesNotRunIsNotAlive(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.agent(Options{})
		if err := alive(a, time.Minute); err == nil || !strings.Contains(err.Error(), "ask the committer whether it is alive: no answer") {
			t.Errorf("before: %v", err)
		}
		r := h.start(nil)
		must(t, alive(r.agent, time.Minute))
		r.stop()
		if alive(r.agent, time.Minute) == nil {
			t.Error("alive after its end")
		}
	})
}

// The attempts of one commit may take longer than anybody waits for an answer.
func TestAnAgentIsAliveInTheMidstOfACommitThatIsTriedAgainAndAgain(t *testing.T) {
	h := newHouse(t)
	h.config.Retry.Attempts = 100
	h.inBubble(func(t *testing.T) {
		disk := &fault{err: full, when: writingOf(h.folder + "/.tasks.json")}
		a := h.start(disk.hook)
		h.appends("a.json")
		h.within(time.Minute, "it fails", func() bool { return disk.count() > 3 })
		for range 5 {
			must(t, alive(a.agent, 3*time.Second))
		}
		disk.set(nil)
		h.within(time.Minute, "applied", h.hasApplied("a.json"))
		a.stop()
	})
}

func TestAStageThatIsStuckIsNamed(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		stuck, free := make(chan struct{}), make(chan struct{})
		var armed atomic.Bool
		a := h.start(func(op vfs.Op, path string) error {
			if op == vfs.OpSync && armed.CompareAndSwap(true, false) {
				close(stuck)
				<-free
			}
			return nil
		})
		must(t, alive(a.agent, time.Minute))
		armed.Store(true)
		h.appends("a.json")
		<-stuck
		if err := alive(a.agent, time.Hour); err == nil || !strings.Contains(err.Error(), "committer") {
			t.Errorf("a disk that never answers: %v", err)
		}
		close(free)
		h.within(time.Minute, "applied", h.hasApplied("a.json"))
		must(t, alive(a.agent, time.Minute))
		a.stop()
	})
}
