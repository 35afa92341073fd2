package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openNoFollow looks before and after, because Windows' Root follows links
// inside the root and has no flag against it.
func (d *Dir) openNoFollow(name string, flag int, perm fs.FileMode) (*os.File, error) {
	const attempts = 100 // somebody creates and removes the name over and over
	for i := 0; ; i++ {
		before, err := d.root.Lstat(name)
		open := flag
		switch {
		case err == nil && before.Mode()&(fs.ModeSymlink|fs.ModeIrregular) != 0:
			return nil, syscall.ELOOP
		case errors.Is(err, fs.ErrNotExist) && flag&os.O_CREATE != 0:
			open |= os.O_EXCL // never through a link that appears now
		case err != nil:
			return nil, err
		}
		f, err := d.root.OpenFile(name, open, perm)
		if err != nil {
			if open != flag && errors.Is(err, fs.ErrExist) && i < attempts {
				continue
			}
			return nil, err
		}
		if before == nil {
			return f, nil
		}
		after, err := f.Stat()
		if err == nil && !os.SameFile(before, after) {
			err = syscall.ELOOP
		}
		if err != nil {
			f.Close()
			return nil, err
		}
		return f, nil
	}
}

// listable has nothing to do: a listing tells all.
func listable(f *os.File) (*os.File, error) { return f, nil }

// syncDir does nothing: Windows has no fsync of a directory for one who may not
// open it for writing; NTFS keeps renames in its journal.
func syncDir(*os.File) error { return nil }
