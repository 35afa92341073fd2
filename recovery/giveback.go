package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sessionsync/sessionsync/vfs"
)

// GiveBack moves the fragments of an entry into a claimed batch, under the names
// that they had, and removes the entry. A file of that name in the batch is not
// replaced: the fragment then comes back as x-2.json.
//
// After nil the fragments are durable there. After an error some are there and
// the rest is still here, under a hidden name: call GiveBack again, or Resume.
func (s *Store) GiveBack(name string, to *vfs.Dir) error {
	if err := s.giveBack(name, to); err != nil {
		return fmt.Errorf("give back recovery entry %q: %w", name, err)
	}
	return nil
}

func (s *Store) giveBack(name string, to *vfs.Dir) error {
	if strings.HasPrefix(name, ".") {
		return fs.ErrInvalid
	}
	dir, err := s.open()
	if err != nil {
		return err
	}
	defer dir.Close()
	hidden := returnPrefix + name
	begun, err := exists(dir, hidden) // by an earlier call
	if err != nil {
		return err
	}
	if !begun {
		if err := dir.RenameNew(name, dir, hidden); err != nil {
			return err
		}
		// Its name must be off the list before anything is taken out of it.
		if err := dir.Sync(); err != nil {
			return err
		}
	}
	return s.finishReturning(dir, hidden, func(string, string) (*vfs.Dir, error) { return to, nil })
}

func exists(dir *vfs.Dir, name string) (bool, error) {
	_, err := dir.Lstat(name)
	if gone(err) {
		return false, nil
	}
	return err == nil, err
}

// finishReturning moves what is left in a hidden entry into its batch.
func (s *Store) finishReturning(dir *vfs.Dir, hidden string, open func(entry, batch string) (*vfs.Dir, error)) error {
	st, err := openStage(dir, hidden, strings.TrimPrefix(hidden, returnPrefix))
	if err != nil {
		return err
	}
	defer st.close()
	files, err := st.files()
	if err != nil {
		return err
	}
	e, err := loadManifest(st.dir, false)
	var bad *manifestError
	if err != nil && !gone(err) && !errors.As(err, &bad) {
		return err
	}
	if err != nil {
		e = Entry{Batch: batchOf(st.name)}
	}
	if len(files) > 0 {
		to, err := open(st.name, e.Batch)
		if err != nil {
			return err
		}
		if to == nil {
			s.config.Log.Warn("not given back: it does not say to which batch", "path", dir.Join(st.name), "batch", e.Batch)
			_, err := s.publish(st)
			return err
		}
		if err := st.moveOut(e, files, to); err != nil {
			return err
		}
	}
	err = st.remove()
	if errors.Is(err, fs.ErrExist) {
		// Somebody's own things are in it: theirs to keep, under the old name.
		var name string
		if name, err = s.publish(st); err == nil {
			s.config.Log.Warn("given back, but the folder holds other things and stays", "path", dir.Join(name))
		}
	}
	if err != nil {
		return err
	}
	return dir.Sync()
}

func (st *stage) moveOut(e Entry, files []string, to *vfs.Dir) error {
	names := make(map[string]string, len(e.Fragments))
	for _, f := range e.Fragments {
		names[f.stored()] = f.OwnName()
	}
	for _, stored := range files {
		name := names[stored]
		if name == "" { // the manifest does not know it
			name = stored
		}
		if !isFragment(name) {
			continue // not ours; it stays
		}
		free, err := st.freeName(stored, to, name)
		if err != nil {
			return err
		}
		if err := vfs.Move(st.fragments, stored, to, free); err != nil {
			return err
		}
	}
	if err := to.Sync(); err != nil {
		return err
	}
	return st.fragments.Sync()
}

// freeName is name, or name with a number, such that nothing is replaced, except
// the same file: a copy from another file system that was interrupted.
func (st *stage) freeName(stored string, to *vfs.Dir, name string) (string, error) {
	free := name
	for i := 2; ; i++ {
		taken, err := exists(to, free)
		if err != nil {
			return "", err
		}
		if !taken {
			return free, nil
		}
		same, err := sameFile(st.fragments, stored, to, free)
		if err != nil || same {
			return free, err
		}
		free = withNumber(name, i)
	}
}
