package vfs

import "os"

// Rename moves old into to as new, in one step, over whatever file is there.
// Across file systems it says EXDEV; see [Move].
func (d *Dir) Rename(old string, to *Dir, new string) error {
	return d.rename(old, to, new, rename)
}

// RenameNew is Rename that never replaces: fs.ErrExist when there is a new
// already. Where the system cannot do that in one step (NFS, some FUSE), it
// links and removes, so a crash can leave both names for one file; where
// it cannot link either, it looks before it renames.
func (d *Dir) RenameNew(old string, to *Dir, new string) error {
	return d.rename(old, to, new, renameNew)
}

func (d *Dir) rename(old string, to *Dir, new string, call func(from *Dir, old string, to *Dir, new string) error) error {
	if err := to.check(OpRename, new); err != nil {
		return err
	}
	if err := d.before(OpRename, old); err != nil {
		return err
	}
	if err := call(d, old, to, new); err != nil {
		return &os.LinkError{Op: string(OpRename), Old: d.Join(old), New: to.Join(new), Err: cause(err)}
	}
	return nil
}

// Replaceable returns the error that a replacement of the file would meet, as far as
// its attributes tell: EBUSY of a mount point (a container's bind mount of one file),
// EPERM of an immutable file. Only Linux tells.
func (d *Dir) Replaceable(name string) error {
	if err := d.before(OpStat, name); err != nil {
		return err
	}
	if err := d.replaceable(name); err != nil {
		return d.fail("replace", name, err)
	}
	return nil
}
