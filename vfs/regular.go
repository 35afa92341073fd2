package vfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// ErrNotRegular is what [OpenRegular] says of anything but a regular file.
var ErrNotRegular = errors.New("not a regular file")

// OpenRegular opens the regular file that path leads to, for reading. Links are
// followed: like the path of [Open] it is configuration, not data. It never waits
// for a FIFO's writer, and refuses what cannot be read to an end (a device) or at
// all (a directory) with ErrNotRegular. How far the file is read is the caller's
// business: it may grow meanwhile.
func OpenRegular(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: string(OpOpen), Path: path, Err: cause(err)}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%w but %s", ErrNotRegular, kindOf(info.Mode()))
	}
	if err != nil {
		f.Close()
		return nil, &fs.PathError{Op: string(OpOpen), Path: path, Err: cause(err)}
	}
	return &File{f: f, name: filepath.Base(path), path: path}, nil
}

func kindOf(mode fs.FileMode) string {
	switch mode.Type() &^ fs.ModeCharDevice {
	case fs.ModeDir:
		return "a directory"
	case fs.ModeNamedPipe:
		return "a FIFO"
	case fs.ModeSocket:
		return "a socket"
	case fs.ModeDevice:
		return "a device"
	}
	return "something else"
}
