//go:build unix

package history

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestWhatIsNoFileIsNotFollowed(t *testing.T) {
	for what, put := range map[string]func(path string) error{
		"a link":   func(path string) error { return os.Symlink(filepath.Join(filepath.Dir(path), "elsewhere"), path) },
		"a FIFO":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		f := newFolder(t)
		f.must(put(f.path(fileName)))
		l := f.log(1 << 20)
		f.batch(l, "b1")
		if !l.Owes() || strings.Count(f.said.String(), "cannot be written") != 1 {
			t.Errorf("%s: %s", what, f.said.String())
		}
		if _, err := os.Lstat(f.path("elsewhere")); err == nil {
			t.Errorf("%s was followed", what)
		}
		if _, err := ReadBooks(f.drop); err == nil {
			t.Errorf("%s was read", what)
		}
		f.must(os.Remove(f.path(fileName)))
		l.Flush()
		f.say("2 1 0 1 0")
	}
}
