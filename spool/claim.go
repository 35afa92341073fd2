package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// File is one claimed fragment, as it was when it was claimed.
type File struct {
	Name string
	vfs.Status
}

// Refusal is a fragment that could not be claimed and lies where it was.
type Refusal struct {
	Name string
	Err  error
}

// Claim moves the named fragments into a new batch. Names that are gone are
// skipped, and folders are put back. What the system refuses to move (a sticky folder, an
// immutable file) stays and is in Batch.Refused; a batch may consist of that
// alone. The batch is nil when there is nothing to say about any name.
//
// After an error the batch, if there is one, holds what was moved before and is
// processed like any other; the other names are still in the drop directory.
// Claim them again later.
//
// If the path now names another directory, Claim goes over to it, logs it, and
// says so once in Batch.Reopened: there may be batches in it, ask Claimed.
func (s *Spool) Claim(names []string) (*Batch, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if err := s.refresh(); err != nil {
		return nil, err
	}
	b, err := s.newBatch()
	if err != nil {
		return nil, err
	}
	b.Files = make([]File, 0, len(names))
	b.seen, b.read = make(map[string]vfs.Status, len(names)), make(map[string]stamp, len(names))
	taken := make(map[string]bool, len(names))
	for _, name := range names {
		if taken[name] {
			continue // a second rename would replace the first one's file
		}
		var f File
		if f, taken[name], err = b.take(name); err != nil {
			break
		}
		if taken[name] {
			b.Files = append(b.Files, f)
		}
	}
	sortFiles(b.Files)
	if len(b.Files) == 0 {
		b.discard()
		if len(b.Refused) == 0 {
			return nil, err
		}
	}
	b.fresh = err == nil && len(b.seen) == len(b.Files)
	b.Reopened, s.reopened = s.reopened, false
	if err != nil {
		err = fmt.Errorf("claim batch %s: %w", b.ID, err)
	}
	return b, err
}

// newBatch makes an empty batch folder.
func (s *Spool) newBatch() (*Batch, error) {
	const attempts = 1000 // ids that somebody's files occupy
	for i := 1; ; i++ {
		id := s.nextID()
		err := s.home.claimed.Mkdir(id, ownPerm)
		if errors.Is(err, fs.ErrExist) && i < attempts {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("claim batch: %w", err)
		}
		b, err := s.open(id)
		if err != nil {
			s.home.claimed.Remove(id) // empty: else the next start removes it
			return nil, fmt.Errorf("claim batch: %w", err)
		}
		return b, nil
	}
}

// take moves one fragment into the batch, if it is to be had.
func (b *Batch) take(name string) (f File, taken bool, err error) {
	if !fragment.IsName(name) {
		b.refuse(name, fs.ErrInvalid)
		return f, false, nil
	}
	b.home.mu.Lock()
	defer b.home.mu.Unlock()
	b.durable = false
	switch err := b.home.drop.Rename(name, b.dir, name); {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		return f, false, nil
	case errors.Is(err, fs.ErrInvalid), refusesMove(err):
		b.refuse(name, err)
		return f, false, nil
	default:
		return f, false, err
	}
	status, err := b.dir.Status(name)
	if err != nil { // it is claimed all the same, and must not be forgotten
		return File{Name: name}, true, nil
	}
	if status.Mode.IsDir() {
		return f, false, b.giveBackFolder(name)
	}
	b.seen[name] = status
	return File{name, status}, true, nil
}

func (b *Batch) giveBackFolder(name string) error {
	err := b.dir.RenameNew(name, b.home.drop, name)
	if errors.Is(err, fs.ErrExist) {
		return b.SetAside(name)
	}
	return err
}

func (b *Batch) refuse(name string, err error) {
	b.Refused = append(b.Refused, Refusal{Name: name, Err: err})
}

// sortFiles puts the fragments into the order of the contract.
func sortFiles(files []File) {
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(a.ModTime.Compare(b.ModTime), strings.Compare(a.Name, b.Name))
	})
}

// open opens the batch folder id of the current home.
func (s *Spool) open(id string) (*Batch, error) {
	dir, err := s.home.claimed.OpenDir(id)
	if err != nil {
		return nil, err
	}
	b := &Batch{ID: id, home: s.home, dir: dir, log: s.config.Log, read: map[string]stamp{}, seen: map[string]vfs.Status{}}
	s.home.mu.Lock()
	s.home.live[id] = b
	s.home.mu.Unlock()
	return b, nil
}
