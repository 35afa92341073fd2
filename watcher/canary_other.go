//go:build !linux

package watcher

import (
	"errors"

	"github.com/sessionsync/sessionsync/vfs"
)

// touch can do nothing here: kqueue and Windows do not tell of a folder's permissions.
func touch(*vfs.Dir) error { return errors.ErrUnsupported }
