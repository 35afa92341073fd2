package vfs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// MkdirAll makes the directory at path and the missing ones above it, each
// durable in its parent before the next one is made. Like Open it follows links
// in path. After an error some of them may be there; doing it again is safe.
func MkdirAll(path string, perm fs.FileMode, hook Hook) error {
	fi, err := os.Stat(path)
	switch {
	case err == nil && fi.IsDir():
		return nil
	case err == nil:
		return &fs.PathError{Op: string(OpMkdir), Path: path, Err: syscall.ENOTDIR}
	case !errors.Is(err, fs.ErrNotExist):
		return &fs.PathError{Op: string(OpMkdir), Path: path, Err: cause(err)}
	}
	path = filepath.Clean(path)
	above := filepath.Dir(path)
	if err := MkdirAll(above, perm, hook); err != nil {
		return err
	}
	parent, err := Open(above, hook)
	if err != nil {
		return err
	}
	defer parent.close()
	if err := parent.Mkdir(filepath.Base(path), perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return parent.Sync()
}
