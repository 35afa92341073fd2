package vfs

import (
	"os"

	"golang.org/x/sys/windows"
)

// The lock is of one byte far behind the end: a lock on Windows also keeps others
// from reading what it covers, and the content says who holds it.
func place() *windows.Overlapped { return &windows.Overlapped{OffsetHigh: 0x7fffffff} }

func lock(f *os.File) error { return lockFile(f, windows.LOCKFILE_EXCLUSIVE_LOCK) }

func lockShared(f *os.File) error { return lockFile(f, 0) }

func unlock(f *os.File) error {
	return windows.UnlockFileEx(windows.Handle(f.Fd()), 0, 1, 0, place())
}

func lockFile(f *os.File, how uint32) error {
	err := windows.LockFileEx(windows.Handle(f.Fd()), how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, place())
	if err == windows.ERROR_LOCK_VIOLATION || err == windows.ERROR_IO_PENDING {
		return ErrLocked
	}
	return err
}
