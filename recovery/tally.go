package recovery

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// A tally is bounded: a folder of a million entries costs a listing and the newest manifests.
const mostNames = 1 << 20

// Tally is how much is in the recovery folder, and why.
type Tally struct {
	Entries   int
	More      bool           // there are more, which were not counted
	Read      int            // entries whose manifest was read, the newest ones: what follows is about those
	Fragments int            // an entry without one (a version of the tasks file) counts as one
	Codes     map[string]int // fragments by their code, but for the retryable ones
	Retryable map[string]int // fragments that the agent gives back by itself, by the code of the trouble
	Newest    []Reject       // the newest first
}

// Reject is one fragment of the newest entries.
type Reject struct {
	Entry   string
	Time    time.Time
	File    string // its own name, as it was dropped; "" where that is not known
	Code    string
	Message string
}

// Tally counts the entries, reads the manifests of the newest ones, at most so many, and tells of at most so many rejects.
// What is no entry is passed over in silence. It may be called while an agent is at work: it changes nothing, and sees an
// entry whole or not at all. An error is trouble with the disk or a missing permission, and no tally.
func (s *Store) Tally(manifests, rejects int) (Tally, error) {
	t := Tally{Codes: map[string]int{}, Retryable: map[string]int{}}
	dir, err := s.open()
	if gone(err) {
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("count recovery entries: %w", err)
	}
	defer dir.Close()
	var names []string
	err = dir.List(func(e fs.DirEntry) bool {
		switch {
		case !e.IsDir() || strings.HasPrefix(e.Name(), "."):
		case len(names) == mostNames:
			t.More = true
		default:
			names = append(names, e.Name())
		}
		return !t.More
	})
	if err != nil {
		return t, fmt.Errorf("count recovery entries: %w", err)
	}
	t.Entries = len(names)
	slices.Sort(names) // by time, but for those that a person has renamed
	for _, name := range slices.Backward(names) {
		if t.Read == manifests {
			break
		}
		if err := t.count(dir, name, rejects); err != nil {
			return t, fmt.Errorf("count recovery entries: %w", err)
		}
	}
	return t, nil
}

// count adds one entry.
func (t *Tally) count(dir *vfs.Dir, name string, rejects int) error {
	e, err := load(dir, name, false)
	switch {
	case gone(err), err != nil && notAnEntry(err):
		t.Entries--
		return nil
	case err != nil:
		return err
	}
	t.Read++
	if len(e.Fragments) == 0 {
		e.Fragments = []Fragment{{}}
	}
	for _, f := range e.Fragments {
		t.Fragments++
		why := Reason{Code: e.Error.Code, Message: e.Error.Message}
		if f.Error != nil {
			why = *f.Error
		}
		if e.Retryable {
			t.Retryable[why.Code]++
			continue
		}
		t.Codes[why.Code]++
		if len(t.Newest) < rejects {
			t.Newest = append(t.Newest, Reject{Entry: name, Time: e.Timestamp, File: f.shownName(), Code: why.Code,
				Message: why.Message})
		}
	}
	return nil
}

// shownName is a fragment's name for people: the one in the entry, where its own is not known.
func (f Fragment) shownName() string {
	if name := f.OwnName(); name != "" || f.File == "" {
		return name
	}
	return f.stored()
}
