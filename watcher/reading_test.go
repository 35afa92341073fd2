package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

func TestAFragmentThatCannotBeReadIsSentForTheClaimToJudge(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.write("x.json", half)
		b.Hook = func(op vfs.Op, path string) error {
			if filepath.Base(path) == "x.json" && op == vfs.OpOpen {
				return syscall.EACCES
			}
			return nil
		}
		b.run()
		b.sends(50*ms, "x.json")
	})
}

func TestTroubleThatMayPass(t *testing.T) {
	for _, c := range []struct {
		op  vfs.Op
		err error
	}{
		{vfs.OpStat, syscall.EIO}, {vfs.OpOpen, syscall.EMFILE}, {vfs.OpRead, syscall.EIO}, {vfs.OpOpen, syscall.ENFILE},
	} {
		for lasts, want := range map[time.Duration]time.Duration{
			100 * ms: 100 * ms, 1 * time.Second: 1500 * ms, time.Hour: 5 * time.Second,
		} {
			t.Run(fmt.Sprintf("%s of a fragment fails with %v for %v", c.op, c.err, lasts), func(t *testing.T) {
				inBubble(t, func(b *bench) {
					b.old("x.json", whole, time.Second)
					b.old("y.json", whole, 2*time.Second)
					start, looks := time.Now(), 0
					b.Hook = func(op vfs.Op, path string) error {
						if filepath.Base(path) == "x.json" && op == c.op && time.Since(start) < lasts {
							looks++
							return &fs.PathError{Op: string(op), Path: path, Err: c.err}
						}
						return nil
					}
					b.run()
					b.sends(0, "y.json")
					b.sends(want, "x.json")
					b.said(`WARN cannot look at a fragment, trying again fragment="x.json" error=`)
					if looks > 10 {
						t.Errorf("looked %d times", looks)
					}
				})
			})
		}
	}
}

func TestTroubleThatHasPassedDoesNotCountAgainstTheNext(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.write("x.json", half)
		b.Hook = func(op vfs.Op, path string) error {
			if at := time.Since(b.start); filepath.Base(path) == "x.json" && (at == 0 || at >= 6*time.Second && at < 7*time.Second) {
				return syscall.EIO
			}
			return nil
		}
		b.run()
		b.silent(3 * time.Second)
		b.grow("x.json", " ")
		b.tell("x.json")
		b.silent(3 * time.Second)
		b.grow("x.json", " ")
		b.tell("x.json")
		b.sends(11*time.Second, "x.json")
		again := `WARN cannot look at a fragment, trying again fragment="x.json" error=`
		b.said(again, again)
	})
}

// The second look at the open file, after reading, shows that it was changed meanwhile.
func TestAFileThatChangesWhileItIsReadSettlesAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Second)
		changed := false
		b.Hook = func(op vfs.Op, path string) error {
			if filepath.Base(path) == "x.json" && op == vfs.OpRead && !changed {
				changed = true
				b.grow("x.json", half)
				b.age("x.json", time.Hour) // even if it looks old
			}
			return nil
		}
		b.IncompleteAfter = 2 * time.Hour
		b.run()
		b.silent(49 * ms)
		b.grow("x.json", `lete"}`)
		b.sends(100*ms, "x.json")
	})
}

func TestAFileThatIsReplacedBetweenLookAndReadSettlesAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Second)
		replaced := false
		b.Hook = func(op vfs.Op, path string) error {
			if filepath.Base(path) == "x.json" && op == vfs.OpOpen && !replaced {
				replaced = true
				b.old(".new", half, time.Second)
				return os.Rename(b.path(".new"), path)
			}
			return nil
		}
		b.run()
		b.sends(4*time.Second, "x.json") // unfinished, and a second old at the start
	})
}

func TestAFileThatGoesBetweenLookAndReadIsForgotten(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Second)
		b.Hook = func(op vfs.Op, path string) error {
			if filepath.Base(path) == "x.json" && op == vfs.OpOpen {
				return os.Remove(path)
			}
			return nil
		}
		b.run()
		b.silent(time.Hour)
		b.said()
	})
}

func TestWithoutALimitAFileIsStillNotReadIntoMemoryWhateverItsSize(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Limits.MaxBytes = 0
		b.old("small.json", half, time.Second)
		b.old("large.json", "", time.Second)
		b.must(os.Truncate(b.path("large.json"), maxRead+1)) // sparse
		b.age("large.json", time.Second)
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpOpen && filepath.Base(path) == "large.json" {
				t.Error("it was opened")
			}
			return nil
		}
		b.run()
		b.sends(0, "large.json")
		b.sends(4*time.Second, "small.json")
	})
}

func TestAFileInFlightThatCannotBeLookedAtIsNotSentAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Hour)
		b.Hook = func(op vfs.Op, path string) error {
			if at := time.Since(b.start); filepath.Base(path) == "x.json" && at > 0 && at < 35*time.Second {
				return syscall.EIO
			}
			return nil
		}
		b.run()
		b.sends(0, "x.json")
		b.silent(time.Second)
		b.tell("x.json")
		b.silent(time.Minute)
		b.said()
	})
}

// Who claims a file need not read it again, as long as there is room to keep what was read.
func TestWhatWasReadIsHandedOn(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Limits.MaxBytes = 3 << 20
		large := `{"id":"P1","text":"` + strings.Repeat("x", 3<<20-100) + `"}`
		for i, text := range []string{whole, "x", half, large, large, large} {
			b.old(fmt.Sprintf("%d.json", i), text, time.Hour-time.Duration(i)*time.Second)
		}
		b.run()
		time.Sleep(time.Second) // until all are in one slice
		files := <-b.out
		if len(files) != 6 {
			t.Fatalf("sent %d files", len(files))
		}
		for i, c := range []struct {
			updates int
			code    fragment.Code
			kept    bool
		}{{1, "", true}, {0, fragment.InvalidJSON, true}, {0, fragment.Incomplete, true}, {1, "", true}, {1, "", true}, {0, "", false}} {
			content := files[i].Content
			if !c.kept {
				if content != nil {
					t.Errorf("%s: kept beyond the limit", files[i].Name)
				}
				continue
			}
			var e *fragment.Error
			if content == nil || len(content.Updates) != c.updates || errors.As(content.Err, &e) != (c.code != "") || c.code != "" && e.Code != c.code ||
				content.Size != files[i].Size || !content.ModTime.Equal(files[i].ModTime) {
				t.Errorf("%s: content is %+v", files[i].Name, content)
			}
		}
	})
}
