package recovery

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// File is one raw fragment as it lies in an entry.
type File struct {
	Stored string // its name there
	Own    string // the name under which it was dropped, and comes back
	vfs.Status
}

// Files lists the raw fragments of an entry in the order in which they would apply: also those that the manifest does not
// know, and none that is not there. What has no fragment's name is passed over, as GiveBack does.
func (s *Store) Files(e Entry) ([]File, error) {
	files, err := s.files(e)
	if err != nil {
		return nil, fmt.Errorf("list fragments of recovery entry %q: %w", e.Name, err)
	}
	slices.SortFunc(files, func(a, b File) int {
		return cmp.Or(a.ModTime.Compare(b.ModTime), strings.Compare(a.Own, b.Own))
	})
	return files, nil
}

func (s *Store) files(e Entry) (files []File, err error) {
	dir, err := s.Fragments(e.Name)
	if gone(err) {
		if _, err := s.Head(e.Name); err != nil {
			return nil, err
		}
		return nil, nil // an entry of updates alone
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	own := make(map[string]string, len(e.Fragments))
	for _, f := range e.Fragments {
		own[f.stored()] = f.OwnName()
	}
	var names []string
	err = dir.List(func(d fs.DirEntry) bool {
		if !d.IsDir() {
			names = append(names, d.Name())
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		f := File{Stored: name, Own: cmp.Or(own[name], name)}
		if !isFragment(f.Own) {
			continue
		}
		if f.Status, err = dir.Status(name); gone(err) {
			continue
		} else if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Fragments opens the folder of an entry's raw fragments, to read them in; it is the caller's to close. Its files are
// somebody else's: they may be links or anything, and of any size.
func (s *Store) Fragments(name string) (*vfs.Dir, error) {
	folder, err := s.folder(name)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return folder.OpenDir(fragmentsName)
}

// What Replace says where it must not replace.
var (
	ErrRetryable = errors.New("it is marked to be tried again, and the agent may take it at any moment")
	ErrChanged   = errors.New("the raw file is another one by now")
)

// Replace puts a text in the place of one raw fragment of an entry: of the file of that name whose SHA-256 is was, in hex.
// It keeps permissions and, where it may, the owner; the time is that of the replacement.
//
// After nil the text is durable, and the manifest speaks of it. After ErrRetryable or ErrChanged nothing was done. After
// another error the file is whole, the old or the new one, and the manifest may still speak of the old one, which harms
// nothing; call Replace again.
func (s *Store) Replace(name, stored, was string, text []byte) error {
	if err := s.replace(name, stored, was, text); err != nil {
		return fmt.Errorf("replace %s in recovery entry %q: %w", fragment.Quote(stored), name, err)
	}
	return nil
}

func (s *Store) replace(name, stored, was string, text []byte) (err error) {
	folder, err := s.folder(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	e, err := loadManifest(folder, true)
	if err != nil {
		return err
	}
	if e.Retryable {
		return ErrRetryable
	}
	fragments, err := folder.OpenDir(fragmentsName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fragments.Close()) }()
	is, old, err := digest(fragments, stored, rawMax)
	if err != nil {
		return err
	}
	if is != was {
		return ErrChanged
	}
	if err := overwrite(folder, fragments, stored, old, text); err != nil {
		return err
	}
	if err := e.restate(stored, text); err != nil {
		return err
	}
	if err := saveManifest(folder, e); err != nil {
		return err
	}
	return folder.Sync()
}

// overwrite replaces a raw fragment in one step. The temporary file has a manifest's name: whatever ends the entry removes
// those.
func overwrite(folder, fragments *vfs.Dir, stored string, old fs.FileInfo, text []byte) error {
	f, err := folder.CreateTemp(manifestName)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Chmod(old.Mode().Perm())
	}
	if err == nil {
		keepOwner(f, old) // or the agent's user could not read what root has edited; else it is ours anyway
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = folder.Rename(f.Name(), fragments, stored)
	}
	if err != nil {
		folder.Remove(f.Name()) // else it goes with the entry
		return err
	}
	return fragments.Sync()
}

// restate makes the manifest speak of another text of a fragment. What it was rejected for stays: that is why it is here.
func (e *Entry) restate(stored string, text []byte) error {
	sum := sha256.Sum256(text)
	var updates []json.RawMessage
	for _, raw := range fragment.Raw(stored, text) {
		update, err := harmless(json.RawMessage(raw))
		if err != nil {
			return err
		}
		updates = append(updates, update)
	}
	at := 0
	for i := range e.Fragments {
		f := &e.Fragments[i]
		end := at + min(f.Updates, len(e.PendingUpdates)-at) // the number is somebody else's, of any size
		if f.stored() != stored {
			at = end
			continue
		}
		e.PendingUpdates = slices.Replace(e.PendingUpdates, at, end, updates...)
		e.PendingCount += len(updates) - f.Updates
		f.SHA256, f.Updates = hex.EncodeToString(sum[:]), len(updates)
		break
	}
	return nil
}
