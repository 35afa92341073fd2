//go:build unix

package built

import (
	"os"
	"runtime"
	"syscall"
)

// Memory is the largest resident set of a process that has ended, in KiB.
func Memory(p *os.ProcessState) int64 {
	n := int64(p.SysUsage().(*syscall.Rusage).Maxrss)
	if runtime.GOOS == "darwin" {
		n >>= 10
	}
	return n
}
