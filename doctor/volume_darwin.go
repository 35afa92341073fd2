package doctor

import (
	"os"

	"golang.org/x/sys/unix"
)

// volume is a mounted file system.
type volume struct {
	kind             string // "apfs"
	mount            string
	size, free       uint64 // bytes, those that this user may use
	files, freeFiles uint64
}

// volumeOf tells what a path lies on.
func volumeOf(path string) (volume, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return volume{}, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	block := uint64(st.Bsize)
	return volume{
		kind: unix.ByteSliceToString(st.Fstypename[:]), mount: unix.ByteSliceToString(st.Mntonname[:]),
		size: st.Blocks * block, free: st.Bavail * block, files: st.Files, freeFiles: st.Ffree,
	}, nil
}
