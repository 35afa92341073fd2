package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/sessionsync/sessionsync/vfs"
)

// Lock takes the turn among those that mark, replace and discard; the agent takes no part in that. It says vfs.ErrLocked
// where somebody else has it: try again, it is held for moments. It ends with release, or with the process.
func (s *Store) Lock() (release func() error, err error) {
	dir, err := s.open()
	if err != nil {
		return nil, fmt.Errorf("lock recovery folder: %w", err)
	}
	defer dir.Close()
	const perm = 0o644
	f, err := dir.OpenFile(deskLock, os.O_RDWR|os.O_CREATE, perm)
	if errors.Is(err, fs.ErrPermission) { // another user has made it; to lock it takes no writing
		made, again := dir.OpenFile(deskLock, os.O_RDONLY, 0)
		if !gone(again) { // else nobody has, and what is wrong is that this user must not
			f, err = made, again
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock recovery folder: %w", err)
	}
	if err := f.Lock(); err != nil {
		return nil, fmt.Errorf("lock recovery folder: %w", errors.Join(err, f.Close()))
	}
	return f.Close, nil
}

// Mark says in the manifest of an entry that it is to be tried again: the agent gives it back at its start, when it goes on
// after trouble, or when it is asked to. After nil that is durable. After an error the entry may be marked or not; call Mark
// again. An entry that is marked already stays as it is.
func (s *Store) Mark(name string) error {
	if err := s.mark(name); err != nil {
		return fmt.Errorf("mark recovery entry %q: %w", name, err)
	}
	return nil
}

func (s *Store) mark(name string) (err error) {
	folder, err := s.folder(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	e, err := loadManifest(folder, true)
	if err != nil || e.Retryable {
		return err
	}
	e.Retryable = true
	if err := saveManifest(folder, e); err != nil {
		return err
	}
	return folder.Sync()
}

// folder opens the folder of an entry: no hidden one, no link, nothing elsewhere.
func (s *Store) folder(name string) (*vfs.Dir, error) {
	if !isEntryName(name) {
		return nil, fs.ErrInvalid
	}
	dir, err := s.open()
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.OpenDir(name)
}
