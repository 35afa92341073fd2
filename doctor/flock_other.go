//go:build !linux

package doctor

import "io/fs"

// flockHolder: only Linux has a list of locks that can be read without touching them.
func flockHolder(fs.FileInfo) string { return "" }
