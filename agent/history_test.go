package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/books"
	"github.com/sessionsync/sessionsync/history"
)

// hasBooks checks that the history tells the end of each fragment once, and that the books balance.
func (h *house) hasBooks(when string, rejects map[string]string) {
	h.t.Helper()
	told := map[string][]string{}
	names := slices.DeleteFunc(slices.Clone(h.names), func(name string) bool { return name == h.untold })
	seen := len(names)
	for rec, err := range history.Read(h.config.Drop) {
		must(h.t, err)
		told[rec.File] = append(told[rec.File], string(rec.Outcome))
		if strings.HasPrefix(rec.File, "reassert-") && rec.By == "" {
			seen++ // it could not be read, and came to be a fragment like any other
		}
	}
	r, err := books.Check(h.t.Context(), books.Config{Drop: h.config.Drop, Recovery: h.config.Recovery, Patience: time.Millisecond})
	must(h.t, err)
	if !r.Balanced() || r.Waiting > 0 || r.Seen != seen || r.Rejected != len(rejects) || len(r.Gone)+len(r.Untold) > 0 {
		h.t.Errorf("%s: the books say %+v, of %d fragments with %d rejects\n%s", when, r, seen, len(rejects), h.lines())
	}
	for _, name := range names {
		want := "applied"
		if rejects[name] != "" {
			want = "rejected"
		}
		for h.again && len(told[name]) > 1 && told[name][0] == "rejected" {
			told[name] = told[name][1:] // before it was tried again
		}
		if want == "rejected" {
			told[name] = slices.Compact(told[name]) // of one that was not moved yet in a crash it may be told twice
		}
		if !slices.Equal(told[name], []string{want}) {
			h.t.Errorf("%s: of %s is told that it is %v, want %s\n%s", when, name, told[name], want, h.lines())
		}
	}
}

// lines are the history as it stands on disk.
func (h *house) lines() string {
	text, _ := os.ReadFile(filepath.Join(h.config.Drop, ".sessionsync", "history.jsonl"))
	return string(text)
}

// changes are what the history tells of an item, as "path old new".
func (h *house) changes() (all []string) {
	h.t.Helper()
	for rec, err := range history.Read(h.config.Drop) {
		must(h.t, err)
		for _, c := range rec.Changes {
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s%s %s%s %s %s", rec.By, rec.File, c.ID, c.Path, c.Old, c.New)))
		}
	}
	return all
}

func TestTheHistoryTellsWhoChangedWhat(t *testing.T) {
	h := newHouse(t)
	h.drop("1.json", `{"id":"P1","status":"Implementing","note":{"by":"Ann"}}`)
	h.drop("2.json", `[{"id":"P1","status":"Complete"},{"id":"P1","title":"A home"}]`)
	h.drop("3.json", `{"id":"P1","note":null}`)
	for i, name := range []string{"1.json", "2.json", "3.json"} {
		h.age(name, time.Hour-time.Duration(i)*time.Minute)
	}
	h.inBubble(func(t *testing.T) {
		if _, err := h.once(nil); err != nil {
			t.Error(err)
		}
	})
	want := []string{
		`1.json P1/status "Planned" "Implementing"`, `1.json P1/note null {"by":"Ann"}`,
		`2.json P1/status "Implementing" "Complete"`, `2.json P1/title "A house" "A home"`, `3.json P1/note {"by":"Ann"} null`,
	}
	if got := h.changes(); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestTheHistoryCanBeTurnedOff(t *testing.T) {
	h, rejects := newSet(t)
	h.config.History.MaxBytes = 0
	h.inBubble(func(*testing.T) { _, _ = h.once(nil) })
	h.isDone("without a history", rejects)
	if _, err := os.Stat(filepath.Join(h.config.Drop, ".sessionsync", "history.jsonl")); err == nil {
		t.Error("there is one")
	}
}

func TestAnUndoneUpdateIsAppliedAgainByTheAgentInTheHistoryToo(t *testing.T) {
	h := newHouse(t)
	h.drop("1.json", `{"id":"P1","status":"Complete"}`)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		complete := func() bool { return strings.Contains(string(read(t, h.config.Tasks)), "Complete") }
		h.within(time.Minute, "applied", complete)
		h.restoreTasks()
		h.within(time.Minute, "applied again", complete)
		time.Sleep(time.Minute)
		a.stop()
	})
	want := []string{`1.json P1/status "Planned" "Complete"`, `agentreassert-000001.json P1/status "Planned" "Complete"`}
	if got := h.changes(); !slices.Equal(got, want) {
		t.Errorf("got\n%s\n%s", strings.Join(got, "\n"), h.lines())
	}
	h.hasBooks("applied again", nil)
}

func TestWhatWaitsForItsItemIsSeenOnce(t *testing.T) {
	h := newHouse(t)
	h.config.Document.UnknownIDGrace = 10 * time.Second
	h.drop("1.json", `{"id":"P7","status":"Complete"}`)
	h.drop("2.json", `{"id":"P8","status":"Complete"}`)
	h.drop("3.json", `{"id":"P1","status":"Complete"}`)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		time.Sleep(3 * time.Second)
		r, err := books.Check(t.Context(), books.Config{Drop: h.config.Drop, Recovery: h.config.Recovery})
		must(t, err)
		if !r.Balanced() || r.Seen != 3 || r.Claimed != 2 || r.Applied != 1 {
			t.Errorf("while two wait: %+v\n%s", r, h.lines())
		}
		h.drop("4.json", `{"id":"P7","type":"Phase","title":"x","status":"Planned","$op":"create"}`)
		time.Sleep(20 * time.Second)
		a.stop()
	})
	h.hasBooks("at the end", map[string]string{"2.json": "unknown_id"})
}

func TestTheBooksBalanceWhileTheAgentHolds(t *testing.T) {
	h := newHouse(t)
	h.appends("1.json", "2.json")
	disk := h.fullAt(forever)
	h.inBubble(func(t *testing.T) {
		a := h.start(disk.hook)
		h.within(time.Minute, "held", func() bool { return h.log.count("held:") > 0 })
		h.appends("3.json")
		time.Sleep(10 * time.Minute)
		r, err := books.Check(t.Context(), books.Config{Drop: h.config.Drop, Recovery: h.config.Recovery})
		must(t, err)
		if !r.Balanced() || r.Seen != 3 || r.Waiting != 3 || r.Recovered != 2 || r.Dropped != 1 {
			t.Errorf("held: %+v\n%s", r, h.lines())
		}
		if n := strings.Count(h.lines(), "\n"); n > 10 {
			t.Errorf("%d lines of history while nothing happens:\n%s", n, h.lines())
		}
		disk.set(nil)
		h.within(time.Minute, "applied", h.hasApplied("1.json", "2.json", "3.json"))
		time.Sleep(time.Second)
		a.stop()
	})
	h.hasBooks("at the end", nil)
}
