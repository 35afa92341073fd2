package vfs

import (
	"io"
	"io/fs"
	"os"
)

func (d *Dir) status(name string) (Status, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return Status{}, err
	}
	return statusOf(info), nil
}

func statusOf(info fs.FileInfo) Status {
	return Status{Size: info.Size(), ModTime: info.ModTime(), Mode: info.Mode()}
}

type plain struct{ *os.File }

func (d *Dir) openPlain(name string) (plain, error) {
	f, err := d.openNoFollow(name, os.O_RDONLY, 0)
	return plain{f}, err
}

func (f plain) read(p []byte) (int, error) {
	n, err := f.Read(p)
	if err == io.EOF {
		err = nil
	}
	return n, err
}

func (f plain) status() (Status, error) {
	info, err := f.Stat()
	if err != nil {
		return Status{}, err
	}
	return statusOf(info), nil
}

func (f plain) close() { f.Close() }

func (d *Dir) remove(name string) error { return d.root.Remove(name) }
