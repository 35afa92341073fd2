//go:build unix

package lockfile

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestAFolderIsStaleTenSecondsAfterTheLastSignOfLife(t *testing.T) {
	for age, want := range map[time.Duration]time.Duration{ // the age, and how long it is waited for
		time.Hour:                   0,
		stale + 1:                   0,
		stale:                       time.Nanosecond,
		0:                           stale,
		-time.Second:                stale + time.Second, // as the npm package dates its first one
		-5 * time.Millisecond:       stale + 5*time.Millisecond,
		stale - 20*time.Millisecond: 20 * time.Millisecond,
	} {
		synctest.Test(t, func(t *testing.T) {
			dir := open(t, t.TempDir(), nil)
			put(t, dir, lockName, age)
			begun := time.Now()
			l := acquire(t, ProperLockfile, dir)
			if waited := time.Since(begun); waited < want || waited > want+2*lastPause {
				t.Errorf("%v old: waited %v, want %v", age, waited, want)
			}
			release(t, l)
			if got := names(t, dir); len(got) != 0 {
				t.Errorf("%v old: left are %q", age, got)
			}
		})
	}
}

func TestOursIsDatedByOurClockAndKeptFresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		l := acquire(t, ProperLockfile, dir)
		for range 100 {
			if at := numberOf(t, dir, lockName).ModTime(); time.Since(at) > update || time.Until(at) > 0 {
				t.Fatalf("its time is %v, now it is %v", at, time.Now())
			}
			time.Sleep(700 * time.Millisecond)
			synctest.Wait()
		}
		release(t, l)
	})
}

// Errors that pass must not cost the lock, nor may it be kept for good after they have lasted.
func TestAnUpdateThatFailsIsTriedAgainSoon(t *testing.T) {
	for failing, want := range map[time.Duration]bool{3 * time.Second: true, time.Minute: false} {
		synctest.Test(t, func(t *testing.T) {
			var until atomic.Int64 // the timer's goroutine asks the hook too
			dir := open(t, t.TempDir(), func(op vfs.Op, _ string) error {
				if op == vfs.OpChtimes && time.Now().UnixNano() < until.Load() {
					return syscall.EIO
				}
				return nil
			})
			l := acquire(t, ProperLockfile, dir)
			until.Store(time.Now().Add(update + failing).UnixNano())
			time.Sleep(update + failing - time.Millisecond)
			synctest.Wait()
			err := l.Held()
			var lost *LostError
			if want != (err == nil) || !want && !errors.As(err, &lost) {
				t.Errorf("after errors of %v: Held = %v", failing, err)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if age := time.Since(numberOf(t, dir, lockName).ModTime()); age > 2*time.Second {
				t.Errorf("errors of %v have been over for 2 s, but the lock was kept fresh %v ago", failing, age)
			}
			release(t, l) // nobody has taken it meanwhile
		})
	}
}

func TestALockThatCannotBeKeptIsGivenBackAtOnce(t *testing.T) {
	for _, op := range []vfs.Op{vfs.OpOpen, vfs.OpStat, vfs.OpChtimes} {
		made := false
		dir := open(t, t.TempDir(), nil)
		hooked := open(t, dir.Path(), func(o vfs.Op, _ string) error {
			if made && o == op {
				return syscall.EIO
			}
			made = made || o == vfs.OpMkdir
			return nil
		})
		if _, err := Acquire(t.Context(), ProperLockfile, hooked, target); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s fails: Acquire = %v", op, err)
		}
		if exists(dir, lockName) {
			t.Errorf("%s fails: the folder is still there", op)
		}
	}
}

// The window in which two programs take one stale lock: before each operation of ours somebody else comes.
func TestAnotherOneIsFasterBetweenAnyTwoOperationsOfATakeover(t *testing.T) {
	takeovers := map[string]func(t *testing.T, dir *vfs.Dir){
		"one that removes and makes": func(t *testing.T, dir *vfs.Dir) {
			os.Remove(dir.Join(lockName))
			put(t, dir, lockName, 0)
		},
		"one that is alive after all": func(t *testing.T, dir *vfs.Dir) {
			if exists(dir, lockName) {
				date(t, dir, lockName, 0)
			}
		},
		"one that has released": func(t *testing.T, dir *vfs.Dir) { os.Remove(dir.Join(lockName)) },
	}
	for name, takeover := range takeovers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				kept := 0
				for at := 1; ; at++ {
					n, hit, acquiring := 0, "", true
					dir := open(t, quick(t), nil)
					put(t, dir, lockName, time.Hour)
					hooked := open(t, dir.Path(), func(op vfs.Op, _ string) error {
						if n++; n == at && acquiring {
							hit = string(op)
							takeover(t, dir)
						}
						return nil
					})
					l, err := Acquire(t.Context(), ProperLockfile, hooked, target)
					acquiring = false
					var busy *BusyError
					switch {
					case err == nil && l.Held() == nil:
						release(t, l)
					case err == nil: // it was removed when we had it; this is what Held is for
						var lost *LostError
						if err := l.Release(); !errors.As(err, &lost) {
							t.Errorf("Release of a lost lock = %v", err)
						}
					case !errors.As(err, &busy):
						t.Errorf("Acquire = %v", err)
					default:
						t.Error("waited in vain for one that is stale by now")
					}
					for _, name := range names(t, dir) {
						if name != lockName {
							t.Errorf("left is %q", name)
						} else {
							kept++
						}
					}
					if t.Failed() {
						t.Fatalf("this was before operation %d, %s", at, hit)
					}
					if hit == "" {
						break
					}
				}
				if name == "one that removes and makes" && kept == 0 {
					t.Error("no lock of another one survived: the test does not reach what it is for")
				}
			})
		})
	}
}

// A fresh lock that the rename took by mistake goes back: the very folder, and its holder notices nothing.
func TestAFreshLockThatWasTakenAwayByMistakeIsPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		var theirs *Lock
		hooked := open(t, dir.Path(), func(op vfs.Op, path string) error {
			if op == vfs.OpRename && theirs == nil {
				must(t, os.Remove(path))
				theirs = acquire(t, ProperLockfile, dir)
			}
			return nil
		})
		put(t, dir, lockName, time.Hour)
		expectBusy(t, ProperLockfile, hooked)
		release(t, theirs)
		if got := names(t, dir); len(got) != 0 {
			t.Errorf("left are %q", got)
		}
	})
}

// What cannot be prevented is told: a third one takes the name while the fresh lock is away.
func TestTwoHoldersOfATakeoverFindOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		var first, second *Lock
		hooked := open(t, dir.Path(), func(op vfs.Op, path string) error {
			switch {
			case op == vfs.OpRename && first == nil:
				must(t, os.Remove(path))
				first = acquire(t, ProperLockfile, dir)
			case op == vfs.OpStat && first != nil && second == nil:
				second = acquire(t, ProperLockfile, dir)
			}
			return nil
		})
		put(t, dir, lockName, time.Hour)
		expectBusy(t, ProperLockfile, hooked)
		var lost *LostError
		if err := first.Held(); !errors.As(err, &lost) {
			t.Errorf("the one that lost it hears %v", err)
		}
		if err := first.Release(); !errors.As(err, &lost) {
			t.Errorf("Release = %v", err)
		}
		release(t, second)
		if got := names(t, dir); len(got) != 0 {
			t.Errorf("left are %q", got)
		}
	})
}

func TestATakeoverRemovesWhatOneThatWasCutOffHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		put(t, dir, lockName, time.Hour)
		const number = "10000000000000" // and one more digit
		put(t, dir, "."+lockName+number+"1", time.Hour)
		put(t, dir, "."+lockName+number+"2", 0) // just taken by mistake
		put(t, dir, "."+lockName+"20261125", time.Hour)
		must(t, os.WriteFile(dir.Join("."+lockName+number+"3"), nil, 0o644))
		release(t, acquire(t, ProperLockfile, dir))
		want := fmt.Sprintf("[.%[1]s%[2]s2 .%[1]s%[2]s3 .%[1]s20261125]", lockName, number)
		if got := fmt.Sprint(names(t, dir)); got != want {
			t.Errorf("left are %s, want %s", got, want)
		}
	})
}

func TestAStaleFolderWithSomethingInItIsLeftToAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		must(t, os.Mkdir(dir.Join(lockName), 0o755))
		must(t, os.WriteFile(dir.Join(lockName)+"/precious", nil, 0o644))
		date(t, dir, lockName, time.Hour)
		_, err := Acquire(t.Context(), ProperLockfile, dir, target)
		var full *NotEmptyError
		if !errors.As(err, &full) || full.Path != dir.Join(lockName) || !errors.Is(err, syscall.ENOTEMPTY) {
			t.Errorf("Acquire = %v", err)
		}
		if got := names(t, dir); len(got) != 1 || !exists(dir, lockName+"/precious") {
			t.Errorf("there are %q", got)
		}
	})
}

func TestAStaleFolderThatCannotBePutBackIsToldByWhereItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renames := 0
		dir := open(t, t.TempDir(), func(op vfs.Op, _ string) error {
			if op == vfs.OpRename {
				if renames++; renames == 2 {
					return syscall.EIO
				}
			}
			return nil
		})
		must(t, os.Mkdir(dir.Join(lockName), 0o755))
		must(t, os.WriteFile(dir.Join(lockName)+"/precious", nil, 0o644))
		date(t, dir, lockName, time.Hour)
		_, err := Acquire(t.Context(), ProperLockfile, dir, target)
		var where *os.PathError
		if !errors.As(err, &where) || !errors.Is(err, syscall.ENOTEMPTY) {
			t.Fatalf("Acquire = %v", err)
		}
		if _, err := os.Lstat(where.Path + "/precious"); err != nil {
			t.Errorf("it is not there: %v", err)
		}
	})
}

// Task Master takes the name with a file in half of its code.
func TestAFreshFileInPlaceOfTheFolderIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := open(t, t.TempDir(), nil)
		must(t, os.WriteFile(dir.Join(lockName), []byte(`{"pid":1}`), 0o644))
		date(t, dir, lockName, 0)
		time.AfterFunc(time.Second, func() { must(t, os.Remove(dir.Join(lockName))) })
		release(t, acquire(t, ProperLockfile, dir))
	})
}

func TestAnOldThingOfAnotherKindIsAnErrorAtOnceAndStays(t *testing.T) {
	makers := map[string]func(path string) error{
		"a file":          func(p string) error { return os.WriteFile(p, []byte("x"), 0o644) },
		"a symbolic link": func(p string) error { return os.Symlink("nowhere", p) },
	}
	for what, make := range makers {
		t.Run(what, func(t *testing.T) {
			dir := open(t, t.TempDir(), nil)
			must(t, make(dir.Join(lockName)))
			if numberOf(t, dir, lockName).Mode().IsRegular() {
				date(t, dir, lockName, time.Hour)
			} else {
				agedLink(t, dir.Join(lockName))
			}
			_, err := Acquire(t.Context(), ProperLockfile, dir, target)
			var kind *KindError
			if !errors.As(err, &kind) || !errors.Is(err, syscall.EEXIST) || !strings.Contains(err.Error(), what) {
				t.Errorf("Acquire = %v", err)
			}
			if !exists(dir, lockName) {
				t.Error("it was removed")
			}
		})
	}
}
