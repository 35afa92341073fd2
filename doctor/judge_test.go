//go:build linux

package doctor

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"

	"github.com/sessionsync/sessionsync/lockfile"
)

func TestClocks(t *testing.T) {
	for _, c := range []struct {
		ahead time.Duration
		lock  lockfile.Kind
		level Level
		says  string
	}{
		{0, lockfile.ProperLockfile, OK, "agrees"},
		{-2 * time.Second, lockfile.None, OK, "agrees"}, // FAT
		{3 * time.Second, lockfile.ProperLockfile, Warning, "3s ahead of"},
		{-time.Hour, lockfile.None, Warning, "1h0m0s behind"},
		{-6 * time.Second, lockfile.ProperLockfile, Error, "stale"},
	} {
		if level, says, remedy := judgeClock(c.ahead, c.lock); level != c.level || !strings.Contains(says, c.says) || (remedy == "") != (level == OK) {
			t.Errorf("%v, %s: %s, %q, %q", c.ahead, c.lock, level, says, remedy)
		}
	}
}

func TestSpace(t *testing.T) {
	for name, c := range map[string]struct {
		v     volume
		size  uint64
		level Level
	}{
		"enough":                            {volume{size: 1 << 40, free: 1 << 30, files: 100, freeFiles: 50}, 1 << 20, OK},
		"enough, and files are not counted": {volume{size: 1 << 40, free: 1 << 30}, 1 << 20, OK},
		"not for long":                      {volume{size: 1 << 40, free: 8 << 20}, 1 << 10, Warning},
		"not for the next version":          {volume{size: 1 << 40, free: 1 << 30}, 1 << 30, Error},
		"full":                              {volume{size: 1 << 40}, 0, Error},
		"no more files":                     {volume{size: 1 << 40, free: 1 << 30, files: 100}, 0, Error},
	} {
		if level, says, remedy := c.v.judgeSpace(c.size); level != c.level || says == "" || (remedy == "") != (level == OK) {
			t.Errorf("%s: %s, %q, %q", name, level, says, remedy)
		}
	}
}

func TestNatures(t *testing.T) {
	for kind, want := range map[string]nature{
		"ext4": local, "xfs": local, "NTFS": local, "apfs": local, "tmpfs": memory, "overlay": layer, "nfs4": shared, "cifs": shared, "9p": shared,
		"virtiofs": shared, "vboxsf": shared, "fuse.sshfs": shared, "fuse": served, "fuse.bindfs": served, "fuseblk": served,
	} {
		if got := natureOf(kind); got != want {
			t.Errorf("%s: %v", kind, got)
		}
	}
	for n, want := range map[nature]Level{local: OK, memory: Warning, layer: Note, shared: Warning, served: Note} {
		if level, says, _ := n.judge(); level != want || (says == "") != (n == local) {
			t.Errorf("%v: %s, %q", n, level, says)
		}
	}
}

func TestInotify(t *testing.T) {
	for name, c := range map[string]struct {
		i      inotify
		level  Level
		remedy string
	}{
		"room":              {inotify{true, 5, 100, 128, 1000}, OK, ""},
		"crowded instances": {inotify{true, 110, 100, 128, 1000}, Warning, "sysctl fs.inotify.max_user_instances=512"},
		"crowded watches":   {inotify{true, 5, 900, 128, 1000}, Warning, "sysctl fs.inotify.max_user_watches=4000"},
		"none may be had":   {inotify{true, 0, 0, 0, 1000}, Warning, "sysctl fs.inotify.max_user_instances=0"},
	} {
		if level, _, remedy := c.i.judge(); level != c.level || remedy != c.remedy {
			t.Errorf("%s: %s, %q", name, level, remedy)
		}
	}
	before, err := inotifyLimits()
	if err != nil {
		t.Skip(err)
	}
	w, err := fsnotify.NewWatcher()
	must(t, err)
	defer w.Close()
	must(t, w.Add(t.TempDir()))
	after, err := inotifyLimits()
	must(t, err)
	if before.most <= 0 || before.mostInstances <= 0 || after.instances < 1 || after.watches < 1 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	if n := watchesIn(strings.NewReader("pos:\t0\nflags:\t02004000\ninotify wd:2 ino:1\ninotify wd:1 ino:2\n")); n != 2 {
		t.Errorf("%d watches", n)
	}
	var none inotify
	none.count(t.TempDir())
	if none.instances != 0 {
		t.Errorf("%+v in an empty folder", none)
	}
	for _, text := range []string{"", "many\n"} {
		path := filepath.Join(t.TempDir(), "n")
		must(t, os.WriteFile(path, []byte(text), 0o644))
		if n, err := number(path); err == nil {
			t.Errorf("%q is %d", text, n)
		}
	}
	if _, err := number(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRemediesForEvents(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EMFILE: "max_user_instances", syscall.ENOSPC: "max_user_watches", errDeaf: "watch.mode",
	} {
		if got := eventsRemedy(err); !strings.Contains(got, want) {
			t.Errorf("%v: %q", err, got)
		}
	}
}

func TestADeafFolderIsNoticed(t *testing.T) {
	folder := t.TempDir()
	silent := func() (string, error) { return "none", nil }
	if err := hears(t.Context(), folder, time.Millisecond, silent); !errors.Is(err, errDeaf) {
		t.Errorf("nothing was made: %v", err)
	}
	other := func() (string, error) { return "none", os.WriteFile(filepath.Join(folder, "other"), nil, 0o644) }
	if err := hears(t.Context(), folder, 50*time.Millisecond, other); !errors.Is(err, errDeaf) {
		t.Errorf("something else was made: %v", err)
	}
	broken := func() (string, error) { return "", syscall.EIO }
	if err := hears(t.Context(), folder, time.Minute, broken); !errors.Is(err, syscall.EIO) {
		t.Errorf("nothing could be made: %v", err)
	}
	if err := hears(t.Context(), filepath.Join(folder, "none"), time.Minute, silent); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := hears(ended, folder, time.Minute, silent); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

// at is a status in which only some things count.
type at struct {
	fs.FileInfo
	mode fs.FileMode
}

func (a at) Mode() fs.FileMode { return a.mode }
func (a at) IsDir() bool       { return a.mode.IsDir() }
func (a at) Sys() any          { return nil }

func TestLocksOfOthers(t *testing.T) {
	const dir, file = fs.ModeDir, 0
	for name, c := range map[string]struct {
		mode   fs.FileMode
		age    time.Duration
		holder string
		kind   lockfile.Kind
		mended bool
		level  Level
		says   string
	}{
		"a folder, and we do so too":                  {dir, time.Second, "", lockfile.ProperLockfile, true, OK, "waits for it"},
		"a stale folder, and we do so too":            {dir, time.Hour, "", lockfile.ProperLockfile, true, OK, "takes it over"},
		"a folder, and we lock files":                 {dir, time.Second, "", lockfile.Flock, true, Error, "holds"},
		"a folder, and we do not lock":                {dir, time.Second, "", lockfile.None, true, Warning, "applied again"},
		"a folder, and we do not lock and mend not":   {dir, time.Second, "", lockfile.None, false, Error, "stays undone"},
		"a stale folder, and we do not lock":          {dir, 90 * time.Second, "", lockfile.None, false, Warning, "2m0s ago"},
		"a locked file, and we do so too":             {file, time.Hour, "pid 7", lockfile.Flock, true, OK, "pid 7"},
		"a file that nobody has locked":               {file, time.Hour, "", lockfile.Flock, true, OK, "nobody is known"},
		"a file, and we make folders":                 {file, time.Hour, "", lockfile.ProperLockfile, true, Error, "holds"},
		"a fresh file, and we make folders":           {file, time.Second, "", lockfile.ProperLockfile, true, Note, "fresh"},
		"a locked file, and we do not lock, nor mend": {file, time.Hour, "pid 7", lockfile.None, false, Error, "stays undone"},
		"an old file, and we do not lock":             {file, time.Hour, "", lockfile.None, false, Warning, "goes on beside it"},
		"a link, and we do not lock":                  {fs.ModeSymlink, 0, "", lockfile.None, true, Warning, "no lock"},
		"a link, and we lock":                         {fs.ModeSymlink, 0, "", lockfile.Flock, true, Error, "holds"},
	} {
		l := found{path: "/x/tasks.json.lock", info: at{mode: c.mode}, age: c.age, owner: "ann", holder: c.holder}
		if level, says, _ := l.judge(c.kind, c.mended); level != c.level || !strings.Contains(says, c.says) {
			t.Errorf("%s: %s, %q", name, level, says)
		}
	}
	if got := flockHolder(at{}); got != "" {
		t.Errorf("of a file without a number: %q", got)
	}
}

func TestTheKernelsTables(t *testing.T) {
	const mounts = `21 26 0:20 / /proc rw,relatime - proc proc rw
30 26 254:0 / /srv/my\040data rw,noatime shared:1 master:2 - fuse.sshfs ann@host:/ rw
31 26 0:9
`
	if kind, mount, ok := mountIn(strings.NewReader(mounts), 30); kind != "fuse.sshfs" || mount != "/srv/my data" || !ok {
		t.Errorf("%s on %q, %v", kind, mount, ok)
	}
	for _, id := range []uint64{31, 99} {
		if kind, _, ok := mountIn(strings.NewReader(mounts), id); ok {
			t.Errorf("%d is %s", id, kind)
		}
	}
	if got := unescaped(`a\134b\9`); got != `a\b\9` {
		t.Errorf("%q", got)
	}
	const locks = `1: POSIX  ADVISORY  WRITE 11 fe:00:42 0 EOF
2: FLOCK  ADVISORY  WRITE 12 fe:00:42 0 EOF
2: -> FLOCK  ADVISORY  WRITE 13 fe:00:43 0 EOF
`
	dev := unix.Mkdev(0xfe, 0)
	if pid := lockedBy(strings.NewReader(locks), dev, 42); pid != 12 {
		t.Errorf("locked by %d", pid)
	}
	if pid := lockedBy(strings.NewReader(locks), dev, 43); pid != 0 {
		t.Errorf("who waits has it: %d", pid)
	}
	if kindOf(unix.XFS_SUPER_MAGIC) != "xfs" || !strings.Contains(kindOf(1), "0x1") {
		t.Errorf("%s, %s", kindOf(unix.XFS_SUPER_MAGIC), kindOf(1))
	}
	if _, err := volumeOf(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of what is not there: %v", err)
	}
}

func TestPathsAreQuotedForTheShell(t *testing.T) {
	for path, want := range map[string]string{"/srv/a-b_1.json": "/srv/a-b_1.json", "/my drop": "'/my drop'", "it's": `'it'\''s'`, "": "''"} {
		if got := quoted(path); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestTheTextIsAligned(t *testing.T) {
	r := Report{User: "ann", System: "linux/amd64", Drop: "/x/drop\x1b[2J"}
	place{&r, "drop"}.ok("file system", "ext4")
	place{&r, "drop"}.find("events", Warning, "look there", "none")
	const want = `for user ann on linux/amd64

drop  /x/drop\x1b[2J
  ok       file system  ext4
  warning  events       none
                        → look there

1 ok, 0 notes, 1 warning, 0 errors
`
	if got := r.Text(); got != want {
		t.Errorf("%s", got)
	}
}

func TestNamesOfUsersAndGroupsThatAreNot(t *testing.T) {
	if ownerName(4123456789) != "4123456789" || groupName(4123456789) != "4123456789" {
		t.Errorf("%s, %s", ownerName(4123456789), groupName(4123456789))
	}
	if nearest("/") != "/" {
		t.Error(nearest("/"))
	}
}
