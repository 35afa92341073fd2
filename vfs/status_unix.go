//go:build unix

package vfs

import (
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

func (d *Dir) status(name string) (s Status, err error) {
	var st unix.Stat_t
	err = withFd(d.f, func(dir int) error {
		return again(func() error { return unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) })
	})
	return statusOf(&st), err
}

func statusOf(st *unix.Stat_t) Status {
	mode := fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	default:
		mode |= fs.ModeIrregular
	}
	return Status{Size: st.Size, ModTime: time.Unix(st.Mtim.Unix()), Mode: mode, Inode: uint64(st.Ino),
		Changed: time.Unix(st.Ctim.Unix())}
}

// plain is an open file that neither the runtime's poller nor its finalizers know.
type plain int

func (d *Dir) openPlain(name string) (f plain, err error) {
	err = withFd(d.f, func(dir int) error {
		return again(func() error {
			fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
			f = plain(fd)
			return err
		})
	})
	return f, err
}

// read reads nothing of what would have to be waited for.
func (f plain) read(p []byte) (n int, err error) {
	err = again(func() error { n, err = unix.Read(int(f), p); return err })
	if err == unix.EAGAIN {
		return 0, nil
	}
	return max(n, 0), err
}

func (f plain) status() (Status, error) {
	var st unix.Stat_t
	err := again(func() error { return unix.Fstat(int(f), &st) })
	return statusOf(&st), err
}

func (f plain) close() { unix.Close(int(f)) } // nothing was written through it

// remove takes a folder only if the name turns out to be one.
func (d *Dir) remove(name string) error {
	return withFd(d.f, func(dir int) error {
		err := again(func() error { return unix.Unlinkat(dir, name, 0) })
		if err != unix.EISDIR && err != unix.EPERM { // EPERM: of a folder, as POSIX has it
			return err
		}
		rmdir := again(func() error { return unix.Unlinkat(dir, name, unix.AT_REMOVEDIR) })
		if rmdir == unix.ENOTDIR {
			return err
		}
		return rmdir
	})
}
