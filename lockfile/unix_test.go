//go:build unix

package lockfile

import (
	"testing"

	"golang.org/x/sys/unix"
)

func fifo(path string) error { return unix.Mkfifo(path, 0o644) }

func agedLink(t *testing.T, path string) {
	t.Helper()
	old := unix.Timespec{Sec: 1e9}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
}
