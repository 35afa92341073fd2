package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/sessionsync/sessionsync/books"
	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/logging"
)

// difference shows what the agent has made of tasks.json.
func (s *show) difference(before []byte) error {
	after, err := os.ReadFile(s.cfg.Tasks)
	if err != nil {
		return err
	}
	s.mu.Lock()
	fragments, writes := s.fragments, s.writes
	s.mu.Unlock()
	s.title(fmt.Sprintf("The agent has merged %d of these files into tasks.json, and written that %s. No other byte has changed:",
		fragments, times(writes)))
	s.unified(string(diff.Diff("before", before, "after", after)))
	return nil
}

func times(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return fmt.Sprintf("%d times", n)
}

// the mistake of tests, and what it meant.
var mistaken, meant = []byte("Finished"), []byte("Complete")

// putRight shows the reject, corrects it and has it tried again.
func (s *show) putRight(ctx context.Context) error {
	entries, err := s.desk.Entries("")
	if err != nil {
		return err
	}
	if len(entries) != 1 {
		return fmt.Errorf("%d fragments are in %s, and one was to be expected", len(entries), s.cfg.Recovery)
	}
	entry := entries[0].Name
	view, err := s.desk.Show(entry)
	if err != nil {
		return err
	}
	s.title("One file was wrong. It is in the recovery folder, with the reason, and kept nobody else waiting:")
	s.say("  %s: %s", view.Entry.Error.Code, logging.Printable(view.Entry.Error.Message))
	for _, f := range view.Fragments {
		if f.Place != nil {
			s.say("    %s\n    %s%s", f.Place.Text, strings.Repeat(" ", f.Place.Caret), s.paint("31", "^"))
		}
	}
	s.title(fmt.Sprintf("Write %q where it says %q, and try it again (recovery edit does that with your editor):", meant, mistaken))
	draft, err := s.desk.Draft(entry, "")
	if err != nil {
		return err
	}
	text := bytes.Replace(draft.Text, mistaken, meant, 1)
	if wrong, _ := s.desk.Judge(draft, text); wrong != nil {
		return wrong
	}
	if err := s.desk.Save(ctx, draft, text); err != nil {
		return err
	}
	fates, err := s.desk.Retry(ctx, []string{entry}, desk.Options{Wait: patience})
	if err != nil {
		return err
	}
	for _, f := range fates {
		if f.State != desk.Applied {
			return fmt.Errorf("%s is %s: %s", f.Fragment, f.State, f.Message)
		}
		s.say("  %s  %s", bytes.TrimSpace(text), s.paint("32", string(f.State)))
	}
	return nil
}

// past shows what has become of the item that was mistaken, and of no other.
func (s *show) past() error {
	const id = "P1.M1.T1.S2"
	s.title("The history remembers what became of " + id + ", and by whom:")
	for r, err := range history.Read(s.cfg.Drop) {
		if err != nil {
			return err
		}
		at, by := r.At.Local().Format("15:04:05"), s.droppedBy[r.File]
		if r.Outcome == history.Rejected && r.ID == id {
			s.say("  %s  %s  rejected: %s", at, by, r.Code)
		}
		for _, c := range r.Changes {
			if c.ID == id {
				s.say("  %s  %s  %s: %s → %s", at, by, strings.TrimPrefix(string(c.Path), "/"), c.Old, c.New)
			}
		}
	}
	return nil
}

// balance shows that nothing is lost.
func (s *show) balance(ctx context.Context) error {
	ctx, cancel := limited(ctx)
	defer cancel()
	r, err := books.Check(ctx, books.Config{Drop: s.cfg.Drop, Recovery: s.cfg.Recovery})
	if err != nil {
		return err
	}
	if !r.Balanced() {
		return errors.New("the books do not balance")
	}
	s.title("Nothing is lost. The books balance:")
	s.say("  %d seen = %d applied + %d unchanged + %d rejected + %d waiting", r.Seen, r.Applied, r.Unchanged, r.Rejected, r.Waiting)
	return nil
}
