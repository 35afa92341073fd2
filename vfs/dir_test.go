package vfs

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
)

func open(t *testing.T, path string, hook Hook) *Dir {
	t.Helper()
	d, err := Open(path, hook)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.close() })
	return d
}

func put(t *testing.T, d *Dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(d.Join(name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, d *Dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(d.Join(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func names(t *testing.T, d *Dir) []string {
	t.Helper()
	var all []string
	if err := d.List(func(e fs.DirEntry) bool { all = append(all, e.Name()); return true }); err != nil {
		t.Fatal(err)
	}
	return all
}

// pathOf says which path an error is about.
func pathOf(t *testing.T, err error) string {
	t.Helper()
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return p.Path
	case errors.As(err, &l):
		return l.Old
	}
	t.Fatalf("error without a path: %#v", err)
	return ""
}

func TestOnlySingleNamesAreAccepted(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "a", "")
	for _, name := range []string{"", ".", "..", "a/b", "../x", "/etc/passwd", "a/", "./a"} {
		_, lstat := d.Lstat(name)
		_, file := d.OpenFile(name, os.O_RDONLY, 0)
		_, dir := d.OpenDir(name)
		for call, err := range map[string]error{
			"Lstat": lstat, "OpenFile": file, "OpenDir": dir,
			"Mkdir": d.Mkdir(name, 0o755), "Remove": d.Remove(name),
			"Rename": d.Rename(name, d, "b"), "Rename to": d.Rename("a", d, name),
			"RenameNew to": d.RenameNew("a", d, name),
		} {
			if !errors.Is(err, fs.ErrInvalid) {
				t.Errorf("%s(%q) = %v, want fs.ErrInvalid", call, name, err)
			}
		}
	}
	if _, err := d.CreateTemp("../x"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("CreateTemp outside: %v", err)
	}
}

func TestADirStaysTheSameWhateverHappensToItsPath(t *testing.T) {
	base := t.TempDir()
	at, moved := filepath.Join(base, "at"), filepath.Join(base, "moved")
	for _, step := range []error{os.Mkdir(at, 0o755)} {
		if step != nil {
			t.Fatal(step)
		}
	}
	d := open(t, at, nil)
	put(t, d, "x", "here")
	if err := os.Rename(at, moved); err != nil {
		t.Skipf("an open folder cannot be renamed here: %v", err)
	}
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := d.Rename("x", d, "y"); err != nil {
		t.Fatal(err)
	}
	if err := d.RenameNew("y", d, "z"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(filepath.Join(moved, "z")); err != nil {
		t.Error("the rename went by path:", err)
	}
	if now, err := d.Current(); now || err != nil {
		t.Errorf("Current of a replaced directory: %v, %v", now, err)
	}
	mine, err := d.Stat()
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.Stat(at)
	if err != nil {
		t.Fatal(err)
	}
	if os.SameFile(mine, there) {
		t.Error("Stat does not tell the replaced directory")
	}
	if got := names(t, d); len(got) != 1 || got[0] != "z" {
		t.Errorf("listing %q, want z", got)
	}
}

func TestOpenDirGivesTheFolderAndNothingElse(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	if err := d.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	sub, err := d.OpenDir("sub")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	put(t, d, filepath.Join("sub", "x"), "1")
	if got := names(t, sub); len(got) != 1 || got[0] != "x" {
		t.Errorf("listing %q, want x", got)
	}
	if want := filepath.Join(d.Path(), "sub"); sub.Path() != want {
		t.Errorf("Path %q, want %q", sub.Path(), want)
	}
	put(t, d, "file", "")
	for name, want := range map[string]error{"file": syscall.ENOTDIR, "none": fs.ErrNotExist} {
		if _, err := d.OpenDir(name); !errors.Is(err, want) {
			t.Errorf("OpenDir(%q) = %v, want %v", name, err, want)
		}
	}
	if err := sub.Chmod(0o500); err != nil {
		t.Fatal(err)
	}
	fi, err := sub.Stat()
	if err != nil || fi.Mode().Perm()&0o200 != 0 {
		t.Errorf("after Chmod: %v, %v", fi.Mode(), err)
	}
	if err := sub.Chmod(0o700); err != nil {
		t.Fatal(err)
	}
}

// The handle says which folder, also where another one has its name.
func TestChtimesDatesTheFolderThatIsOpen(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	if err := d.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	sub, err := d.OpenDir("sub")
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Close()
	when := time.Date(2000, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := sub.Chtimes(when); err != nil {
		t.Fatal(err)
	}
	if fi, err := d.Lstat("sub"); err != nil || !fi.ModTime().Equal(when) {
		t.Errorf("its time is %v, %v", fi.ModTime(), err)
	}
	if err := d.Rename("sub", d, "old"); err != nil {
		t.Skipf("an open folder cannot be renamed here: %v", err)
	}
	if err := errors.Join(d.Mkdir("sub", 0o700), sub.Chtimes(when.Add(time.Hour))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"old": true, "sub": false} {
		if fi, err := d.Lstat(name); err != nil || fi.ModTime().Equal(when.Add(time.Hour)) != want {
			t.Errorf("%s is dated %v, %v", name, fi.ModTime(), err)
		}
	}
}

func TestOpenSaysWhichPathIsMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	_, err := Open(path, nil)
	if !errors.Is(err, fs.ErrNotExist) || pathOf(t, err) != path {
		t.Errorf("Open = %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, nil); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("Open of a file = %v", err)
	}
}

func TestListStreamsRewindsAndStops(t *testing.T) {
	const many = 2*chunk + 100
	var calls int
	var failAt int
	d := open(t, t.TempDir(), func(op Op, _ string) error {
		if op != OpReadDir {
			return nil
		}
		if calls++; calls == failAt {
			return syscall.EIO
		}
		return nil
	})
	for i := range many {
		put(t, d, fmt.Sprintf("%04d", i), "")
	}
	if got := len(names(t, d)); got != many {
		t.Errorf("listed %d names, want %d", got, many)
	}
	if calls < 3 {
		t.Errorf("%d operations for %d names: not in chunks", calls, many)
	}
	seen := 0
	if err := d.List(func(fs.DirEntry) bool { seen++; return seen < 5 }); err != nil || seen != 5 {
		t.Errorf("stopped after %d (%v), want 5", seen, err)
	}
	put(t, d, "new", "12345")
	var size int64 = -1
	err := d.List(func(e fs.DirEntry) bool {
		if e.Name() == "new" {
			if fi, err := e.Info(); err == nil {
				size = fi.Size()
			}
		}
		return true
	})
	if err != nil || size != 5 {
		t.Errorf("the second listing does not begin again: size of new %d, %v", size, err)
	}
	for _, at := range []int{1, 2} {
		calls, failAt = 0, at
		if err := d.List(func(fs.DirEntry) bool { return true }); !errors.Is(err, syscall.EIO) {
			t.Errorf("fault in chunk %d: %v", at, err)
		}
	}
}

// Every operation asks the hook, once and before it does anything, and gives
// its error back with the errno and the whole path.
func TestTheHookStandsInFrontOfEveryOperation(t *testing.T) {
	var deny Op
	var asked []string
	hook := func(op Op, path string) error {
		asked = append(asked, string(op)+" "+filepath.Base(path))
		if op == deny {
			return syscall.EIO
		}
		return nil
	}
	base := t.TempDir()
	d := open(t, base, hook)
	put(t, d, "f", "content")
	if err := os.Mkdir(d.Join("sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	file := func() *File {
		f, err := d.OpenFile("f", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	self := filepath.Base(base)
	cases := []struct {
		op   Op
		what string
		call func(f *File) error
	}{
		{OpOpen, "f", func(*File) error { _, err := d.OpenFile("f", os.O_RDONLY, 0); return err }},
		{OpOpen, "sub", func(*File) error { _, err := d.OpenDir("sub"); return err }},
		{OpOpen, self, func(*File) error { _, err := Open(base, hook); return err }},
		{OpCreate, "new", func(*File) error { _, err := d.OpenFile("new", os.O_WRONLY|os.O_CREATE, 0o600); return err }},
		{OpCreate, ".new", func(*File) error { _, err := d.CreateTemp("new"); return err }},
		{OpStat, "f", func(*File) error { _, err := d.Lstat("f"); return err }},
		{OpStat, self, func(*File) error { _, err := d.Stat(); return err }},
		{OpReadDir, self, func(*File) error { return d.List(func(fs.DirEntry) bool { return true }) }},
		{OpMkdir, "new", func(*File) error { return d.Mkdir("new", 0o755) }},
		{OpRename, "f", func(*File) error { return d.Rename("f", d, "g") }},
		{OpRename, "f", func(*File) error { return d.RenameNew("f", d, "g") }},
		{OpRemove, "f", func(*File) error { return d.Remove("f") }},
		{OpSync, self, func(*File) error { return d.Sync() }},
		{OpChmod, self, func(*File) error { return d.Chmod(0o500) }},
		{OpChtimes, self, func(*File) error { return d.Chtimes(time.Time{}) }},
		{OpRead, "f", func(f *File) error { _, err := f.Read(make([]byte, 3)); return err }},
		{OpWrite, "f", func(f *File) error { _, err := f.Write([]byte("x")); return err }},
		{OpWrite, "f", func(f *File) error { return f.Truncate(0) }},
		{OpStat, "f", func(f *File) error { _, err := f.Stat(); return err }},
		{OpSync, "f", func(f *File) error { return f.Sync() }},
		{OpChmod, "f", func(f *File) error { return f.Chmod(0o400) }},
		{OpChown, "f", func(f *File) error { return f.Chown(12345, 12345) }},
		{OpLock, "f", func(f *File) error { return f.Lock() }},
		{OpClose, "f", func(f *File) error { return f.Close() }},
	}
	for _, c := range cases {
		t.Run(string(c.op)+" "+c.what, func(t *testing.T) {
			deny = ""
			f := file()
			defer f.f.Close()
			asked, deny = nil, c.op
			err := c.call(f)
			deny = ""
			if !errors.Is(err, syscall.EIO) {
				t.Fatalf("got %v, want EIO", err)
			}
			if got := filepath.Base(pathOf(t, err)); got != c.what {
				t.Errorf("error names %q, want %q", got, c.what)
			}
			if want := string(c.op) + " " + c.what; len(asked) != 1 || asked[0] != want {
				t.Errorf("hook was asked %q, want %q", asked, want)
			}
			if got := content(t, d, "f"); got != "content" {
				t.Errorf("the operation was done: f holds %q", got)
			}
			if got := strings.Join(names(t, d), " "); got != "f sub" && got != "sub f" {
				t.Errorf("the operation was done: %s", got)
			}
		})
	}
	deny = OpClose
	gone := file()
	if err := gone.Close(); !errors.Is(err, syscall.EIO) {
		t.Error(err)
	}
	if _, err := gone.f.Stat(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a failed Close left the file open: %v", err)
	}
	if err := d.Close(); !errors.Is(err, syscall.EIO) || pathOf(t, err) != base {
		t.Errorf("Close of the directory: %v", err)
	}
	if _, err := d.f.Stat(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a failed Close left the directory open: %v", err)
	}
}

// What works with no hook works the same with one that says nothing, and
// errors of a closed directory keep its path.
func TestClosedDirectoriesSayWhichOne(t *testing.T) {
	d := open(t, t.TempDir(), func(Op, string) error { return nil })
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	_, stat := d.Stat()
	_, lstat := d.Lstat("x")
	_, file := d.OpenFile("x", os.O_RDONLY, 0)
	_, dir := d.OpenDir("x")
	_, temp := d.CreateTemp("x")
	for call, err := range map[string]error{
		"Stat": stat, "Lstat": lstat, "OpenFile": file, "OpenDir": dir, "CreateTemp": temp,
		"List": d.List(func(fs.DirEntry) bool { return true }), "Sync": d.Sync(), "Chmod": d.Chmod(0o700),
		"Mkdir": d.Mkdir("x", 0o755), "Remove": d.Remove("x"), "Rename": d.Rename("x", d, "y"), "Close": d.Close(),
	} {
		if !errors.Is(err, fs.ErrClosed) || !strings.HasPrefix(pathOf(t, err), d.Path()) {
			t.Errorf("%s of a closed directory: %v", call, err)
		}
	}
}

func TestCurrentTellsWhetherThePathStillLeadsHere(t *testing.T) {
	base := t.TempDir()
	at := filepath.Join(base, "a", "b")
	if err := MkdirAll(at, 0o755, nil); err != nil {
		t.Fatal(err)
	}
	var fault error
	d := open(t, at, func(op Op, _ string) error { return fault })
	if now, err := d.Current(); !now || err != nil {
		t.Errorf("where it was opened: %v, %v", now, err)
	}
	fault = syscall.EIO
	if _, err := d.Current(); !errors.Is(err, syscall.EIO) {
		t.Errorf("got %v", err)
	}
	fault = nil
	if err := os.Rename(filepath.Join(base, "a"), filepath.Join(base, "c")); err != nil {
		t.Skip(err)
	}
	if now, err := d.Current(); now || err != nil {
		t.Errorf("moved away: %v, %v", now, err)
	}
	if err := os.WriteFile(filepath.Join(base, "a"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if now, err := d.Current(); now || err != nil {
		t.Errorf("a file above it: %v, %v", now, err)
	}
}

func TestMkdirAllMakesEachLevelDurable(t *testing.T) {
	base := t.TempDir()
	at := filepath.Join(base, "a", "b")
	var asked []string
	deny := 0
	hook := func(op Op, path string) error {
		asked = append(asked, string(op)+" "+filepath.Base(path))
		if deny > 0 && len(asked) >= deny {
			return syscall.EIO
		}
		return nil
	}
	want := []string{"open " + filepath.Base(base), "mkdir a", "sync " + filepath.Base(base), "open a", "mkdir b", "sync a"}
	for deny = 1; deny <= len(want); deny++ {
		asked = nil
		if err := os.RemoveAll(filepath.Join(base, "a")); err != nil {
			t.Fatal(err)
		}
		if err := MkdirAll(at, 0o755, hook); !errors.Is(err, syscall.EIO) {
			t.Errorf("fault %d: %v", deny, err)
		}
	}
	asked, deny = nil, 0
	if err := os.RemoveAll(filepath.Join(base, "a")); err != nil {
		t.Fatal(err)
	}
	if err := MkdirAll(at, 0o755, hook); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, ", "); got != strings.Join(want, ", ") {
		t.Errorf("did %s, want %s", got, strings.Join(want, ", "))
	}
	asked = nil
	if err := MkdirAll(at, 0o755, hook); err != nil || asked != nil {
		t.Errorf("of what is there: %v, %v", err, asked)
	}
	if err := os.WriteFile(filepath.Join(base, "file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"file", "file/below"} {
		if err := MkdirAll(filepath.Join(base, path), 0o755, nil); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("MkdirAll %s: %v", path, err)
		}
	}
}
