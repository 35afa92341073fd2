package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// ErrLocked is what [File.Lock] says when another process holds the lock.
var ErrLocked = errors.New("locked by another process")

// ErrCannotTell is what [File.HasWriter] says where the system does not know.
var ErrCannotTell = errors.New("the system does not tell who has the file open")

// errHasWriter is what a lease says of a file that somebody has open for writing.
var errHasWriter = errors.New("somebody has it open for writing")

// File is one open file of a [Dir].
type File struct {
	f          *os.File
	name, path string
	hook       Hook
}

// Name is the file's name in its directory, when it was opened.
func (f *File) Name() string { return f.name }

// Path is the path of the file when it was opened, for messages.
func (f *File) Path() string { return f.path }

// Read reads as io.Reader says.
func (f *File) Read(p []byte) (int, error) {
	if err := f.before(OpRead); err != nil {
		return 0, err
	}
	n, err := f.f.Read(p)
	if err == io.EOF {
		return n, err
	}
	return n, f.fail(OpRead, err)
}

// ReadAt reads as io.ReaderAt says.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	if err := f.before(OpRead); err != nil {
		return 0, err
	}
	n, err := f.f.ReadAt(p, offset)
	if err == io.EOF {
		return n, err
	}
	return n, f.fail(OpRead, err)
}

// Write writes as io.Writer says.
func (f *File) Write(p []byte) (int, error) {
	if err := f.before(OpWrite); err != nil {
		return 0, err
	}
	n, err := f.f.Write(p)
	return n, f.fail(OpWrite, err)
}

// WriteAll writes pieces one behind the other, in as few calls as the system has for it: each one tells whoever watches the
// folder of a change. After an error some of them may be there.
func (f *File) WriteAll(pieces [][]byte) error {
	return f.do(OpWrite, func() error { return writeAll(f.f, pieces) })
}

// Truncate cuts or extends the file to size.
func (f *File) Truncate(size int64) error {
	return f.do(OpWrite, func() error { return f.f.Truncate(size) })
}

// Sync makes the file's bytes durable. After an error they count as lost:
// the kernel may have dropped the pages and say nil the next time.
func (f *File) Sync() error { return f.do(OpSync, f.f.Sync) }

// Stat describes the open file.
func (f *File) Stat() (fi fs.FileInfo, err error) {
	err = f.do(OpStat, func() (err error) { fi, err = f.f.Stat(); return err })
	return fi, err
}

// Chmod sets the permissions.
func (f *File) Chmod(perm fs.FileMode) error {
	return f.do(OpChmod, func() error { return f.f.Chmod(perm) })
}

// Chown sets owner and group; -1 leaves one as it is. Windows cannot.
func (f *File) Chown(uid, gid int) error {
	return f.do(OpChown, func() error { return f.f.Chown(uid, gid) })
}

// Lock takes the exclusive advisory lock of the file, or says ErrLocked at once.
// It is held until Close, or until the process ends in whatever way.
func (f *File) Lock() error { return f.do(OpLock, func() error { return lock(f.f) }) }

// Locked reports whether somebody holds the lock, through another opening of the file. To find out it takes
// a shared lock for an instant, which hides from no other Locked, but from a Lock: whom that finds ErrLocked asks
// Locked who is there, and tries again if nobody holds it.
func (f *File) Locked() (bool, error) {
	err := f.do(OpLock, func() error { return lockShared(f.f) })
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, f.do(OpLock, func() error { return unlock(f.f) })
}

// HasWriter reports whether anybody, this process included, has the file open for
// writing at this moment. The file must have been opened for reading only.
// ErrCannotTell where it cannot be found out: Linux tells the file's owner and who
// has CAP_LEASE, on file systems with leases (not NFS, not every FUSE); other
// systems tell nobody.
func (f *File) HasWriter() (has bool, err error) {
	if err := f.before(OpLease); err != nil {
		return false, err
	}
	has, err = hasWriter(f.f)
	if err == ErrCannotTell {
		return false, err
	}
	return has, f.fail(OpLease, err)
}

// Close closes the file, also when it returns an error.
func (f *File) Close() error {
	return errors.Join(f.before(OpClose), f.fail(OpClose, f.f.Close()))
}

func (f *File) do(op Op, call func() error) error {
	if err := f.before(op); err != nil {
		return err
	}
	return f.fail(op, call())
}

func (f *File) before(op Op) error {
	if f.hook == nil {
		return nil
	}
	return f.fail(op, f.hook(op, f.path))
}

func (f *File) fail(op Op, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: string(op), Path: f.path, Err: cause(err)}
}
