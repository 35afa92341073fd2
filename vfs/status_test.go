//go:build unix

package vfs

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestStatusTellsWhatLstatTells(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, nil)
	put(t, d, "file", "text")
	for _, err := range []error{
		os.Chmod(d.Join("file"), 0o640), os.Mkdir(d.Join("folder"), 0o700), os.Symlink("file", d.Join("link")), syscall.Mkfifo(d.Join("fifo"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("unix", d.Join("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, name := range []string{"file", "folder", "link", "fifo", "socket"} {
		want, err := os.Lstat(d.Join(name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := d.Status(name)
		if err != nil || got.Mode.Type() != want.Mode().Type() || got.Mode.Perm() != want.Mode().Perm() || got.Size != want.Size() ||
			!got.ModTime.Equal(want.ModTime()) || got.Inode != want.Sys().(*syscall.Stat_t).Ino {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if device, err := open(t, "/dev", nil).Status("null"); err != nil || device.Mode.Type() != fs.ModeDevice|fs.ModeCharDevice {
		t.Errorf("/dev/null: %+v, %v", device, err)
	}
	var at *fs.PathError
	if _, err := d.Status("gone"); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &at) || at.Path != d.Join("gone") {
		t.Errorf("what is not there: %v", err)
	}
}

func TestReadFileReadsWhatIsThereWhateverWasExpected(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	text := strings.Repeat("x", 5000)
	put(t, d, "a", text)
	for expected, want := range map[int64]int{0: 1, 10: 11, 4999: 5000, 5000: 5000, 9000: 5000} {
		got, status, err := d.ReadFile("a", expected)
		if err != nil || len(got) != want || status.Size != 5000 || !status.Mode.IsRegular() {
			t.Errorf("expecting %d: %d bytes, %+v, %v", expected, len(got), status, err)
		}
	}
	if err := os.Symlink("a", d.Join("link")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.ReadFile("link", 10); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link: %v", err)
	}
	if err := syscall.Mkfifo(d.Join("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := os.OpenFile(d.Join("fifo"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if got, status, err := d.ReadFile("fifo", 10); err != nil || len(got) != 0 || status.Mode.IsRegular() {
		t.Errorf("a FIFO: %q, %+v, %v", got, status, err)
	}
}

func TestAHookMayFailEachStepOfStatusAndReadFile(t *testing.T) {
	for _, op := range []Op{OpOpen, OpRead, OpStat} {
		on := false
		d := open(t, t.TempDir(), func(o Op, path string) error {
			if on && o == op {
				return syscall.EIO
			}
			return nil
		})
		put(t, d, "a", "text")
		on = true
		if _, _, err := d.ReadFile("a", 4); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", op, err)
		}
		if _, err := d.Status("a"); (op == OpStat) != errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", op, err)
		}
		on = false
	}
}

func TestRemoveTakesFilesAndEmptyFolders(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "a", "text")
	for _, name := range []string{"empty", "full"} {
		if err := os.Mkdir(d.Join(name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, open(t, d.Join("full"), nil), "x", "")
	for name, want := range map[string]error{"a": nil, "empty": nil, "full": fs.ErrExist, "gone": fs.ErrNotExist} {
		if err := d.Remove(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
