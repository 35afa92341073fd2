//go:build linux || darwin

package vfs

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// mostAtOnce is how many pieces the systems take in one call (IOV_MAX).
const mostAtOnce = 1024

func writeAll(f *os.File, pieces [][]byte) error {
	rest := append([][]byte(nil), pieces...) // its pieces become shorter where the system takes but a part
	return withFd(f, func(fd int) error {
		for len(rest) > 0 {
			n := 0
			err := again(func() (err error) {
				n, err = unix.Writev(fd, rest[:min(len(rest), mostAtOnce)])
				return err
			})
			if err != nil {
				return err
			}
			before := len(rest)
			for len(rest) > 0 && n >= len(rest[0]) {
				n -= len(rest[0])
				rest = rest[1:]
			}
			switch {
			case n > 0:
				rest[0] = rest[0][n:]
			case len(rest) == before:
				return io.ErrShortWrite
			}
		}
		return nil
	})
}
