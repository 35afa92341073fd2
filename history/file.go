package history

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/sessionsync/sessionsync/vfs"
)

const (
	folderName   = ".sessionsync" // in the drop directory
	fileName     = "history.jsonl"
	previousName = "history.1.jsonl"

	filePerm fs.FileMode = 0o600
)

// withFolder calls f with the folder of the history, if it is there.
func withFolder(drop string, f func(*vfs.Dir) error) error {
	dir, err := openFolder(drop)
	if err != nil || dir == nil {
		return err
	}
	defer dir.Close() // it was only read
	if err := f(dir); err != nil {
		return readError(err)
	}
	return nil
}

// openFolder opens the folder of the history; nil where there is none yet.
func openFolder(drop string) (*vfs.Dir, error) {
	d, err := vfs.Open(drop, nil)
	if err != nil {
		return nil, readError(err)
	}
	defer d.Close()
	dir, err := d.OpenDir(folderName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, readError(err)
	}
	return dir, nil
}

func readError(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("read history: %w; it is the agent's own: run this as the agent's user", err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read history: %w; name the drop directory with --drop or in the configuration", err)
	}
	return fmt.Errorf("read history: %w", err)
}

// openRead opens a file of the history for reading; nil where there is none.
func openRead(dir *vfs.Dir, name string) (*vfs.File, fs.FileInfo, error) {
	f, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	info, err := regular(f)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func regular(f *vfs.File) (fs.FileInfo, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: f.Path(), Err: syscall.EINVAL}
	}
	return info, err
}

// eachFile calls f with the older file, then with the newer one, each with the size that it had at one moment. The older one
// is opened second: a rotation in between shows as one file under both names, and then there is only that one.
func eachFile(dir *vfs.Dir, f func(*vfs.File, int64) error) error {
	newer, newInfo, err := openRead(dir, fileName)
	if err != nil {
		return err
	}
	older, oldInfo, err := openRead(dir, previousName)
	if newer != nil {
		defer newer.Close()
	}
	if err != nil {
		return err
	}
	if older != nil {
		defer older.Close()
		if newer == nil || !os.SameFile(oldInfo, newInfo) {
			if err := f(older, oldInfo.Size()); err != nil {
				return err
			}
		}
	}
	if newer == nil {
		return nil
	}
	return f(newer, newInfo.Size())
}
