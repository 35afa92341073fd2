package recovery

import (
	"fmt"
	"io/fs"
	"strings"
)

// Snapshot is what one listing of the recovery folder has shown: the names of the entries, each mapped to true, of those that
// are being given back, and of those that are about to appear.
type Snapshot struct {
	Entries, Returning, Adding map[string]bool
}

// Snapshot lists the folder and reads nothing in it. What is renamed meanwhile may be missing.
func (s *Store) Snapshot() (Snapshot, error) {
	found := Snapshot{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	dir, err := s.open()
	if gone(err) {
		return found, nil
	}
	if err != nil {
		return found, fmt.Errorf("look into the recovery folder: %w", err)
	}
	defer dir.Close()
	err = dir.List(func(e fs.DirEntry) bool {
		name := e.Name()
		if returning, ok := strings.CutPrefix(name, returnPrefix); ok {
			found.Returning[returning] = true
		} else if adding, ok := strings.CutPrefix(name, addingPrefix); ok {
			found.Adding[adding] = true
		} else if e.IsDir() && !strings.HasPrefix(name, ".") {
			found.Entries[name] = true
		}
		return true
	})
	if err != nil {
		return found, fmt.Errorf("look into the recovery folder: %w", err)
	}
	return found, nil
}

// Where tells of one entry whether it is there, or on its way back into its batch. It looks in the order in which an entry
// goes that way, so one that does so meanwhile is not missed.
func (s *Store) Where(name string) (there, returning bool, err error) {
	dir, err := s.open()
	if gone(err) {
		return false, false, nil
	}
	if err == nil {
		defer dir.Close()
		if there, err = exists(dir, name); err == nil && !there {
			returning, err = exists(dir, returnPrefix+name)
		}
	}
	if err != nil {
		err = fmt.Errorf("look for recovery entry %q: %w", name, err)
	}
	return there, returning, err
}

// BatchOf reads the batch from the name of an entry; "" when it is no name that Add gives.
func BatchOf(entry string) string { return batchOf(entry) }
