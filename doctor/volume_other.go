//go:build !linux && !darwin && !windows

package doctor

import "errors"

// volume is a mounted file system; this system is not asked for it.
type volume struct {
	kind, mount                  string
	size, free, files, freeFiles uint64
}

func volumeOf(string) (volume, error) { return volume{}, errors.ErrUnsupported }
