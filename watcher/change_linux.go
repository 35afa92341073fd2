package watcher

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime is when the file's status changed last. No program can set that, unlike the modification time.
func changeTime(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Ctim.Unix())
	}
	return time.Time{}
}
