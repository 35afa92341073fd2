package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/sessionsync/sessionsync/vfs"
)

// Fragment is a file that the agent itself puts into the queue.
type Fragment struct {
	Name string
	Text []byte
}

// ownName marks a batch that Put has made, also after a restart.
const ownName = ".own"

// Put makes a batch of fragments that the agent itself has written, in their
// order. After nil they are claimed and their bytes are durable. After an error
// there is no such batch, unless its folder could not be removed: then the next
// start processes what is in it.
func (s *Spool) Put(fragments []Fragment) (*Batch, error) {
	if err := s.refresh(); err != nil {
		return nil, err
	}
	b, err := s.newBatch()
	if err != nil {
		return nil, err
	}
	b.Own = true
	err = b.write(Fragment{Name: ownName})
	for i := 0; i < len(fragments) && err == nil; i++ {
		err = b.write(fragments[i])
	}
	b.forget(ownName)
	if err == nil {
		b.fresh = true
		return b, nil
	}
	err = fmt.Errorf("put fragments into batch %s: %w", b.ID, err)
	for _, f := range append(b.Files, File{Name: ownName}) {
		if e := b.dir.Remove(f.Name); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	b.discard()
	return nil, err
}

func (b *Batch) write(fragment Fragment) error {
	f, err := b.dir.OpenFile(fragment.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(fragment.Text); err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	var status vfs.Status
	if err == nil {
		status, err = b.dir.Status(fragment.Name)
	}
	if err != nil {
		b.dir.Remove(fragment.Name)
		return err
	}
	b.Files = append(b.Files, File{fragment.Name, status})
	return nil
}

// Split moves the named fragments of a batch into a new one, behind all others.
// After an error some may be in the new one, which is returned then as well. A loss
// of power can leave a fragment in both: the start removes it from the older one.
func (s *Spool) Split(from *Batch, names []string) (*Batch, error) {
	b, err := s.newBatch()
	if err != nil {
		return nil, err
	}
	for _, f := range slices.Clone(from.Files) {
		if !slices.Contains(names, f.Name) {
			continue
		}
		if err = from.dir.Rename(f.Name, b.dir, f.Name); err != nil {
			break
		}
		from.forget(f.Name)
		b.Files = append(b.Files, f)
	}
	if err == nil {
		// First that they are here, then that they are not there any more.
		err = errors.Join(b.dir.Sync(), s.home.claimed.Sync(), from.dir.Sync())
	}
	if err != nil {
		err = fmt.Errorf("split batch %s: %w", from.ID, err)
	}
	return b, err
}
