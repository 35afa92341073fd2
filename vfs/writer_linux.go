package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// A read lease (fcntl(2), F_SETLEASE) is refused while anybody has the file open
// for writing, and whoever opens it for writing meanwhile waits until it is given
// back. Go's runtime ignores the SIGIO that tells of that; leaseHeld asks.

func lease(f *os.File) error {
	return leaseErr(setLease(f, unix.F_RDLCK))
}

func setLease(f *os.File, kind int) error {
	return withFd(f, func(fd int) error {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, kind)
		return err
	})
}

func leaseErr(err error) error {
	switch err {
	case unix.EAGAIN:
		return errHasWriter
	case unix.EACCES, unix.EPERM, unix.EINVAL, unix.ENOLCK, unix.EOPNOTSUPP, unix.ENOSYS:
		return ErrCannotTell
	}
	return err
}

// leaseHeld reports whether nobody waits for the lease's end: else the kernel tells
// what is to become of it.
func leaseHeld(f *os.File) bool {
	kind := unix.F_UNLCK
	err := withFd(f, func(fd int) (err error) {
		kind, err = unix.FcntlInt(uintptr(fd), unix.F_GETLEASE, 0)
		return err
	})
	return err == nil && kind == unix.F_RDLCK
}

func hasWriter(f *os.File) (bool, error) {
	switch err := lease(f); err {
	case nil:
		return false, setLease(f, unix.F_UNLCK)
	case errHasWriter:
		return true, nil
	default:
		return false, err
	}
}
