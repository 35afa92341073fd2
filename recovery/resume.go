package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// claims opens the folder of a claimed batch; nil, nil where there is none to be
// had. The folder stays its owner's to close.
type claims func(batch string) (*vfs.Dir, error)

// Resume finishes what a crash interrupted: entries half made become entries of
// what is in them, entries half discarded go, and entries half given back are given back, into the batch that restore
// opens (made if it is missing; it stays the caller's to close). It is called at the
// start, before claimed batches are processed, and again if it returns an error; each
// entry is tried whatever happens to the others.
func (s *Store) Resume(restore func(batch string) (*vfs.Dir, error)) error {
	dir, err := s.open()
	if gone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("resume recovery: %w", err)
	}
	defer dir.Close()
	var hidden []string
	err = dir.List(func(e fs.DirEntry) bool {
		if e.IsDir() && (strings.HasPrefix(e.Name(), addingPrefix) || strings.HasPrefix(e.Name(), returnPrefix) ||
			strings.HasPrefix(e.Name(), discardPrefix)) {
			hidden = append(hidden, e.Name())
		}
		return true
	})
	if err != nil {
		return fmt.Errorf("resume recovery: %w", err)
	}
	slices.Sort(hidden)
	known := func(entry, batch string) (*vfs.Dir, error) {
		if !isOf(entry, batch) {
			return nil, nil
		}
		return restore(batch)
	}
	var errs []error
	for _, name := range hidden {
		switch {
		case strings.HasPrefix(name, addingPrefix):
			_, err = s.finishAdding(dir, name, restore)
		case strings.HasPrefix(name, discardPrefix):
			err = s.finishDiscarding(dir, name)
		default:
			err = s.finishReturning(dir, name, known)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("resume recovery entry %s: %w", dir.Join(name), err))
		}
	}
	s.half = nil // they were among these
	return errors.Join(errs...)
}

// finishAdding makes an entry of a half one, or removes what has nothing in it.
func (s *Store) finishAdding(dir *vfs.Dir, hidden string, open claims) (string, error) {
	st, err := openStage(dir, hidden, strings.TrimPrefix(hidden, addingPrefix))
	if gone(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer st.close()
	files, err := st.files()
	if err != nil {
		return "", err
	}
	e, err := loadManifest(st.dir, true)
	var bad *manifestError
	known := err == nil
	switch {
	case known || gone(err) || errors.As(err, &bad):
	default:
		return "", err // ask again when the disk answers
	}
	if len(files) == 0 && !(known && len(e.Fragments) == 0 && len(e.PendingUpdates) > 0) {
		err := st.remove()
		if errors.Is(err, fs.ErrExist) {
			s.config.Log.Warn("not ours, left alone", "path", dir.Join(hidden))
			return "", nil
		}
		return "", err
	}
	if !known {
		e = s.unknownEntry(st.name)
		e.Retry = s.command(st.name)
	}
	if len(files) > 0 {
		changed, err := e.fit(files, st.fragments)
		if err != nil {
			return "", err
		}
		if changed {
			if err := saveManifest(st.dir, e); err != nil {
				return "", err
			}
		}
	}
	if err := dropOriginals(e, st, open); err != nil {
		return "", err
	}
	if err := errors.Join(st.dir.Sync(), dir.Sync()); err != nil {
		return "", err
	}
	name, err := s.publish(st)
	if err != nil {
		return "", err
	}
	s.config.Log.Info("recovery entry finished", "entry", name, "fragments", len(e.Fragments))
	return name, dir.Sync()
}

// unknownEntry stands in for a manifest that is not to be read. Ours are durable
// before anything is moved, so that it takes somebody's hand or a broken disk.
func (s *Store) unknownEntry(name string) Entry {
	e := Entry{Batch: batchOf(name), Error: Failure{Code: "interrupted", Message: "the manifest was lost; the fragments are here"}}
	e.Version, e.Timestamp = Version, time.Now()
	s.about(&e)
	return e
}

// keepOnly leaves out the other fragments, and their updates: those stand in the
// order of their fragments, each of which says how many it has.
func (e *Entry) keepOnly(wanted func(Fragment) bool) {
	updates := e.PendingUpdates
	e.PendingUpdates, e.PendingCount = nil, 0
	var kept []Fragment
	for _, f := range e.Fragments {
		n := min(f.Updates, len(updates))
		if wanted(f) {
			e.PendingUpdates = append(e.PendingUpdates, updates[:n]...)
			e.PendingCount += f.Updates
			kept = append(kept, f)
		}
		updates = updates[n:]
	}
	e.Fragments = kept
}

// fit makes the entry speak of the files that are there: not of others, and of
// those too that it does not know. It reports whether that changed anything.
func (e *Entry) fit(files []string, fragments *vfs.Dir) (changed bool, err error) {
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[f] = true
	}
	before := len(e.Fragments)
	e.keepOnly(func(f Fragment) bool {
		known := there[f.stored()]
		delete(there, f.stored())
		return known
	})
	changed = len(e.Fragments) != before
	for _, name := range files {
		if !there[name] {
			continue
		}
		sum, _, err := digest(fragments, name, rawMax)
		if err != nil {
			return false, err
		}
		e.Fragments = append(e.Fragments, Fragment{File: fragmentsName + "/" + name, SHA256: sum})
		changed = true
	}
	return changed, nil
}

// dropOriginals removes from the claims what is here already: a copy to another
// file system was interrupted before it removed its original.
func dropOriginals(e Entry, st *stage, open claims) error {
	if len(e.Fragments) == 0 || !isOf(st.name, e.Batch) {
		return nil
	}
	from, err := open(e.Batch)
	if err != nil || from == nil {
		return err
	}
	// Here for good, before it goes there.
	if err := st.fragments.Sync(); err != nil {
		return err
	}
	for _, f := range e.Fragments {
		same, err := sameFile(st.fragments, f.stored(), from, f.OwnName())
		if err != nil {
			return err
		}
		if same {
			if err := from.Remove(f.OwnName()); err != nil && !gone(err) {
				return err
			}
		}
	}
	return from.Sync()
}

// sameFile reports whether name in from is what here was copied from. What
// has no bytes (a link, a FIFO) is taken for it by its name.
func sameFile(dir *vfs.Dir, here string, from *vfs.Dir, name string) (bool, error) {
	fi, err := from.Lstat(name)
	if gone(err) || errors.Is(err, fs.ErrInvalid) || errors.Is(err, syscall.EINVAL) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !fi.Mode().IsRegular() {
		return !fi.IsDir(), nil
	}
	a, _, err := digest(dir, here, rawMax)
	if err != nil {
		return false, err
	}
	b, _, err := digest(from, name, rawMax)
	return a == b && a != "", err
}
