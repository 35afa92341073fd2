//go:build unix

package recovery

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestWhatIsNoFileIsKeptWithoutBeingOpened(t *testing.T) {
	for _, cross := range []bool{false, true} {
		recovery := quick(t)
		if cross {
			recovery = elsewhere(t)
		}
		b := newBenchIn(t, quick(t), recovery)
		secret := filepath.Join(t.TempDir(), "secret")
		must(t, os.WriteFile(secret, []byte("secret"), 0o600))
		must(t, os.Symlink(secret, b.from().Join("link.json")))
		must(t, unix.Mkfifo(b.from().Join("fifo.json"), 0o644))
		b.hook = func(op vfs.Op, path string) error {
			if op == vfs.OpOpen && strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, manifestName) {
				t.Errorf("opened %s", path)
			}
			return nil
		}
		name, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "link.json"}, {Name: "fifo.json"}}}, b.from())
		must(t, err)
		b.hook = nil
		for _, f := range b.entries(1)[0].Fragments {
			if f.SHA256 != "" {
				t.Errorf("%s has a digest", f.File)
			}
		}
		at := filepath.Join(b.dir, name, "fragments")
		if target, err := os.Readlink(filepath.Join(at, "link.json")); err != nil || target != secret {
			t.Errorf("the link: %q, %v", target, err)
		}
		fi, err := os.Lstat(filepath.Join(at, "fifo.json"))
		must(t, err)
		if fifo := fi.Mode()&os.ModeNamedPipe != 0; fifo == cross {
			t.Errorf("the FIFO is %v, across file systems %v", fi.Mode(), cross)
		}
		// As after a crash before the originals were removed.
		must(t, os.Rename(filepath.Join(b.dir, name), filepath.Join(b.dir, addingPrefix+name)))
		must(t, os.Symlink(secret, b.from().Join("link.json")))
		must(t, b.Resume(b.batch))
		if _, err := os.Lstat(b.from().Join("link.json")); err == nil {
			t.Error("the link is in two places")
		}
	}
}

func TestAFragmentThatMayNotBeRead(t *testing.T) {
	deny := func(b *bench) {
		b.hook = func(op vfs.Op, path string) error {
			if op == vfs.OpOpen && filepath.Base(path) == "a.json" {
				return syscall.EACCES
			}
			return nil
		}
	}
	b := newBench(t)
	b.put("a.json", "a")
	deny(b)
	name, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "a.json"}}}, b.from())
	must(t, err)
	b.hook = nil
	if e := b.entries(1)[0]; e.Fragments[0].SHA256 != "" || b.tree()["r/"+name+"/fragments/a.json"] != "a" {
		t.Errorf("on one file system it is moved all the same: %+v", e)
	}

	b = newBenchIn(t, quick(t), elsewhere(t))
	b.put("a.json", "a")
	b.put("b.json", "b")
	deny(b)
	_, err = b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "b.json"}, {Name: "a.json"}}}, b.from())
	b.hook = nil
	var unmovable *UnmovableError
	if !errors.As(err, &unmovable) || unmovable.Name != "a.json" || !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), `fragment "a.json" to another file system`) {
		t.Errorf("got %v", err)
	}
	if got := b.tree(); got["c/"+batch+"/a.json"] != "a" || got["c/"+batch+"/b.json"] != "b" || len(got) != 3 {
		t.Errorf("not where they were: %v", got)
	}
}

// Another file system, in earnest: /dev/shm and the temporary folder.
func TestAnEntryOnAnotherFileSystem(t *testing.T) {
	b := newBenchIn(t, quick(t), elsewhere(t))
	big := strings.Repeat("0123456789abcdef", 1<<16)
	b.put("big.json", big)
	before, err := os.Stat(b.from().Join("big.json"))
	must(t, err)
	name, err := b.Add(Entry{Batch: batch, Retryable: true, Fragments: []Fragment{{Name: "big.json"}}}, b.from())
	must(t, err)
	got := b.tree()
	if got["r/"+name+"/fragments/big.json"] != big || len(got) != 5 {
		t.Errorf("%d things", len(got))
	}
	if e := b.entries(1)[0]; e.Fragments[0].SHA256 != sum(big) {
		t.Errorf("digest of %+v", e.Fragments[0])
	}
	must(t, b.GiveBack(name, b.from()))
	after, err := os.Stat(b.from().Join("big.json"))
	must(t, err)
	if b.tree()["c/"+batch+"/big.json"] != big || !after.ModTime().Equal(before.ModTime()) || after.Mode() != before.Mode() {
		t.Errorf("given back as %v %v", after.Mode(), after.ModTime())
	}
}
