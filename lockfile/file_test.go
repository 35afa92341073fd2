//go:build unix

package lockfile

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestTheLockFileStaysAsItWas(t *testing.T) {
	dir := open(t, t.TempDir(), nil)
	release(t, acquire(t, Flock, dir))
	if mode := numberOf(t, dir, lockName).Mode(); !mode.IsRegular() {
		t.Errorf("it is %v", mode)
	}
	must(t, os.WriteFile(dir.Join(lockName), []byte("somebody's words"), 0o644))
	before := numberOf(t, dir, lockName)
	release(t, acquire(t, Flock, dir))
	if text, err := os.ReadFile(dir.Join(lockName)); err != nil || string(text) != "somebody's words" ||
		!os.SameFile(before, numberOf(t, dir, lockName)) {
		t.Errorf("it holds %q, %v", text, err)
	}
}

// Some programs remove the file when they release: who opened it before then has locked nothing.
func TestALockOnAFileThatWasRemovedMeanwhileDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		removed := 0
		hooked := open(t, dir.Path(), func(op vfs.Op, path string) error {
			if op == vfs.OpLock && removed < 3 {
				removed++
				return os.Remove(path)
			}
			return nil
		})
		l := acquire(t, Flock, hooked)
		expectBusy(t, Flock, dir)
		release(t, l)
		if removed != 3 {
			t.Errorf("removed %d times", removed)
		}
	})
}

func TestAFileThatMayOnlyBeReadIsLockedAllTheSame(t *testing.T) {
	dir := open(t, t.TempDir(), func(op vfs.Op, _ string) error {
		if op == vfs.OpCreate {
			return syscall.EACCES
		}
		return nil
	})
	must(t, os.WriteFile(dir.Join(lockName), nil, 0o644))
	l := acquire(t, Flock, dir)
	expectTaken(t, Flock, dir)
	release(t, l)
}

func TestAnythingButAFileIsAnErrorAtOnceAndStays(t *testing.T) {
	makers := map[string]func(path string) error{
		"a folder":        func(p string) error { return os.Mkdir(p, 0o755) },
		"a symbolic link": func(p string) error { return os.Symlink("nowhere", p) },
		"neither":         fifo,
	}
	for what, make := range makers {
		t.Run(what, func(t *testing.T) {
			dir := open(t, t.TempDir(), nil)
			must(t, make(dir.Join(lockName)))
			_, err := Acquire(t.Context(), Flock, dir, target)
			var kind *KindError
			if !errors.As(err, &kind) || !errors.Is(err, syscall.EEXIST) || !strings.Contains(err.Error(), what) {
				t.Errorf("Acquire = %v", err)
			}
			if got := names(t, dir); len(got) != 1 {
				t.Errorf("there are %q", got)
			}
		})
	}
}
