package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/spool"
)

func TestADropDirectoryThatIsNotThereYetIsWaitedFor(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		must(t, os.Remove(h.config.Drop))
		a := h.start(nil)
		time.Sleep(time.Hour)
		must(t, os.Mkdir(h.config.Drop, 0o755))
		h.appends("a.json")
		h.within(10*time.Second, "applied", h.hasApplied("a.json"))
		a.stop()
		if h.log.count("the drop directory is missing") != 1 || h.log.count("held") > 0 {
			t.Errorf("log:\n%s", h.log)
		}
	})
	h.isDone("at the end", nil)
}

// A mount that comes late, with what a crash has left in it: nobody need drop anything for that to go on.
func TestWhatIsClaimedInADirectoryThatAppearsIsAppliedByItself(t *testing.T) {
	h := newHouse(t)
	h.leftClaimed("0d00000000000001", "a.json")
	h.inBubble(func(t *testing.T) {
		away := h.config.Drop + "-away"
		must(t, os.Rename(h.config.Drop, away))
		a := h.start(nil)
		time.Sleep(time.Minute)
		must(t, os.Rename(away, h.config.Drop))
		h.within(2*lookAgain, "applied", h.hasApplied("a.json"))
		a.stop()
	})
	h.isDone("at the end", nil)
}

func TestADropDirectoryThatIsReplacedIsServedOn(t *testing.T) {
	for name, replace := range map[string]func(h *house) error{
		"removed and made again": func(h *house) error {
			return errors.Join(os.RemoveAll(h.config.Drop), os.Mkdir(h.config.Drop, 0o755))
		},
		"removed, and made again after an hour": func(h *house) error {
			err := os.RemoveAll(h.config.Drop)
			time.Sleep(time.Hour)
			return errors.Join(err, os.Mkdir(h.config.Drop, 0o755))
		},
		"moved, and another one made": func(h *house) error {
			return errors.Join(os.Rename(h.config.Drop, h.config.Drop+"-old"), os.Mkdir(h.config.Drop, 0o755))
		},
		"moved away and back": func(h *house) error {
			err := os.Rename(h.config.Drop, h.config.Drop+"-old")
			time.Sleep(time.Minute)
			return errors.Join(err, os.Rename(h.config.Drop+"-old", h.config.Drop))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				a := h.start(nil)
				h.appends("a.json")
				h.within(10*time.Second, "applied", h.hasApplied("a.json"))
				must(t, replace(h))
				h.appends("b.json")
				h.within(20*time.Second, "the next one applied", h.hasApplied("a.json", "b.json"))
				h.appends("c.json")
				h.within(10*time.Second, "and the next one", h.hasApplied("a.json", "b.json", "c.json"))
				a.stop()
			})
			if name != "moved away and back" {
				h.untold = "a.json"
			}
			h.isDone("at the end", nil)
		})
	}
}

// What another agent's crash has left in the directory that is there now belongs to us.
func TestWhatIsClaimedInAReplacedDirectoryIsApplied(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		time.Sleep(time.Second)
		must(t, os.Rename(h.config.Drop, h.config.Drop+"-old"))
		other := h.config.Drop + "-new"
		claimed := filepath.Join(other, ".sessionsync", "claimed", "0d00000000000001")
		must(t, os.MkdirAll(claimed, 0o700))
		must(t, os.Chmod(filepath.Join(other, ".sessionsync"), 0o700))
		h.write(filepath.Join(claimed, "a.json"), appending("a.json"))
		must(t, os.Rename(other, h.config.Drop))
		h.names = append(h.names, "a.json")
		h.appends("b.json")
		h.within(10*time.Second, "both applied", func() bool { return len(h.applied()) == 2 })
		a.stop()
	})
	h.isDone("at the end", nil)
}

// The committer ends with an error while the watcher has more and more to send.
func TestAReplacedDirectoryThatAnotherAgentServesEndsTheRun(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		other := h.config.Drop + "-other"
		must(t, os.Mkdir(other, 0o755))
		for i := range 3000 {
			h.write(filepath.Join(other, strings.Repeat("x", 1+i%100)+string(rune('a'+i/100))+".json"), appending("x"))
		}
		theirs, err := spool.Open(spool.Config{Drop: other})
		must(t, err)
		defer theirs.Close()
		h.config.Batch.MaxFragments = 10
		a := h.start(nil)
		time.Sleep(time.Second)
		must(t, os.Rename(h.config.Drop, h.config.Drop+"-old"))
		must(t, os.Rename(other, h.config.Drop))
		select {
		case <-a.ended:
		case <-time.After(time.Minute):
			t.Fatal("still there")
		}
		var inUse *spool.InUseError
		if !errors.As(a.err, &inUse) {
			t.Errorf("ended with %v", a.err)
		}
		if got := h.applied(); len(got) > 0 {
			t.Errorf("applied %v", got)
		}
	})
}

// Between the finding and the claim everything goes: that is the watcher's to tell, and nothing to hold for.
func TestFragmentsThatGoWithTheirDirectoryAreForgotten(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.config.Batch.Quiet, h.config.Batch.MaxWait = 5*time.Second, time.Minute
		a := h.start(nil)
		h.appends("gone.json")
		time.Sleep(2 * time.Second)
		must(t, os.RemoveAll(h.config.Drop))
		time.Sleep(time.Hour)
		must(t, os.Mkdir(h.config.Drop, 0o755))
		h.names = nil
		h.appends("a.json")
		h.within(20*time.Second, "the next one applied", h.hasApplied("a.json"))
		a.stop()
		if h.log.count("held") > 0 || h.log.count("the drop directory is missing") != 1 {
			t.Errorf("log:\n%s", h.log)
		}
	})
	h.isDone("at the end", nil)
}
