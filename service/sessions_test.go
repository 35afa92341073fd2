package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
)

// twoSessions are web, with one fragment that waits, and api, whose drop directory somebody else serves if taken.
func twoSessions(t *testing.T) config.Config {
	t.Helper()
	t.Setenv("NOTIFY_SOCKET", "")
	c := config.Default()
	c.Listen = "127.0.0.1:0"
	folder := t.TempDir()
	for _, name := range []string{"web", "api"} {
		must(t, os.MkdirAll(filepath.Join(folder, name, "drop"), 0o755))
		tasks := filepath.Join(folder, name, "tasks.json")
		must(t, os.WriteFile(tasks, []byte(`{"backlog":[{"type":"Phase","id":"P1","title":"One","status":"Planned"}]}`), 0o644))
		must(t, os.WriteFile(filepath.Join(folder, name, "drop", "a.json"), []byte(`{"id":"P1","status":"Complete"}`), 0o644))
		c.Sessions = append(c.Sessions, config.Session{Tasks: tasks})
	}
	return c
}

func TestSessionsAreNamedInHealthAndMetricsAndOneInTroubleStopsNoOther(t *testing.T) {
	c := twoSessions(t)
	api, err := c.One("api")
	must(t, err)
	taken := start(t, func() config.Config { api.Listen = "127.0.0.1:0"; return api }()) // by another agent
	taken.answers("/readyz", 200, "ready")

	r := start(t, c)
	r.answers("/metrics", 200, `sessionsync_applied_fragments_total{session="web"} 1`)
	r.answers("/readyz", 503, "api: not served, tried again: drop directory ")
	r.answers("/livez", 200, "alive")
	r.answers("/metrics", 200, `sessionsync_serving{session="api"} 0`)
	r.answers("/metrics", 200, `sessionsync_serving{session="web"} 1`)

	taken.stop()
	r.answers("/readyz", 200, "ready")
	r.answers("/metrics", 200, `sessionsync_serving{session="api"} 1`)
	r.stop()
	if r.report.Fragments != 1 { // the other one was applied by the agent that was there before
		t.Errorf("report %+v", r.report)
	}
}

func TestEachSessionIsHandledOnceAndTheTroubleOfOneIsReported(t *testing.T) {
	c := twoSessions(t)
	must(t, os.Remove(c.Sessions[1].Tasks))
	s, err := New(c, Options{Once: true})
	must(t, err)
	report, err := s.Run(t.Context())
	var held *agent.HeldError
	if !errors.As(err, &held) || !strings.Contains(err.Error(), "api") || report.Fragments != 1 {
		t.Errorf("report %+v, error %v", report, err)
	}
}

func TestASessionThatIsLeftOutIsNotReady(t *testing.T) {
	c := twoSessions(t)
	folder := filepath.Dir(filepath.Dir(c.Sessions[0].Tasks))
	must(t, os.MkdirAll(filepath.Join(folder, "more", "web"), 0o755))
	must(t, os.WriteFile(filepath.Join(folder, "more", "web", "tasks.json"), []byte("{}"), 0o644))
	c.Sessions = append(c.Sessions, config.Session{Glob: filepath.Join(folder, "more", "*", "tasks.json")})
	c.Watch.Rescan = 50 * time.Millisecond
	r := start(t, c)
	r.answers("/readyz", 503, `not served: session "web" of `)
	r.answers("/readyz", 503, "give each its own")
	must(t, os.RemoveAll(filepath.Join(folder, "more")))
	r.answers("/readyz", 200, "ready")
	r.stop()
}

func TestTheCountsOfASessionOutliveItsRunsAndNotItself(t *testing.T) {
	s, err := New(config.Default(), Options{})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	first, forgetFirst, err := s.counts(ctx, "a", config.Config{Session: "a", Drop: "drop"}, s.health.Add("a"))
	must(t, err)
	again, _, err := s.counts(ctx, "a", config.Config{Session: "a", Drop: "drop"}, s.health.Add("a"))
	must(t, err)
	if again != first {
		t.Error("a second run begins to count anew")
	}
	cancel() // and before what that starts has run, another one of its name comes
	state := s.health.Add("a")
	second, _, err := s.counts(t.Context(), "a", config.Config{Session: "a", Drop: "other"}, state)
	must(t, err)
	forgetFirst()
	if second == first || s.counted["a"] == nil || s.counted["a"].Session != second {
		t.Error("the second one is not counted")
	}
	if reasons := s.health.Reasons(); len(reasons) != 1 { // it is starting
		t.Errorf("health says %q", reasons)
	}
}

func TestWhyASessionCannotEvenBegin(t *testing.T) {
	c := twoSessions(t)
	one, err := c.One("web")
	must(t, err)
	s, err := New(c, Options{})
	must(t, err)
	one.Document.Schema = filepath.Join(t.TempDir(), "gone.json")
	if err := s.session(t.Context(), one); err == nil {
		t.Fatal("no error")
	}
	if reasons := s.health.Reasons(); len(reasons) != 1 || !strings.Contains(reasons[0], "gone.json") {
		t.Errorf("health says %q", reasons)
	}
}
