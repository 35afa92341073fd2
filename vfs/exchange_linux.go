package vfs

import "golang.org/x/sys/unix"

func exchange(d *Dir, a, b string) error {
	return withFds(d, d, func(at, _ int) error { return unix.Renameat2(at, a, at, b, unix.RENAME_EXCHANGE) })
}

func cannotExchange(err error) bool {
	return err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP
}
