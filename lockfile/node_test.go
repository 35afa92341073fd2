//go:build unix

package lockfile

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/neighbours/nodetest"
	"github.com/sessionsync/sessionsync/vfs"
)

func startNode(t *testing.T, what string, dir *vfs.Dir, args ...string) *process {
	t.Helper()
	script := filepath.Join("testdata", "neighbour.cjs")
	return start(t, "node", append([]string{script, nodetest.Modules(t, "proper-lockfile", "steno"), what, dir.Join(target)}, args...)...)
}

// nodeSays fails unless Node answers so at once.
func nodeSays(t *testing.T, what string, dir *vfs.Dir, want string) {
	t.Helper()
	p := startNode(t, what, dir)
	p.expect(want)
	p.end()
}

func TestNodeAndWeCountTogetherAndLoseNothing(t *testing.T) {
	const times = 200
	dir := open(t, quick(t), nil)
	must(t, writeCounter(dir, 0))
	inPlace := startNode(t, "count", dir, strconv.Itoa(times))
	replacing := startNode(t, "steno", dir, strconv.Itoa(times))
	countWith(t, ProperLockfile, dir, times, inPlace, replacing)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left are %q", got)
	}
}

func TestNodeSeesOurLock(t *testing.T) {
	dir := open(t, quick(t), nil)
	must(t, writeCounter(dir, 0))
	l := acquire(t, ProperLockfile, dir)
	nodeSays(t, "check", dir, "true")
	nodeSays(t, "try", dir, "ELOCKED")
	release(t, l)
	nodeSays(t, "check", dir, "false")
	nodeSays(t, "try", dir, "had it")
}

// In real time, because Node's clock is: it sets its folder's time twice meanwhile, and each time looks whether it is still
// its own.
func TestAHolderInNodeIsWaitedForAndNotDisturbed(t *testing.T) {
	dir := open(t, quick(t), nil)
	must(t, writeCounter(dir, 0))
	p := startNode(t, "hold", dir)
	p.expect("held")
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	if _, err := Acquire(ctx, ProperLockfile, dir, target); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Acquire = %v", err)
	}
	must(t, p.in.Close())
	release(t, acquire(t, ProperLockfile, dir))
	p.expect("released")
	p.end()
}

func TestAHolderInNodeThatIsKilledIsGotOver(t *testing.T) {
	dir := open(t, quick(t), nil)
	must(t, writeCounter(dir, 0))
	p := startNode(t, "hold", dir)
	p.expect("held")
	p.kill()
	expectTaken(t, ProperLockfile, dir)
	ahead := time.Until(numberOf(t, dir, lockName).ModTime())
	synctest.Test(t, func(t *testing.T) { // what comes now would last 11 s
		date(t, dir, lockName, -ahead)
		release(t, acquire(t, ProperLockfile, dir))
	})
}

func TestNodeGetsOverOneOfUsThatWasKilled(t *testing.T) {
	dir := open(t, quick(t), nil)
	must(t, writeCounter(dir, 0))
	p := startChild(t, "hold", ProperLockfile, dir.Path())
	p.expect("held")
	p.kill()
	nodeSays(t, "try", dir, "ELOCKED")
	date(t, dir, lockName, stale+time.Second) // what would last that long
	nodeSays(t, "try", dir, "had it")
}
