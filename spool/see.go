package spool

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Folder is the name of the agent's own folder in the drop directory.
const Folder = stateName

// What a look costs is bounded, whoever may drop: a second for a million names, and
// some milliseconds for the times.
const (
	mostNames = 1 << 20 // of files that wait, and of those that are claimed
	mostTimes = 4096    // files whose time is looked at
)

var seen = Most{Names: mostNames, Fragments: mostNames, Times: mostTimes}

// Sight is what can be seen of a drop directory by somebody who only looks. It was
// true for a moment, and not at the same moment for each part.
type Sight struct {
	Waiting Pile
	Batches int  // claimed
	Claimed Pile // in them
	Holder  *LockHolder
	Hidden  error // why the agent's own folder cannot be looked into; then nothing is known of Batches, Claimed and Holder
}

// Pile is a number of fragments.
type Pile struct {
	Fragments int
	More      bool      // there are more, which were not counted
	Oldest    time.Time // by modification time; zero where there is none
	Sampled   bool      // Oldest is that of some of them: there are too many to look at each
}

// See counts what lies in the drop directory and tells who holds it. It changes
// nothing, needs no lock and may be called while an agent is at work. The error is
// about the drop directory itself, with nothing seen; look again.
func See(drop string) (Sight, error) {
	dir, err := vfs.Open(drop, nil)
	if err != nil {
		return Sight{}, err
	}
	defer dir.Close()
	return see(dir)
}

func see(dir *vfs.Dir) (s Sight, err error) {
	if err := s.Waiting.add(dir, seen); err != nil {
		return s, err
	}
	s.Hidden = s.lookInside(dir)
	return s, nil
}

// lookInside looks into the agent's own folder, which is not there before the first run.
func (s *Sight) lookInside(drop *vfs.Dir) error {
	own, err := drop.OpenDir(stateName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer own.Close()
	if s.Holder, err = HolderIn(own); err != nil {
		return err
	}
	return inFolders(own, claimedName, func(id string, batch *vfs.Dir) (bool, error) {
		if !IsID(id) {
			return false, nil
		}
		before := s.Claimed.Fragments
		if err := s.Claimed.add(batch, seen); err != nil {
			return false, err
		}
		if s.Claimed.Fragments > before {
			s.Batches++ // else it is a folder that a crash has left
		}
		return s.Claimed.More, nil
	})
}

// Most bounds a look at fragments, whoever may drop.
type Most struct {
	Names     int // that are read, whatever they are the names of
	Fragments int // that are counted
	Times     int // fragments whose time is looked at
}

// Waiting counts the fragments that lie in a drop directory, as See does.
func Waiting(drop string, most Most) (p Pile, err error) {
	dir, err := vfs.Open(drop, nil)
	if err != nil {
		return p, err
	}
	defer dir.Close()
	return p, p.add(dir, most)
}

// add counts the fragments in a folder.
func (p *Pile) add(dir *vfs.Dir, most Most) error {
	names := 0
	return dir.List(func(e fs.DirEntry) bool {
		if p.More = names == most.Names || p.Fragments == most.Fragments; p.More {
			return false
		}
		names++
		if e.IsDir() || !fragment.IsName(e.Name()) {
			return true
		}
		p.Fragments++
		if p.Fragments > most.Times {
			p.Sampled = true
			return true
		}
		if is, err := dir.Status(e.Name()); err == nil && (p.Oldest.IsZero() || is.ModTime.Before(p.Oldest)) {
			p.Oldest = is.ModTime // of one that is gone meanwhile there is none
		}
		return true
	})
}

// Holder tells who serves a drop directory; nil where nobody does. It makes nothing, and keeps no agent from beginning. After
// an error nothing is known; fs.ErrPermission says that it is another user's.
func Holder(c Config) (*LockHolder, error) {
	drop, err := vfs.Open(c.Drop, c.Hook)
	if err != nil {
		return nil, unlessMissing(err)
	}
	defer drop.Close()
	own, err := drop.OpenDir(stateName)
	if err != nil {
		return nil, unlessMissing(err)
	}
	defer own.Close()
	return HolderIn(own)
}

// HolderIn tells who holds the lock in an agent's own folder; nil: nobody does. Of
// somebody who has not said who he is all members are zero.
func HolderIn(own *vfs.Dir) (*LockHolder, error) {
	lock, err := own.OpenFile(lockName, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	is, err := lock.Stat()
	if err != nil {
		return nil, err
	}
	if !is.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "look at", Path: lock.Path(), Err: vfs.ErrNotRegular}
	}
	locked, err := lock.Locked()
	if err != nil || !locked {
		return nil, err
	}
	who := readHolder(lock)
	return &who, nil
}
