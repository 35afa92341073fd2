//go:build unix

package lockfile

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// errDead is what a process that was killed would have heard of each further call.
var errDead = errors.New("dead")

// fault is a hook that makes one operation fail, or that and all later ones.
type fault struct {
	mu      sync.Mutex // the timer's goroutine asks too
	at      int        // from 1
	forGood bool
	err     error
	n       int    // operations so far
	hit     string // the operation that failed, once it has
}

func (f *fault) hook(op vfs.Op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	if f.n == f.at {
		f.hit = string(op) + " " + filepath.Base(path)
	}
	if f.n == f.at || f.n > f.at && f.forGood {
		return f.err
	}
	return nil
}

// A whole life of a lock, from a free name and from a stale folder, with one more operation passed each time before a fault.
func TestEveryErrorAtEveryOperation(t *testing.T) {
	for _, number := range []error{errDead, syscall.EIO, syscall.EACCES, syscall.ENOENT, syscall.EEXIST, syscall.EMFILE} {
		for _, forGood := range []bool{false, true} {
			for _, taken := range []bool{false, true} {
				each(t, func(t *testing.T, kind Kind, _ *vfs.Dir) {
					for at := 1; ; at++ {
						f := &fault{at: at, forGood: forGood, err: number}
						if faultOnce(t, kind, f, taken); t.Failed() {
							t.Fatalf("this was %v (for good: %v) at operation %d, %s", number, forGood, at, f.hit)
						}
						if f.hit == "" {
							break
						}
					}
				})
			}
		}
	}
}

// faultOnce holds the lock with a fault on the way. Then: two never have it without one of them being told; and once nobody
// has it, the next one gets it, as soon as it is stale at the latest, and leaves nothing behind.
func faultOnce(t *testing.T, kind Kind, f *fault, taken bool) {
	dir := open(t, quick(t), nil)
	if taken && kind == ProperLockfile {
		put(t, dir, lockName, time.Hour)
	}
	faulty, err := vfs.Open(dir.Path(), f.hook)
	if err != nil {
		return // that is the caller's
	}
	defer faulty.Close()
	l, err := Acquire(t.Context(), kind, faulty, target)
	intoBubble(t, dir)
	switch {
	case err == nil:
		other, err := Acquire(t.Context(), kind, dir, target)
		if err == nil {
			if l.Held() == nil {
				t.Error("two have it")
			}
			must(t, other.Release())
		}
		if err := l.Release(); err != nil && f.hit == "" {
			t.Errorf("Release: %v", err)
		}
	case f.hit == "":
		t.Errorf("Acquire: %v", err)
	}
	begun := time.Now()
	release(t, acquire(t, kind, dir))
	if waited := time.Since(begun); waited > stale+2*lastPause {
		t.Errorf("nobody had it, but to take it lasted %v", waited)
	}
	if kind == Flock {
		return
	}
	put(t, dir, lockName, time.Hour)
	release(t, acquire(t, kind, dir)) // a takeover also sweeps
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left are %q", got)
	}
}

// intoBubble dates a lock folder that has its time from the file system by the bubble's clock.
func intoBubble(t *testing.T, dir *vfs.Dir) {
	t.Helper()
	if info, err := os.Lstat(dir.Join(lockName)); err == nil && time.Until(info.ModTime()) > time.Hour {
		date(t, dir, lockName, 0)
	}
}
