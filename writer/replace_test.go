//go:build unix

package writer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestAFailedFsyncOfTheTemporaryFileThrowsItAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		synced := map[string]int{}
		b.config.Hook = func(op vfs.Op, path string) error {
			if base := filepath.Base(path); op == vfs.OpSync && strings.HasPrefix(base, ".tasks.json") {
				synced[base]++
				if len(synced) == 1 {
					return syscall.EIO
				}
			}
			return nil
		}
		if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 2 {
			t.Errorf("result is %+v", r)
		}
		if len(synced) != 2 {
			t.Errorf("synced were %v, want two files", synced)
		}
		for name, n := range synced {
			if n != 1 {
				t.Errorf("%s was synced %d times", name, n)
			}
		}
		b.applied("a")
		b.noTemp()
	})
}

func TestAFailedFsyncOfTheFolderAfterTheRenameNeverMergesAgain(t *testing.T) {
	for _, c := range []struct {
		name     string
		number   syscall.Errno
		times    int
		attempts int
		lasting  bool
	}{
		{"once", syscall.EIO, 1, 2, false},
		{"twice", syscall.EIO, 2, 3, false},
		{"for good", syscall.EIO, 1000, 3, true},
		{"once, with a number that is lasting elsewhere", syscall.EACCES, 1, 2, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				renamed, left, creates := false, c.times, 0
				b.config.Hook = func(op vfs.Op, path string) error {
					renamed = renamed || replaces(op)
					if op == vfs.OpCreate {
						creates++
					}
					if renamed && op == vfs.OpSync && left > 0 {
						left--
						return c.number
					}
					return nil
				}
				w := b.writer()
				r, err := b.commit(w, adding(t, "a")...)
				if !r.Written || r.Attempts != c.attempts || r.Updates != 1 || creates != 1 {
					t.Errorf("result is %+v, %d temporary files were made", r, creates)
				}
				if !c.lasting {
					if err != nil {
						t.Fatal(err)
					}
				} else {
					if got := trouble(t, err); !got.Replaced || got.Code != "EIO" || got.Attempts != 3 {
						t.Errorf("trouble is %+v", got)
					}
					if replaced, err := w.Replaced(b.intent); replaced || err == nil {
						t.Errorf("Replaced = %v, %v", replaced, err)
					} else if !trouble(t, err).Replaced {
						t.Errorf("trouble is %+v", err)
					}
				}
				left = 0
				if replaced, err := w.Replaced(b.intent); !replaced || err != nil {
					t.Errorf("Replaced = %v, %v", replaced, err)
				}
				b.discard(w, b.intent.Temps())
				b.applied("a")
				b.noTemp()
			})
		})
	}
}

// An NFS client answers a repeated request with the error of the second one, although the first was done.
func TestARenameThatIsDoneAndSaysOtherwise(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to int // the operations after the rename that fail
	}{
		{"known at once", 0, 0}, {"the first look fails", 1, 1}, {"the second look fails", 2, 2}, {"both looks fail", 1, 2},
		{"an attempt fails", 1, 8}, {"everything fails", 1, 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.renames = true
				renamed, after := false, 0
				b.config.Hook = func(op vfs.Op, path string) error {
					if op == vfs.OpRename {
						renamed = true
						if err := os.Rename(path, b.path); err != nil {
							t.Fatal(err)
						}
						return syscall.EIO
					}
					if renamed {
						if after++; after >= c.from && after <= c.to {
							return syscall.EIO
						}
					}
					return nil
				}
				w := b.writer()
				r, err := b.commit(w, adding(t, "a")...)
				b.config.Hook, w.config.Hook = nil, nil
				if err != nil {
					if got := trouble(t, err); !got.Replaced {
						t.Errorf("trouble is %+v", got)
					}
				} else if !r.Written {
					t.Errorf("result is %+v", r)
				}
				b.settle(w, adding(t, "a"))
				b.applied("a")
				b.mustCommit(w, adding(t, "b")...)
				b.applied("a", "b")
				b.noTemp()
			})
		})
	}
}

func TestARenameThatIsDoneAndSaysOtherwiseAndANeighbourBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.renames = true
		b.config.Hook = func(op vfs.Op, path string) error {
			if op != vfs.OpRename {
				return nil
			}
			if err := os.Rename(path, b.path); err != nil {
				t.Fatal(err)
			}
			b.retitle()
			return syscall.EIO
		}
		if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 2 || !r.Written {
			t.Errorf("result is %+v", r)
		}
		b.applied("a")
		b.retitled()
		b.noTemp()
	})
}

func TestATemporaryFileThatSomebodyTakesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, op := range []vfs.Op{vfs.OpWrite, vfs.OpChmod, vfs.OpSync, vfs.OpClose, vfs.OpExchange} {
			b := newBench(t)
			times := 1
			b.config.Hook = func(o vfs.Op, path string) error {
				if o == op && times > 0 && strings.HasPrefix(filepath.Base(path), ".tasks.json") {
					times--
					if err := os.Remove(path); err != nil {
						t.Error(err)
					}
				}
				return nil
			}
			w := b.writer()
			if r := b.mustCommit(w, adding(t, "a")...); r.Attempts != 2 {
				t.Errorf("taken at %s: result is %+v", op, r)
			}
			b.applied("a")
			b.noTemp()
			times = 1000
			_, err := b.commit(w, adding(t, "b")...)
			if got := trouble(t, err); got.Code != "EBUSY" || got.Replaced || !strings.Contains(err.Error(), "has removed the temporary file") {
				t.Errorf("taken at %s: trouble is %+v", op, got)
			}
			b.applied("a")
		}
	})
}

func TestARecordThatFailsForGoodLeavesOneTemporaryFileAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		n := 1000
		b.config.Hook = failing(vfs.OpWrite, "intent", &n, syscall.EROFS)
		w := b.writer()
		for range 5 {
			_, err := b.commit(w, adding(t, "a")...)
			if got := trouble(t, err); got.Code != "EROFS" || got.Remedy != "" || !strings.Contains(err.Error(), "write intent: ") {
				t.Errorf("trouble is %+v", got)
			}
			if left := temps(t, b.dir); len(left) > 1 {
				t.Fatalf("left are %q", left)
			}
		}
		if err := w.Probe(context.Background()); err != nil {
			t.Errorf("Probe: %v", err)
		}
		n = 0
		b.mustCommit(w, adding(t, "a")...)
		b.applied("a")
		b.noTemp()
	})
}

func TestAnIntentThatIsNotCarriedOutIsWithdrawnBeforeItsFileGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var trace []string
		b.config.Hook = func(op vfs.Op, path string) error {
			switch {
			case op == vfs.OpExchange:
				return syscall.EBUSY
			case op == vfs.OpRemove:
				trace = append(trace, fmt.Sprintf("remove, withdrawn %v", b.intent.Digest == b.intent.Base))
			case op == vfs.OpWrite && path == "intent":
				trace = append(trace, "record")
			}
			return nil
		}
		w := b.writer()
		_, err := b.commit(w, adding(t, "a")...)
		if got := trouble(t, err); got.Code != "EBUSY" || !strings.HasSuffix(err.Error(), "mount its folder instead") {
			t.Errorf("trouble is %+v", got)
		}
		round := []string{"record", "record", "remove, withdrawn true"}
		if want := slices.Concat(round, round, round); !slices.Equal(trace, want) {
			t.Errorf("trace is %q", trace)
		}
		// Neither digest, and no temporary file: this would look like a commit with a foreign one behind it.
		b.put(strings.Replace(original, "Two", "Zwo", 1))
		if replaced, err := w.Replaced(b.intent); replaced || err != nil {
			t.Errorf("Replaced = %v, %v", replaced, err)
		}
		b.noTemp()
	})
}
