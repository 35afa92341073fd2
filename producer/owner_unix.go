//go:build unix

package producer

import (
	"io/fs"
	"os"
	"syscall"
)

// isAnothers reports whether a file belongs to another user than the one that this process acts as.
func isAnothers(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) != os.Geteuid()
}
