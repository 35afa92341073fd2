package doctor

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/windows"
)

// volume is a mounted file system. Windows does not tell how many files it can hold.
type volume struct {
	kind             string // "NTFS"
	mount            string
	size, free       uint64 // bytes, those that this user may use
	files, freeFiles uint64
}

// volumeOf tells what a path lies on. A share tells the kind of its server's file system, so it is named by its place.
func volumeOf(path string) (volume, error) {
	v := volume{mount: filepath.VolumeName(path) + `\`}
	root, err := windows.UTF16PtrFromString(v.mount)
	if err != nil {
		return volume{}, err
	}
	var kind [windows.MAX_PATH + 1]uint16
	if err := windows.GetVolumeInformation(root, nil, 0, nil, nil, nil, &kind[0], uint32(len(kind))); err != nil {
		return volume{}, &os.PathError{Op: "get volume of", Path: path, Err: err}
	}
	v.kind = windows.UTF16ToString(kind[:])
	if windows.GetDriveType(root) == windows.DRIVE_REMOTE {
		v.kind = "cifs"
	}
	if err := windows.GetDiskFreeSpaceEx(root, &v.free, &v.size, nil); err != nil {
		return volume{}, &os.PathError{Op: "get free space of", Path: path, Err: err}
	}
	return v, nil
}
