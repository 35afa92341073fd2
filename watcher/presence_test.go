package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

const (
	isMissing  = "WARN the drop directory is missing"
	isNoDir    = "WARN the drop directory is no directory"
	isLocked   = "WARN the drop directory cannot be read"
	isTroubled = "WARN the drop directory cannot be looked at"
	isReplaced = "WARN the drop directory was replaced"
	isThere    = "INFO the drop directory is there, going on"
	isDeaf     = "WARN no file system events, looking every second instead"
	isSilent   = "INFO this file system does not tell of what other machines change, looking every second as well"
	isHearing  = "INFO file system events are back"
)

func TestTheDropDirectoryComesAndGoes(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(b *bench)
		said []string
	}{
		{"missing at the start, made later", func(b *bench) {
			b.must(os.Remove(b.Dir))
			b.run()
			b.silent(time.Second)
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.sends(1500*ms, "x.json") // looks at 0, 100, 300, 700, 1500 ms
		}, []string{isMissing, isThere}},
		{"the folder that should hold it is missing too", func(b *bench) {
			b.must(os.Remove(b.Dir))
			b.Dir = filepath.Join(b.Dir, "deep", "drop")
			b.run()
			b.silent(10 * time.Second)
			b.must(os.MkdirAll(b.Dir, 0o755))
			b.old("x.json", whole, time.Hour)
			b.sends(11300*ms, "x.json") // … 3100, 6300, then every 5 s
		}, []string{isMissing, isThere}},
		{"a file is in its place", func(b *bench) {
			b.must(os.Remove(b.Dir))
			b.must(os.WriteFile(b.Dir, nil, 0o644))
			b.run()
			b.silent(50 * ms)
			b.must(os.Remove(b.Dir))
			b.silent(100 * ms)
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.sends(300*ms, "x.json")
		}, []string{isNoDir, isMissing, isThere}},
		{"it may not be read", func(b *bench) {
			b.Hook = func(op vfs.Op, path string) error {
				if op == vfs.OpOpen && path == b.Dir && time.Since(b.start) < time.Second {
					return syscall.EACCES
				}
				return nil
			}
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(1500*ms, "x.json")
		}, []string{isLocked, isThere}},
		{"it may not be read while running", func(b *bench) {
			b.Hook = func(op vfs.Op, path string) error {
				if op == vfs.OpReadDir && path == b.Dir && time.Since(b.start) >= time.Second && time.Since(b.start) < 40*time.Second {
					return syscall.EACCES
				}
				return nil
			}
			b.run()
			b.silent(2 * time.Second)
			b.old("x.json", whole, time.Hour)
			// The rescan after 30 s sees it. Its next looks: 30.1 s, and so on to 36.3 s and 41.3 s.
			b.sends(41300*ms, "x.json")
		}, []string{isLocked, isThere}},
		{"listing it fails for a moment", func(b *bench) {
			b.Hook = func(op vfs.Op, path string) error {
				if op == vfs.OpReadDir && time.Since(b.start) < 200*ms {
					return syscall.EIO
				}
				return nil
			}
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(300*ms, "x.json") // listed at 0, 100, 300 ms
		}, []string{isTroubled, isThere}},
		{"removed and made again: the rescan finds out", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.must(os.Remove(b.Dir))
			b.silent(31 * time.Second)
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.sends(33100*ms, "x.json") // missed at 30 s; looks at 30.1, 30.3, 30.7, 31.5, 33.1 s
		}, []string{isMissing, isThere}},
		{"removed and made again: the system tells", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.must(os.Remove(b.Dir))
			b.hints <- hint{all: true, failed: errMoved}
			b.silent(250 * ms)
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.sends(1300*ms, "x.json")
		}, []string{isMissing, isThere}},
		{"its contents are removed, and it is next: looked at shortly after", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.hints <- hint{gone: true}
			b.silent(50 * ms)
			b.hints <- hint{gone: true}
			b.silent(50 * ms)
			b.must(os.Remove(b.Dir))
			b.silent(49 * ms)
			b.said()
			b.silent(1 * ms)
			b.said(isMissing)
			b.silent(time.Minute)
		}, []string{isMissing}},
		{"its contents are removed and it stays: nothing is said", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.hints <- hint{gone: true}
			b.silent(20 * time.Second)
		}, nil},
		{"moved away and another one in its place", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.must(os.Rename(b.Dir, b.Dir+".old"))
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.hints <- hint{all: true, failed: errMoved}
			b.sends(time.Second, "x.json")
		}, []string{isReplaced, isThere}},
		{"replaced unheard: any hint finds out", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.must(os.Rename(b.Dir, b.Dir+".old"))
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.tell("anything.json")
			b.sends(time.Second, "x.json")
		}, []string{isReplaced, isThere}},
		{"replaced while a slice and an unfinished file wait", func(b *bench) {
			b.old("x.json", whole, time.Hour)
			b.old("y.json", whole, time.Hour)
			b.write("z.json", half)
			b.run()
			time.Sleep(time.Second)
			synctest.Wait()
			b.must(os.Rename(b.Dir, b.Dir+".old"))
			b.mkdir()
			b.old("y.json", whole+" ", time.Hour)
			b.hints <- hint{all: true}
			synctest.Wait()
			// x.json is gone, which its claim will find out; y.json is another one; z.json is not waited for.
			b.sends(time.Second, "x.json", "y.json")
			b.done <- Done{Others: []string{"x.json"}}
			b.claim("y.json")
		}, []string{isReplaced, isThere}},
		{"missing twice: each time it is looked for quickly at first", func(b *bench) {
			b.must(os.Remove(b.Dir))
			b.run()
			b.silent(10 * time.Second)
			b.mkdir()
			b.silent(10 * time.Second)
			b.must(os.Remove(b.Dir))
			b.hints <- hint{all: true, failed: errMoved}
			b.silent(50 * ms)
			b.mkdir()
			b.old("x.json", whole, time.Hour)
			b.sends(20100*ms, "x.json")
		}, []string{isMissing, isThere, isMissing, isThere}},
		{"moved away and back", func(b *bench) {
			b.run()
			b.silent(time.Second)
			b.must(os.Rename(b.Dir, b.Dir+".old"))
			b.must(os.Rename(b.Dir+".old", b.Dir))
			b.hints <- hint{all: true, failed: errMoved}
			b.silent(time.Second)
			b.old("x.json", whole, time.Hour)
			b.tell("x.json") // it listens again
			b.sends(2*time.Second, "x.json")
		}, nil},
		{"a link to another directory, which is turned round", func(b *bench) {
			b.must(os.Rename(b.Dir, b.Dir+".1"))
			b.must(os.Mkdir(b.Dir+".2", 0o755))
			b.must(os.Symlink(b.Dir+".1", b.Dir))
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(0, "x.json")
			b.must(os.Remove(b.Dir))
			b.must(os.Symlink(b.Dir+".2", b.Dir))
			b.old("y.json", whole, time.Hour)
			b.sends(30*time.Second, "y.json")
		}, []string{isReplaced, isThere}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				c.play(b)
				b.silent(20 * time.Second)
				b.said(c.said...)
				if b.listening() > 1 {
					t.Errorf("%d are listening", b.listening())
				}
			})
		})
	}
}

func TestAMissingDirectoryIsLookedForWithBackoff(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.must(os.Remove(b.Dir))
		var looks []time.Duration
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpOpen {
				looks = append(looks, time.Since(b.start))
			}
			return nil
		}
		b.run()
		b.silent(16500 * ms)
		want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 3100 * ms, 6300 * ms, 11300 * ms, 16300 * ms}
		if !slices.Equal(looks, want) {
			t.Errorf("looked at %v, want %v", looks, want)
		}
		b.said(isMissing)
		if len(b.listened()) > 0 {
			t.Error("listened to nothing")
		}
	})
}

func TestWhenNamesMoveDuringAScanAnotherOneFollowsSoon(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Hour)
		hidden := filepath.Join(filepath.Dir(b.Dir), "hidden")
		b.Hook = func(op vfs.Op, path string) error {
			// The listing misses the name: it is elsewhere for as long as that lasts, and its old time tells nothing.
			switch _, err := os.Lstat(hidden); {
			case op == vfs.OpReadDir && err != nil && time.Since(b.start) == 0:
				return errors.Join(os.Rename(b.path("x.json"), hidden), os.Chtimes(b.Dir, b.start, b.start))
			case op == vfs.OpStat && err == nil:
				return os.Rename(hidden, b.path("x.json"))
			}
			return nil
		}
		b.run()
		b.sends(time.Second, "x.json")
		b.said()
	})
}

func TestATraceIsToldThatTheDirectoryIsMissingAndThatItIsThere(t *testing.T) {
	inBubble(t, func(b *bench) {
		var told []error
		b.Trace.Missing = func(cause error) { told = append(told, cause) }
		b.must(os.Remove(b.Dir))
		b.run()
		b.silent(2 * time.Second)
		b.mkdir()
		b.silent(5 * time.Second)
		if len(told) != 2 || !errors.Is(told[0], os.ErrNotExist) || told[1] != nil {
			t.Fatalf("told %v", told)
		}
		if text := told[0].Error(); !strings.HasPrefix(text, "the drop directory is missing: ") || !strings.HasSuffix(text, "; make it, or correct the setting drop") {
			t.Errorf("told %q", text)
		}
	})
}
