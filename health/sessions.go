package health

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sessionsync/sessionsync/logging"
)

// Sessions are those of one process.
type Sessions struct {
	changed chan struct{}

	mu      sync.Mutex
	all     []*Session
	leftOut error // nil: each session that there should be is among all
}

// New returns none yet.
func New() *Sessions { return &Sessions{changed: make(chan struct{}, 1)} }

// Add takes up a session, in the place of one of the same name that has not begun or is down. Its name is said where there is
// more than one.
func (s *Sessions) Add(name string) *Session {
	session := &Session{name: name, changed: s.stir}
	s.mu.Lock()
	s.all = append(slices.DeleteFunc(s.all, func(one *Session) bool { return one.name == name && !one.serves() }), session)
	s.mu.Unlock()
	s.stir()
	return session
}

// Remove forgets a session that has ended.
func (s *Sessions) Remove(session *Session) {
	s.mu.Lock()
	s.all = slices.DeleteFunc(s.all, func(one *Session) bool { return one == session })
	s.mu.Unlock()
	s.stir()
}

// LeftOut says why sessions that there should be are none of these; nil: there are no such.
func (s *Sessions) LeftOut(cause error) {
	s.mu.Lock()
	s.leftOut = cause
	s.mu.Unlock()
	s.stir()
}

// Changed receives once or more after something has changed. There is one channel, for one receiver.
func (s *Sessions) Changed() <-chan struct{} { return s.changed }

func (s *Sessions) stir() {
	select {
	case s.changed <- struct{}{}:
	default: // it is known already
	}
}

func (s *Sessions) list() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// Begun reports whether a session's agent has begun; of several sessions, that of one of them, because one that cannot, or is
// stuck, is no reason to call the start of the others failed. Where there are no sessions at the moment there is nothing to wait for.
func (s *Sessions) Begun() bool {
	all := s.list()
	return len(all) == 0 || slices.ContainsFunc(all, func(one *Session) bool { return one.begun() })
}

// Reasons says why not every session is ready, a line each; none: they are.
func (s *Sessions) Reasons() (lines []string) {
	all := s.list()
	for _, one := range all {
		for _, line := range one.reasons() {
			lines = append(lines, called(one, len(all), line))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leftOut != nil {
		for _, line := range strings.Split(s.leftOut.Error(), "\n") {
			lines = append(lines, "not served: "+logging.Printable(line))
		}
	}
	return lines
}

// Alive returns nil when every stage of a session's agent has answered; of several sessions, of one of them: where some are
// stuck, as on a file system that does not answer, a restart would help none of them and stop the others. Ready names those.
func (s *Sessions) Alive(ctx context.Context) error {
	all := s.list()
	errs := ask(ctx, all)
	if len(all) == 0 || slices.Contains(errs, nil) {
		return nil
	}
	if len(all) == 1 {
		return errs[0]
	}
	return fmt.Errorf("none of %d sessions answers; session %s: %w", len(all), logging.Printable(all[0].name), errs[0])
}

// ask asks sessions, all at the same time, whether they are alive.
func ask(ctx context.Context, all []*Session) []error {
	errs := make([]error, len(all))
	var asked sync.WaitGroup
	for i, one := range all {
		asked.Go(func() { errs[i] = one.ask(ctx) })
	}
	asked.Wait()
	return errs
}

// silent says which sessions do not answer until ctx is done, a line each. All are asked at the same time.
func (s *Sessions) silent(ctx context.Context) (lines []string) {
	all := s.list()
	errs := ask(ctx, all)
	for i, one := range all {
		if errs[i] != nil {
			line := "does not answer: " + logging.Printable(errs[i].Error()) + "; see whether its file systems answer, then restart the agent"
			lines = append(lines, called(one, len(all), line))
		}
	}
	return lines
}

// statusLimit is about what a line of systemctl status shows.
const statusLimit = 400

// Status is one line about everything.
func (s *Sessions) Status() string {
	all, reasons := s.list(), s.Reasons()
	var line string
	switch {
	case len(all) == 1 && len(reasons) > 0:
		line = strings.Join(reasons, "; ") + "; " + all[0].work()
	case len(all) == 1:
		line = "serving; " + all[0].work()
	case len(reasons) > 0:
		line = fmt.Sprintf("serving %s; %s", count(len(all), "session", "sessions"), strings.Join(reasons, "; "))
	default:
		line = "serving " + count(len(all), "session", "sessions")
	}
	if len(line) > statusLimit {
		line = strings.ToValidUTF8(line[:statusLimit], "") + "…"
	}
	return line
}

// called is a line about one of n sessions.
func called(one *Session, n int, line string) string {
	if n == 1 {
		return line
	}
	return logging.Printable(one.name) + ": " + line
}
