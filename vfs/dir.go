// Package vfs is the one seam between this program and the operating system:
// every file operation whose failure or crash matters goes through it, so that
// a test can make any one of them fail.
//
// It promises:
//
//   - A [Dir] is a handle. It stays the same directory whatever happens to the
//     path it was opened by, and its methods take single names, so nothing that
//     is done with it can end up elsewhere.
//   - No link is ever followed. That is more than [os.Root] gives: a Root stays
//     inside its directory, but inside it follows links, also when O_NOFOLLOW
//     is asked for. Who may write into the directory could turn one name
//     into another one that way.
//   - Opening never waits: a FIFO without a writer, put where a file was
//     expected, is opened without blocking and told by [File.Stat].
//   - Errors are *fs.PathError or *os.LinkError with the whole path, and the
//     system's error number is reachable by errors.Is and errors.As.
//
// What it is not: safe against somebody who may write to the directory and
// renames things between two calls. Each call is safe; what holds between two
// of them is the caller's business (ask [File.Stat] of what was opened).
//
// Names may hold any byte. The errors hold them as they are: whoever prints one
// to a terminal escapes it.
package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Op names an operation for a [Hook].
type Op string

// The operations. Opening a file with O_CREATE is a Create, as is making a
// temporary file or a link.
const (
	OpOpen     Op = "open"
	OpCreate   Op = "create"
	OpRead     Op = "read"
	OpWrite    Op = "write"
	OpStat     Op = "stat"
	OpReadDir  Op = "readdir"
	OpMkdir    Op = "mkdir"
	OpRename   Op = "rename"
	OpExchange Op = "exchange"
	OpRemove   Op = "remove"
	OpSync     Op = "sync"
	OpClose    Op = "close"
	OpChmod    Op = "chmod"
	OpChown    Op = "chown"
	OpChtimes  Op = "chtimes"
	OpLock     Op = "lock"
	OpLease    Op = "lease"
)

// Hook runs before each operation, with the whole path (of a rename
// and of an exchange: the first one). A non-nil error is returned in place of doing the operation. Closing is
// the exception: it happens all the same, as the kernel closes a descriptor
// whatever close(2) answers. The hook of an exchange may run while a lease is held: who
// opens the file for writing in it waits for ever. In production the hook is nil.
type Hook func(op Op, path string) error

// chunk is how many names a listing holds in memory at once. A drop directory
// may hold millions.
const chunk = 1024

// Dir is one open directory. Its methods may be called from several goroutines.
type Dir struct {
	root *os.Root // for the calls that os has relative to a handle
	f    *os.File // the same directory: fsync, listing, renames between two
	path string
	hook Hook

	listing sync.Mutex // f has one read position
}

// Open opens the directory at path. Links in path are followed: it is
// configuration, not data. hook may be nil.
func Open(path string, hook Hook) (*Dir, error) {
	if hook != nil {
		if err := hook(OpOpen, path); err != nil {
			return nil, &fs.PathError{Op: string(OpOpen), Path: path, Err: err}
		}
	}
	// The final "." keeps the open from waiting for a FIFO's writer.
	root, err := os.OpenRoot(path + string(filepath.Separator) + ".")
	if err != nil {
		return nil, &fs.PathError{Op: string(OpOpen), Path: path, Err: cause(err)}
	}
	return newDir(root, path, hook)
}

// newDir takes over root, also when it fails.
func newDir(root *os.Root, path string, hook Hook) (*Dir, error) {
	f, err := root.Open(".")
	if err == nil {
		f, err = listable(f)
	}
	if err != nil {
		root.Close()
		return nil, &fs.PathError{Op: string(OpOpen), Path: path, Err: cause(err)}
	}
	return &Dir{root: root, f: f, path: path, hook: hook}, nil
}

// Path is the path by which the directory was opened, for messages.
func (d *Dir) Path() string { return d.path }

// Join is the path of name in this directory, for messages.
func (d *Dir) Join(name string) string { return filepath.Join(d.path, name) }

// Stat describes the directory itself; with os.SameFile it tells whether a path
// still names it.
func (d *Dir) Stat() (fs.FileInfo, error) {
	if err := d.itself(OpStat); err != nil {
		return nil, err
	}
	fi, err := d.f.Stat()
	return fi, d.itselfErr(OpStat, err)
}

// Current reports whether the path by which the directory was opened still
// leads to it: false once it was removed, moved or replaced.
func (d *Dir) Current() (bool, error) {
	held, err := d.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(d.path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return false, nil
	}
	if err != nil {
		return false, d.itselfErr(OpStat, err)
	}
	return os.SameFile(held, there), nil
}

// OpenDir opens the directory called name. A link to one is not one: ELOOP. A
// file is ENOTDIR.
func (d *Dir) OpenDir(name string) (*Dir, error) {
	if err := d.before(OpOpen, name); err != nil {
		return nil, err
	}
	// OpenRoot follows links that stay inside, so what it opened is compared
	// with what lies under the name. The final "." keeps it from opening a FIFO.
	root, err := d.root.OpenRoot(name + string(filepath.Separator) + ".")
	if err != nil {
		// Of a link out of here it says so in words, without a number.
		if fi, lerr := d.root.Lstat(name); lerr == nil && fi.Mode()&fs.ModeSymlink != 0 {
			err = syscall.ELOOP
		}
		return nil, d.fail(OpOpen, name, err)
	}
	sub, err := newDir(root, d.Join(name), d.hook)
	if err != nil {
		return nil, err
	}
	there, err := d.root.Lstat(name)
	if err == nil {
		var opened fs.FileInfo
		if opened, err = sub.f.Stat(); err == nil && !os.SameFile(there, opened) {
			err = syscall.ELOOP
		}
	}
	if err != nil {
		sub.close()
		return nil, d.fail(OpOpen, name, err)
	}
	return sub, nil
}

// Mkdir makes the directory name; perm is cut by the umask.
func (d *Dir) Mkdir(name string, perm fs.FileMode) error {
	if err := d.before(OpMkdir, name); err != nil {
		return err
	}
	return d.fail(OpMkdir, name, d.root.Mkdir(name, perm))
}

// OpenFile opens name without following a link (ELOOP) and without ever
// waiting. Ask Stat whether it is a regular file before reading.
func (d *Dir) OpenFile(name string, flag int, perm fs.FileMode) (*File, error) {
	op := OpOpen
	if flag&os.O_CREATE != 0 {
		op = OpCreate
	}
	if err := d.before(op, name); err != nil {
		return nil, err
	}
	f, err := d.openNoFollow(name, flag, perm)
	if err != nil {
		return nil, d.fail(op, name, err)
	}
	return &File{f: f, name: name, path: d.Join(name), hook: d.hook}, nil
}

// Lstat describes name itself, also where it is a link.
func (d *Dir) Lstat(name string) (fs.FileInfo, error) {
	if err := d.before(OpStat, name); err != nil {
		return nil, err
	}
	fi, err := d.root.Lstat(name)
	return fi, d.fail(OpStat, name, err)
}

// List hands every entry to yield until that says no: from the beginning at
// each call, in the directory's own order, 1024 names in memory at a time. Names
// that come, go or move meanwhile may be missing. An entry's Info goes by the path:
// ask Lstat or Status of its name. yield must not call List on the same Dir.
func (d *Dir) List(yield func(fs.DirEntry) bool) error {
	d.listing.Lock()
	defer d.listing.Unlock()
	if err := d.itself(OpReadDir); err != nil {
		return err
	}
	if _, err := d.f.Seek(0, io.SeekStart); err != nil {
		return d.itselfErr(OpReadDir, err)
	}
	for first := true; ; first = false {
		if !first { // each chunk is an operation of its own
			if err := d.itself(OpReadDir); err != nil {
				return err
			}
		}
		entries, err := d.f.ReadDir(chunk)
		for _, e := range entries {
			if !yield(e) {
				return nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return d.itselfErr(OpReadDir, err)
		}
	}
}

// Remove removes a file, a link or an empty directory.
func (d *Dir) Remove(name string) error {
	if err := d.before(OpRemove, name); err != nil {
		return err
	}
	return d.fail(OpRemove, name, d.remove(name))
}

// Chmod sets the permissions of the directory itself.
func (d *Dir) Chmod(perm fs.FileMode) error {
	if err := d.itself(OpChmod); err != nil {
		return err
	}
	return d.itselfErr(OpChmod, d.f.Chmod(perm))
}

// Chtimes sets the modification time of the directory itself.
func (d *Dir) Chtimes(t time.Time) error {
	if err := d.itself(OpChtimes); err != nil {
		return err
	}
	return d.itselfErr(OpChtimes, d.root.Chtimes(".", time.Time{}, t))
}

// Sync makes the names in the directory durable: what was created, renamed and
// removed before survives a power loss once it has returned nil. On Windows, and
// on file systems that do not know the call, it is left to the file system.
func (d *Dir) Sync() error {
	if err := d.itself(OpSync); err != nil {
		return err
	}
	return d.itselfErr(OpSync, syncDir(d.f))
}

// Close gives the handle back. It is closed also when it returns an error.
func (d *Dir) Close() error {
	hooked := d.itself(OpClose)
	err := d.close()
	return errors.Join(hooked, d.itselfErr(OpClose, err))
}

func (d *Dir) close() error { return errors.Join(d.root.Close(), d.f.Close()) }

// before checks the name and asks the hook.
func (d *Dir) before(op Op, name string) error {
	if err := d.check(op, name); err != nil {
		return err
	}
	if d.hook == nil {
		return nil
	}
	return d.fail(op, name, d.hook(op, d.Join(name)))
}

// check refuses what is not a single path element.
func (d *Dir) check(op Op, name string) error {
	if name == "." || filepath.Base(name) != name || !filepath.IsLocal(name) {
		return &fs.PathError{Op: string(op), Path: d.path + string(filepath.Separator) + name, Err: fs.ErrInvalid}
	}
	return nil
}

func (d *Dir) itself(op Op) error {
	if d.hook == nil {
		return nil
	}
	return d.itselfErr(op, d.hook(op, d.path))
}

// fail gives err the whole path; nil stays nil.
func (d *Dir) fail(op Op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: string(op), Path: d.Join(name), Err: cause(err)}
}

func (d *Dir) itselfErr(op Op, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: string(op), Path: d.path, Err: cause(err)}
}

// cause takes off what os has wrapped around an error with a path that is not
// ours (a bare name, or one that ends in "/.").
func cause(err error) error {
	for {
		switch e := err.(type) {
		case *fs.PathError:
			err = e.Err
		case *os.LinkError:
			err = e.Err
		case *os.SyscallError:
			err = e.Err
		default:
			return err
		}
	}
}
