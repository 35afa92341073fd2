//go:build unix

package threats

import (
	"io/fs"
	"path/filepath"
)

// findFile finds the file of that name below a folder.
func findFile(folder, name string) (found string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == name {
			found = path
		}
		return err
	})
	return found, err
}
