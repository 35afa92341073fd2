//go:build unix

package writer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

func (b *bench) lockPath() string { return b.path + ".lock" }

// isLocked asks as another program would.
func (b *bench) isLocked(kind lockfile.Kind) bool {
	b.Helper()
	if kind == lockfile.ProperLockfile {
		if err := os.Mkdir(b.lockPath(), 0o755); err != nil {
			return errors.Is(err, os.ErrExist)
		}
		return os.Remove(b.lockPath()) != nil
	}
	f, err := os.OpenFile(b.lockPath(), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

func TestTheLockIsHeldForTheMergeAlone(t *testing.T) {
	for _, kind := range []lockfile.Kind{lockfile.ProperLockfile, lockfile.Flock} {
		t.Run(string(kind), func(t *testing.T) {
			b := newBench(t)
			b.config.Lock = kind
			locked := func() bool { return b.isLocked(kind) }
			seen := map[vfs.Op]bool{}
			b.config.Hook = func(op vfs.Op, path string) error {
				if op == vfs.OpExchange || op == vfs.OpRead && path == b.path {
					seen[op] = true
					if !locked() {
						t.Errorf("not locked at %s", op)
					}
				}
				return nil
			}
			b.mustCommit(b.writer(), adding(t, "a")...)
			b.applied("a")
			if len(seen) != 2 || locked() {
				t.Errorf("seen %v, locked at the end %v", seen, locked())
			}
		})
	}
}

func TestALockThatOthersHoldIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Lock = lockfile.ProperLockfile
		if err := os.Mkdir(b.lockPath(), 0o755); err != nil {
			t.Fatal(err)
		}
		fresh := func() { os.Chtimes(b.lockPath(), time.Now(), time.Now()) }
		fresh()
		time.AfterFunc(3*time.Second, func() { os.Remove(b.lockPath()) })
		if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 1 {
			t.Errorf("result is %+v", r)
		}
		b.applied("a")
	})
}

func TestALockThatNobodyGivesBackIsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Lock = lockfile.ProperLockfile
		if err := os.Mkdir(b.lockPath(), 0o755); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			for {
				os.Chtimes(b.lockPath(), time.Now(), time.Now())
				select {
				case <-done:
					return
				case <-time.After(time.Second):
				}
			}
		}()
		_, err := b.commit(b.writer(), adding(t, "a")...)
		close(done)
		if got := trouble(t, err); got.Code != "EBUSY" || got.Attempts != 3 || got.Replaced || got.Remedy != "" ||
			!strings.Contains(err.Error(), "other programs held it") || !strings.Contains(err.Error(), "if no program is at work, remove it") {
			t.Errorf("trouble is %v", err)
		}
		b.applied()
	})
}

func TestALockOfTheWrongKindIsTroubleAtOnce(t *testing.T) {
	b := newBench(t)
	b.config.Lock = lockfile.Flock
	if err := os.Mkdir(b.lockPath(), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := b.commit(b.writer(), adding(t, "a")...)
	if got := trouble(t, err); got.Code != "EEXIST" || got.Attempts != 1 || !strings.Contains(err.Error(), "or set document.lock to proper-lockfile") {
		t.Errorf("trouble is %v", err)
	}
}

func TestALockThatIsLostBeforeTheReplacementCostsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Lock = lockfile.ProperLockfile
		once := true
		b.config.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpSync && path == "intent" && once {
				once = false
				return errors.Join(os.Remove(b.lockPath()), os.Mkdir(b.lockPath(), 0o755), // another program has taken it over
					os.Chtimes(b.lockPath(), time.Now(), time.Now().Add(-time.Hour))) // and has died
			}
			return nil
		}
		if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 2 {
			t.Errorf("result is %+v", r)
		}
		b.applied("a")
		b.noTemp()
	})
}

// The lock is that of the file itself: where a link is turned, it has to be taken again.
func TestALinkThatIsTurnedUnderTheLockCostsAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.config.Lock = lockfile.ProperLockfile
		for _, name := range []string{"a.json", "b.json"} {
			put(t, filepath.Join(b.dir, name), original)
		}
		link := func(target string) {
			os.Remove(b.path)
			if err := os.Symlink(target, b.path); err != nil {
				t.Fatal(err)
			}
		}
		link("a.json")
		once := true
		b.config.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpMkdir && once {
				once = false
				link("b.json")
			}
			return nil
		}
		if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 2 {
			t.Errorf("result is %+v", r)
		}
		b.applied("a")
		if text, err := os.ReadFile(filepath.Join(b.dir, "a.json")); err != nil || string(text) != original {
			t.Errorf("a.json is %s, %v", text, err)
		}
	})
}

func TestAnErrorAtAnyOperationUnderTheLockLeavesItFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.config.Lock = lockfile.ProperLockfile
		for at := 1; ; at++ {
			f := &fault{at: at, err: errDead}
			faultOnce(b, f)
			if f.hit == "" {
				return
			}
			if t.Failed() {
				t.Fatalf("this was operation %d, %s", at, f.hit)
			}
		}
	})
}
