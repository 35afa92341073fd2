package producer

import (
	"errors"
	"io/fs"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// isClaimed reports whether a fragment of that name is in a claimed batch; with an inode: this very file.
func isClaimed(drop *vfs.Dir, name string, inode uint64) (claimed bool, err error) {
	err = spool.InClaims(drop, func(_ string, batch *vfs.Dir) (bool, error) {
		claimed, err = isThere(batch, name, inode)
		return claimed, err
	})
	return claimed, err
}

// isThere reports whether a file of that name is in a folder; with an inode: this very file.
func isThere(dir *vfs.Dir, name string, inode uint64) (bool, error) {
	status, err := dir.Status(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && (inode == 0 || status.Inode == inode), err
}
