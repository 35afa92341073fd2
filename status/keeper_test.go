package status

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/spool"
)

// house is a session in a folder of its own.
type house struct {
	t      *testing.T
	config config.Config
	log    *journal
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

const tasks = `{"backlog":[
  {"id":"P1","type":"Phase","title":"House","status":"Implementing","milestones":[
    {"id":"P1.M1","status":"Planned"},{"id":"P1.M2","status":"Complete"}]},
  {"id":"P2","type":"Phase","title":"Garden","status":"Planned"}]}
`

func newHouse(t *testing.T) *house {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync")
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(folder)) })
	c := config.Default()
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery")
	c.Watch.Mode = "poll" // fsnotify cannot live in a synctest bubble
	h := &house{t, c, &journal{}}
	must(t, os.Mkdir(c.Drop, 0o755))
	must(t, os.WriteFile(c.Tasks, []byte(tasks), 0o644))
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) logger() *slog.Logger { return slog.New(slog.NewTextHandler(h.log, nil)) }

func (h *house) drop(name, text string) {
	h.t.Helper()
	must(h.t, os.WriteFile(filepath.Join(h.config.Drop, name), []byte(text), 0o644))
}

func (h *house) own(name string) string { return filepath.Join(h.config.Drop, spool.Folder, name) }

// state reads the state file as somebody else would; nil where there is none.
func (h *house) state() *State {
	h.t.Helper()
	text, err := os.ReadFile(h.own("state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	must(h.t, err)
	s := &State{}
	must(h.t, json.Unmarshal(text, s))
	return s
}

func (h *house) looker() *Looker {
	return NewLooker(Config{Drop: h.config.Drop, Tasks: h.config.Tasks, Recovery: h.config.Recovery, Layout: document.Backlog})
}

// run runs a real agent, and returns what stops it.
func (h *house) run(ctx context.Context, once bool) (stop func() error) {
	h.t.Helper()
	k := NewKeeper(h.config.Drop, h.logger())
	a, err := agent.New(h.config, agent.Options{Once: once, Trace: agent.JoinTraces(k.Trace())})
	must(h.t, err)
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		ended <- k.Around(func() error { _, err := a.Run(ctx); return err })
	}()
	return func() error {
		if !once {
			cancel()
		}
		err := <-ended
		cancel()
		return err
	}
}

// within waits for something that a goroutine does; in a bubble the waiting is not real.
func (h *house) within(limit time.Duration, what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("after %v still not: %s; the state is %+v\n%s", limit, what, h.state(), h.log)
		}
	}
}

// inBubble runs f in fake time; the house is the inner test's meanwhile.
func (h *house) inBubble(f func(t *testing.T)) {
	outside := h.t
	defer func() { h.t = outside }()
	synctest.Test(outside, func(t *testing.T) {
		h.t = t
		f(t)
	})
}

func TestARunningAgentLeavesItsState(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		stop := h.run(t.Context(), false)
		h.within(time.Minute, "a state", func() bool { return h.state() != nil })
		first := h.state()
		if first.PID != os.Getpid() || first.Since.IsZero() || first.LastCommit != nil || first.Held != nil || !first.Ended.IsZero() || first.Counters.Rejected == nil {
			t.Errorf("at the start: %+v", first)
		}
		if info, err := os.Stat(h.own("state.json")); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("mode %v (%v)", info.Mode(), err)
		}
		h.drop("a.json", `[{"id":"P1.M1","status":"Complete"},{"id":"P1.M2","status":"Complete"}]`)
		h.drop("b.json", `{"id":"P9"}`)
		h.within(time.Minute, "a commit", func() bool { return h.state().Counters.Commits == 1 && h.state().Counters.RejectedInAll() == 1 })
		s := h.state()
		if c := s.Counters; c.Applied != 1 || c.Unchanged != 1 || c.Fragments != 1 || c.Rejected["unknown_id"] != 1 {
			t.Errorf("counted %+v", c)
		}
		if c := s.LastCommit; c == nil || c.Fragments != 1 || c.Updates != 1 || c.Bytes == 0 || c.Batch == "" || c.Time.IsZero() {
			t.Errorf("last commit %+v", c)
		}
		must(t, os.Rename(h.config.Tasks, h.config.Tasks+".away"))
		h.drop("c.json", `{"id":"P2","status":"Complete"}`)
		h.within(time.Minute, "a hold", func() bool { return h.state().Held != nil })
		if held := h.state().Held; !strings.Contains(held.Why, "create it") || held.Since.IsZero() {
			t.Errorf("held %+v", held)
		}
		must(t, os.Rename(h.config.Tasks+".away", h.config.Tasks))
		h.within(time.Minute, "the end of the hold", func() bool { return h.state().Held == nil && h.state().Counters.Commits == 2 })
		must(t, stop())
		if s := h.state(); s.Ended.IsZero() || s.Counters.Commits != 2 {
			t.Errorf("at the end: %+v", s)
		}
		if left, err := filepath.Glob(h.own(".state*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v (%v)", left, err)
		}
	})
}

func TestTheNextRunKeepsTheLastCommitAndCountsAnew(t *testing.T) {
	h := newHouse(t)
	h.drop("a.json", `{"id":"P1.M1","status":"Complete"}`)
	must(t, h.run(t.Context(), true)())
	before := h.state()
	left := h.own(".state.json123456789012345678") // by a kill in the middle of a replacement
	must(t, os.WriteFile(left, nil, 0o600))
	must(t, h.run(t.Context(), true)())
	s := h.state()
	if before.LastCommit == nil || s.LastCommit == nil || *s.LastCommit != *before.LastCommit || s.Counters.Commits != 0 {
		t.Errorf("before %+v, now %+v", before, s)
	}
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary file is still there (%v)", err)
	}
}

func TestARunThatEndsHeldSaysWhy(t *testing.T) {
	h := newHouse(t)
	must(t, os.Remove(h.config.Tasks))
	h.drop("a.json", `{"id":"P1"}`)
	var held *agent.HeldError
	if err := h.run(t.Context(), true)(); !errors.As(err, &held) {
		t.Fatal(err)
	}
	if s := h.state(); s.Held == nil || s.Ended.IsZero() || !strings.Contains(s.Held.Why, "no such file") {
		t.Errorf("%+v", s)
	}
	if r := h.looker().Look(); r.Agent.Holds() || r.Agent.Held == nil {
		t.Errorf("%+v", r.Agent)
	}
}

// keeping runs f while a Keeper is at work for an agent that this test plays, with the lock of the drop directory.
func (h *house) keeping(f func(agent.Trace)) {
	h.t.Helper()
	s, err := spool.Open(spool.Config{Drop: h.config.Drop})
	must(h.t, err)
	k := NewKeeper(h.config.Drop, h.logger())
	must(h.t, k.Around(func() error {
		f(k.Trace())
		return s.Close()
	}))
}

func TestTheStateIsWrittenOnceASecondAndNotWhileNothingHappens(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.keeping(func(trace agent.Trace) {
			trace.Serving("")
			synctest.Wait()
			seen := map[time.Time]bool{h.state().Updated: true}
			for i := range 1000 { // ten seconds
				trace.Rejected(agent.Rejection{Code: "x", Fragments: 1})
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
				seen[h.state().Updated] = true
				if i == 500 && h.state().Counters.Rejected["x"] < 300 {
					t.Errorf("after five seconds: %+v", h.state())
				}
			}
			if len(seen) < 9 || len(seen) > 12 {
				t.Errorf("%d states in ten seconds", len(seen))
			}
			time.Sleep(2 * time.Second)
			if s := h.state(); s.Counters.Rejected["x"] != 1000 {
				t.Errorf("the last one is missing: %+v", s)
			}
			last := h.state().Updated
			must(t, os.Remove(h.own("state.json")))
			time.Sleep(time.Hour)
			if s := h.state(); s != nil {
				t.Errorf("written although nothing has happened since %v: %+v", last, s)
			}
		})
	})
}

func TestWhatIsAppliedAgainIsNotCountedTwice(t *testing.T) {
	h := newHouse(t)
	h.keeping(func(trace agent.Trace) {
		trace.Serving("")
		trace.Committed(agent.Commit{Batch: "1", Written: true, Fragments: 1, Updates: 1})
		trace.Reasserted(1)
		trace.ForeignWrites(2)
		trace.Committed(agent.Commit{Batch: "2", Written: true, Own: true, Fragments: 1, Updates: 1})
		trace.Committed(agent.Commit{Batch: "3", Fragments: 1, Unchanged: 4})
		trace.Held(errors.New("one reason"))
		trace.Held(errors.New("another"))
	})
	s := h.state()
	if c := s.Counters; c.Applied != 1 || c.Commits != 1 || c.Fragments != 2 || c.Unchanged != 4 || c.Reasserted != 1 || c.ForeignWrites != 2 || s.LastCommit.Batch != "1" {
		t.Errorf("%+v", s)
	}
}

func TestTheStateOfAnotherAgentIsLeftAlone(t *testing.T) {
	h := newHouse(t)
	other, err := spool.Open(spool.Config{Drop: h.config.Drop})
	must(t, err)
	theirs := []byte(`{"version":1,"pid":1,"host":"elsewhere"}`)
	must(t, os.WriteFile(h.own("state.json"), theirs, 0o600))
	if err := h.run(t.Context(), true)(); err == nil {
		t.Error("two agents at once")
	}
	if text, err := os.ReadFile(h.own("state.json")); err != nil || !bytes.Equal(text, theirs) {
		t.Errorf("%s (%v)", text, err)
	}
	must(t, other.Close())

	// The same where the other one begins in the moment in which this one ends.
	s, err := spool.Open(spool.Config{Drop: h.config.Drop})
	must(t, err)
	k := NewKeeper(h.config.Drop, h.logger())
	must(t, k.Around(func() error {
		k.Trace().Serving("")
		h.within(time.Minute, "a state", func() bool { return h.state().PID == os.Getpid() })
		must(t, s.Close())
		other, err = spool.Open(spool.Config{Drop: h.config.Drop})
		must(t, err)
		must(t, os.WriteFile(h.own("lock"), []byte(`{"pid":1,"host":"elsewhere","since":"2026-11-26T10:00:00Z"}`), 0o600))
		must(t, os.WriteFile(h.own("state.json"), theirs, 0o600))
		return nil
	}))
	if text, err := os.ReadFile(h.own("state.json")); err != nil || !bytes.Equal(text, theirs) {
		t.Errorf("%s (%v)", text, err)
	}
	must(t, other.Close())
}

func TestADropDirectoryThatIsReplacedGetsAStateToo(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		stop := h.run(t.Context(), false)
		h.within(time.Minute, "a state", func() bool { return h.state() != nil })
		must(t, os.Rename(h.config.Drop, h.config.Drop+".old"))
		must(t, os.Mkdir(h.config.Drop, 0o755))
		h.drop("a.json", `{"id":"P1.M1","status":"Complete"}`)
		h.within(time.Minute, "a state in the new one", func() bool { s := h.state(); return s != nil && s.Counters.Commits == 1 })
		if r := h.looker().Look(); r.Agent.Counters == nil || !r.Agent.Running {
			t.Errorf("%+v", r.Agent)
		}
		must(t, stop())
	})
}

func TestAStateThatCannotBeWrittenStopsNothingAndIsSaidOnce(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		must(t, os.MkdirAll(h.own("state.json/in the way"), 0o700))
		stop := h.run(t.Context(), false)
		for _, name := range []string{"a.json", "b.json"} {
			h.drop(name, `{"id":"P1.M1","by":"`+name+`"}`)
			h.within(time.Minute, name+" to be applied", func() bool {
				text, err := os.ReadFile(h.config.Tasks)
				return err == nil && strings.Contains(string(text), name)
			})
			time.Sleep(2 * time.Second)
		}
		must(t, stop())
		if n := strings.Count(h.log.String(), "state file cannot be written"); n != 1 {
			t.Errorf("said %d times:\n%s", n, h.log)
		}
		if left, err := filepath.Glob(h.own(".state*")); err != nil || len(left) > 0 {
			t.Errorf("left: %v (%v)", left, err)
		}
		if r := h.looker().Look(); r.Agent.Problem == "" {
			t.Errorf("%+v", r.Agent)
		}
	})
}
