package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Claimed gives the batches that an earlier run left, oldest first: to be
// settled where their intent was carried out, else to be processed like new
// ones. Those that this Spool has handed out already are not among them. Folders
// without fragments are removed. Ask again until there are none: settling one
// can leave fragments that were given back to it later.
//
// Whatever else is in a batch's folder is neither lost nor in the way: a file
// with a fragment's name is a fragment; temporary files of ours are removed; all
// other things are moved to .sessionsync/foreign/<batch>, each with a warning
// in the log. What is beside the batch folders is left alone, with a warning.
//
// After an error no batch is handed out, because what it is about may have to
// come first; ask again.
func (s *Spool) Claimed() ([]*Batch, error) {
	if err := s.refresh(); err != nil {
		return nil, err
	}
	ids, err := s.leftIDs()
	if err != nil {
		return nil, fmt.Errorf("look for claimed batches: %w", err)
	}
	var batches []*Batch
	for _, id := range ids {
		b, err := s.resume(id)
		if err != nil {
			for _, b := range batches {
				b.Close()
			}
			return nil, fmt.Errorf("resume batch %s: %w", id, err)
		}
		if b != nil {
			batches = append(batches, b)
		}
	}
	if err := dropOlderTwins(batches); err != nil {
		for _, b := range batches {
			b.Close()
		}
		return nil, err
	}
	s.reopened = false // the caller knows now
	return batches, nil
}

// dropOlderTwins removes from a batch what a Split has moved into a newer one, if a
// loss of power has brought it back.
func dropOlderTwins(batches []*Batch) error {
	newer := map[string]*Batch{}
	for _, b := range slices.Backward(batches) {
		for _, f := range slices.Clone(b.Files) {
			twin := newer[f.Name]
			if twin == nil {
				newer[f.Name] = b
				continue
			}
			here, err := b.dir.Lstat(f.Name)
			if err != nil {
				return err
			}
			there, err := twin.dir.Lstat(f.Name)
			if err != nil {
				return err
			}
			if os.SameFile(here, there) {
				if err := b.dir.Remove(f.Name); err != nil {
					return err
				}
				b.forget(f.Name)
			}
		}
	}
	return nil
}

func (s *Spool) leftIDs() ([]string, error) {
	var ids []string
	err := s.home.claimed.List(func(e fs.DirEntry) bool {
		_, isID := parseID(e.Name())
		switch {
		case !isID || !e.IsDir():
			s.config.Log.Warn("not a batch, left alone", "path", s.home.claimed.Join(e.Name()))
		case s.home.live[e.Name()] == nil:
			ids = append(ids, e.Name())
		}
		return true
	})
	slices.Sort(ids)
	return ids, err
}

// resume opens a batch of an earlier run: nil when nothing was left of it.
func (s *Spool) resume(id string) (*Batch, error) {
	b, err := s.open(id)
	if err != nil {
		return nil, err
	}
	if err := b.Reload(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	if len(b.Files) > 0 {
		return b, nil
	}
	if err := b.Settle(); err != nil { // its end was reached but for this
		return nil, errors.Join(err, b.Close())
	}
	return nil, nil
}

// Restore opens the batch of that id, or makes it, durably: recovered
// fragments come back into it. Call Reload when they have. What is no id is
// fs.ErrInvalid.
func (s *Spool) Restore(id string) (*Batch, error) {
	if _, ok := parseID(id); !ok {
		return nil, fmt.Errorf("restore batch %q: that is no batch id: %w", id, fs.ErrInvalid)
	}
	b, err := s.restore(id)
	if err != nil {
		return nil, fmt.Errorf("restore batch %s: %w", id, err)
	}
	return b, nil
}

func (s *Spool) restore(id string) (*Batch, error) {
	if err := s.refresh(); err != nil {
		return nil, err
	}
	if b := s.home.live[id]; b != nil {
		return b, b.Reload()
	}
	if err := s.home.claimed.Mkdir(id, ownPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// What is moved into it leaves another folder for good.
	if err := s.home.claimed.Sync(); err != nil {
		return nil, err
	}
	b, err := s.open(id)
	if err != nil {
		return nil, err
	}
	s.After(id)
	if err := b.Reload(); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Reload looks anew what is in the batch. Where an intent is recorded, Files are
// those that it is about. What has just been claimed is known, and not looked at.
func (b *Batch) Reload() error {
	if b.fresh {
		b.fresh = false
		return nil
	}
	stored, intended, err := b.readIntent()
	if err != nil {
		return err
	}
	about := make(map[string]bool, len(stored.Files))
	for _, f := range stored.Files {
		about[string(f.Name)] = true
		if f.Read != nil {
			b.read[string(f.Name)] = *f.Read
		}
	}
	var files []File
	var foreign, ours []string
	err = b.dir.List(func(e fs.DirEntry) bool {
		name := e.Name()
		switch {
		case name == intentName && !e.IsDir():
		case name == ownName && !e.IsDir():
			b.Own = true
		case vfs.IsTemp(name, intentTemp) || vfs.IsMoveTemp(name):
			ours = append(ours, name)
		case e.IsDir() || !fragment.IsName(name):
			foreign = append(foreign, name)
		case !intended || about[name]:
			files = append(files, File{Name: name})
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, name := range ours {
		if err := b.dir.Remove(name); err != nil {
			b.log.Warn("temporary file stays", "path", b.dir.Join(name), "err", err)
		}
	}
	for _, name := range foreign {
		if err := b.SetAside(name); err != nil { // in nobody's way where it is
			b.log.Warn("no fragment, could not be set aside", "path", b.dir.Join(name), "err", err)
		}
	}
	if files, err = b.describe(files, intended); err != nil {
		return err
	}
	sortFiles(files)
	b.Files = files
	return nil
}

// describe fills in what Lstat tells, and finishes an interrupted Return.
func (b *Batch) describe(files []File, intended bool) ([]File, error) {
	kept := files[:0]
	for _, f := range files {
		fi, err := b.dir.Lstat(f.Name)
		if err != nil {
			return nil, err
		}
		status, err := b.dir.Status(f.Name)
		if err != nil {
			return nil, err
		}
		twice, err := b.inDropToo(f.Name, fi)
		if err != nil {
			return nil, err
		}
		if twice && !intended {
			if err := b.dir.Remove(f.Name); err != nil {
				return nil, err
			}
			continue
		}
		if twice {
			if err := b.home.drop.Remove(f.Name); err != nil {
				return nil, err
			}
			b.again = true
		}
		b.seen[f.Name] = status
		kept = append(kept, File{f.Name, status})
	}
	return kept, nil
}

// inDropToo reports whether the very same file is in the drop directory as well. Either a Return by link and remove was
// interrupted between the two, or a loss of power has kept one half of the claim's rename. Without an intent nothing has
// been done with the claim, and it goes; with one the fragment may be applied already, and its other name goes.
func (b *Batch) inDropToo(name string, claimed fs.FileInfo) (bool, error) {
	there, err := b.home.drop.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(there, claimed), err
}
