package writer

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"
)

func errnoName(number syscall.Errno) string {
	switch {
	case errors.Is(number, fs.ErrNotExist):
		return "ENOENT"
	case errors.Is(number, fs.ErrPermission):
		return "EACCES"
	case number == windows.ERROR_DISK_FULL || number == windows.ERROR_HANDLE_DISK_FULL:
		return "ENOSPC"
	case isPassingHere(number):
		return "EBUSY"
	}
	return "errno " + strconv.Itoa(int(number))
}

// isPassingHere knows the errors that only this system has: a file that somebody has open cannot be replaced there.
func isPassingHere(err error) bool {
	for _, p := range []syscall.Errno{
		windows.ERROR_SHARING_VIOLATION, windows.ERROR_LOCK_VIOLATION, windows.ERROR_ACCESS_DENIED,
		windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL,
	} {
		if errors.Is(err, p) {
			return true
		}
	}
	return false
}
