//go:build unix

package vfs

import (
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// openNoFollow asks the kernel itself: os.Root.OpenFile answers O_NOFOLLOW's
// ELOOP by following the link within the root.
func (d *Dir) openNoFollow(name string, flag int, perm fs.FileMode) (*os.File, error) {
	const always = unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	fd := -1
	err := withFd(d.f, func(dir int) error {
		return again(func() (err error) {
			fd, err = unix.Openat(dir, name, flag|always, uint32(perm.Perm()))
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), d.Join(name)), nil
}

// listable makes a directory that was opened through an os.Root one whose ReadDir does
// not look at each file: for a million names that is as much as all the rest. It takes over f.
func listable(f *os.File) (*os.File, error) {
	fd := -1
	err := withFd(f, func(dir int) error {
		return again(func() (err error) {
			fd, err = unix.FcntlInt(uintptr(dir), unix.F_DUPFD_CLOEXEC, 0)
			return err
		})
	})
	f.Close() // nothing was written through it
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// syncDir takes "this cannot be asked for" (some FUSE and network file systems)
// for done: no repetition would change it, and PostgreSQL does the same.
func syncDir(f *os.File) error {
	err := f.Sync()
	if c := cause(err); c == unix.EINVAL || c == unix.ENOTSUP {
		return nil
	}
	return err
}

// withFd lends f's descriptor to call; f cannot be closed meanwhile.
func withFd(f *os.File, call func(fd int) error) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if raw.Control(func(fd uintptr) { inner = call(int(fd)) }) != nil {
		return fs.ErrClosed // its only reason, under a name that os does not export
	}
	return inner
}

// again repeats a call that a signal interrupted; Go's runtime sends signals to
// its own threads all the time.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
