package lockfile

import (
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

// BusyError says that other programs had the lock for as long as was waited. It passes: errors.Is says EBUSY.
type BusyError struct {
	Path   string // of the lock
	Kind   Kind
	Waited time.Duration
	Alive  time.Time // the last sign of life of the holder that was met last; zero for Flock, which has none
}

// Error says what was waited for, and what can be done about it.
func (e *BusyError) Error() string {
	waited := e.Waited.Round(100 * time.Millisecond)
	s := fmt.Sprintf("lock %s: other programs held it for all of the %v that were waited", e.Path, waited)
	if e.Kind == Flock {
		return s + "; end the one that does not give it back"
	}
	if ahead := time.Until(e.Alive).Round(time.Second); ahead > time.Second { // the npm package goes that far
		s += fmt.Sprintf(", and its time is %v ahead of this machine's clock", ahead)
	}
	return s + "; if no program is at work, remove it"
}

// Unwrap returns EBUSY: the writer's table of passing trouble knows it.
func (e *BusyError) Unwrap() error { return syscall.EBUSY }

// LostError says that the lock is not ours any more, or that others may take it at any moment because it was not kept
// fresh. It passes, with what was done under the lock done again: errors.Is says EBUSY.
type LostError struct {
	Path string // of the lock
}

// Error says what happened.
func (e *LostError) Error() string {
	return fmt.Sprintf("lock %s: it was lost while it was held: another program has taken it over or removed it, "+
		"or this one stood still for too long", e.Path)
}

// Unwrap returns EBUSY: the writer's table of passing trouble knows it.
func (e *LostError) Unwrap() error { return syscall.EBUSY }

// KindError says that what is in the lock's place is not what this kind of lock is made of. It lasts until a person has
// looked: errors.Is says EEXIST.
type KindError struct {
	Path string // of the lock
	Kind Kind   // that was asked for
	Mode fs.FileMode
}

// Error says what is there, and what can be done about it.
func (e *KindError) Error() string {
	made, other, there := "folder", Flock, "something that is neither a file nor a folder"
	if e.Kind == Flock {
		made, other = "file", ProperLockfile
	}
	remedy := "remove it"
	switch {
	case e.Mode.IsRegular():
		there = "a file"
	case e.Mode.IsDir():
		there = "a folder"
	case e.Mode&fs.ModeSymlink != 0:
		there = "a symbolic link"
	}
	if e.Mode.IsRegular() || e.Mode.IsDir() {
		remedy += fmt.Sprintf(" if no program is at work, "+
			"or set document.lock to %s if that is what the other programs use", other)
	}
	return fmt.Sprintf("lock %s: it is %s, and document.lock: %s makes a %s there; %s", e.Path, there, e.Kind, made, remedy)
}

// Unwrap returns EEXIST: something else has the name.
func (e *KindError) Unwrap() error { return syscall.EEXIST }

// NotEmptyError says that a folder in the lock's place is stale, but cannot be taken over: somebody has put something into
// it, which no holder does. It lasts until a person has looked: errors.Is says ENOTEMPTY.
type NotEmptyError struct {
	Path string // of the lock
}

// Error says what is there, and what can be done about it.
func (e *NotEmptyError) Error() string {
	return fmt.Sprintf("lock %s: it is stale, but holds other things; remove it if no program is at work", e.Path)
}

// Unwrap returns ENOTEMPTY: the removal's error, without the path that the folder had for a moment.
func (e *NotEmptyError) Unwrap() error { return syscall.ENOTEMPTY }
