//go:build unix

package recovery

import (
	"io/fs"
	"syscall"

	"github.com/sessionsync/sessionsync/vfs"
)

// keepOwner gives a file the owner of another one, if it may.
func keepOwner(f *vfs.File, old fs.FileInfo) {
	if st, ok := old.Sys().(*syscall.Stat_t); ok {
		f.Chown(int(st.Uid), int(st.Gid))
	}
}
