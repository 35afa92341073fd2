package vfs

import (
	"errors"
	"io/fs"
	"os"
)

// Exchange gives two names of the directory each other's file, in one step.
// errors.ErrUnsupported where the system or the file system cannot (Linux can on
// ext4, xfs, btrfs, tmpfs and overlay; not every FUSE, not NFS; macOS on APFS). After
// an error both names are as they were, as far as the file system tells the truth.
func (d *Dir) Exchange(a, b string) error {
	if err := d.check(OpExchange, b); err != nil {
		return err
	}
	return d.exchange(a, b)
}

// ExchangeIf is Exchange if b is a file of which same says, by its status, that it
// still is the one that is meant, and that nobody has open for writing. Quiet tells
// that nobody has opened it for writing since then either: where leases can be had (see
// HasWriter) one is held for these few system calls, and who opens the file meanwhile
// waits as long. A file that took b's name between the look and the exchange is not
// noticed: look whose file a is.
//
// Without an error and without an exchange b is another file, or being written.
func (d *Dir) ExchangeIf(a, b string, same func(fs.FileInfo) bool) (exchanged, quiet bool, err error) {
	if err := d.check(OpExchange, a); err != nil {
		return false, false, err
	}
	leased := true
	if err := d.before(OpLease, b); errors.Is(err, ErrCannotTell) {
		leased = false
	} else if err != nil {
		return false, false, err
	}
	// No hook from here on but that of the exchange: these calls are one moment.
	f, err := d.openNoFollow(b, os.O_RDONLY, 0)
	if err != nil {
		return false, false, d.fail(OpOpen, b, err)
	}
	defer f.Close() // ends the lease; nothing was written
	if leased {
		err = lease(f)
	}
	switch {
	case errors.Is(err, errHasWriter):
		return false, false, nil
	case errors.Is(err, ErrCannotTell):
		leased = false
	case err != nil:
		return false, false, d.fail(OpLease, b, err)
	}
	now, err := f.Stat()
	if err != nil || !same(now) {
		return false, false, d.fail(OpStat, b, err)
	}
	if err := d.exchange(a, b); err != nil {
		return false, false, err
	}
	return true, leased && leaseHeld(f), nil
}

func (d *Dir) exchange(a, b string) error {
	if err := d.before(OpExchange, a); err != nil {
		return err
	}
	err := exchange(d, a, b)
	if err == nil {
		return nil
	}
	if err = cause(err); cannotExchange(err) {
		err = errors.ErrUnsupported
	}
	return &os.LinkError{Op: string(OpExchange), Old: d.Join(a), New: d.Join(b), Err: err}
}
