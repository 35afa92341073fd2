//go:build unix

package lockfile

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// each runs a test for both kinds, in a bubble: what is waited there takes no time.
func each(t *testing.T, test func(t *testing.T, kind Kind, dir *vfs.Dir)) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, kind, open(t, t.TempDir(), nil)) })
		})
	}
}

func TestOneHoldsTheLockAndTheOthersWait(t *testing.T) {
	each(t, func(t *testing.T, kind Kind, dir *vfs.Dir) {
		l := acquire(t, kind, dir)
		begun := time.Now()
		time.AfterFunc(3*time.Second, func() { release(t, l) })
		release(t, acquire(t, kind, dir))
		if waited := time.Since(begun); waited < 3*time.Second || waited > 3*time.Second+150*time.Millisecond {
			t.Errorf("waited %v for a holder of 3 s", waited)
		}
		if kind == ProperLockfile && exists(dir, lockName) {
			t.Error("released, but the folder is still there")
		}
	})
}

func TestALockIsKeptForAsLongAsItTakes(t *testing.T) {
	each(t, func(t *testing.T, kind Kind, dir *vfs.Dir) {
		l := acquire(t, kind, dir)
		begun := time.Now()
		for range 10 {
			busy := expectBusy(t, kind, dir)
			if busy.Waited < Patience || busy.Waited > Patience+time.Second {
				t.Errorf("gave up after %v", busy.Waited)
			}
		}
		if held := time.Since(begun); held < 10*Patience {
			t.Errorf("the lock was tried for %v only", held)
		}
		release(t, l)
		release(t, acquire(t, kind, dir))
	})
}

func TestTheWaitingEndsWithTheContext(t *testing.T) {
	each(t, func(t *testing.T, kind Kind, dir *vfs.Dir) {
		l := acquire(t, kind, dir)
		defer release(t, l)
		cause := errors.New("asked to end")
		ctx, cancel := context.WithCancelCause(t.Context())
		begun := time.Now()
		time.AfterFunc(time.Second, func() { cancel(cause) })
		if _, err := Acquire(ctx, kind, dir, target); err != cause || time.Since(begun) != time.Second {
			t.Errorf("Acquire = %v after %v", err, time.Since(begun))
		}
	})
}

func TestWhoTakesNoLockIsNotHeldUp(t *testing.T) {
	dir := open(t, t.TempDir(), nil)
	put(t, dir, lockName, 0)
	first, second := acquire(t, None, dir), acquire(t, None, dir)
	release(t, first)
	release(t, second)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
	if _, err := Acquire(t.Context(), "dotlock", dir, target); err == nil || !strings.Contains(err.Error(), `"dotlock"`) {
		t.Errorf("a kind that there is not: %v", err)
	}
}

// The name leads to nothing, or to another one's lock: we must say so and leave that alone.
func TestALockThatWasLostIsNotHeldAndNotReleased(t *testing.T) {
	for name, another := range map[string]bool{"removed": false, "replaced": true} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, kind Kind, dir *vfs.Dir) {
				l := acquire(t, kind, dir)
				must(t, os.Remove(dir.Join(lockName)))
				if another {
					theirs := acquire(t, kind, dir)
					defer release(t, theirs)
				}
				for _, err := range []error{l.Held(), l.Release()} {
					var lost *LostError
					if !errors.As(err, &lost) || lost.Path != dir.Join(lockName) || !errors.Is(err, syscall.EBUSY) {
						t.Errorf("got %v, want a *LostError", err)
					}
				}
				time.Sleep(time.Minute) // in the bubble: nothing of ours may disturb them later
			})
		})
	}
}

func TestErrorsSayWhatIsThereAndWhatToDo(t *testing.T) {
	const path = "/p/tasks.json.lock"
	now := time.Now()
	cases := []struct {
		err  error
		want string // behind the path
	}{
		{&BusyError{Path: path, Kind: ProperLockfile, Waited: Patience + time.Millisecond, Alive: now},
			"other programs held it for all of the 12s that were waited; if no program is at work, remove it"},
		{&BusyError{Path: path, Kind: ProperLockfile, Waited: Patience, Alive: now.Add(time.Hour)},
			"other programs held it for all of the 12s that were waited, and its time is 1h0m0s ahead of this machine's clock; " +
				"if no program is at work, remove it"},
		{&BusyError{Path: path, Kind: Flock, Waited: Patience},
			"other programs held it for all of the 12s that were waited; end the one that does not give it back"},
		{&LostError{Path: path},
			"it was lost while it was held: another program has taken it over or removed it, or this one stood still for too long"},
		{&KindError{Path: path, Kind: ProperLockfile, Mode: 0o644},
			"it is a file, and document.lock: proper-lockfile makes a folder there; remove it if no program is at work, " +
				"or set document.lock to flock if that is what the other programs use"},
		{&KindError{Path: path, Kind: Flock, Mode: os.ModeDir},
			"it is a folder, and document.lock: flock makes a file there; remove it if no program is at work, " +
				"or set document.lock to proper-lockfile if that is what the other programs use"},
		{&KindError{Path: path, Kind: Flock, Mode: os.ModeSymlink},
			"it is a symbolic link, and document.lock: flock makes a file there; remove it"},
		{&KindError{Path: path, Kind: Flock, Mode: os.ModeNamedPipe},
			"it is something that is neither a file nor a folder, and document.lock: flock makes a file there; remove it"},
		{&NotEmptyError{Path: path}, "it is stale, but holds other things; remove it if no program is at work"},
	}
	for _, c := range cases {
		if got, want := c.err.Error(), "lock "+path+": "+c.want; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
