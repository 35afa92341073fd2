//go:build linux

package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

const nobody = 65534

// asNobody makes this program an examination by a user who owns nothing: its value is the folder of the session.
const asNobody = "SESSIONSYNC_DOCTOR_AS_NOBODY"

func TestMain(m *testing.M) {
	folder := os.Getenv(asNobody)
	if folder == "" {
		os.Exit(m.Run())
	}
	err := errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(Examine(context.Background(), configOf(folder)))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func configOf(folder string) Config {
	return Config{
		Drop: filepath.Join(folder, "drop"), Tasks: filepath.Join(folder, "tasks.json"), Recovery: filepath.Join(folder, "recovery"),
		Layout: document.Backlog, Reassert: 10 * time.Second,
	}
}

// session is a folder in which all is well.
func session(t *testing.T) Config {
	t.Helper()
	return sessionIn(t, t.TempDir())
}

// quick is a session in memory, where that can be had: what is done a hundred times would wait for the disk.
func quick(t *testing.T) Config {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync-doctor-")
	if err != nil {
		return session(t)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return sessionIn(t, folder)
}

func sessionIn(t *testing.T, folder string) Config {
	t.Helper()
	c := configOf(folder)
	for _, folder := range []string{c.Drop, c.Recovery} {
		must(t, os.Mkdir(folder, 0o755))
	}
	must(t, os.WriteFile(c.Tasks, []byte(`{"backlog":[{"id":"P1"}]}`), 0o644))
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// is demands that a finding is there, and what it says.
func is(t *testing.T, r Report, place, check string, level Level, says string) {
	t.Helper()
	for _, f := range r.Findings {
		if f.Place == place && f.Check == check {
			if f.Level != level || !strings.Contains(f.Message, says) {
				t.Errorf("%s, %s: %+v; should be %s: %q", place, check, f, level, says)
			}
			if f.Level != OK && f.Remedy == "" {
				t.Errorf("no remedy: %+v", f)
			}
			return
		}
	}
	t.Errorf("nothing is said of %s, %s\n%s", place, check, r.Text())
}

func clean(t *testing.T, c Config) {
	t.Helper()
	filepath.WalkDir(filepath.Dir(c.Tasks), func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(d.Name(), "."+mark) {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
}

func TestWhereAllIsWellNothingIsLost(t *testing.T) {
	c := session(t)
	agent, err := spool.Open(spool.Config{Drop: c.Drop})
	must(t, err)
	defer agent.Close()
	r := Examine(t.Context(), c)
	for _, f := range r.Findings {
		// A temporary folder may be in memory or in a container's layer.
		if f.Level != OK && f.Check != "file system" {
			t.Errorf("%+v", f)
		}
	}
	is(t, r, "agent", "running", OK, fmt.Sprintf("pid %d", os.Getpid()))
	is(t, r, "drop", "claims", OK, "")
	is(t, r, "recovery", "moves", OK, "")
	if r.LosesUpdates || r.Count(OK) < 20 {
		t.Errorf("%+v", r)
	}
	clean(t, c)
}

func TestWhatIsNotThere(t *testing.T) {
	c := configOf(filepath.Join(t.TempDir(), "none"))
	r := Examine(t.Context(), c)
	is(t, r, "drop", "folder", Warning, "missing")
	is(t, r, "tasks", "file", Error, "no such file")
	if !r.LosesUpdates || r.Count(Error) != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Dir(c.Drop)); err == nil {
		t.Error("something was made")
	}
}

// Each makes one thing wrong in a session in which all is well.
var wrongs = map[string]struct {
	wrong        func(t *testing.T, c *Config) error
	place, check string
	level        Level
	says         string
}{
	"the drop directory is a file": {func(t *testing.T, c *Config) error { c.Drop = c.Tasks; return nil }, "drop", "permissions", Error, "not a directory"},
	"the folder of the claims is a link": {func(t *testing.T, c *Config) error {
		return os.Symlink(c.Recovery, filepath.Join(c.Drop, ownName))
	}, "drop", "own folder", Error, "is a link"},
	"the folder of the claims is open to all": {func(t *testing.T, c *Config) error {
		return errors.Join(os.Mkdir(filepath.Join(c.Drop, ownName), 0o700), os.Chmod(filepath.Join(c.Drop, ownName), 0o777))
	}, "drop", "own folder", Warning, "mode 0777"},
	"everybody may drop": {func(t *testing.T, c *Config) error { return os.Chmod(c.Drop, 0o777) }, "drop", "producers", Warning, "everybody may drop"},
	"a group may drop":   {func(t *testing.T, c *Config) error { return os.Chmod(c.Drop, 0o770) }, "drop", "producers", Note, "group"},
	"everybody may drop, and keeps what is his": {func(t *testing.T, c *Config) error { return os.Chmod(c.Drop, 0o777|fs.ModeSticky) },
		"drop", "producers", OK, "everybody"},
	"fragments wait, and no agent runs": {func(t *testing.T, c *Config) error {
		return errors.Join(os.WriteFile(filepath.Join(c.Drop, "a.json"), nil, 0o644), os.WriteFile(filepath.Join(c.Drop, "b.jsonl"), nil, 0o644))
	}, "drop", "fragments", Note, "2 are waiting"},
	"polling":                      {func(t *testing.T, c *Config) error { c.Poll = true; return nil }, "drop", "events", Note, "poll"},
	"the tasks file is a folder":   {func(t *testing.T, c *Config) error { c.Tasks = c.Recovery; return nil }, "tasks", "content", Error, "not a regular file"},
	"the tasks file is torn":       {func(t *testing.T, c *Config) error { return os.Truncate(c.Tasks, 5) }, "tasks", "content", Error, "line 1"},
	"the tasks file has two names": {func(t *testing.T, c *Config) error { return os.Link(c.Tasks, c.Tasks+"2") }, "tasks", "names", Error, "2 names"},
	"the tasks file is a loop":     {func(t *testing.T, c *Config) error { c.Tasks += "l"; return os.Symlink(c.Tasks, c.Tasks) }, "tasks", "file", Error, "links"},
	"an id stands twice": {func(t *testing.T, c *Config) error {
		return os.WriteFile(c.Tasks, []byte(`{"backlog":[{"id":1},{"id":1}]}`), 0o644)
	}, "tasks", "content", Warning, "1 id"},
	"the tasks file is opened":      {hasOpen, "tasks", "writers", Warning, "open for writing"},
	"it is locked, and we lock not": {func(t *testing.T, c *Config) error { return os.Mkdir(c.Tasks+".lock", 0o755) }, "tasks", "lock", Warning, "document.lock is none"},
	"it is locked with flock":       {hasLocked, "tasks", "lock", Warning, fmt.Sprintf("pid %d", os.Getpid())},
	"the lock is a link":            {func(t *testing.T, c *Config) error { return os.Symlink("x", c.Tasks+".lock") }, "tasks", "lock", Warning, "no lock"},
	"the recovery folder cannot be made": {func(t *testing.T, c *Config) error {
		c.Recovery = filepath.Join(c.Tasks, "recovery")
		return nil
	}, "recovery", "permissions", Error, "not a directory"},
	"everybody may change what was rejected": {func(t *testing.T, c *Config) error { return os.Chmod(c.Recovery, 0o777) }, "recovery", "company", Warning, "everybody"},
	"what was rejected waits":                {func(t *testing.T, c *Config) error { return entry(c, false) }, "recovery", "entries", Warning, "1 entry waits"},
	"what could not be written waits":        {func(t *testing.T, c *Config) error { return entry(c, true) }, "recovery", "entries", Note, "next start"},
	"a variable means nothing": {func(t *testing.T, c *Config) error { c.Warnings = []string{"unknown\x1b[31m"}; return nil },
		"configuration", "warning", Warning, "unknown"},
	"two names cannot be exchanged":               {failing(vfs.OpExchange, errors.ErrUnsupported), "tasks", "exchange", Warning, "microseconds"},
	"two names cannot be exchanged, but we lock":  {andLock(failing(vfs.OpExchange, errors.ErrUnsupported)), "tasks", "exchange", Note, "microseconds"},
	"an exchange fails":                           {failing(vfs.OpExchange, syscall.EIO), "tasks", "exchange", Error, "input/output"},
	"it is not told who writes":                   {failing(vfs.OpLease, vfs.ErrCannotTell), "tasks", "leases", Note, "50 ms"},
	"nor of the file itself":                      {failing(vfs.OpLease, vfs.ErrCannotTell), "tasks", "writers", Note, "not told"},
	"a lease fails":                               {failing(vfs.OpLease, syscall.EIO), "tasks", "leases", Warning, "input/output"},
	"an fsync fails":                              {failing(vfs.OpSync, syscall.EIO), "recovery", "durability", Error, "input/output"},
	"a folder knows no fsync":                     {failing(vfs.OpSync, errors.ErrUnsupported), "drop", "durability", Warning, "loss of power"},
	"a rename fails":                              {failing(vfs.OpRename, syscall.EPERM), "drop", "rename", Error, "not permitted"},
	"the disk is full":                            {failing(vfs.OpCreate, syscall.ENOSPC), "tasks", "permissions", Error, "no space"},
	"a folder cannot be listed":                   {failing(vfs.OpReadDir, syscall.EIO), "recovery", "permissions", Error, "input/output"},
	"the recovery folder is on another one":       {failing(vfs.OpRename, syscall.EXDEV), "recovery", "moves", Note, "copy"},
	"nothing can be moved into it":                {failing(vfs.OpRename, syscall.EACCES), "recovery", "moves", Error, "permission denied"},
	"it cannot be told whether an agent runs":     {lockFails(syscall.EIO), "agent", "running", Note, "cannot be told"},
	"nor because of its folder's owner":           {lockFails(syscall.EACCES), "agent", "running", Note, "cannot be told"},
	"the claims would be on another one":          {ownAnd(failing(vfs.OpRename, syscall.EXDEV)), "drop", "claims", Error, "another file system"},
	"nothing can be claimed":                      {ownAnd(failing(vfs.OpRename, syscall.EACCES)), "drop", "claims", Error, "permission denied"},
	"there are no hard links":                     {linksFail(errors.ErrUnsupported), "drop", "hard links", Note, "no receipts"},
	"hard links are forbidden":                    {linksFail(syscall.EPERM), "drop", "hard links", Note, "has no hard links"},
	"what was tried cannot be removed in the end": {failing(vfs.OpRemove, syscall.EIO), "recovery", "clean-up", Warning, "input/output"},
}

func failing(op vfs.Op, with error) func(*testing.T, *Config) error {
	return func(_ *testing.T, c *Config) error {
		c.Hook = func(o vfs.Op, path string) error {
			if o == op {
				return with
			}
			return nil
		}
		return nil
	}
}

// linksFail: of all that is made here, only a link is made under a name that is known before.
func linksFail(with error) func(*testing.T, *Config) error {
	return func(_ *testing.T, c *Config) error {
		c.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpCreate && vfs.IsTemp(filepath.Base(path), mark) {
				return with
			}
			return nil
		}
		return nil
	}
}

func andLock(f func(*testing.T, *Config) error) func(*testing.T, *Config) error {
	return func(t *testing.T, c *Config) error { c.Lock = lockfile.Flock; return f(t, c) }
}

func ownAnd(f func(*testing.T, *Config) error) func(*testing.T, *Config) error {
	return func(t *testing.T, c *Config) error {
		return errors.Join(os.Mkdir(filepath.Join(c.Drop, ownName), 0o700), f(t, c))
	}
}

func lockFails(with error) func(*testing.T, *Config) error {
	return func(t *testing.T, c *Config) error {
		agent, err := spool.Open(spool.Config{Drop: c.Drop})
		must(t, err)
		must(t, agent.Close())
		return failing(vfs.OpLock, with)(t, c)
	}
}

func hasOpen(t *testing.T, c *Config) error {
	f, err := os.OpenFile(c.Tasks, os.O_WRONLY, 0)
	t.Cleanup(func() { f.Close() })
	return err
}

func hasLocked(t *testing.T, c *Config) error {
	f, err := os.Create(c.Tasks + ".lock")
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return unix.Flock(int(f.Fd()), unix.LOCK_EX)
}

func entry(c *Config, retryable bool) error {
	folder := filepath.Join(c.Recovery, "20261122T101530.123Z-0d00000000000001")
	text := fmt.Sprintf(`{"version":"1.0","timestamp":"2026-11-22T10:15:30.123Z","sessionPath":"/x","error":{"message":"m","code":"ENOSPC","attempts":3},
"pendingCount":0,"pendingUpdates":[],"batch":"0d00000000000001","tasksFile":"tasks.json","retryable":%v,"fragments":[]}`, retryable)
	return errors.Join(os.Mkdir(folder, 0o755), os.WriteFile(filepath.Join(folder, "recovery.json"), []byte(text), 0o644))
}

func TestWhatIsWrongIsFoundAndHasARemedy(t *testing.T) {
	for name, c := range wrongs {
		t.Run(name, func(t *testing.T) {
			session := session(t)
			must(t, c.wrong(t, &session))
			r := Examine(t.Context(), session)
			is(t, r, c.place, c.check, c.level, c.says)
			if c.level == Error && !r.LosesUpdates {
				t.Error("nothing is said to be lost")
			}
			if strings.ContainsRune(r.Text(), '\x1b') {
				t.Error("a name has an effect on a terminal")
			}
			if c.check != "clean-up" {
				clean(t, session)
			}
		})
	}
}

// What any operation does must never keep the others from being undone.
func TestAnyOperationMayFailAndNothingIsLeftBehind(t *testing.T) {
	c := quick(t)
	must(t, os.Mkdir(filepath.Join(c.Drop, ownName), 0o700))
	for fail, fired := 1, true; fired; fail++ {
		n := 0
		fired = false
		c.Hook = func(op vfs.Op, path string) error {
			if n++; n == fail && op != vfs.OpRemove && op != vfs.OpClose {
				fired = true
				return syscall.EIO
			}
			fired = fired || n >= fail
			return nil
		}
		r := Examine(t.Context(), c)
		if len(r.Findings) < 10 {
			t.Errorf("operation %d: %s", fail, r.Text())
		}
		clean(t, c)
	}
}

func TestItMayBeInterruptedAtAnyOperation(t *testing.T) {
	c := quick(t)
	for end, ended := 1, false; !ended; end += 3 {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		c.Hook = func(vfs.Op, string) error {
			if n++; n == end {
				cancel()
			}
			return nil
		}
		for _, f := range Examine(ctx, c).Findings {
			if f.Level == Error {
				t.Errorf("ended at %d: %+v", end, f)
			}
		}
		ended = ctx.Err() == nil
		cancel()
		clean(t, c)
	}
}

func TestWhatAKillHasLeftIsRemovedByTheNextAndNothingElse(t *testing.T) {
	c := session(t)
	old, fresh := filepath.Join(c.Drop, vfs.TempName(mark)), filepath.Join(c.Drop, vfs.TempName(mark))
	others := []string{filepath.Join(c.Drop, "."+mark), filepath.Join(c.Drop, "."+mark+"-mine"), filepath.Join(c.Drop, vfs.TempName("x"))}
	for _, path := range append([]string{old, fresh}, others...) {
		must(t, os.WriteFile(path, nil, 0o600))
	}
	long := time.Now().Add(-time.Hour)
	for _, path := range append([]string{old}, others...) {
		must(t, os.Chtimes(path, long, long))
	}
	Examine(t.Context(), c)
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what was left is still there: %v", err)
	}
	for _, path := range append([]string{fresh}, others...) {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("removed: %v", err)
		}
	}
}

func TestASingleFileMountIsFound(t *testing.T) {
	c := session(t)
	if err := unix.Mount(c.Tasks, c.Tasks, "", unix.MS_BIND, ""); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	defer unix.Unmount(c.Tasks, unix.MNT_DETACH)
	is(t, Examine(t.Context(), c), "tasks", "mount", Error, "mounted by itself")
}

func TestFullDisksAreFound(t *testing.T) {
	c := session(t)
	if err := unix.Mount("tmpfs", c.Drop, "tmpfs", 0, "size=64k,nr_inodes=4"); err != nil {
		t.Skipf("needs the right to mount: %v", err)
	}
	defer unix.Unmount(c.Drop, unix.MNT_DETACH)
	r := Examine(t.Context(), c)
	is(t, r, "drop", "file system", Warning, "tmpfs on "+c.Drop)
	is(t, r, "drop", "space", Error, "too little")
	is(t, r, "recovery", "moves", Note, "copy")
}

// by examines a session as a user who owns nothing of it.
func by(t *testing.T, c Config) Report {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become nobody")
	}
	folder := filepath.Dir(c.Tasks)
	for dir := folder; dir != os.TempDir() && len(dir) > 1; dir = filepath.Dir(dir) {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&5 != 5 {
			must(t, os.Chmod(dir, 0o755)) // whatever the umask was
		}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asNobody+"="+folder)
	var r Report
	out, err := cmd.Output()
	must(t, err)
	must(t, json.Unmarshal(out, &r))
	return r
}

func TestAsAUserWithoutRights(t *testing.T) {
	c := session(t)
	must(t, os.Mkdir(filepath.Join(c.Drop, ownName), 0o700))
	r := by(t, c)
	is(t, r, "agent", "running", Note, "cannot be told")
	is(t, r, "drop", "permissions", Error, "permission denied")
	is(t, r, "tasks", "permissions", Error, "permission denied")
	is(t, r, "tasks", "owner", Note, "its next version will belong to")
	is(t, r, "tasks", "content", OK, "valid")
	is(t, r, "tasks", "writers", Note, "not told")
	is(t, r, "recovery", "permissions", Error, "permission denied")
	clean(t, c)
}

func TestWhereAStickyBitKeepsAUserFromWorking(t *testing.T) {
	c := session(t)
	must(t, os.Mkdir(filepath.Join(c.Drop, ownName), 0o700))
	for _, folder := range []string{c.Drop, filepath.Dir(c.Tasks)} {
		must(t, os.Chmod(folder, 0o777|fs.ModeSticky))
	}
	must(t, os.Remove(c.Recovery))
	r := by(t, c)
	is(t, r, "drop", "producers", Error, "cannot be claimed")
	is(t, r, "drop", "own folder", Error, "refuses to start")
	is(t, r, "tasks", "sticky bit", Error, "cannot be replaced")
	is(t, r, "recovery", "folder", OK, "makes it")
	must(t, os.Chmod(c.Drop, 0o777))
	r = by(t, c)
	is(t, r, "drop", "producers", Warning, "everybody")
	must(t, os.Chmod(filepath.Dir(c.Tasks), 0o755))
	is(t, by(t, c), "recovery", "folder", Error, "cannot be made")
	must(t, os.Chmod(c.Tasks, 0o600))
	is(t, by(t, c), "tasks", "content", Error, "permission denied")
	clean(t, c)
}
