//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestALinkIsNeverFollowed(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "target", "secret")
	if err := d.Mkdir("dir", 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"inside": "target", "outside": "/etc/passwd", "dangling": "not-yet", "loop": "loop",
		"folder": "dir", "away": "/etc", "self": ".",
	} {
		if err := os.Symlink(target, d.Join(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, link := range []string{"inside", "outside", "dangling", "loop", "folder"} {
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_CREATE} {
			if _, err := d.OpenFile(link, flag, 0o644); !errors.Is(err, syscall.ELOOP) {
				t.Errorf("OpenFile(%q, %#x) = %v, want ELOOP", link, flag, err)
			}
		}
		if _, err := d.OpenFile(link, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644); !errors.Is(err, fs.ErrExist) {
			t.Errorf("exclusive OpenFile(%q) = %v, want EEXIST", link, err)
		}
		if fi, err := d.Lstat(link); err != nil || fi.Mode().Type() != fs.ModeSymlink {
			t.Errorf("Lstat(%q) = %v, %v", link, fi, err)
		}
	}
	for _, link := range []string{"folder", "away", "self", "dangling", "loop", "inside"} {
		if _, err := d.OpenDir(link); !errors.Is(err, syscall.ELOOP) {
			t.Errorf("OpenDir(%q) = %v, want ELOOP", link, err)
		}
	}
	if got := content(t, d, "target"); got != "secret" {
		t.Errorf("a link was written through: %q", got)
	}
	if _, err := os.Lstat(d.Join("not-yet")); err == nil {
		t.Error("a dangling link was created through")
	}
	if err := d.Remove("folder"); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(d.Join("dir")); err != nil {
		t.Error("removing a link removed its target")
	}
}

// A hang here is the failure.
func TestAFIFONeverBlocks(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	if err := unix.Mkfifo(d.Join("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := d.OpenFile("fifo", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if fi, err := f.Stat(); err != nil || fi.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("Stat tells %v, %v", fi, err)
	}
	if _, err := d.OpenDir("fifo"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("OpenDir = %v", err)
	}
	if _, err := Open(d.Join("fifo"), nil); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Open = %v", err)
	}
}

func TestNamesMayHoldAnyByte(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	for _, name := range []string{"a\nb", "\x1b[31m", "\xff\xfe", "-rf", " ", "…", "a\\b", "C:x", "~"} {
		put(t, d, name, name)
		if _, err := d.Lstat(name); err != nil {
			t.Error(err)
		}
		f, err := d.OpenFile(name, os.O_RDONLY, 0)
		if err != nil {
			t.Error(err)
			continue
		}
		f.Close()
		if err := d.Rename(name, d, "x"); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.OpenFile("nul\x00byte", os.O_RDONLY, 0); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("NUL: %v", err)
	}
}

func TestAnErrorFromTheKernelKeepsItsNumberAndPath(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	_, err := d.OpenFile("none", os.O_RDONLY, 0)
	if !errors.Is(err, syscall.ENOENT) || pathOf(t, err) != d.Join("none") {
		t.Errorf("OpenFile = %v", err)
	}
	long := make([]byte, 300)
	for i := range long {
		long[i] = 'x'
	}
	for _, err := range []error{
		d.Mkdir(string(long), 0o755), d.Remove(string(long)), d.Rename(string(long), d, "x"), d.RenameNew(string(long), d, "x"),
	} {
		if !errors.Is(err, syscall.ENAMETOOLONG) || pathOf(t, err) != d.Join(string(long)) {
			t.Errorf("got %v", err)
		}
	}
}

func TestATempFileIsPrivateWhateverTheUmask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o777))
	var deny Op
	d := open(t, t.TempDir(), func(op Op, _ string) error {
		if op == deny {
			return syscall.EPERM
		}
		return nil
	})
	f, err := d.CreateTemp("x")
	if err != nil {
		t.Fatal(err)
	}
	fi, err := f.Stat()
	if err != nil || fi.Mode() != 0o600 {
		t.Errorf("mode %v, %v", fi.Mode(), err)
	}
	if err := errors.Join(f.Close(), d.Remove(f.Name())); err != nil {
		t.Fatal(err)
	}
	deny = OpChmod
	if _, err := d.CreateTemp("x"); !errors.Is(err, syscall.EPERM) {
		t.Errorf("got %v", err)
	}
	if got := names(t, d); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

// Whoever may write beside us swaps the folder for a link to another one of
// the same directory, which os.Root would follow.
func TestAFolderSwappedForALinkWhileItIsOpened(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	if err := errors.Join(d.Mkdir("real", 0o700), d.Mkdir("other", 0o700)); err != nil {
		t.Fatal(err)
	}
	d.hook = func(op Op, path string) error { // the last moment before the open
		if op == OpOpen {
			return errors.Join(os.Remove(path), os.Symlink("other", path))
		}
		return nil
	}
	if _, err := d.OpenDir("real"); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("OpenDir = %v, want ELOOP", err)
	}
}

func TestOpenRegularWaitsForNothingAndReadsNothingEndless(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := unix.Mkfifo(at("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", at("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for name, target := range map[string]string{"loop": "loop", "to fifo": "fifo", "to file": "file"} {
		if err := os.Symlink(target, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(at("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		at("fifo"): ErrNotRegular, at("to fifo"): ErrNotRegular, "/dev/zero": ErrNotRegular,
		at("socket"): unix.ENXIO, at("loop"): unix.ELOOP, at("to file"): nil,
	} {
		f, err := OpenRegular(path)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", path, err, want)
		}
		if err == nil {
			f.Close()
		}
	}
}
