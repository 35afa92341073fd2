//go:build unix

package spool

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Opening the FIFO would hang this test, opening the link show the secret.
func TestWhatIsNoRegularFileIsClaimedButNeverOpened(t *testing.T) {
	s := newStation(t)
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	must(t, os.Symlink(secret, filepath.Join(s.drop, "link.json")))
	must(t, os.Symlink("nowhere", filepath.Join(s.drop, "dangling.json")))
	must(t, unix.Mkfifo(filepath.Join(s.drop, "fifo.json"), 0o644))
	must(t, unix.Mknod(filepath.Join(s.drop, "socket.json"), unix.S_IFSOCK|0o600, 0))
	b := s.claim("link.json", "dangling.json", "fifo.json", "socket.json")
	if len(b.Files) != 4 {
		t.Fatalf("claimed %q", fileNames(b))
	}
	s.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpOpen {
			t.Errorf("opened %s", path)
		}
		return nil
	}
	for _, f := range b.Files {
		if _, err := b.Read(f.Name, 100); code(err) != fragment.NotRegular {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	s.hook = nil
	must(t, b.Settle())
	if got, err := os.ReadFile(secret); err != nil || string(got) != "secret" {
		t.Errorf("the link's target: %q, %v", got, err)
	}
}

// The moment between the look and the open belongs to whoever can write
// there; a claim is out of reach, but not being hurt is better than that.
func TestALinkSwappedInBeforeTheOpenIsNotFollowed(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "a")
	b := s.claim("a.json")
	for _, swap := range []func(path string) error{
		func(p string) error { return os.Symlink("/etc/passwd", p) },
		func(p string) error { return unix.Mkfifo(p, 0o644) },
	} {
		s.hook = func(op vfs.Op, path string) error {
			if op != vfs.OpOpen {
				return nil
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			return swap(path)
		}
		if got, err := b.Read("a.json", 10000); code(err) != fragment.NotRegular {
			t.Errorf("read %q, %v", got, err)
		}
		s.hook = nil
		must(t, os.Remove(b.Dir().Join("a.json")))
		must(t, os.WriteFile(b.Dir().Join("a.json"), nil, 0o644))
	}
}

func TestAStateFolderOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make one")
	}
	drop := t.TempDir()
	state := filepath.Join(drop, ".sessionsync")
	must(t, os.Mkdir(state, 0o700))
	must(t, os.Chown(state, 12345, -1))
	_, err := Open(Config{Drop: drop})
	if err == nil || !strings.Contains(err.Error(), "belongs to user 12345") || !strings.Contains(err.Error(), "as its owner") {
		t.Errorf("got %v", err)
	}
	var st syscall.Stat_t
	must(t, syscall.Stat(state, &st))
	if st.Uid != 12345 {
		t.Error("it was changed")
	}
}

// A look takes a share of the lock for an instant. However long that is, and however many look: it is no agent's.
func TestASharedLockKeepsNobodyFromBeginning(t *testing.T) {
	s := newStation(t)
	must(t, s.Close())
	lock, err := os.Open(filepath.Join(s.drop, stateName, lockName))
	must(t, err)
	defer lock.Close()
	fd := int(lock.Fd())
	must(t, syscall.Flock(fd, syscall.LOCK_SH))
	released := make(chan struct{})
	time.AfterFunc(200*time.Millisecond, func() { syscall.Flock(fd, syscall.LOCK_UN); close(released) })
	sp, err := Open(s.config())
	<-released
	must(t, err)
	must(t, sp.Close())
	s.open()
}
