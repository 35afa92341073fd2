package writer

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when the file's status changed last. No program can set that, unlike the modification time.
func changeTime(info fs.FileInfo) time.Time {
	t := info.Sys().(*syscall.Stat_t).Ctim
	return time.Unix(t.Unix())
}
