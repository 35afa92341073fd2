//go:build !windows

package vfs

import (
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

func createTemp(root *os.Root, target string) (*os.File, string, error) {
	p, err := renameio.NewPendingFile(target, renameio.WithRoot(root))
	if err != nil {
		return nil, "", err
	}
	return p.File, filepath.Base(p.Name()), nil
}
