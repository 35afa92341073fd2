package vfs

import "golang.org/x/sys/unix"

func renameNew(from *Dir, old string, to *Dir, new string) error {
	err := withFds(from, to, func(a, b int) error {
		return unix.Renameat2(a, old, b, new, unix.RENAME_NOREPLACE)
	})
	if err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP {
		return linkNew(from, old, to, new)
	}
	return err
}
