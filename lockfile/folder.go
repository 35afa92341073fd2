package lockfile

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// The npm package's defaults. Both sides must have the same idea of what is stale.
const (
	stale  = 10 * time.Second
	update = 5 * time.Second
	hurry  = time.Second // to the next update after one that failed
)

// folderPerm is what Node's mkdir asks for; the umask cuts it.
const folderPerm fs.FileMode = 0o777

// folder is a lock of the npm package's kind that we have.
type folder struct {
	dir    *vfs.Dir
	name   string
	opened *vfs.Dir    // the lock folder itself, so that its number stays its own
	info   fs.FileInfo // of it

	mu       sync.Mutex // the timer's goroutine refreshes while the holder asks
	timer    *time.Timer
	fresh    time.Time // the modification time that was set last
	released bool
}

// takeFolder takes the lock if it is free or stale. The error is a *BusyError if it is neither.
func takeFolder(dir *vfs.Dir, name string) (holding, error) {
	err := dir.Mkdir(name, folderPerm)
	if errors.Is(err, fs.ErrExist) {
		if err := overcome(dir, name); err != nil {
			return nil, err
		}
		err = dir.Mkdir(name, folderPerm)
	}
	if errors.Is(err, fs.ErrExist) { // somebody was faster
		return nil, busy(dir, name, time.Now())
	}
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, name: name}
	err = f.own()
	if errors.Is(err, fs.ErrNotExist) { // a takeover that came too late took it for the stale one
		return nil, busy(dir, name, time.Now())
	}
	if err != nil {
		dir.Remove(name) // where that fails too, it goes stale
		return nil, err
	}
	return f, nil
}

// own makes the folder that was just made ours: known by its handle, dated by our clock, kept fresh. After an error it is
// closed.
func (f *folder) own() (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.opened, err = f.dir.OpenDir(f.name); err != nil {
		return err
	}
	if f.info, err = f.opened.Stat(); err == nil {
		err = f.touch()
	}
	if err != nil {
		f.opened.Close()
		return err
	}
	f.timer = time.AfterFunc(update, f.refresh) // a lock held for milliseconds needs no goroutine
	return nil
}

// touch sets the folder's time. A file system that knows seconds only makes it look up to two older, which leaves enough.
func (f *folder) touch() error {
	now := time.Now().Round(0) // the wall clock alone: the other one stands still while the machine sleeps
	err := f.opened.Chtimes(now)
	if err == nil {
		f.fresh = now
	}
	return err
}

// refresh is the timer's. Its errors show in Held, if they last.
func (f *folder) refresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.released {
		return
	}
	next := update
	if f.touch() != nil {
		next = hurry
	}
	f.timer.Reset(next)
}

func (f *folder) held() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.fresh) > stale {
		return &LostError{Path: f.dir.Join(f.name)}
	}
	return stillThere(f.dir, f.name, f.info)
}

func (f *folder) release() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.released = true
	f.timer.Stop()
	err := stillThere(f.dir, f.name, f.info)
	if err == nil {
		err = f.dir.Remove(f.name)
	}
	f.opened.Close() // nothing was written through it, so what that says does not matter
	return err
}

// overcome returns nil if the way to another mkdir is free: what was there is gone, or was stale and is now.
func overcome(dir *vfs.Dir, name string) error {
	info, err := dir.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !isStale(info): // whatever it is: the npm package waits for it too
		return busy(dir, name, info.ModTime())
	case !info.IsDir():
		return &KindError{Path: dir.Join(name), Kind: ProperLockfile, Mode: info.Mode()}
	}
	return takeAway(dir, name)
}

// takeAway removes the folder that was seen to be stale. After an error it is where it was, or cannot be put back; which
// of these it is tells the error's path.
func takeAway(dir *vfs.Dir, name string) error {
	aside := vfs.TempName(name)
	if err := dir.Rename(name, dir, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) { // somebody else was faster
			return nil
		}
		return err
	}
	info, err := dir.Lstat(aside)
	if err == nil && isStale(info) {
		if err = dir.Remove(aside); err == nil {
			sweep(dir, name)
			return nil
		}
	}
	// It is a fresh one, made since the look; or one with something in it, which a person has to see.
	back := dir.RenameNew(aside, dir, name)
	switch {
	case errors.Is(back, fs.ErrExist): // the two holders of the package's documentation; this one will find out
		dir.Remove(aside)
	case back != nil && err == nil:
		err = back
	case back == nil && errors.Is(err, fs.ErrExist): // as every system's "not empty" is
		err = &NotEmptyError{Path: dir.Join(name)}
	}
	if err == nil {
		err = busy(dir, name, info.ModTime())
	}
	return err
}

// sweep removes what takeovers that were cut off have left. It takes no part in the lock, so whatever goes wrong may stay.
func sweep(dir *vfs.Dir, name string) {
	var left []string
	dir.List(func(e fs.DirEntry) bool {
		if vfs.IsTemp(e.Name(), name) && e.IsDir() {
			left = append(left, e.Name())
		}
		return true
	})
	for _, aside := range left {
		if info, err := dir.Lstat(aside); err == nil && isStale(info) { // a fresh one is about to be put back
			dir.Remove(aside)
		}
	}
}

func isStale(info fs.FileInfo) bool { return time.Since(info.ModTime()) > stale }

func busy(dir *vfs.Dir, name string, alive time.Time) error {
	return &BusyError{Path: dir.Join(name), Kind: ProperLockfile, Alive: alive}
}
