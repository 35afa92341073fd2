package agent

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// The fault loop: the operation that fails is the first one, then the second one and so on, until none fails. After each
// it is counted, from what is on disk, what became of every fragment.

// set is a drop directory with fragments for both ends that a fragment may have.
func newSet(t *testing.T) (h *house, rejects map[string]string) {
	h = newHouse(t)
	h.appends("1.json", "2.json")
	h.drop("3.json", `{"id":"P7","status":"Complete"}`)
	h.drop("4.json", `{"id":`)
	h.drop("5.jsonl", appending("5.jsonl")+"\n"+`{"id":"P1","status":"Implementing"}`+"\n")
	h.drop("6.json", `{"id":"P1","status":"Finished"}`)
	h.config.Batch.MaxFragments = 4 // so that it takes two batches
	h.config.Watch.IncompleteAfter = 200 * time.Millisecond
	return h, map[string]string{"3.json": "unknown_id", "4.json": "incomplete", "6.json": "schema_violation"}
}

// countdown is a hook that says err to the n-th operation, and to all behind it where it is dead.
type countdown struct {
	mu    sync.Mutex
	n     int
	err   error
	dead  bool
	op    vfs.Op
	path  string
	fired string
}

func (c *countdown) hook(op vfs.Op, path string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n--
	if c.n > 0 || c.n < 0 && !c.dead {
		return nil
	}
	if c.fired == "" {
		c.op, c.path, c.fired = op, path, fmt.Sprintf("%s %s", op, path)
	}
	return c.err
}

// set begins the countdown anew.
func (c *countdown) set(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n = n
}

// hasFired reports whether the operation has come.
func (c *countdown) hasFired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fired != ""
}

var errDead = errors.New("the process is dead")

// fullAt says that the disk is full, to the first so many tries to make a temporary file for the tasks file.
func (h *house) fullAt(first int) *fault {
	disk := &fault{err: full}
	disk.when = func(op vfs.Op, path string) bool {
		return op == vfs.OpCreate && path == filepath.Join(h.folder, ".tasks.json") && disk.times < first
	}
	return disk
}

const forever = 1 << 30

// A process that is killed does nothing any more from some operation on; the next one finds what it has left.
func TestACrashAtAnyOperationLosesNothingAndDoublesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		before, during int // how long the disk is full in an earlier run, and in the one that crashes
		stride, least  int // operations
	}{
		"on the way to the tasks file":      {0, 0, 1, 300},
		"on the way to the recovery folder": {0, forever, 2, 150},
		"on the way back and then it":       {forever, 0, 2, 300},
		"on the way back, and there again":  {forever, 1, 1, 40},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if testing.Short() {
				c.stride = 17
			}
			for n := 1; ; n += c.stride {
				h, rejects := newSet(t)
				h.inBubble(func(t *testing.T) {
					if c.before > 0 {
						_, _ = h.once(h.fullAt(c.before).hook)
					}
				})
				crash, disk := &countdown{n: n, err: errDead, dead: true}, h.fullAt(c.during)
				h.inBubble(func(t *testing.T) {
					_, _ = h.once(func(op vfs.Op, path string) error {
						return cmp.Or(crash.hook(op, path), disk.hook(op, path))
					})
				})
				when := fmt.Sprintf("dead at operation %d, %s", n, crash.fired)
				for name, where := range h.census(false) {
					switch where {
					case "applied", "recovered", "claimed", "dropped", "applied claimed": // the last one is settled at the start
					default:
						t.Errorf("%s: %s is %q", when, name, where)
					}
				}
				h.inBubble(func(t *testing.T) {
					if _, err := h.once(nil); err != nil {
						t.Errorf("%s: the next start: %v", when, err)
					}
				})
				h.isDone(when, rejects)
				if t.Failed() {
					return
				}
				if crash.fired == "" {
					if n < c.least {
						t.Errorf("only %d operations", n)
					}
					return
				}
			}
		})
	}
}

// An error is no crash: the run goes on, and comes to the same end by itself.
func TestAFailureOfAnyOperationIsOutlived(t *testing.T) {
	// Most of what one of these errors shows the others show too, so they share the operations.
	for i, c := range []struct {
		name  string
		cause syscall.Errno
		full  int
	}{{"EIO", syscall.EIO, 0}, {"ENOSPC", syscall.ENOSPC, 0}, {"EACCES", syscall.EACCES, 0}, {"while the disk is full", syscall.EIO, 5}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stride := 3
			if testing.Short() {
				stride = 29
			}
			for n := 1 + i%3; ; n += stride {
				h, rejects := newSet(t)
				fault, disk := &countdown{n: n, err: c.cause}, h.fullAt(c.full)
				h.inBubble(func(t *testing.T) {
					a := h.start(func(op vfs.Op, path string) error {
						return cmp.Or(fault.hook(op, path), disk.hook(op, path))
					})
					// What keeps it from beginning at all is said, and is for who starts it.
					h.within(10*time.Minute, fmt.Sprintf("all done, although operation %d failed", n), func() bool {
						return a.hasEnded() && a.err != nil || h.allHandled()
					})
					if !a.hasEnded() {
						a.stop()
					} else if n > 40 {
						t.Errorf("operation %d, %s, ended it: %v", n, fault.fired, a.err)
					}
				})
				when := fmt.Sprintf("operation %d, %s, failed", n, fault.fired)
				// What is left to the next start, such as an empty folder, is for it to remove.
				h.inBubble(func(t *testing.T) {
					if _, err := h.once(nil); err != nil {
						t.Errorf("%s: the next start: %v", when, err)
					}
				})
				name := filepath.Base(fault.path)
				if c.cause == syscall.EACCES && fault.op == vfs.OpOpen && h.rejected()[name] == "unreadable" {
					rejects[name] = "unreadable" // that is what it was
				}
				h.isDone(when, rejects)
				if t.Failed() {
					return
				}
				if fault.fired == "" {
					return
				}
			}
		})
	}
}

// allHandled tells whether nothing waits any more, not even in the recovery folder.
func (h *house) allHandled() bool {
	for _, where := range h.census(false) {
		if strings.Contains(where, "claimed") || strings.Contains(where, "dropped") {
			return false
		}
	}
	return !slices.ContainsFunc(h.entries(), func(e entry) bool { return e.Retryable })
}
