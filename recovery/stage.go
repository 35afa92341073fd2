package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sessionsync/sessionsync/vfs"
)

// stage is an entry under its hidden name.
type stage struct {
	parent    *vfs.Dir
	hidden    string // .adding-… or .returning-…
	name      string // of the entry
	dir       *vfs.Dir
	fragments *vfs.Dir // nil: there is no such folder
}

// newStage makes the hidden folder of a new entry, whose name is free.
func (s *Store) newStage(parent *vfs.Dir, name string) (*stage, error) {
	for i := 1; ; i++ {
		own := numbered(name, i)
		hidden := addingPrefix + own
		taken, err := exists(parent, own)
		if err == nil && !taken {
			err = parent.Mkdir(hidden, dirPerm)
		}
		if (taken || errors.Is(err, fs.ErrExist)) && i < attempts {
			continue
		}
		if err != nil {
			return nil, err
		}
		st, err := openStage(parent, hidden, own)
		if err != nil && parent.Remove(hidden) != nil {
			s.half = append(s.half, hidden)
		}
		return st, err
	}
}

func openStage(parent *vfs.Dir, hidden, name string) (*stage, error) {
	st := &stage{parent: parent, hidden: hidden, name: name}
	var err error
	if st.dir, err = parent.OpenDir(hidden); err != nil {
		return nil, err
	}
	st.fragments, err = st.dir.OpenDir(fragmentsName)
	if err != nil && !gone(err) {
		st.close()
		return nil, err
	}
	return st, nil
}

// close is also what lets Windows rename the folder.
func (st *stage) close() {
	for _, d := range []**vfs.Dir{&st.fragments, &st.dir} {
		if *d != nil {
			(*d).Close() // nothing was written through it that is not synced
			*d = nil
		}
	}
}

// take writes the manifest, and calls move when the way to where files go is durable.
func (st *stage) take(e Entry, move func() error) (err error) {
	if err := saveManifest(st.dir, e); err != nil {
		return err
	}
	if err := st.dir.Mkdir(fragmentsName, dirPerm); err != nil {
		return err
	}
	if st.fragments, err = st.dir.OpenDir(fragmentsName); err != nil {
		return err
	}
	// The way to where the fragments go must be durable before they go.
	if err := errors.Join(st.dir.Sync(), st.parent.Sync()); err != nil {
		return err
	}
	return move()
}

// fill writes the manifest and moves the fragments in.
func (st *stage) fill(e Entry, from *vfs.Dir) error {
	return st.take(e, func() error { return st.moveIn(e, from) })
}

func (st *stage) moveIn(e Entry, from *vfs.Dir) error {
	for _, f := range e.Fragments {
		stored := f.stored()
		// A file system that takes two names for one must not replace a file.
		if _, err := st.fragments.Lstat(stored); !gone(err) {
			return errors.Join(err, &fs.PathError{Op: "move", Path: st.fragments.Join(stored), Err: fs.ErrExist})
		}
		move := vfs.Move
		if f.size > rawMax {
			move = moveAlike
		}
		if err := move(from, f.OwnName(), st.fragments, stored); err != nil {
			if f.SHA256 == "" && (errors.Is(err, fs.ErrPermission) || errors.Is(err, errTooLarge)) {
				return &UnmovableError{f.OwnName(), err}
			}
			return err
		}
	}
	// First that they are here, then that they are not there any more.
	if err := st.fragments.Sync(); err != nil {
		return err
	}
	return from.Sync()
}

var errTooLarge = fmt.Errorf("it has more than %d bytes, and larger ones are not copied", rawMax)

// moveAlike is vfs.Move within one file system.
func moveAlike(from *vfs.Dir, old string, to *vfs.Dir, new string) error {
	err := from.Rename(old, to, new)
	if vfs.IsCrossDevice(err) {
		return errTooLarge
	}
	return err
}

// publish gives the entry its name, or one with a number where that is taken meanwhile.
func (s *Store) publish(st *stage) (string, error) {
	st.close()
	name := st.name
	for i := 1; ; i++ {
		err := st.parent.RenameNew(st.hidden, st.parent, name)
		if !errors.Is(err, fs.ErrExist) || i == attempts {
			return name, err
		}
		name = numbered(unnumbered(st.name), i+1)
		if err := s.readdress(st, name); err != nil {
			return "", err
		}
	}
}

// readdress corrects the command in the manifest of an entry that gets another name than it was to have.
func (s *Store) readdress(st *stage, name string) error {
	dir, err := st.parent.OpenDir(st.hidden)
	if err != nil {
		return err
	}
	defer dir.Close()
	e, err := loadManifest(dir, true)
	var bad *manifestError
	if gone(err) || errors.As(err, &bad) || err == nil && e.Retry == "" {
		return nil // there is nothing to correct
	}
	if err != nil {
		return err
	}
	e.Retry = s.command(name)
	return saveManifest(dir, e)
}

// undo puts the fragments back and removes the folder. What it cannot undo is
// remembered for the next Add.
func (s *Store) undo(st *stage, e Entry, from *vfs.Dir) error {
	err := st.putBack(e, from)
	if err == nil {
		err = st.remove()
	}
	st.close()
	if err != nil {
		s.half = append(s.half, st.hidden)
		s.config.Log.Warn("half a recovery entry is left, to be finished later", "path", st.parent.Join(st.hidden), "err", err)
	}
	return err
}

func (st *stage) putBack(e Entry, from *vfs.Dir) (err error) {
	if st.dir == nil { // closed to be published
		again, err := openStage(st.parent, st.hidden, st.name)
		if err != nil {
			return err
		}
		*st = *again
	}
	if st.fragments == nil {
		return nil
	}
	for _, f := range e.Fragments {
		stored := f.stored()
		if _, err := st.fragments.Lstat(stored); gone(err) {
			continue
		} else if err != nil {
			return err
		}
		// From another file system it may be there as well: the same bytes.
		if err := vfs.Move(st.fragments, stored, from, f.OwnName()); err != nil {
			return err
		}
	}
	return from.Sync()
}

// files lists the raw files, without what an interrupted copy left, which it
// removes.
func (st *stage) files() ([]string, error) {
	if st.fragments == nil {
		return nil, nil
	}
	var names, temps []string
	err := st.fragments.List(func(e fs.DirEntry) bool {
		switch {
		case vfs.IsMoveTemp(e.Name()):
			temps = append(temps, e.Name())
		case !e.IsDir():
			names = append(names, e.Name())
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, name := range temps {
		if err := st.fragments.Remove(name); err != nil && !gone(err) {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

// remove deletes the folder without its fragments, which are elsewhere by now.
// fs.ErrExist when there is something in it that is not ours. The manifest goes last:
// it says where the fragments belong.
func (st *stage) remove() error {
	if st.fragments != nil {
		st.fragments.Close() // or Windows keeps the folder
		st.fragments = nil
	}
	if err := st.dir.Remove(fragmentsName); err != nil && !gone(err) {
		return err
	}
	var ours []string
	err := st.dir.List(func(e fs.DirEntry) bool {
		if vfs.IsTemp(e.Name(), manifestName) || e.Name() == manifestName {
			ours = append(ours, e.Name())
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, name := range ours {
		if err := st.dir.Remove(name); err != nil && !gone(err) {
			return err
		}
	}
	st.close()
	if err := st.parent.Remove(st.hidden); err != nil && !gone(err) {
		return err
	}
	return nil
}
