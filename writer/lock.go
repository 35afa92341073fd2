package writer

import (
	"context"
	"os"

	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

// lock is the lock of the tasks file for one attempt; without one it is always held.
type lock struct {
	lock *lockfile.Lock
	dir  *vfs.Dir
	name string
}

// lock takes the lock of the tasks file where its other writers take one.
func (w *Writer) lock(ctx context.Context) (*lock, error) {
	if w.config.Lock == "" || w.config.Lock == lockfile.None {
		return &lock{}, nil
	}
	dir, name, err := w.locate()
	if err != nil {
		return nil, err
	}
	held, err := lockfile.Acquire(ctx, w.config.Lock, dir, name)
	if err != nil {
		return nil, join(err, dir.Close())
	}
	return &lock{held, dir, name}, nil
}

// release gives the lock back. What that says changes nothing of what was done under the lock.
func (l *lock) release() error {
	if l.lock == nil {
		return nil
	}
	return join(l.lock.Release(), l.dir.Close())
}

// held returns nil while the lock is ours.
func (l *lock) held() error {
	if l.lock == nil {
		return nil
	}
	return l.lock.Held()
}

// isOf reports whether it is that version's: the path may lead elsewhere since it was taken.
func (l *lock) isOf(v *version) (bool, error) {
	if l.lock == nil {
		return true, nil
	}
	ours, err := l.dir.Stat()
	if err != nil {
		return false, err
	}
	theirs, err := v.dir.Stat()
	return err == nil && l.name == v.name && os.SameFile(ours, theirs), err
}
