package spool

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/windows"
)

const modesCount = false // a folder has no permission bits that mean anything

func foreignOwner(fs.FileInfo) (owner, me int, foreign bool) { return 0, 0, false }

// refusesMove reports whether the error is about that one file: forbidden, or
// open in another program.
func refusesMove(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, windows.ERROR_SHARING_VIOLATION)
}
