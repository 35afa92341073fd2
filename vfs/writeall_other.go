//go:build !linux && !darwin

package vfs

import (
	"bufio"
	"os"
)

func writeAll(f *os.File, pieces [][]byte) error {
	b := bufio.NewWriterSize(f, 64<<10)
	for _, piece := range pieces {
		b.Write(piece) // Flush tells
	}
	return b.Flush()
}
