package vfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// moving is the target of the temporary names that Move uses: short, because a
// name may already be as long as the file system allows.
const moving = "move"

// IsMoveTemp reports whether name is the temporary name of a copy that Move was
// making; its original is still where it was.
func IsMoveTemp(name string) bool { return IsTemp(name, moving) }

// IsCrossDevice reports whether err is what Rename says across file systems.
func IsCrossDevice(err error) bool { return err != nil && crossDevice(err) }

// Move is Rename that also crosses file systems. There it copies (permissions
// and modification time too) under a temporary name, makes that durable, renames
// it and removes the original. A link is made anew as the same link; a FIFO,
// socket or device, which has no bytes, is replaced by a short text that says
// what it was; a folder cannot be moved (EXDEV).
//
// State after an error: the file is where it was and, if only the removal
// failed, also whole where it should go; doing it again is safe. Neither
// directory's removal or rename is durable before its Sync.
func Move(from *Dir, old string, to *Dir, new string) error {
	err := from.Rename(old, to, new)
	if err == nil || !crossDevice(err) {
		return err
	}
	fi, serr := from.Lstat(old)
	if serr != nil {
		return serr
	}
	temp := ""
	switch kind := fi.Mode().Type(); kind {
	case fs.ModeDir:
		return err
	case 0:
		temp, err = copyFile(from, old, to, fi.Mode().Perm())
	case fs.ModeSymlink:
		temp, err = copyLink(from, old, to)
	default:
		text := fmt.Sprintf("This was a %s, mode %s, which cannot be moved to another file system.\n", kindName(kind), fi.Mode())
		temp, err = writeTemp(to, func(f *File) error { _, err := io.WriteString(f, text); return err })
	}
	if err != nil {
		return err
	}
	if err := to.Rename(temp, to, new); err != nil {
		to.Remove(temp)
		return err
	}
	// The copy must be durable under its name before the original goes.
	if err := to.Sync(); err != nil {
		return err
	}
	return from.Remove(old)
}

func copyFile(from *Dir, old string, to *Dir, perm fs.FileMode) (temp string, err error) {
	src, err := from.OpenFile(old, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrPermission) && from.root.Chmod(old, 0o400) == nil {
		// Our own file whose mode says no; a rename would not have asked.
		src, err = from.OpenFile(old, os.O_RDONLY, 0)
	}
	if err != nil {
		return "", err
	}
	defer src.Close()
	fi, err := src.Stat()
	if err != nil {
		return "", err
	}
	if !fi.Mode().IsRegular() { // swapped since Lstat
		return "", from.fail(OpOpen, old, syscall.EAGAIN)
	}
	return writeTemp(to, func(f *File) error {
		if _, err := io.Copy(f, src); err != nil {
			return err
		}
		if err := f.Chmod(perm); err != nil {
			return err
		}
		return to.chtimes(f.name, fi.ModTime())
	})
}

// writeTemp leaves a durable temporary file, or none.
func writeTemp(to *Dir, write func(*File) error) (string, error) {
	f, err := to.CreateTemp(moving)
	if err != nil {
		return "", err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		to.Remove(f.name)
		return "", err
	}
	return f.name, nil
}

func copyLink(from *Dir, old string, to *Dir) (string, error) {
	if err := from.before(OpRead, old); err != nil {
		return "", err
	}
	target, err := from.root.Readlink(old)
	if err != nil {
		return "", from.fail(OpRead, old, err)
	}
	temp := TempName(moving)
	if err := to.before(OpCreate, temp); err != nil {
		return "", err
	}
	return temp, to.fail(OpCreate, temp, to.root.Symlink(target, temp))
}

func (d *Dir) chtimes(name string, t time.Time) error {
	if err := d.before(OpChtimes, name); err != nil {
		return err
	}
	return d.fail(OpChtimes, name, d.root.Chtimes(name, time.Time{}, t))
}

func kindName(t fs.FileMode) string {
	switch {
	case t&fs.ModeNamedPipe != 0:
		return "FIFO"
	case t&fs.ModeSocket != 0:
		return "socket"
	case t&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}
