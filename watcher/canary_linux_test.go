package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestARealCanaryIsHeardAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	own := filepath.Join(dir, canaryName)
	for _, mode := range []os.FileMode{0o700, 0o2750} {
		if err := errors.Join(os.RemoveAll(own), os.Mkdir(own, 0o700), unix.Chmod(own, uint32(mode))); err != nil {
			t.Fatal(err)
		}
		before, err := os.Stat(own)
		if err != nil {
			t.Fatal(err)
		}
		l, err := new(Notifier).listen([]string{dir}, hearFragment)
		if err != nil {
			t.Fatal(err)
		}
		d, err := vfs.Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := touch(d); err != nil {
			t.Fatal(err)
		}
		d.Close()
		select {
		case h := <-l.hints:
			if !h.canary {
				t.Errorf("heard %v", h)
			}
		case <-time.After(failsafe):
			t.Error("it was not heard")
		}
		l.close()
		if after, err := os.Stat(own); err != nil || after.Mode() != before.Mode() || !after.ModTime().Equal(before.ModTime()) {
			t.Errorf("%v became %v, %v", before, after, err)
		}
		if names, err := os.ReadDir(dir); err != nil || len(names) != 1 {
			t.Errorf("there are %v, %v", names, err)
		}
	}
}

// What is done to the lower layers of an overlay is not told of: a real watch that hears a part.
func TestARealFileSystemThatTellsOnlyAPartIsPolled(t *testing.T) {
	r := realWatcher(t, func(c *Config) { c.Mode, c.Rescan = Auto, time.Second })
	upper := filepath.Join(r.Dir, "..", "upper")
	for _, dir := range []string{"lower", "work", "upper/" + canaryName} {
		r.must(os.MkdirAll(filepath.Join(r.Dir, "..", dir), 0o755))
	}
	options := strings.ReplaceAll("lowerdir=BASE/lower,upperdir=BASE/upper,workdir=BASE/work", "BASE", filepath.Dir(r.Dir))
	if err := unix.Mount("overlay", r.Dir, "overlay", 0, options); err != nil {
		t.Skip("an overlay cannot be mounted here: ", err)
	}
	t.Cleanup(func() { r.must(unix.Unmount(r.Dir, 0)) })
	deaf := make(chan error, 1)
	r.Trace.Deaf = func(cause error) { deaf <- cause }
	r.run()
	r.hears("DEBUG scanned")
	r.move("x.json", whole) // through the overlay: this is told of
	r.sends("x.json")
	r.must(os.WriteFile(filepath.Join(upper, ".y"), []byte(whole), 0o644))
	r.must(os.Rename(filepath.Join(upper, ".y"), filepath.Join(upper, "y.json")))
	r.sends("y.json")
	r.hears(isDeaf)
	select {
	case cause := <-deaf:
		if !errors.Is(cause, errUnnamed) {
			t.Errorf("deaf because of %v", cause)
		}
	case <-time.After(failsafe):
		t.Error("that was not told")
	}
}
