package vfs

import (
	"os"

	"golang.org/x/sys/windows"
)

// rename goes by path: Windows has no rename between two handles that os or
// x/sys would offer. A directory that is swapped meanwhile is not noticed.
func rename(from *Dir, old string, to *Dir, new string) error {
	return os.Rename(from.Join(old), to.Join(new))
}

func renameNew(from *Dir, old string, to *Dir, new string) error {
	a, err := windows.UTF16PtrFromString(from.Join(old))
	if err != nil {
		return err
	}
	b, err := windows.UTF16PtrFromString(to.Join(new))
	if err != nil {
		return err
	}
	return windows.MoveFileEx(a, b, 0)
}

func crossDevice(err error) bool { return cause(err) == windows.ERROR_NOT_SAME_DEVICE }
