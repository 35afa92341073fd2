//go:build unix

package writer

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

func errnoName(number syscall.Errno) string {
	if name := unix.ErrnoName(number); name != "" {
		return name
	}
	return "errno " + strconv.Itoa(int(number))
}

// isPassingHere knows the errors that only this system has.
func isPassingHere(error) bool { return false }
