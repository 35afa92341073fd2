package lockfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

const (
	target   = "tasks.json"
	lockName = target + suffix
)

var kinds = []Kind{ProperLockfile, Flock}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string, hook vfs.Hook) *vfs.Dir {
	t.Helper()
	d, err := vfs.Open(path, hook)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	return d
}

func acquire(t testing.TB, kind Kind, dir *vfs.Dir) *Lock {
	t.Helper()
	l, err := Acquire(t.Context(), kind, dir, target)
	if err != nil {
		t.Fatalf("Acquire: %v", err)
	}
	return l
}

func release(t testing.TB, l *Lock) {
	t.Helper()
	if err := errors.Join(l.Held(), l.Release()); err != nil {
		t.Errorf("a lock that nobody disturbed: %v", err)
	}
}

// expectBusy fails unless others hold the lock for as long as Acquire is willing to wait.
func expectBusy(t testing.TB, kind Kind, dir *vfs.Dir) *BusyError {
	t.Helper()
	l, err := Acquire(t.Context(), kind, dir, target)
	var busy *BusyError
	if !errors.As(err, &busy) {
		t.Fatalf("Acquire = %v, %v, want a *BusyError", l, err)
	}
	return busy
}

// expectTaken is the same for a test in real time, which cannot wait for long.
func expectTaken(t testing.TB, kind Kind, dir *vfs.Dir) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if l, err := Acquire(ctx, kind, dir, target); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Acquire = %v, %v, want to wait for the holder", l, err)
	}
}

// put makes a lock folder as a program that last gave a sign of life so long ago would have left it.
func put(t testing.TB, dir *vfs.Dir, name string, age time.Duration) {
	t.Helper()
	must(t, os.Mkdir(dir.Join(name), 0o755))
	date(t, dir, name, age)
}

func date(t testing.TB, dir *vfs.Dir, name string, age time.Duration) {
	t.Helper()
	at := time.Now().Add(-age)
	must(t, os.Chtimes(dir.Join(name), at, at))
}

func exists(dir *vfs.Dir, name string) bool {
	_, err := os.Lstat(dir.Join(name))
	return err == nil
}

func names(t testing.TB, dir *vfs.Dir) []string {
	t.Helper()
	entries, err := os.ReadDir(dir.Path())
	must(t, err)
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func numberOf(t testing.TB, dir *vfs.Dir, name string) fs.FileInfo {
	t.Helper()
	info, err := os.Lstat(dir.Join(name))
	must(t, err)
	return info
}

// quick is a temporary folder, in memory where there is such a place.
func quick(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "lockfile")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	dir, err = filepath.EvalSymlinks(dir)
	must(t, err)
	return dir
}
