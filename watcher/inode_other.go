//go:build !unix

package watcher

import "io/fs"

// inode knows none: Windows tells a file's number only of an open file. Size and time have to do.
func inode(fs.FileInfo) uint64 { return 0 }
