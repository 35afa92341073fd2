//go:build unix

package vfs

import (
	"golang.org/x/sys/unix"
)

// rename works between the two handles: neither directory's path matters.
func rename(from *Dir, old string, to *Dir, new string) error {
	return withFds(from, to, func(a, b int) error { return unix.Renameat(a, old, b, new) })
}

// linkNew is renameNew where the kernel or the file system has no exclusive
// rename.
func linkNew(from *Dir, old string, to *Dir, new string) error {
	return withFds(from, to, func(a, b int) error {
		switch err := unix.Linkat(a, old, b, new, 0); err {
		case nil:
		case unix.EPERM, unix.EOPNOTSUPP, unix.ENOSYS, unix.EMLINK:
			// A directory, a file system without hard links, or a file of
			// somebody else that the kernel will not let us link.
			return lookNew(a, old, b, new)
		default:
			return err
		}
		err := unix.Unlinkat(a, old, 0)
		if err != nil {
			unix.Unlinkat(b, new, 0) // as before the call: one name
		}
		return err
	})
}

func lookNew(a int, old string, b int, new string) error {
	var st unix.Stat_t
	switch err := unix.Fstatat(b, new, &st, unix.AT_SYMLINK_NOFOLLOW); err {
	case nil:
		return unix.EEXIST
	case unix.ENOENT:
		return unix.Renameat(a, old, b, new)
	default:
		return err
	}
}

func withFds(from, to *Dir, call func(a, b int) error) error {
	return withFd(from.f, func(a int) error {
		return withFd(to.f, func(b int) error {
			return again(func() error { return call(a, b) })
		})
	})
}

func crossDevice(err error) bool { return cause(err) == unix.EXDEV }
