package health

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/watcher"
)

// Session is how one session does.
type Session struct {
	name    string
	changed func() // told after each change, without the lock

	mu        sync.Mutex
	alive     func(context.Context) error
	began     bool
	down      error // the agent has ended, and why; nil: it runs, or is about to
	held      error // nil: it does not hold
	missing   error // nil: the drop directory is there
	deaf      error // nil: events are heard, or not wanted
	batches   int
	fragments int
	rejected  int
	last      time.Time // when a batch was last merged
}

// Trace is what the agent of the session is to call.
func (s *Session) Trace() agent.Trace {
	return agent.Trace{
		Began:   func() { s.change(func() { s.began = true }) },
		Held:    func(cause error) { s.change(func() { s.held = cause }) },
		Resumed: func() { s.change(func() { s.held = nil }) },
		Committed: func(c agent.Commit) {
			if c.Fragments == 0 || c.Own {
				return
			}
			s.change(func() { s.batches, s.fragments, s.last = s.batches+1, s.fragments+c.Fragments, time.Now() })
		},
		Rejected: func(r agent.Rejection) { s.change(func() { s.rejected += r.Fragments }) },
		Watcher: watcher.Trace{
			Missing: func(cause error) { s.change(func() { s.missing = cause }) },
			Deaf:    func(cause error) { s.change(func() { s.deaf = cause }) },
		},
	}
}

// Ask says how the session's agent is asked whether it is alive. Until then it counts as alive.
func (s *Session) Ask(alive func(context.Context) error) {
	s.change(func() { s.alive = alive })
}

// Down says that the session's agent has ended although it should not have. It is tried again, as a session of its own to
// this package; see Sessions.Add.
func (s *Session) Down(cause error) {
	s.change(func() { s.alive, s.down = nil, cause })
}

func (s *Session) change(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	s.changed()
}

// reasons says why the session is not ready, a line each; none: it is.
func (s *Session) reasons() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return []string{logging.Printable("not served, tried again: " + s.down.Error())}
	}
	if !s.began {
		lines = append(lines, "starting: the agent has not begun yet")
	}
	if s.held != nil {
		lines = append(lines, "held: "+s.held.Error())
	}
	if s.missing != nil {
		lines = append(lines, "no drop directory: "+s.missing.Error())
	}
	if s.deaf != nil {
		lines = append(lines, "deaf: no file system events, looking every second instead: "+s.deaf.Error())
	}
	for i, line := range lines {
		lines[i] = logging.Printable(line)
	}
	return lines
}

// work says what the session has done.
func (s *Session) work() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := "nothing merged yet"
	if s.batches > 0 {
		text = fmt.Sprintf("%s merged in %s, the last at %s", count(s.fragments, "fragment", "fragments"),
			count(s.batches, "batch", "batches"), s.last.UTC().Format(time.RFC3339))
	}
	if s.rejected > 0 {
		text += fmt.Sprintf(", %d rejected", s.rejected)
	}
	return text
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// serves reports whether the session's agent has begun and not ended.
func (s *Session) serves() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.began && s.down == nil
}

func (s *Session) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.began || s.down != nil // which is no reason to call the start of the others failed
}

func (s *Session) ask(ctx context.Context) error {
	s.mu.Lock()
	alive := s.alive
	s.mu.Unlock()
	if alive == nil {
		return nil
	}
	return alive(ctx)
}
