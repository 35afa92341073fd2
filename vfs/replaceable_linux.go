package vfs

import "golang.org/x/sys/unix"

func (d *Dir) replaceable(name string) error {
	var st unix.Statx_t
	err := withFd(d.f, func(dir int) error {
		return again(func() error { return unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW, unix.STATX_BASIC_STATS, &st) })
	})
	switch {
	case err == unix.ENOSYS: // before Linux 4.11
		return nil
	case err != nil:
		return err
	case st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0:
		return unix.EBUSY
	case st.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0:
		return unix.EPERM
	}
	return nil
}
