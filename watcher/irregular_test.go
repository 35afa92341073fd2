//go:build unix

package watcher

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestWhatIsNoRegularFileIsSentUnopened(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(b *bench, path string) error
	}{
		{"a link to a fragment", func(b *bench, path string) error {
			b.old("target", whole, time.Hour)
			return os.Symlink("target", path)
		}},
		{"a link out of the directory", func(b *bench, path string) error { return os.Symlink("/etc/passwd", path) }},
		{"a link to nothing", func(b *bench, path string) error { return os.Symlink("nowhere", path) }},
		{"a link to a folder", func(b *bench, path string) error { return os.Symlink(".", path) }},
		{"a FIFO without a writer", func(b *bench, path string) error { return syscall.Mkfifo(path, 0o666) }},
		{"a socket", func(b *bench, path string) error {
			short := filepath.Join(os.TempDir(), fmt.Sprintf("watcher%d", os.Getpid()))
			l, err := net.ListenUnix("unix", &net.UnixAddr{Name: short})
			if err != nil {
				return err
			}
			l.SetUnlinkOnClose(false)
			defer l.Close()
			return os.Rename(short, path)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.must(c.make(b, b.path("x.json")))
				b.Hook = func(op vfs.Op, path string) error {
					if filepath.Base(path) == "x.json" && op != vfs.OpStat {
						t.Errorf("%s %s", op, path)
					}
					return nil
				}
				b.run()
				b.sends(0, "x.json")
				b.silent(time.Hour)
			})
		})
	}
}

func TestAFileThatBecomesAFIFOBeforeItIsReadIsNotWaitedFor(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Second)
		b.Hook = func(op vfs.Op, path string) error {
			if filepath.Base(path) == "x.json" && op == vfs.OpOpen {
				os.Remove(path)
				return syscall.Mkfifo(path, 0o666)
			}
			return nil
		}
		b.run()
		b.sends(50*ms, "x.json")
	})
}

// What is read is known by the file that was open, not by what the name showed before and shows again.
func TestAFileThatAnotherStandsInForWhileItIsReadIsReadAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Hour)
		b.old(".other", strings.Replace(whole, "P", "Q", 1), time.Hour)
		exchange := func() {
			b.must(os.Rename(b.path("x.json"), b.path(".between")))
			b.must(os.Rename(b.path(".other"), b.path("x.json")))
			b.must(os.Rename(b.path(".between"), b.path(".other")))
		}
		swaps := 0
		b.Hook = func(op vfs.Op, path string) error {
			if filepath.Base(path) == "x.json" && (op == vfs.OpOpen && swaps == 0 || op == vfs.OpRead && swaps == 1) {
				swaps++
				exchange()
			}
			return nil
		}
		b.run()
		b.sends(100*ms, "x.json") // the other settles, then this one again
	})
}
