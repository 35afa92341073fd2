package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/sessionsync/sessionsync/vfs"
)

// Unclear is the code of an entry of which nobody can tell whether it was applied before a crash.
const Unclear = "unclear"

// Held is one fragment in the recovery folder.
type Held struct {
	Entry     string // the folder's name; of a half entry the one that it will have, or had
	Batch     string
	Name      string // as it was dropped
	Rejected  bool   // it was at fault itself; false: its batch could not be committed
	Retryable bool   // the agent gives it back by itself
	Half      bool   // its entry is being made or given back, or was when the agent died
	Missing   bool   // the manifest speaks of it, and its file is not there
}

// Inventory lists every fragment in the recovery folder, those of half entries too, and touches nothing. What comes or goes
// meanwhile may be in it or not. What is no entry is passed over, as Entries does.
func (s *Store) Inventory() ([]Held, error) {
	list, err := s.inventory()
	if err != nil {
		return nil, fmt.Errorf("list recovered fragments: %w", err)
	}
	return list, nil
}

func (s *Store) inventory() ([]Held, error) {
	dir, err := s.open()
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	var names []string
	err = dir.List(func(e fs.DirEntry) bool {
		if e.IsDir() && (!strings.HasPrefix(e.Name(), ".") || isHalf(e.Name())) {
			names = append(names, e.Name())
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	var list []Held
	for _, name := range names {
		held, err := heldIn(dir, name)
		switch {
		case err == nil:
			list = append(list, held...)
		case gone(err): // removed or renamed meanwhile, or somebody's folder
		case notAnEntry(err):
			s.config.Log.Warn("not a recovery entry", "path", dir.Join(name), "err", err)
		default:
			return nil, err
		}
	}
	return list, nil
}

func isHalf(name string) bool {
	return strings.HasPrefix(name, addingPrefix) || strings.HasPrefix(name, returnPrefix)
}

// heldIn lists the fragments of one entry. Of a half one the manifest may speak of more than is there: the rest is claimed.
func heldIn(dir *vfs.Dir, name string) ([]Held, error) {
	folder, err := dir.OpenDir(name)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	half := isHalf(name)
	e, err := loadManifest(folder, false)
	var bad *manifestError
	if err != nil && !(half && (gone(err) || errors.As(err, &bad))) {
		return nil, err
	}
	there := map[string]bool{}
	fragments, err := folder.OpenDir(fragmentsName)
	if err == nil {
		defer fragments.Close()
		err = fragments.List(func(e fs.DirEntry) bool {
			there[e.Name()] = !e.IsDir() && !vfs.IsMoveTemp(e.Name())
			return true
		})
	}
	if err != nil && !gone(err) {
		return nil, err
	}
	entry := strings.TrimPrefix(strings.TrimPrefix(name, addingPrefix), returnPrefix)
	batch := e.Batch
	if half && batch == "" {
		batch = batchOf(entry)
	}
	var list []Held
	for _, f := range e.Fragments {
		held := Held{Entry: entry, Batch: batch, Name: f.OwnName(), Retryable: e.Retryable, Half: half,
			Missing:  !there[f.stored()],
			Rejected: f.Error != nil || e.Error.Code == Unclear}
		delete(there, f.stored())
		if !(half && held.Missing) {
			list = append(list, held)
		}
	}
	for file, is := range there { // of a manifest that was lost, the names are what is known
		if half && is {
			list = append(list, Held{Entry: entry, Batch: batch, Name: file, Retryable: e.Retryable, Half: true})
		}
	}
	return list, nil
}
