package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
)

// guards drops fragments that are rejected until ready, and then append their names to P1's log.
func (h *house) guards(names ...string) {
	h.t.Helper()
	for _, name := range names {
		h.drop(name, strings.Replace(appending(name), `{`, `{"$if":{"status":"Complete"},`, 1))
	}
}

func (h *house) ready() {
	h.write(h.config.Tasks, strings.Replace(tasksBefore, "Planned", "Complete", 1))
}

// mark marks all entries, and names them.
func (h *house) mark() (names []string) {
	h.t.Helper()
	store := recovery.New(recovery.Config{Dir: h.config.Recovery, TasksFile: h.config.Tasks})
	h.again = true
	for _, e := range h.entries() {
		must(h.t, store.Mark(e.Folder))
		names = append(names, e.Folder)
	}
	return names
}

func (h *house) notes() []string {
	h.t.Helper()
	notes, err := filepath.Glob(filepath.Join(h.config.Drop, ".sessionsync", "retry", "[^.]*"))
	must(h.t, err)
	return notes
}

func TestARunningAgentTriesAgainWhatItIsAskedTo(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.guards("1.json", "2.json")
		h.within(time.Minute, "both rejected", func() bool { return len(h.entries()) == 2 })
		h.ready()
		names := h.mark()
		time.Sleep(time.Minute)
		if len(h.entries()) != 2 {
			t.Error("it was not asked, and did it all the same")
		}
		must(t, spool.Ask(h.config.Drop, append(names, "no such entry")))
		h.within(5*time.Second, "both applied", h.hasApplied("1.json", "2.json"))
		h.within(5*time.Second, "no notes", func() bool { return len(h.notes()) == 0 })
		a.stop()
	})
	h.isDone("at the end", nil)
}

func TestWhatIsNotMarkedIsNotTakenBackByANote(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.guards("1.json")
		h.within(time.Minute, "it is rejected", func() bool { return len(h.entries()) == 1 })
		h.ready()
		must(t, spool.Ask(h.config.Drop, []string{h.entries()[0].Folder}))
		h.within(5*time.Second, "no notes", func() bool { return len(h.notes()) == 0 })
		a.stop()
	})
	h.isDone("at the end", map[string]string{"1.json": "precondition_failed"})
}

func TestAskingEndsTheWaitOfAnAgentThatHolds(t *testing.T) {
	h := newHouse(t)
	h.config.Watch.Rescan = time.Second
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.guards("1.json")
		h.within(time.Minute, "it is rejected", func() bool { return len(h.entries()) == 1 })
		must(t, os.Remove(h.config.Tasks))
		h.drop("2.json", appending("2.json"))
		time.Sleep(2 * time.Minute) // by now it looks every 30 s
		h.ready()
		must(t, spool.Ask(h.config.Drop, h.mark()))
		h.within(3*time.Second, "both applied", func() bool { return len(h.applied()) == 2 })
		a.stop()
	})
	h.isDone("at the end", nil)
}

func TestManyAreTakenBackInPortions(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("running %v", running), func(t *testing.T) {
			h := newHouse(t)
			h.config.Batch.MaxFragments = 1 // a batch each
			var names []string
			for i := range portion + 20 {
				names = append(names, fmt.Sprintf("%04d.json", i))
			}
			h.inBubble(func(t *testing.T) {
				h.guards(names...)
				if _, err := h.once(nil); err != nil {
					t.Fatal(err)
				}
				h.ready()
				marked := h.mark()
				if running {
					a := h.start(nil)
					must(t, spool.Ask(h.config.Drop, marked))
					h.within(time.Minute, "all applied", h.hasApplied(names...))
					h.within(5*time.Second, "no notes", func() bool { return len(h.notes()) == 0 })
					a.stop()
				} else if report, err := h.agent(Options{Back: true}).Run(t.Context()); err != nil || report.Fragments != len(names) {
					t.Errorf("report %+v, error %v", report, err)
				}
			})
			h.isDone("at the end", nil)
			if !h.hasApplied(names...)() {
				t.Errorf("applied %v", h.applied())
			}
		})
	}
}

func TestARunOfWhatComesBackLeavesTheWaitingOnesAlone(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.guards("1.json")
		if _, err := h.once(nil); err != nil {
			t.Fatal(err)
		}
		h.ready()
		h.mark()
		h.appends("2.json")
		report, err := h.agent(Options{Back: true}).Run(t.Context())
		if err != nil || report.Fragments != 1 || report.Rejected != 0 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if where := h.census(true); where["1.json"] != "applied" || where["2.json"] != "dropped" {
			t.Errorf("they are %v", where)
		}
	})
}

func TestARunOfWhatComesBackNeedsADropDirectory(t *testing.T) {
	h := newHouse(t)
	must(t, os.Remove(h.config.Drop))
	if _, err := h.agent(Options{Back: true}).Run(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it said: %v", err)
	}
}

func TestAnUnfinishedFragmentThatIsTriedAgainIsRejectedAgainAndNotWaitedFor(t *testing.T) {
	h := newHouse(t)
	h.drop("1.json", `{"id":`)
	h.inBubble(func(t *testing.T) {
		if _, err := h.once(nil); err != nil {
			t.Fatal(err)
		}
		before := h.mark()
		time.Sleep(time.Second)
		if _, err := h.agent(Options{Back: true}).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after := h.entries(); len(after) != 1 || after[0].Folder == before[0] || after[0].Retryable {
			t.Errorf("entries %+v", after)
		}
	})
	h.isDone("at the end", map[string]string{"1.json": "incomplete"})
}

func TestAManifestHoldsTheCommandAndTheItems(t *testing.T) {
	h := newHouse(t)
	h.config.Recovery = filepath.Join(h.folder, "it's here")
	h.drop("1.json", `[{"id":"P1","status":"Done"},{"id":"P7","status":"Complete"}]`)
	h.inBubble(func(t *testing.T) {
		if _, err := h.once(nil); err != nil {
			t.Fatal(err)
		}
	})
	entries, err := recovery.New(recovery.Config{Dir: h.config.Recovery}).Entries()
	must(t, err)
	if len(entries) != 1 {
		t.Fatalf("entries %+v", entries)
	}
	e := entries[0]
	want := fmt.Sprintf(`sessionsync recovery retry --drop %s --tasks %s --recovery '%s/it'"'"'s here' %s`, h.config.Drop, h.config.Tasks, h.folder, e.Name)
	if e.Retry != want {
		t.Errorf("retry\n%s, want\n%s", e.Retry, want)
	}
	items := e.Fragments[0].Items
	if len(items) != 2 || items[0].ID != "P1" || items[0].SHA256 == "" || items[1].ID != "P7" || items[1].SHA256 != "" {
		t.Errorf("items %+v", items)
	}
	if r := e.Fragments[0].Error; r.Update != 1 || r.Pointer != "/status" {
		t.Errorf("reason %+v", r)
	}
}

// From the mark on no crash loses a fragment or has it applied twice.
func TestACrashWhileItIsTriedAgainLosesNothing(t *testing.T) {
	t.Parallel()
	for n := 1; ; n++ {
		h := newHouse(t)
		h.inBubble(func(t *testing.T) {
			h.guards("1.json", "2.json")
			h.drop("3.json", `{"id":"P7"}`)
			if _, err := h.once(nil); err != nil {
				t.Fatal(err)
			}
			h.ready()
			h.mark()
		})
		crash := &countdown{n: n, err: errDead, dead: true}
		h.inBubble(func(t *testing.T) { _, _ = h.agent(Options{Back: true, Hook: crash.hook}).Run(t.Context()) })
		when := fmt.Sprintf("dead at operation %d, %s", n, crash.fired)
		h.inBubble(func(t *testing.T) {
			if _, err := h.agent(Options{Back: true}).Run(t.Context()); err != nil {
				t.Errorf("%s: the next start: %v", when, err)
			}
		})
		h.isDone(when, map[string]string{"3.json": "unknown_id"})
		if t.Failed() || crash.fired == "" {
			if n < 100 {
				t.Errorf("only %d operations", n)
			}
			return
		}
	}
}
