package producer

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// look strikes off the list what has its fate. Unless it has to be exact, it is content when the newest fragment has none yet:
// a look at a long list is not cheap.
func (b *Barrier) look(exact bool) error {
	drop, err := vfs.Open(b.config.Drop, b.config.Hook)
	if errors.Is(err, fs.ErrNotExist) { // with all that was in it
		b.waiting = nil
		return nil
	}
	if err != nil {
		return err
	}
	defer drop.Close()
	if n := len(b.waiting); n > 0 && !exact {
		newest := b.waiting[n-1]
		if there, err := isThere(drop, newest.name, newest.inode); err != nil || there {
			return err
		}
	}
	gone := slices.Clone(b.waiting)
	// What moves against the order of the looks may be passed over once, but not twice.
	for range 2 {
		if gone, err = b.missing(drop, gone); err != nil {
			return err
		}
	}
	struck := make(map[waiting]bool, len(gone))
	for _, w := range gone {
		struck[w] = true
	}
	b.waiting = slices.DeleteFunc(b.waiting, func(w waiting) bool { return struck[w] })
	return nil
}

// missing are those of the fragments that are nowhere where one without a fate can be. It looks in the order in which they
// move.
func (b *Barrier) missing(drop *vfs.Dir, all []waiting) ([]waiting, error) {
	gone, err := notIn(drop, all)
	if err != nil {
		return nil, err
	}
	err = spool.InClaims(drop, func(_ string, batch *vfs.Dir) (enough bool, err error) {
		gone, err = notIn(batch, gone)
		return len(gone) == 0, err
	})
	if err != nil {
		return nil, err
	}
	held, err := b.heldNames()      // also for Held, where nothing is gone
	if errors.Is(err, errRenamed) { // an entry comes or goes: the next look tells whose it is
		return nil, nil
	}
	return slices.DeleteFunc(gone, func(w waiting) bool { return held[w.name] }), err
}

// notIn are those of the fragments that are not in a folder.
func notIn(dir *vfs.Dir, all []waiting) (gone []waiting, err error) {
	for _, w := range all {
		there, err := isThere(dir, w.name, w.inode)
		if err != nil {
			return nil, err
		}
		if !there {
			gone = append(gone, w)
		}
	}
	return gone, nil
}

// heldNames are those of the fragments in entries that the agent tries again, and in those that come or go. It learns of
// batches that have failed since the last look, and forgets those that were taken back.
func (b *Barrier) heldNames() (map[string]bool, error) {
	names := map[string]bool{}
	dir, entries, hidden, err := newShelf(b.config).names()
	if dir == nil {
		return names, err
	}
	defer dir.Close()
	for _, folder := range hidden {
		if err := storedNames(dir, folder, names); err != nil {
			return nil, err
		}
	}
	there := make(map[string]bool, len(entries))
	for _, name := range entries {
		there[name] = true
		if b.known[name] {
			continue
		}
		e, err := b.store().Entry(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, errRenamed
		case err != nil || !e.Retryable: // or none that the agent could read
			b.known[name] = true
			delete(b.held, name)
			continue
		}
		b.keep(e, false)
		for _, fragment := range b.held[name].names {
			names[fragment] = true
		}
	}
	for name := range b.held {
		if !there[name] {
			delete(b.held, name)
		}
	}
	return names, nil
}

// storedNames adds the names of the files that a hidden entry holds.
func storedNames(dir *vfs.Dir, folder string, names map[string]bool) error {
	entry, err := dir.OpenDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return errRenamed
	}
	if err != nil {
		return err
	}
	defer entry.Close()
	fragments, err := entry.OpenDir(fragmentsName)
	if errors.Is(err, fs.ErrNotExist) { // nothing is in it yet, or any more
		return nil
	}
	if err != nil {
		return err
	}
	defer fragments.Close()
	return fragments.List(func(e fs.DirEntry) bool {
		names[e.Name()] = true
		return true
	})
}
