//go:build unix

package vfs

import (
	"os"

	"golang.org/x/sys/unix"
)

func lock(f *os.File) error { return flock(f, unix.LOCK_EX|unix.LOCK_NB) }

func lockShared(f *os.File) error { return flock(f, unix.LOCK_SH|unix.LOCK_NB) }

func unlock(f *os.File) error { return flock(f, unix.LOCK_UN) }

func flock(f *os.File, how int) error {
	err := withFd(f, func(fd int) error {
		return again(func() error { return unix.Flock(fd, how) })
	})
	if err == unix.EWOULDBLOCK {
		return ErrLocked
	}
	return err
}
