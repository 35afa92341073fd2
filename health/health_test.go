package health

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/agent"
)

func TestASessionIsReadyOrSaysWhyNot(t *testing.T) {
	sessions := New()
	s := sessions.Add("plan")
	trace := s.Trace()
	for _, c := range []struct {
		what   string
		happen func()
		want   []string
	}{
		{"nothing yet", func() {}, []string{"starting: the agent has not begun yet"}},
		{"begun", trace.Began, nil},
		{"held", func() { trace.Held(errors.New("tasks.json: read-only; mount it writable")) },
			[]string{"held: tasks.json: read-only; mount it writable"}},
		{"for another cause", func() { trace.Held(errors.New("disk full")) }, []string{"held: disk full"}},
		{"deaf and missing as well", func() {
			trace.Watcher.Deaf(errors.New("too many open files; raise it"))
			trace.Watcher.Missing(errors.New("drop: no such file; make it"))
		}, []string{"held: disk full", "no drop directory: drop: no such file; make it",
			"deaf: no file system events, looking every second instead: too many open files; raise it"}},
		{"a hostile name", func() { trace.Held(errors.New("a\nready\x1b[2J")) }, []string{`held: a\nready\x1b[2J`,
			"no drop directory: drop: no such file; make it",
			"deaf: no file system events, looking every second instead: too many open files; raise it"}},
		{"all is over", func() { trace.Resumed(); trace.Watcher.Deaf(nil); trace.Watcher.Missing(nil) }, nil},
	} {
		c.happen()
		if got := sessions.Reasons(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.what, got, c.want)
		}
		code, body := 200, "ready\n"
		if c.want != nil {
			code, body = 503, strings.Join(c.want, "\n")+"\n"
		}
		w := httptest.NewRecorder()
		sessions.Ready(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != code || w.Body.String() != body {
			t.Errorf("%s: answered %d %q", c.what, w.Code, w.Body)
		}
	}
}

func TestTheStatusIsOneLineOfWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := New()
		trace := sessions.Add("plan").Trace()
		says := func(want string) {
			t.Helper()
			if got := sessions.Status(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		says("starting: the agent has not begun yet; nothing merged yet")
		trace.Began()
		says("serving; nothing merged yet")
		trace.Committed(agent.Commit{Fragments: 1})
		says("serving; 1 fragment merged in 1 batch, the last at 2000-01-01T00:00:00Z")
		time.Sleep(time.Hour)
		trace.Committed(agent.Commit{Fragments: 2})
		trace.Committed(agent.Commit{Fragments: 2, Own: true})
		trace.Committed(agent.Commit{})
		trace.Rejected(agent.Rejection{Code: "unknown_id", Fragments: 4})
		says("serving; 3 fragments merged in 2 batches, the last at 2000-01-01T01:00:00Z, 4 rejected")
		trace.Held(errors.New("full"))
		says("held: full; 3 fragments merged in 2 batches, the last at 2000-01-01T01:00:00Z, 4 rejected")
		trace.Held(errors.New(strings.Repeat("ü", 500)))
		if got := sessions.Status(); len(got) > statusLimit+4 || !strings.HasSuffix(got, "ü…") {
			t.Errorf("long: %q", got)
		}
		trace.Resumed()
		other := sessions.Add("other\n")
		says(`serving 2 sessions; other\n: starting: the agent has not begun yet`)
		other.Trace().Began()
		says("serving 2 sessions")
		sessions.Remove(other)
		says("serving; 3 fragments merged in 2 batches, the last at 2000-01-01T01:00:00Z, 4 rejected")
	})
}

func TestSessionsHaveBegunWhenOneHas(t *testing.T) {
	sessions := New()
	if !sessions.Begun() {
		t.Error("none there are, and they are waited for")
	}
	sessions.Add("stuck")
	b := sessions.Add("b")
	if sessions.Begun() {
		t.Error("begun too early")
	}
	b.Trace().Began()
	if !sessions.Begun() {
		t.Error("not begun, because one is stuck")
	}
}

func TestEveryChangeIsHeardOfByOneReceiver(t *testing.T) {
	sessions := New()
	trace := sessions.Add("plan").Trace()
	for range 3 {
		<-sessions.Changed()
		trace.Began()
		trace.Rejected(agent.Rejection{Fragments: 1}) // is not waited for
	}
	<-sessions.Changed()
	select {
	case <-sessions.Changed():
		t.Error("changed once more")
	default:
	}
}

func TestASessionThatDoesNotAnswerIsNamedAndNotWaitedForWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := New()
		s := sessions.Add("plan")
		ask := func() (int, string) {
			w := httptest.NewRecorder()
			sessions.Live(w, httptest.NewRequest("GET", "/livez", nil))
			return w.Code, w.Body.String()
		}
		if code, body := ask(); code != 200 || body != "alive\n" {
			t.Errorf("without an agent: %d %q", code, body)
		}
		s.Ask(func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("the watcher: %w", ctx.Err()) })
		start := time.Now()
		if code, body := ask(); code != 503 || body != "the watcher: context deadline exceeded\n" || time.Since(start) != answerWithin {
			t.Errorf("stuck: %d %q after %v", code, body, time.Since(start))
		}
		other := sessions.Add("other")
		if code, body := ask(); code != 200 || body != "alive\n" {
			t.Errorf("one of two is stuck: %d %q", code, body)
		}
		other.Ask(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if code, body := ask(); code != 503 || body != "none of 2 sessions answers; session plan: the watcher: context deadline exceeded\n" {
			t.Errorf("both are stuck: %d %q", code, body)
		}
	})
}

func TestManyMayCallAtOnce(t *testing.T) {
	sessions := New()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			s := sessions.Add(fmt.Sprint(i))
			trace := s.Trace()
			for range 200 {
				trace.Began()
				trace.Held(errors.New("x"))
				trace.Committed(agent.Commit{Fragments: 1})
				sessions.Status()
				trace.Resumed()
				sessions.Begun()
			}
			sessions.Remove(s)
		})
	}
	all.Wait()
	if got := sessions.Status(); got != "serving 0 sessions" {
		t.Error(got)
	}
}

func TestASessionThatDoesNotAnswerIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New()
		for _, name := range []string{"web", "api", "old"} {
			one := s.Add(name)
			one.Trace().Began()
			if name != "api" {
				one.Ask(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
			}
		}
		begin, answer := time.Now(), httptest.NewRecorder()
		s.Ready(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		body := answer.Body.String()
		if answer.Code != 503 || !strings.HasPrefix(body, "web: does not answer: ") || !strings.Contains(body, "\nold: does not answer: ") || strings.Contains(body, "api") {
			t.Errorf("%d %s", answer.Code, body)
		}
		if took := time.Since(begin); took != answerWithin {
			t.Errorf("took %v", took)
		}
	})
}
