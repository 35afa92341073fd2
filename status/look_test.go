package status

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/spool"
)

// does lists what the advice of a report says to do.
func does(r Report) (all []string) {
	for _, a := range r.Next {
		all = append(all, a.Do)
	}
	return all
}

func TestALookWithoutAnAgentSeesAllButWhatOnlyAnAgentKnows(t *testing.T) {
	h := newHouse(t)
	h.drop("a.json", `{"id":"P1"}`)
	h.drop("b.json", `{"id":"P1"}`)
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(filepath.Join(h.config.Drop, "b.json"), old, old))
	r := h.looker().Look()
	if r.Drop.Waiting.Fragments != 2 || !r.Drop.Waiting.Oldest.Equal(old) || r.Drop.Claimed.Fragments != 0 || r.Drop.Problem != "" {
		t.Errorf("drop: %+v", r.Drop)
	}
	if !reflect.DeepEqual(r.Agent, Agent{}) {
		t.Errorf("agent: %+v", r.Agent)
	}
	wantStatuses := []Count{{"Implementing", 1}, {"Planned", 2}, {"Complete", 1}}
	wantGroups := []Group{
		{"P1", "House", 2, []Count{{"Planned", 1}, {"Complete", 1}}},
		{"P2", "Garden", 1, []Count{{"Planned", 1}}},
	}
	if !r.Tasks.Valid || r.Tasks.Items != 4 || !slices.Equal(r.Tasks.Statuses, wantStatuses) || !reflect.DeepEqual(r.Tasks.Groups, wantGroups) {
		t.Errorf("tasks: %+v", r.Tasks)
	}
	if got := does(r); len(got) != 1 || got[0] != "sessionsync run" || !strings.Contains(r.Next[0].Problem, "2 fragments wait") {
		t.Errorf("advice: %+v", r.Next)
	}
	if entries, err := os.ReadDir(h.config.Drop); err != nil || len(entries) != 2 {
		t.Errorf("the look has left something: %v (%v)", entries, err)
	}
}

func TestALookAtARunningAgentTellsWhoItIs(t *testing.T) {
	h := newHouse(t)
	stop := h.run(t.Context(), false)
	l := h.looker()
	h.within(time.Minute, "it to be seen", func() bool { r := l.Look(); return r.Agent.Running && r.Agent.Counters != nil })
	h.drop("bad.json", `{"id":"P9"}`)
	var r Report
	h.within(time.Minute, "the reject to be seen", func() bool { r = l.Look(); return r.Recovery.Rejects() == 1 && len(r.Agent.Counters.Rejected) == 1 })
	if r.Agent.PID != os.Getpid() || r.Agent.Host == "" || r.Agent.Since.IsZero() || r.Agent.Holds() {
		t.Errorf("%+v", r.Agent)
	}
	if r.Recovery.Rejected["unknown_id"] != 1 || len(r.Recovery.Newest) != 1 || r.Recovery.Newest[0].File != "bad.json" {
		t.Errorf("%+v", r.Recovery)
	}
	if got := does(r); !slices.Equal(got, []string{"sessionsync recovery list"}) {
		t.Errorf("advice: %v", got)
	}
	must(t, os.Rename(h.config.Tasks, h.config.Tasks+".away"))
	h.drop("c.json", `{"id":"P1"}`)
	h.within(time.Minute, "the hold to be seen", func() bool { r = l.Look(); return r.Agent.Holds() })
	if got := does(r); len(got) != 3 || !strings.Contains(got[0], "goes on by itself") || got[1] != "sessionsync check" {
		t.Errorf("advice: %v", got)
	}
	must(t, stop())
	r = h.looker().Look() // another one: what has just been looked at is not looked at again at once
	if r.Agent.Running || r.Agent.Ended.IsZero() || r.Agent.Counters == nil {
		t.Errorf("at the end: %+v", r.Agent)
	}
}

func TestAStateFileAloneIsNoAgent(t *testing.T) {
	h := newHouse(t)
	killed := State{Version: 1, PID: os.Getpid(), Host: "vm", Since: now(), Updated: now(), Held: &Held{now(), "x"}, LastCommit: &Commit{Batch: "b", Took: Duration(time.Second)}}
	text, err := json.Marshal(killed)
	must(t, err)
	must(t, os.Mkdir(h.own(""), 0o700))
	must(t, os.WriteFile(h.own("state.json"), text, 0o600))
	r := h.looker().Look()
	if r.Agent.Running || r.Agent.Held != nil || r.Agent.LastCommit == nil || *r.Agent.LastCommit != *killed.LastCommit || !r.Agent.Ended.IsZero() {
		t.Errorf("%+v", r.Agent)
	}
	// The agent that holds the lock now has not written yet: what the other one has counted is not its own.
	s, err := spool.Open(spool.Config{Drop: h.config.Drop})
	must(t, err)
	defer s.Close()
	if r := h.looker().Look(); !r.Agent.Running || r.Agent.Counters != nil || r.Agent.Held != nil || r.Agent.LastCommit == nil {
		t.Errorf("%+v", r.Agent)
	}
}

func TestWhatCannotBeSeenIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(h *house)
		said  func(r Report) string
		do    string
	}{
		"there is no drop directory": {
			func(h *house) { must(h.t, os.Remove(h.config.Drop)) },
			func(r Report) string { return fmt.Sprint(r.Drop.Problem, r.Drop.Missing) }, "mkdir -p "},
		"the drop directory is a file": {
			func(h *house) {
				must(h.t, os.Remove(h.config.Drop))
				must(h.t, os.WriteFile(h.config.Drop, nil, 0o644))
			},
			func(r Report) string { return r.Drop.Problem }, "correct the path"},
		"the agent's folder is somebody's link": {
			func(h *house) { must(h.t, os.Symlink("/tmp", h.own(""))) },
			func(r Report) string { return r.Agent.Problem }, "as the agent's user"},
		"the state file is a FIFO or anything else": {
			func(h *house) { must(h.t, os.MkdirAll(h.own("state.json"), 0o700)) },
			func(r Report) string { return r.Agent.Problem }, "sessionsync run"},
		"the state file is garbage": {
			func(h *house) { h.stateIs("{") }, func(r Report) string { return r.Agent.Problem }, "sessionsync run"},
		"the state file is of another version": {
			func(h *house) { h.stateIs(`{"version":7}`) }, func(r Report) string { return r.Agent.Problem }, "sessionsync run"},
		"the state file is huge": {
			func(h *house) { h.stateIs(strings.Repeat(" ", stateMax+1)) }, func(r Report) string { return r.Agent.Problem }, "sessionsync run"},
		"the state file is a link": {
			func(h *house) {
				must(h.t, os.Mkdir(h.own(""), 0o700))
				must(h.t, os.Symlink(h.config.Tasks, h.own("state.json")))
			},
			func(r Report) string { return r.Agent.Problem }, "sessionsync run"},
		"there is no tasks file": {
			func(h *house) { must(h.t, os.Remove(h.config.Tasks)) },
			func(r Report) string { return r.Tasks.Problem }, "sessionsync check"},
		"the tasks file is broken": {
			func(h *house) { must(h.t, os.WriteFile(h.config.Tasks, []byte("{\n x"), 0o644)) },
			func(r Report) string { return r.Tasks.Problem }, "sessionsync check"},
		"the tasks file is a folder": {
			func(h *house) { must(h.t, os.Remove(h.config.Tasks)); must(h.t, os.Mkdir(h.config.Tasks, 0o755)) },
			func(r Report) string { return r.Tasks.Problem }, "sessionsync check"},
		"the recovery folder is a file": {
			func(h *house) { must(h.t, os.WriteFile(h.config.Recovery, nil, 0o644)) },
			func(r Report) string { return r.Recovery.Problem }, "correct the path"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			c.spoil(h)
			r := h.looker().Look()
			if c.said(r) == "" {
				t.Errorf("nothing is said: %+v", r)
			}
			if !slices.ContainsFunc(does(r), func(do string) bool { return strings.Contains(do, c.do) }) {
				t.Errorf("no advice to %q: %v", c.do, does(r))
			}
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
		})
	}
}

func (h *house) stateIs(text string) {
	must(h.t, os.Mkdir(h.own(""), 0o700))
	must(h.t, os.WriteFile(h.own("state.json"), []byte(text), 0o600))
}

func TestAFolderThatThisUserMayNotReadIsSaid(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("root may read everything, and Windows has no such modes")
	}
	h := newHouse(t)
	h.drop("a.json", "{}")
	must(t, os.Mkdir(h.own(""), 0))
	if r := h.looker().Look(); r.Drop.Waiting.Fragments != 1 || !r.Agent.Hidden || r.Agent.Problem == "" {
		t.Errorf("%+v", r)
	}
	must(t, os.Chmod(h.own(""), fs.FileMode(0o700)))
}

func TestAnUnchangedTasksFileIsReadOnce(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		l := h.looker()
		if r := l.Look(); r.Tasks.Items != 4 {
			t.Fatalf("%+v", r.Tasks)
		}
		l.tasks.value.Items = 7 // what is not read again stays
		time.Sleep(time.Hour)
		if r := l.Look(); r.Tasks.Items != 7 {
			t.Errorf("read again: %+v", r.Tasks)
		}
		must(t, os.WriteFile(h.config.Tasks, []byte(`{"backlog":[]}`), 0o644))
		time.Sleep(time.Hour)
		if r := l.Look(); r.Tasks.Items != 0 || !r.Tasks.Valid || len(r.Tasks.Groups) != 0 {
			t.Errorf("not read again: %+v", r.Tasks)
		}
	})
}

func TestWhatTakesLongIsLookedAtLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p part[int]
		start := time.Now()
		for range 1000 {
			p.look(func() (int, error) {
				time.Sleep(time.Second)
				return p.value + 1, nil
			})
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(start); p.value > int(took/time.Second)/patience || p.value < int(took/time.Second)/patience/2 {
			t.Errorf("looked %d times in %v", p.value, took)
		}
	})
}

func TestWhoFollowsHearsOfEachChangeOnce(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		var waiting []int
		stop := fmt.Errorf("enough")
		err := h.looker().Follow(t.Context(), func(r Report) error {
			waiting = append(waiting, r.Drop.Waiting.Fragments)
			switch len(waiting) {
			case 1:
				time.AfterFunc(time.Hour, func() { h.drop("a.json", "{}") })
			case 2:
				return stop
			}
			return nil
		})
		if err != stop || !slices.Equal(waiting, []int{0, 1}) {
			t.Errorf("%v, %v", waiting, err)
		}
	})
}

func TestItemsAreGroupedAsTheLayoutHasThem(t *testing.T) {
	many := strings.Repeat(`{"id":"x","status":"y","k":[{"id":"z"}]},`, mostGroups+5)
	own := document.Layout{ID: "id", Items: "l", Children: []string{"k"}}
	for name, c := range map[string]struct {
		layout  document.Layout
		text    string
		groups  string
		omitted int
	}{
		"scopes": {document.Taskmaster, `{"a":{"tasks":[{"id":1,"status":"done"},{"id":2,"status":"pending"}]},"b":{"tasks":[{"id":1,"status":7}]}}`,
			`[{"id":"a","items":2,"statuses":[{"status":"done","items":1},{"status":"pending","items":1}]},{"id":"b","items":1,"statuses":[{"status":"7","items":1}]}]`, 0},
		"one scope with subtasks": {document.Taskmaster, `{"a":{"tasks":[{"id":1,"title":"T","subtasks":[{"id":1,"status":"done"}]},{"id":2}]}}`,
			`[{"id":"1","title":"T","items":1,"statuses":[{"status":"done","items":1}]},{"id":"2","items":1,"statuses":[{"status":"","items":1}]}]`, 0},
		"a flat list":  {document.Flat, `[{"id":1},{"id":2}]`, `null`, 0},
		"none":         {document.Flat, `[]`, `null`, 0},
		"far too many": {own, `{"l":[` + strings.TrimSuffix(many, ",") + `]}`, ``, 5},
		"a long title": {own, `{"l":[{"id":"x","title":"` + strings.Repeat("t", 1000) + `","k":[{"id":"z","status":null}]}]}`, `[{"id":"x","title":"` + strings.Repeat("t", mostTitle) + `…","items":1,"statuses":[{"status":"","items":1}]}]`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := document.Parse([]byte(c.text), c.layout)
			must(t, err)
			var got Tasks
			measure(d, &got)
			groups, err := json.Marshal(got.Groups)
			must(t, err)
			if got.Items != d.Len() || got.Omitted != c.omitted || c.groups != "" && string(groups) != c.groups {
				t.Errorf("%d items of %d, %d omitted, %s", got.Items, d.Len(), got.Omitted, groups)
			}
		})
	}
}

func TestStatusesOfWhichEachItemHasItsOwnAreOneInTheEnd(t *testing.T) {
	var counted tally
	for i := range 1000 {
		counted.add(fmt.Sprint(i))
	}
	if n := len(counted.counts); n != mostStatuses+1 || counted.counts[n-1].Status != others || counted.counts[n-1].Items != 1000-mostStatuses || counted.items != 1000 {
		t.Errorf("%d statuses, the last one %+v", n, counted.counts[n-1])
	}
}

func TestWordsForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 0: "0s", 59*time.Second + 999*time.Millisecond: "59s", time.Minute: "1m00s", 3*time.Minute + 7*time.Second: "3m07s",
		time.Hour: "1h00m", 47*time.Hour + 59*time.Minute: "47h59m", 48 * time.Hour: "2d", 1000 * time.Hour: "41d",
	} {
		if got := Age(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if wait(1) != "1 fragment waits" || were(1) != "1 fragment was" || were(2000) != "2,000 fragments were" {
		t.Error("numbers")
	}
	if got := MostFirst(map[string]int{"b": 2, "c": 9, "a": 2}); !slices.Equal(got, []string{"c", "a", "b"}) {
		t.Errorf("the most first: %v", got)
	}
}
