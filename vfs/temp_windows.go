package vfs

import (
	"errors"
	"io/fs"
	"os"
)

// createTemp is what renameio does elsewhere; it has no Windows build, because a
// replacement there is not atomic enough for its promise.
func createTemp(root *os.Root, target string) (*os.File, string, error) {
	const attempts = 10000 // as renameio: such a random number does not collide that often
	for i := 0; ; i++ {
		name := TempName(target)
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, tempPerm)
		if err == nil || !errors.Is(err, fs.ErrExist) || i == attempts {
			return f, name, err
		}
	}
}
