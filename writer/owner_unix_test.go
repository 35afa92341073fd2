//go:build unix

package writer

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

const nobody = 65534

// unprivileged runs body as a user who owns nothing, in a process of its own where this one is root's. setUp is run before
// that, in this one.
func unprivileged(t *testing.T, setUp func(b *bench), body func(b *bench)) {
	const variable = "SESSIONSYNC_TEST_UNPRIVILEGED"
	if dir := os.Getenv(variable); dir != "" {
		for _, err := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		b := newBenchAt(t, dir)
		body(b)
		return
	}
	b := newBench(t)
	if os.Geteuid() != 0 {
		setUp(b)
		body(b)
		return
	}
	for dir := b.dir; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // whatever the umask was
			t.Fatal(err)
		}
	}
	setUp(b)
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+b.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("as nobody: %v\n%s", err, out)
	} else if bytes.Contains(out, []byte("--- SKIP")) {
		t.Skipf("as nobody:\n%s", out)
	} else if !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("as nobody the test did not run:\n%s", out)
	}
	os.Chmod(b.dir, 0o755)
	b.noTemp()
}

func rootOnly(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
}

func owner(t testing.TB, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	s := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d", s.Uid, s.Gid)
}

func TestRootKeepsOwnerAndGroup(t *testing.T) {
	rootOnly(t)
	for _, c := range []struct {
		uid, gid int
		mode     fs.FileMode
	}{{1234, 5678, 0o640}, {0, 5678, 0o664}, {1234, 0, 0o600}, {1234, 5678, fs.ModeSetuid | fs.ModeSetgid | 0o755}} {
		b := newBench(t)
		if err := os.Chown(b.path, c.uid, c.gid); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(b.path, c.mode); err != nil {
			t.Fatal(err)
		}
		b.mustCommit(b.writer(), adding(t, "a")...)
		if got, want := owner(t, b.path), fmt.Sprintf("%d:%d", c.uid, c.gid); got != want || mode(t, b.path) != c.mode {
			t.Errorf("owner is %s, mode %v; want %s, %v", got, mode(t, b.path), want, c.mode)
		}
		if b.log.Len() != 0 {
			t.Errorf("log is %s", b.log)
		}
	}
}

func TestAnOwnerThatCannotBeKeptIsSaidOnce(t *testing.T) {
	rootOnly(t)
	unprivileged(t, func(b *bench) {
		if err := os.Chmod(b.dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(b.path, fs.ModeSetuid|0o664); err != nil {
			t.Fatal(err)
		}
	}, func(b *bench) {
		w := b.writer()
		b.mustCommit(w, adding(t, "a")...)
		if got := owner(t, b.path); got != "65534:65534" {
			t.Errorf("owner is %s", got)
		}
		if got := mode(t, b.path); got != 0o664 {
			t.Errorf("mode is %v: it lends the agent's rights", got)
		}
		put(t, filepath.Join(b.dir, "ours"), "")
		b.mustCommit(w, adding(t, "b")...)
		if got := strings.Count(b.log.String(), "its owner cannot be kept"); got != 1 {
			t.Errorf("it was said %d times:\n%s", got, b.log)
		}
		b.applied("a", "b")
	})
}

func TestTheGroupIsKeptWhereTheOwnerCannotBe(t *testing.T) {
	rootOnly(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if err := os.Chown(b.path, 1234, 5678); err != nil {
			t.Fatal(err)
		}
		n := 1 // the attempt with both
		b.config.Hook = failing(vfs.OpChown, ".tasks.json", &n, syscall.EPERM)
		w := b.writer()
		b.mustCommit(w, adding(t, "a")...)
		if got := owner(t, b.path); got != "0:5678" {
			t.Errorf("owner is %s", got)
		}
		if strings.Count(b.log.String(), "its owner cannot be kept") != 1 {
			t.Errorf("log is %s", b.log)
		}
	})
}

func TestTroubleWithTheOwnerIsNoRefusal(t *testing.T) {
	rootOnly(t)
	synctest.Test(t, func(t *testing.T) {
		for _, refusals := range []int{0, 1} {
			b := newBench(t)
			if err := os.Chown(b.path, 1234, 5678); err != nil {
				t.Fatal(err)
			}
			calls := 0
			b.config.Hook = func(op vfs.Op, _ string) error {
				if op != vfs.OpChown {
					return nil
				}
				switch calls++; {
				case calls <= refusals:
					return syscall.EPERM
				case calls == refusals+1:
					return syscall.EIO
				}
				return nil
			}
			if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 2 {
				t.Errorf("result is %+v", r)
			}
			if got := owner(t, b.path); got != "1234:5678" {
				t.Errorf("owner is %s", got)
			}
			b.noTemp()
		}
	})
}

func TestAFolderThatMayOnlyBeRead(t *testing.T) {
	unprivileged(t, func(b *bench) {
		if err := os.Chmod(b.dir, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Chmod(b.dir, 0o755) })
	}, func(b *bench) {
		w := b.writer()
		if err := w.Check(context.Background()); err != nil {
			t.Errorf("Check: %v", err)
		}
		_, err := b.commit(w, adding(t, "a")...)
		for _, err := range []error{err, w.Probe(context.Background())} {
			if got := trouble(t, err); got.Code != "EACCES" || got.Attempts != 1 ||
				!strings.HasSuffix(err.Error(), "permission denied; give the agent's user read permission on the file and write permission on its folder") {
				t.Errorf("trouble is %+v", got)
			}
		}
		b.applied()
		b.noTemp()
	})
}

func TestAFileThatMayNotBeRead(t *testing.T) {
	unprivileged(t, func(b *bench) {
		if err := os.Chmod(b.path, 0); err != nil {
			t.Fatal(err)
		}
	}, func(b *bench) {
		_, err := b.commit(b.writer(), adding(t, "a")...)
		if got := trouble(t, err); got.Code != "EACCES" || got.Attempts != 1 || !strings.HasPrefix(err.Error(), "open "+b.path+": permission denied; ") {
			t.Errorf("trouble is %v", got)
		}
	})
}
