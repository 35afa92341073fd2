package recovery

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/sessionsync/sessionsync/vfs"
)

// Entries lists the entries, without their updates, ordered by batch, then by
// name: the order in which they are to be applied. What is no entry is passed
// over: other folders and files in silence, a manifest that is half, foreign, of
// another version or not to be read with a warning in the log. An error is trouble
// with the disk, and no list.
func (s *Store) Entries() ([]Entry, error) {
	entries, err := s.entries()
	if err != nil {
		return nil, fmt.Errorf("list recovery entries: %w", err)
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(strings.Compare(a.Batch, b.Batch), strings.Compare(a.Name, b.Name))
	})
	return entries, nil
}

func (s *Store) entries() ([]Entry, error) {
	dir, err := s.open()
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := entryNames(dir)
	if err != nil {
		return nil, err
	}
	var entries []Entry
	for _, name := range names {
		e, err := load(dir, name, false)
		switch {
		case err == nil:
			entries = append(entries, e)
		case gone(err): // removed meanwhile, or somebody's folder
		case notAnEntry(err):
			s.config.Log.Warn("not a recovery entry", "path", dir.Join(name), "err", err)
		default:
			return nil, err
		}
	}
	return entries, nil
}

func entryNames(dir *vfs.Dir) (names []string, err error) {
	err = dir.List(func(e fs.DirEntry) bool {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
		return true
	})
	return names, err
}

// Names lists the names of the folders that may be entries, sorted, and reads nothing of them. Where there is no recovery
// folder there are none.
func (s *Store) Names() ([]string, error) {
	dir, err := s.open()
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list recovery entries: %w", err)
	}
	defer dir.Close()
	names, err := entryNames(dir)
	if err != nil {
		return nil, fmt.Errorf("list recovery entries: %w", err)
	}
	slices.Sort(names)
	return names, nil
}

// NotAnEntry reports whether an error of Head or Entry is about what lies there (no manifest, a half or a foreign one), and
// not trouble that may pass.
func NotAnEntry(err error) bool { return gone(err) || notAnEntry(err) }

// notAnEntry tells what will be the same next time from what may pass.
func notAnEntry(err error) bool {
	var bad *manifestError
	return errors.As(err, &bad) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR)
}

// Entry reads one entry whole, with its updates.
func (s *Store) Entry(name string) (Entry, error) { return s.read(name, true) }

// Head reads one entry without its updates.
func (s *Store) Head(name string) (Entry, error) { return s.read(name, false) }

func (s *Store) read(name string, withUpdates bool) (Entry, error) {
	dir, err := s.open()
	if err != nil {
		return Entry{}, fmt.Errorf("read recovery entry %q: %w", name, err)
	}
	defer dir.Close()
	e, err := load(dir, name, withUpdates)
	if err != nil {
		return Entry{}, fmt.Errorf("read recovery entry %q: %w", name, err)
	}
	return e, nil
}

func load(dir *vfs.Dir, name string, withUpdates bool) (Entry, error) {
	folder, err := dir.OpenDir(name)
	if err != nil {
		return Entry{}, err
	}
	defer folder.Close()
	e, err := loadManifest(folder, withUpdates)
	e.Name = name
	return e, err
}
