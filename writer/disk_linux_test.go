package writer

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"
)

// mount mounts a file system of memory on the folder of the tasks file.
func (b *bench) mount(options string) {
	b.Helper()
	if err := unix.Mount("tmpfs", b.dir, "tmpfs", 0, options); err != nil {
		b.Skip("a file system cannot be mounted here: ", err)
	}
	b.Cleanup(func() {
		if err := unix.Unmount(b.dir, 0); err != nil {
			b.Errorf("a folder of it is still open: %v", err)
		}
	})
}

func TestAFullDisk(t *testing.T) {
	b := newBench(t)
	b.mount("size=64k")
	b.put(phases(500)) // 40 kB: there is room for one
	before := b.content()
	batch := fragments(t, `{"id": "P7", "status": "Complete"}`)
	w := b.writer()
	synctest.Test(t, func(t *testing.T) {
		r, err := b.commit(w, batch...)
		for _, err := range []error{err, w.Probe(context.Background())} {
			if got := trouble(t, err); got.Code != "ENOSPC" || got.Replaced || !strings.Contains(err.Error(), "no space left on device") || !strings.HasSuffix(err.Error(), "; free space on its file system") {
				t.Errorf("trouble is %v", got)
			}
		}
		if r.Written || r.Attempts != 3 {
			t.Errorf("result is %+v", r)
		}
	})
	if b.content() != before {
		t.Error("the tasks file has changed")
	}
	b.noTemp()

	if err := unix.Mount("tmpfs", b.dir, "tmpfs", unix.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	if err := w.Probe(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.mustCommit(w, batch...)
	if got := b.items()["P7"].Status; got != "Complete" {
		t.Errorf("status is %s", got)
	}
	b.noTemp()
}

func TestAFileSystemThatMayOnlyBeRead(t *testing.T) {
	b := newBench(t)
	b.mount("size=1m")
	b.put(original)
	if err := unix.Mount("tmpfs", b.dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	w := b.writer()
	_, err := b.commit(w, adding(t, "a")...)
	for _, err := range []error{err, w.Probe(context.Background())} {
		if got := trouble(t, err); got.Code != "EROFS" || got.Attempts != 1 || !strings.HasSuffix(err.Error(), "read-only file system; mount its file system writable") {
			t.Errorf("trouble is %v", got)
		}
	}
	b.applied()
	if err := unix.Mount("tmpfs", b.dir, "tmpfs", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	b.mustCommit(w, adding(t, "a")...)
	b.applied("a")
}

// A container that mounts a single file.
func TestATasksFileThatIsAMountOfItsOwn(t *testing.T) {
	b := newBench(t)
	real := filepath.Join(t.TempDir(), "real.json")
	put(t, real, original)
	if err := unix.Mount(real, b.path, "", unix.MS_BIND, ""); err != nil {
		t.Skip("a file cannot be mounted here: ", err)
	}
	defer unix.Unmount(b.path, 0)
	synctest.Test(t, func(t *testing.T) {
		_, err := b.commit(b.writer(), adding(t, "a")...)
		if got := trouble(t, err); got.Code != "EBUSY" || got.Attempts != 3 || !strings.HasSuffix(err.Error(), "mount its folder instead") {
			t.Errorf("trouble is %v", got)
		}
	})
	b.applied()
	b.noTemp()
}

func TestAnImmutableFile(t *testing.T) {
	b := newBench(t)
	f, err := os.Open(b.path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const immutable = 0x10 // FS_IMMUTABLE_FL
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, immutable); err != nil {
		t.Skip("a file cannot be made immutable here: ", err)
	}
	defer unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, 0)
	_, err = b.commit(b.writer(), adding(t, "a")...)
	if got := trouble(t, err); got.Code != "EPERM" || got.Attempts != 1 {
		t.Errorf("trouble is %v", got)
	}
	b.applied()
	b.noTemp()
}

// A container's bind mount of one file: it can be written, but nothing can take its place.
func TestAFileThatIsMountedByItselfSaysWhatToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if err := unix.Mount(b.path, b.path, "", unix.MS_BIND, ""); err != nil {
			t.Skipf("a file cannot be mounted here: %v", err)
		}
		t.Cleanup(func() { unix.Unmount(b.path, unix.MNT_DETACH) })
		w := b.writer()
		_, commitErr := b.commit(w, adding(t, "a")...)
		for name, err := range map[string]error{"Commit": commitErr, "Probe": w.Probe(context.Background())} {
			if got := trouble(t, err); got.Code != "EBUSY" || got.Replaced || !strings.HasSuffix(err.Error(), "mount its folder instead") {
				t.Errorf("%s: %v", name, err)
			}
		}
		b.applied()
		b.noTemp()
		if err := unix.Unmount(b.path, 0); err != nil {
			t.Fatal(err)
		}
		b.mustCommit(w, adding(t, "a")...)
		b.applied("a")
	})
}
