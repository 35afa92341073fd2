//go:build unix

package agent

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestWhatIsNoRegularFileIsRejectedAndNeverOpened(t *testing.T) {
	h := newHouse(t)
	secret := filepath.Join(h.folder, "secret.json")
	h.write(secret, `{"id":"P1","title":"leaked"}`)
	at := func(name string) string {
		h.names = append(h.names, name)
		return filepath.Join(h.config.Drop, name)
	}
	must(t, os.Symlink(secret, at("link.json")))
	must(t, os.Symlink("/dev/zero", at("device.json")))
	must(t, os.Symlink("nowhere", at("dangling.jsonl")))
	must(t, unix.Mkfifo(at("fifo.json"), 0o666))
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: at("socket.json"), Net: "unix"})
	must(t, err)
	socket.SetUnlinkOnClose(false)
	must(t, socket.Close())
	h.appends("a.json")
	h.inBubble(func(t *testing.T) {
		report, err := h.once(func(op vfs.Op, path string) error {
			if info, err := os.Lstat(path); op == vfs.OpOpen && err == nil && !info.Mode().IsRegular() && !info.IsDir() {
				t.Errorf("opened %s", path)
			}
			return nil
		})
		if err != nil || report.Rejected != 5 || report.Fragments != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
	})
	h.isDone("at the end", map[string]string{
		"link.json": "not_regular", "device.json": "not_regular", "dangling.jsonl": "not_regular", "fifo.json": "not_regular", "socket.json": "not_regular",
	})
}

func TestAFragmentThatMayNotBeReadIsUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read anything")
	}
	h := newHouse(t)
	h.appends("a.json", "secret.json")
	must(t, os.Chmod(filepath.Join(h.config.Drop, "secret.json"), 0))
	h.inBubble(func(t *testing.T) {
		if report, err := h.once(nil); err != nil || report.Rejected != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
	})
	h.isDone("at the end", map[string]string{"secret.json": "unreadable"})
}

func TestHandlesAreGivenBack(t *testing.T) {
	open := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(list)
	}
	h, _ := newSet(t)
	h.inBubble(func(t *testing.T) { _, _ = h.once(nil) })
	before := open()
	for range 20 {
		h.appends("x.json")
		h.drop("y.json", "{}")
		must(t, os.RemoveAll(h.config.Tasks))
		h.inBubble(func(t *testing.T) { _, _ = h.once(nil) })
		h.restoreTasks()
		h.inBubble(func(t *testing.T) {
			if _, err := h.once(func(op vfs.Op, path string) error {
				if op == vfs.OpCreate && filepath.Dir(path) == h.folder {
					return syscall.ENOSPC
				}
				return nil
			}); err == nil {
				t.Error("no error")
			}
		})
		h.inBubble(func(t *testing.T) { _, _ = h.once(nil) })
	}
	if after := open(); after > before+2 {
		t.Errorf("%d open handles have become %d", before, after)
	}
}
