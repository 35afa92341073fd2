//go:build unix

package writer

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/sessionsync/sessionsync/vfs"
)

// keepOwner gives a new file the owner and the group of the one that it is to replace. Where only root may do that the
// group is tried alone; it returns what the file is, and reports whether both are now the same.
func keepOwner(f *vfs.File, old fs.FileInfo) (now fs.FileInfo, kept bool, err error) {
	if now, err = f.Stat(); err != nil {
		return nil, false, err
	}
	want, have := old.Sys().(*syscall.Stat_t), now.Sys().(*syscall.Stat_t)
	if want.Uid == have.Uid && want.Gid == have.Gid {
		return now, true, nil
	}
	err = f.Chown(int(want.Uid), int(want.Gid))
	if err == nil || !isRefusal(err) {
		return now, err == nil, err
	}
	// The owner stays the agent's; what its group may do matters more to the neighbours.
	err = f.Chown(-1, int(want.Gid))
	if err != nil && !isRefusal(err) {
		return now, false, err
	}
	return now, err == nil && want.Uid == have.Uid, nil
}

// sameIdentity reports whether two files have the same mode and owner.
func sameIdentity(a, b fs.FileInfo) bool {
	x, y := a.Sys().(*syscall.Stat_t), b.Sys().(*syscall.Stat_t)
	return a.Mode() == b.Mode() && x.Uid == y.Uid && x.Gid == y.Gid
}

// isRefusal tells "this may not be, or cannot be here" (no privilege, an id that a user namespace does not know, a file
// system without owners) from trouble that another attempt may not meet.
func isRefusal(err error) bool {
	for _, number := range []syscall.Errno{syscall.EPERM, syscall.EACCES, syscall.EINVAL, syscall.ENOSYS, syscall.ENOTSUP} {
		if errors.Is(err, number) {
			return true
		}
	}
	return false
}
