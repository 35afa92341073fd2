package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Whoever wants a running agent to try recovery entries again leaves a note for each in .sessionsync/retry, an empty file
// with the entry's name, and then touches the bell, by which the agent hears of them. Both are hints: what is to be tried
// again is in the entries themselves, and the next start looks at all of them. So nothing here needs to be durable.
const (
	askedName = "retry"
	bellName  = ".bell"
)

// BellPath is the file that Ask touches, for the agent to listen to.
func BellPath(drop string) string { return filepath.Join(drop, stateName, askedName, bellName) }

// Ask leaves notes for the agent that serves a drop directory, and rings. It needs no lock, and may be called again. After an
// error some notes may be there.
func Ask(drop string, entries []string) error {
	if err := ask(drop, entries); err != nil {
		return fmt.Errorf("ask the agent to try again: %w", err)
	}
	return nil
}

func ask(drop string, entries []string) (err error) {
	notes, err := openNotes(drop)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, notes.Close()) }()
	for _, entry := range entries {
		if strings.HasPrefix(entry, ".") {
			return &fs.PathError{Op: "create", Path: notes.Join(entry), Err: fs.ErrInvalid}
		}
		if err := touch(notes, entry, nil); err != nil {
			return err
		}
	}
	return touch(notes, bellName, []byte(time.Now().UTC().Format(time.RFC3339Nano)+"\n"))
}

func openNotes(drop string) (*vfs.Dir, error) {
	dir, err := vfs.Open(drop, nil)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	state, err := dir.OpenDir(stateName)
	if err != nil {
		return nil, err
	}
	defer state.Close()
	if err := state.Mkdir(askedName, ownPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return state.OpenDir(askedName)
}

// touch makes a file of that text. It removes the old one first, which may belong to another user.
func touch(dir *vfs.Dir, name string, text []byte) error {
	if err := dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another one is just doing the same
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// Listen makes the folder of the notes, so that it can be listened to. After an error Ask makes it.
func (s *Spool) Listen() error {
	err := s.home.state.Mkdir(askedName, ownPerm)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// Asked lists the entries for which there are notes, sorted. Where somebody has removed the folder of the notes there are
// none.
func (s *Spool) Asked() (entries []string, err error) {
	notes, err := s.home.notes()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look what is to be tried again: %w", err)
	}
	defer func() { err = errors.Join(err, notes.Close()) }()
	err = notes.List(func(e fs.DirEntry) bool {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			entries = append(entries, e.Name())
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("look what is to be tried again: %w", err)
	}
	slices.Sort(entries)
	return entries, nil
}

// Answered removes the note of an entry. One that is gone is no error.
func (s *Spool) Answered(entry string) (err error) {
	notes, err := s.home.notes()
	if err == nil {
		err = errors.Join(notes.Remove(entry), notes.Close())
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove a note of what is to be tried again: %w", err)
	}
	return nil
}

func (h *home) notes() (*vfs.Dir, error) { return h.state.OpenDir(askedName) }

// IsID reports whether a text is the id of a batch.
func IsID(text string) bool {
	_, ok := parseID(text)
	return ok
}
