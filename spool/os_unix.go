//go:build unix

package spool

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

const modesCount = true

// foreignOwner says whose folder it is when it is not ours.
func foreignOwner(fi fs.FileInfo) (owner, me int, foreign bool) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(st.Uid), os.Geteuid(), int(st.Uid) != os.Geteuid()
}

// refusesMove reports whether the error is about that one file: a sticky
// folder, an immutable file, a file that something is mounted on.
func refusesMove(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EBUSY)
}
