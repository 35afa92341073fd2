package recovery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Keep makes an entry of a file that is no fragment (a version of the tasks file that somebody has written), which it
// moves out of from, and gives its name. Of e it takes Error; in the entry the file has the name as, which must be one
// that a fragment can have.
//
// After nil the entry is whole and durable. After an error the file is where it was, or in a half entry, which the next
// Add or Resume finishes; call Keep again, and take fs.ErrNotExist for done.
func (s *Store) Keep(e Entry, from *vfs.Dir, name, as string) (string, error) {
	sum, _, err := digest(from, name, math.MaxInt64) // not dropped: of the tasks file's size
	if err == nil {
		e.Fragments = []Fragment{{File: fragmentsName + "/" + as, SHA256: sum}}
		name, err = s.keep(e, "displaced", func(into *vfs.Dir) error {
			return errors.Join(vfs.Move(from, name, into, as), into.Sync(), from.Sync())
		})
	}
	if err != nil {
		return "", fmt.Errorf("keep %s: %w", from.Path(), err)
	}
	return name, nil
}

// AddUpdate makes an entry of an update whose fragment is gone, because it was applied, and gives the entry's name. Of e it
// takes Batch, Error and of Fragments[0] Name and Items, the fragment that the update was in.
//
// After nil the entry is whole and durable. After an error there is none, or a half one, which the next Add or Resume
// finishes: calling AddUpdate again makes another.
func (s *Store) AddUpdate(e Entry, update json.RawMessage) (string, error) {
	own := e.Fragments[0].Name
	stored := storedName(own, map[string]bool{})
	sum := sha256.Sum256(update)
	f := Fragment{File: fragmentsName + "/" + stored, SHA256: hex.EncodeToString(sum[:]), Updates: 1,
		Error: &Reason{Code: e.Error.Code, Message: e.Error.Message}, Items: e.Fragments[0].Items}
	if stored != own {
		f.Name = quoted(own)
	}
	e.Fragments, e.PendingUpdates, e.PendingCount = []Fragment{f}, []json.RawMessage{update}, 1
	name, err := s.keep(e, e.Batch, func(into *vfs.Dir) error {
		return errors.Join(write(into, stored, update), into.Sync())
	})
	if err != nil {
		return "", fmt.Errorf("recover update of batch %s: %w", e.Batch, err)
	}
	return name, nil
}

func write(dir *vfs.Dir, name string, text []byte) error {
	f, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, filePerm)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// keep makes an entry of one file, which put brings into the folder of the fragments, durably.
func (s *Store) keep(e Entry, batch string, put func(into *vfs.Dir) error) (string, error) {
	if err := vfs.MkdirAll(s.config.Dir, dirPerm, s.config.Hook); err != nil {
		return "", err
	}
	dir, err := s.open()
	if err != nil {
		return "", err
	}
	defer dir.Close()
	e.Version, e.Timestamp = Version, time.Now()
	s.about(&e)
	st, err := s.newStage(dir, entryName(e.Timestamp, batch))
	if err != nil {
		return "", err
	}
	if e.Batch != "" { // else it is of no batch, and nothing to retry
		e.Retry = s.command(st.name)
	}
	name, err := "", st.take(e, func() error { return put(st.fragments) })
	if err == nil {
		name, err = s.publish(st)
	}
	st.close()
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			s.half = append(s.half, st.hidden)
		}
		return "", err
	}
	return name, dir.Sync()
}
