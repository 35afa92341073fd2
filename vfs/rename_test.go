//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

func TestRenameMovesBetweenTwoDirectories(t *testing.T) {
	a, b := open(t, t.TempDir(), nil), open(t, t.TempDir(), nil)
	put(t, a, "x", "new")
	put(t, b, "y", "old")
	if err := a.Rename("x", b, "y"); err != nil {
		t.Fatal(err)
	}
	if got := content(t, b, "y"); got != "new" {
		t.Errorf("y holds %q", got)
	}
	err := a.Rename("x", b, "y")
	var link *os.LinkError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &link) || link.Old != a.Join("x") || link.New != b.Join("y") {
		t.Errorf("a name that is gone: %v", err)
	}
}

// All three ways must be told apart by nothing but what a crash leaves.
func TestRenameNewNeverReplaces(t *testing.T) {
	ways := map[string]func(from *Dir, old string, to *Dir, new string) error{
		"the system's own":        renameNew,
		"by link and remove":      linkNew,
		"by looking, then rename": lookThenRename,
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			a, b := open(t, t.TempDir(), nil), open(t, t.TempDir(), nil)
			call := func(old, new string) error { return a.rename(old, b, new, way) }
			put(t, a, "x", "new")
			put(t, b, "taken", "old")
			if err := os.Symlink("nowhere", b.Join("link")); err != nil {
				t.Fatal(err)
			}
			for _, taken := range []string{"taken", "link"} {
				if err := call("x", taken); !errors.Is(err, fs.ErrExist) {
					t.Errorf("over %s: %v, want EEXIST", taken, err)
				}
			}
			if got := content(t, b, "taken"); got != "old" {
				t.Errorf("replaced by %q", got)
			}
			if got := content(t, a, "x"); got != "new" {
				t.Errorf("refused, yet x holds %q", got)
			}
			if err := call("x", "free"); err != nil {
				t.Fatal(err)
			}
			if got := content(t, b, "free"); got != "new" {
				t.Errorf("free holds %q", got)
			}
			if _, err := os.Lstat(a.Join("x")); err == nil {
				t.Error("both names are there")
			}
			if err := call("x", "other"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a name that is gone: %v", err)
			}
			// A folder cannot be linked.
			if err := os.Mkdir(a.Join("dir"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := call("dir", "dir"); err != nil {
				t.Errorf("a folder: %v", err)
			}
		})
	}
	d := open(t, t.TempDir(), nil)
	put(t, d, "x", "")
	if err := d.RenameNew("x", d, "x"); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("onto itself: %v", err)
	}
}

func lookThenRename(from *Dir, old string, to *Dir, new string) error {
	return withFds(from, to, func(a, b int) error { return lookNew(a, old, b, new) })
}
