package vfs

import (
	"os"

	"golang.org/x/sys/windows"
)

func (d *Dir) links(name string) (Links, error) {
	f, err := d.openNoFollow(name, os.O_RDONLY, 0)
	if err != nil {
		return Links{}, err
	}
	defer f.Close() // nothing was written
	var info windows.ByHandleFileInformation
	if err := windows.GetFileInformationByHandle(windows.Handle(f.Fd()), &info); err != nil {
		return Links{}, err
	}
	fi, err := f.Stat()
	if err != nil {
		return Links{}, err
	}
	return Links{Count: uint64(info.NumberOfLinks), Changed: fi.ModTime(), Owner: -1}, nil
}

func cannotLink(err error) bool {
	return err == windows.ERROR_INVALID_FUNCTION || err == windows.ERROR_NOT_SUPPORTED || err == windows.ERROR_TOO_MANY_LINKS
}
