package lockfile

import (
	"errors"
	"io/fs"
	"os"

	"github.com/sessionsync/sessionsync/vfs"
)

// filePerm lets every user lock the file: who may read it, may.
const filePerm fs.FileMode = 0o644

// file is a lock of flock's kind that we have.
type file struct {
	dir    *vfs.Dir
	opened *vfs.File // it is locked until this is closed
	info   fs.FileInfo
}

// takeFile takes the lock if it is free. The error is a *BusyError if it is not.
func takeFile(dir *vfs.Dir, name string) (holding, error) {
	opened, err := dir.OpenFile(name, os.O_RDWR|os.O_CREATE, filePerm) // for writing, because NFS wants that
	if errors.Is(err, fs.ErrPermission) {                              // another user's
		opened, err = dir.OpenFile(name, os.O_RDONLY, 0)
	}
	if err != nil {
		if info, e := dir.Lstat(name); e == nil && !info.Mode().IsRegular() {
			return nil, &KindError{Path: dir.Join(name), Kind: Flock, Mode: info.Mode()}
		}
		return nil, err
	}
	f := &file{dir: dir, opened: opened}
	if err := f.lock(); err != nil {
		opened.Close() // it was not written to, so what that says does not matter
		return nil, err
	}
	return f, nil
}

func (f *file) lock() (err error) {
	if f.info, err = f.opened.Stat(); err != nil {
		return err
	}
	if !f.info.Mode().IsRegular() { // a FIFO can be opened
		return &KindError{Path: f.opened.Path(), Kind: Flock, Mode: f.info.Mode()}
	}
	if err = f.opened.Lock(); err == nil {
		err = f.held() // it may have been removed since it was opened
	}
	var lost *LostError
	if errors.Is(err, vfs.ErrLocked) || errors.As(err, &lost) {
		return &BusyError{Path: f.opened.Path(), Kind: Flock}
	}
	return err
}

func (f *file) held() error { return stillThere(f.dir, f.opened.Name(), f.info) }

func (f *file) release() error {
	err := f.held()
	f.opened.Close() // which gives the lock back whatever it says
	return err
}
