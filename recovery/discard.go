package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sessionsync/sessionsync/vfs"
)

// ErrForeign says that an entry holds things that are not the agent's, and so was not discarded.
var ErrForeign = errors.New("it holds other things than a manifest and raw files; look what they are, and remove it yourself")

// Discard deletes an entry and the raw fragments in it, for good. Where the agent is quicker to give it back there is no
// entry: fs.ErrNotExist. After ErrForeign it is as it was. After another error it may be half gone, under a hidden name: the
// next Resume finishes that.
func (s *Store) Discard(name string) error {
	if err := s.discard(name); err != nil {
		return fmt.Errorf("discard recovery entry %q: %w", name, err)
	}
	return nil
}

func (s *Store) discard(name string) error {
	if !isEntryName(name) {
		return fs.ErrInvalid
	}
	dir, err := s.open()
	if err != nil {
		return err
	}
	defer dir.Close()
	hidden := discardPrefix + name
	if err := dir.RenameNew(name, dir, hidden); err != nil {
		return err
	}
	// Its name must be off the list before anything in it goes.
	if err := dir.Sync(); err != nil {
		return err
	}
	return s.finishDiscarding(dir, hidden)
}

// finishDiscarding deletes what is left in a hidden entry, or gives it its name back where somebody's own things are in it.
func (s *Store) finishDiscarding(dir *vfs.Dir, hidden string) error {
	st, err := openStage(dir, hidden, strings.TrimPrefix(hidden, discardPrefix))
	if err != nil {
		return err
	}
	defer st.close()
	foreign, err := st.holdsForeign()
	if err != nil {
		return err
	}
	if foreign {
		if _, err := s.publish(st); err != nil {
			return err
		}
		return errors.Join(ErrForeign, dir.Sync())
	}
	files, err := st.files()
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := st.fragments.Remove(name); err != nil && !gone(err) {
			return err
		}
	}
	if err := st.remove(); err != nil {
		return err
	}
	return dir.Sync()
}

// holdsForeign reports whether there is something in the folder that no entry has.
func (st *stage) holdsForeign() (found bool, err error) {
	err = st.dir.List(func(e fs.DirEntry) bool {
		name := e.Name()
		ours := name == fragmentsName || name == manifestName || vfs.IsTemp(name, manifestName)
		found = !ours || e.IsDir() != (name == fragmentsName)
		return !found
	})
	if err != nil || found || st.fragments == nil {
		return found, err
	}
	err = st.fragments.List(func(e fs.DirEntry) bool {
		found = e.IsDir()
		return !found
	})
	return found, err
}
