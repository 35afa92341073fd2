package durability

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// errnos are those of the contract's table, and two more that a file system may answer. ENOENT is not among them: a file
// system that says of a file which is there that it is gone cannot be helped.
var errnos = []syscall.Errno{
	syscall.ENOSPC, syscall.EIO, syscall.EACCES, syscall.EROFS, syscall.EBUSY, syscall.EMFILE, syscall.EAGAIN, syscall.EINTR,
	syscall.ENFILE, syscall.EDQUOT, syscall.ESTALE, syscall.ETIMEDOUT, syscall.EPERM, syscall.EXDEV,
}

func TestAnyOperationMayFailOnceOrForGood(t *testing.T) {
	points := 0
	for _, forGood := range []bool{false, true} {
		step := int64(sampled(3))
		for n, fired := int64(1), true; fired; n += step {
			numbers := errnos
			if !*every {
				numbers = errnos[int(n)%len(errnos):][:1]
			}
			fired = false
			for _, number := range numbers {
				folder := quickDir(t)
				prepare(t, folder)
				var count atomic.Int64
				var failed atomic.Value
				hook := func(op vfs.Op, path string) error {
					if i := count.Add(1); i == n || forGood && i > n {
						failed.CompareAndSwap(nil, fmt.Sprintf("%s %s", op, path))
						return number
					}
					return nil
				}
				runOnce(context.Background(), folder, hook, io.Discard) // whatever it says
				if failed.Load() == nil {
					continue
				}
				fired = true
				points++
				name := fmt.Sprintf("operation %d (%v) failed with %v, for good: %v", n, failed.Load(), number, forGood)
				if err := restart(folder); err != nil {
					t.Fatalf("%s: the restart failed: %v\n%s", name, err, show(folder))
				}
				if err := errors.Join(verdict(folder), balanced(folder)); err != nil {
					t.Fatalf("%s:\n%v\n%s", name, err, show(folder))
				}
			}
		}
	}
	t.Logf("faults: %d points, 0 failures", points)
}
