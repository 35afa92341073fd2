//go:build linux

package vfs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// elsewhere is a folder on another file system than t.TempDir.
func elsewhere(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "vfs")
	if err != nil {
		t.Skip("no second file system:", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var a, b unix.Stat_t
	if err := errors.Join(unix.Stat(dir, &a), unix.Stat(t.TempDir(), &b)); err != nil {
		t.Fatal(err)
	}
	if a.Dev == b.Dev {
		t.Skip("/dev/shm and the temporary folder are one file system")
	}
	return dir
}

func TestMoveCrossesFileSystems(t *testing.T) {
	a, b := open(t, t.TempDir(), nil), open(t, elsewhere(t), nil)
	when := time.Date(2001, 2, 3, 4, 5, 6, 789_000_000, time.UTC)
	big := strings.Repeat("0123456789abcdef", 1<<16)
	put(t, a, "x", big)
	if err := errors.Join(os.Chmod(a.Join("x"), 0o640), os.Chtimes(a.Join("x"), when, when)); err != nil {
		t.Fatal(err)
	}
	put(t, b, "y", "old")
	if err := Move(a, "x", b, "y"); err != nil {
		t.Fatal(err)
	}
	if content(t, b, "y") != big {
		t.Error("other bytes")
	}
	fi, err := b.Lstat("y")
	if err != nil || fi.Mode() != 0o640 || !fi.ModTime().Equal(when) {
		t.Errorf("mode and time: %v %v, %v", fi.Mode(), fi.ModTime(), err)
	}
	if got := names(t, a); len(got) != 0 {
		t.Errorf("left behind: %q", got)
	}
	if got := names(t, b); len(got) != 1 {
		t.Errorf("left beside: %q", got)
	}
	if err := Move(b, "y", b, "z"); err != nil || content(t, b, "z") != big {
		t.Errorf("within one file system: %v", err)
	}
	if err := Move(a, "none", b, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a name that is gone: %v", err)
	}
}

func TestMoveOfWhatIsNoFile(t *testing.T) {
	a, b := open(t, t.TempDir(), nil), open(t, elsewhere(t), nil)
	if err := errors.Join(
		os.Symlink("/etc/passwd", a.Join("link")),
		unix.Mkfifo(a.Join("fifo"), 0o644),
		unix.Mknod(a.Join("socket"), unix.S_IFSOCK|0o600, 0),
		os.Mkdir(a.Join("dir"), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	if err := Move(a, "link", b, "link"); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(b.Join("link")); err != nil || target != "/etc/passwd" {
		t.Errorf("the link is now %q, %v", target, err)
	}
	for name, want := range map[string]string{"fifo": "FIFO", "socket": "socket"} {
		if err := Move(a, name, b, name); err != nil {
			t.Fatal(err)
		}
		if got := content(t, b, name); !strings.Contains(got, "was a "+want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if err := Move(a, "dir", b, "dir"); !errors.Is(err, syscall.EXDEV) {
		t.Errorf("a folder: %v, want EXDEV", err)
	}
	if got := names(t, a); len(got) != 1 || got[0] != "dir" {
		t.Errorf("left behind: %q", got)
	}
	if got := names(t, b); len(got) != 3 {
		t.Errorf("arrived: %q", got)
	}
	for mode, want := range map[fs.FileMode]string{fs.ModeDevice: "device", fs.ModeDevice | fs.ModeCharDevice: "device", fs.ModeIrregular: "special file"} {
		if got := kindName(mode); got != want {
			t.Errorf("kindName(%v) = %q", mode, got)
		}
	}
}

// Whichever operation fails, at any time there is at least one whole file, and
// doing it again leaves exactly one. What fails for a moment may leave a
// temporary file only when even its removal was refused.
func TestMoveNeverLosesAFile(t *testing.T) {
	there := elsewhere(t)
	for _, kind := range []string{"file", "link"} {
		for _, forGood := range []bool{false, true} {
			for n := 1; ; n++ {
				calls, fired := 0, false
				hook := func(op Op, _ string) error {
					calls++
					if calls == n || forGood && calls > n {
						fired = true
						return syscall.EIO
					}
					return nil
				}
				here := t.TempDir()
				a, b := open(t, here, nil), open(t, there, nil)
				if kind == "file" {
					put(t, a, "x", "bytes")
				} else if err := os.Symlink("bytes", a.Join("x")); err != nil {
					t.Fatal(err)
				}
				a.hook, b.hook = hook, hook
				err := Move(a, "x", b, "x")
				a.hook, b.hook = nil, nil
				if fired && err == nil && !forGood {
					// A close of the source may fail unheard: it was only read.
					t.Logf("%s: operation %d fails without an error", kind, n)
				}
				whole := 0
				for _, d := range []*Dir{a, b} {
					if holds(d, "x", kind) {
						whole++
					}
				}
				if whole == 0 {
					t.Fatalf("%s, operation %d, for good %v: lost", kind, n, forGood)
				}
				if err != nil && whole == 1 && !holds(a, "x", kind) {
					t.Errorf("%s, operation %d: an error, but moved", kind, n)
				}
				if err != nil {
					if err := Move(a, "x", b, "x"); err != nil {
						t.Fatalf("%s, operation %d, again: %v", kind, n, err)
					}
				}
				if !holds(b, "x", kind) || holds(a, "x", kind) {
					t.Errorf("%s, operation %d: not in one place", kind, n)
				}
				for _, name := range names(t, b) {
					if !forGood && IsMoveTemp(name) {
						t.Errorf("%s, operation %d: %s is left", kind, n, name)
					}
					os.Remove(b.Join(name))
				}
				if !fired {
					break
				}
			}
		}
	}
}

func holds(d *Dir, name, kind string) bool {
	if kind == "link" {
		target, err := os.Readlink(d.Join(name))
		return err == nil && target == "bytes"
	}
	b, err := os.ReadFile(d.Join(name))
	return err == nil && bytes.Equal(b, []byte("bytes"))
}

// Of our own file that forbids us to read it, a copy needs the permission that
// a rename does not ask for.
func TestMoveOfAnUnreadableFileOfOurs(t *testing.T) {
	a, b := open(t, t.TempDir(), nil), open(t, elsewhere(t), nil)
	put(t, a, "x", "bytes")
	if err := os.Chmod(a.Join("x"), 0); err != nil {
		t.Fatal(err)
	}
	opens := 0
	a.hook = func(op Op, _ string) error {
		if op == OpOpen {
			if opens++; opens == 1 {
				return syscall.EACCES // who runs this as root would not get one
			}
		}
		return nil
	}
	if err := Move(a, "x", b, "x"); err != nil {
		t.Fatal(err)
	}
	fi, err := b.Lstat("x")
	if err != nil || fi.Mode() != 0 || opens != 2 {
		t.Errorf("mode %v after %d opens, %v", fi.Mode(), opens, err)
	}
}

func TestMoveNoticesASwappedFile(t *testing.T) {
	a, b := open(t, t.TempDir(), nil), open(t, elsewhere(t), nil)
	put(t, a, "x", "bytes")
	a.hook = func(op Op, path string) error {
		if op == OpOpen {
			return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o644))
		}
		return nil
	}
	if err := Move(a, "x", b, "x"); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("a FIFO in its place: %v", err)
	}
	if got := names(t, b); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// The order is the crash argument: bytes durable before they get the name, the
// name durable before the original goes.
func TestMoveIsDurableBeforeTheOriginalGoes(t *testing.T) {
	a, b := open(t, t.TempDir(), nil), open(t, elsewhere(t), nil)
	put(t, a, "x", "bytes")
	var order []string
	a.hook = func(op Op, _ string) error { order = append(order, "from:"+string(op)); return nil }
	b.hook = func(op Op, _ string) error { order = append(order, "to:"+string(op)); return nil }
	if err := Move(a, "x", b, "x"); err != nil {
		t.Fatal(err)
	}
	steps := []string{"from:rename", "to:write", "to:chmod", "to:chtimes", "to:sync", "to:rename", "to:sync", "from:remove"}
	rest := order
	for _, step := range steps {
		i := slices.Index(rest, step)
		if i < 0 {
			t.Fatalf("no %s in its place: %q", step, order)
		}
		rest = rest[i+1:]
	}
}
