//go:build unix

package vfs

import "golang.org/x/sys/unix"

func (d *Dir) links(name string) (Links, error) {
	var st unix.Stat_t
	err := withFd(d.f, func(dir int) error {
		return again(func() error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	})
	return Links{Count: uint64(st.Nlink), Changed: changedAt(&st), Owner: int(st.Uid)}, err
}

// cannotLink: EPERM is what Linux says of vfat, EMLINK of a file that has all the names it can have.
func cannotLink(err error) bool {
	return err == unix.EPERM || err == unix.EOPNOTSUPP || err == unix.ENOSYS || err == unix.EMLINK
}
