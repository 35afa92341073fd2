package producer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// patience is a failsafe against waiting for ever, not a timing.
const patience = 30 * time.Second

// place is a folder with everything that a producer and an agent need.
type site struct {
	t      *testing.T
	config config.Config
	hook   vfs.Hook
}

const tasks = `{"backlog":[{"id":"P1","type":"Phase","title":"One","status":"Planned"}]}` + "\n"

func newSite(t *testing.T) *site {
	t.Helper()
	folder := t.TempDir()
	c := config.Default()
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery")
	c.Batch.Quiet, c.Watch.Settle, c.Retry.Base = time.Millisecond, time.Millisecond, time.Millisecond
	must(t, os.Mkdir(c.Drop, 0o755))
	s := &site{t: t, config: c}
	s.write(c.Tasks, tasks)
	return s
}

// elsewhere puts the recovery folder on another file system.
func (s *site) elsewhere() {
	s.t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync")
	if err != nil {
		s.t.Skip("there is no second file system: ", err)
	}
	s.t.Cleanup(func() { must(s.t, os.RemoveAll(folder)) })
	s.config.Recovery = filepath.Join(folder, "recovery")
	s.write(filepath.Join(folder, "x"), "")
	if err := os.Rename(filepath.Join(folder, "x"), filepath.Join(s.config.Drop, ".x")); !errors.Is(err, syscall.EXDEV) {
		s.t.Skip("/dev/shm is no other file system: ", err)
	}
}

func (s *site) write(path, text string) {
	s.t.Helper()
	must(s.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(s.t, os.WriteFile(path, []byte(text), 0o644))
}

func (s *site) read(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(path)
	must(s.t, err)
	return string(text)
}

func (s *site) producer() *Producer {
	return New(Config{Drop: s.config.Drop, Recovery: s.config.Recovery, Limits: fragment.Limits{MaxBytes: 1 << 10}, Hook: s.hook})
}

// run runs an agent until the test ends, or stop is called.
func (s *site) run() (stop func()) {
	s.t.Helper()
	a, err := agent.New(s.config, agent.Options{})
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := a.Run(ctx)
		ended <- err
	}()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
		ended <- nil
	}
	s.t.Cleanup(stop)
	return stop
}

func (s *site) receipt(text string) *Receipt {
	s.t.Helper()
	r, err := s.producer().DropWithReceipt([]byte(text), OneValue)
	must(s.t, err)
	return r
}

// hidden are the files in the drop directory that begin with a dot, the agent's folder apart; shown are the others.
func (s *site) hidden() []string { return s.list(true) }
func (s *site) shown() []string  { return s.list(false) }

func (s *site) list(hidden bool) (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.config.Drop)
	must(s.t, err)
	for _, e := range entries {
		if !e.IsDir() && strings.HasPrefix(e.Name(), ".") == hidden && e.Name() != ".x" {
			names = append(names, e.Name())
		}
	}
	return names
}

// entry makes a recovery entry as the agent does.
func (s *site) entry(folder, name string, retryable bool) {
	s.t.Helper()
	path := filepath.Join(s.config.Recovery, folder)
	s.write(filepath.Join(path, "fragments", name), "{}")
	text, err := json.Marshal(recovery.Entry{
		Version: recovery.Version, Batch: "18ea000000000000", Retryable: retryable, Error: recovery.Failure{Code: "ENOSPC", Message: "full", Attempts: 3},
		Fragments: []recovery.Fragment{{File: "fragments/" + name}},
	})
	must(s.t, err)
	s.write(filepath.Join(path, "recovery.json"), string(text))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFragmentIsThereWholeUnderANewName(t *testing.T) {
	s := newSite(t)
	const text = `{"id":"P1","status":"Complete"}`
	var last string
	for range 20 {
		name, err := s.producer().Drop([]byte(text), OneValue)
		must(t, err)
		if !fragment.IsName(name) || name <= last {
			t.Errorf("%s follows %s", name, last)
		}
		last = name
		if got := s.read(filepath.Join(s.config.Drop, name)); got != text {
			t.Errorf("it holds %q", got)
		}
	}
	if len(s.shown()) != 20 || len(s.hidden()) != 0 {
		t.Errorf("the drop directory holds %v and %v", s.shown(), s.hidden())
	}
}

func TestWhatIsNoFragmentIsNotDropped(t *testing.T) {
	s := newSite(t)
	for text, code := range map[string]fragment.Code{
		`{"id":"P1",}`:          fragment.InvalidJSON,
		`{"id":"P1"`:            fragment.Incomplete,
		`{"status":"Complete"}`: fragment.MissingID,
		`{"id":"P1","$iff":{}}`: fragment.UnknownControl,
		`{"id":"P1","x":"` + strings.Repeat("x", 1<<10) + `"}`: fragment.TooLarge,
	} {
		_, err := s.producer().Drop([]byte(text), OneValue)
		var bad *fragment.Error
		if !errors.As(err, &bad) || bad.Code != code {
			t.Errorf("%.40s: %v", text, err)
		}
		if _, err := s.producer().DropWithReceipt([]byte(text), OneValue); !errors.As(err, &bad) || bad.Code != code {
			t.Errorf("%.40s, with a receipt: %v", text, err)
		}
	}
	if len(s.shown())+len(s.hidden()) != 0 {
		t.Errorf("the drop directory holds %v and %v", s.shown(), s.hidden())
	}
}

func TestAFragmentIsDurableBeforeItHasItsNameAndItsNameBeforeItIsSaid(t *testing.T) {
	for what, drop := range map[string]func(*Producer) error{
		"sync write, sync file, rename, sync directory": func(p *Producer) error {
			_, err := p.Drop([]byte(`{"id":"P1"}`), OneValue)
			return err
		},
		"sync write, sync file, create, sync directory": func(p *Producer) error {
			r, err := p.DropWithReceipt([]byte(`{"id":"P1"}`), OneValue)
			if err == nil {
				defer r.dir.Close()
			}
			return err
		},
	} {
		s := newSite(t)
		var steps []string
		s.hook = func(op vfs.Op, path string) error {
			switch {
			case op == vfs.OpSync && path == s.config.Drop:
				steps = append(steps, "sync directory")
			case op == vfs.OpSync:
				steps = append(steps, "sync file")
			case op == vfs.OpRename, op == vfs.OpCreate && !strings.HasPrefix(filepath.Base(path), "."), op == vfs.OpWrite:
				steps = append(steps, string(op))
			}
			return nil
		}
		must(t, drop(s.producer()))
		if got := "sync " + strings.Join(steps, ", "); got != what {
			t.Errorf("the steps are %q, want %q", got, what)
		}
	}
}

func TestAnyOperationMayFail(t *testing.T) {
	const text = `{"id":"P1","status":"Complete"}`
	for _, withReceipt := range []bool{false, true} {
		for n := 1; ; n++ {
			s := newSite(t)
			count, fired := 0, ""
			s.hook = func(op vfs.Op, path string) error {
				if count++; count != n {
					return nil
				}
				fired = fmt.Sprint(op, " ", path)
				return syscall.EIO
			}
			var err error
			if withReceipt {
				var r *Receipt
				if r, err = s.producer().DropWithReceipt([]byte(text), OneValue); err == nil {
					_ = r.Close() // what it says changes nothing about the fragment
				}
			} else {
				_, err = s.producer().Drop([]byte(text), OneValue)
			}
			if fired == "" {
				must(t, err)
				break
			}
			removing := strings.HasPrefix(fired, "remove")
			shown := s.shown()
			if err != nil && !removing && len(shown) > 0 {
				t.Errorf("%s failed: %v, and there is %v", fired, err, shown)
			}
			if err == nil && len(shown) != 1 {
				t.Errorf("%s failed, but not the drop, and there is %v", fired, shown)
			}
			if len(s.hidden()) > 0 && !removing {
				t.Errorf("%s failed, and left %v", fired, s.hidden())
			}
			for _, name := range shown {
				if got := s.read(filepath.Join(s.config.Drop, name)); got != text {
					t.Errorf("%s failed, and left %q", fired, got)
				}
			}
		}
	}
}

func TestWithoutHardLinksThereIsNoReceiptAndNoFragment(t *testing.T) {
	s := newSite(t)
	s.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpCreate && fragment.IsName(filepath.Base(path)) {
			return syscall.EPERM
		}
		return nil
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other numbers")
	}
	_, err := s.producer().DropWithReceipt([]byte(`{"id":"P1"}`), OneValue)
	if !errors.Is(err, vfs.ErrNoLinks) || !strings.Contains(err.Error(), "no hard links") {
		t.Error(err)
	}
	if len(s.shown())+len(s.hidden()) != 0 {
		t.Errorf("the drop directory holds %v and %v", s.shown(), s.hidden())
	}
}

func TestAMissingDropDirectoryIsNotMade(t *testing.T) {
	s := newSite(t)
	must(t, os.Remove(s.config.Drop))
	if _, err := s.producer().Drop([]byte(`{"id":"P1"}`), OneValue); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := s.producer().Barrier(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestWhatKilledProducersHaveLeftIsRemovedWhenItIsOld(t *testing.T) {
	s := newSite(t)
	const receipt, unpublished, waits = ".20261126T010203.123456789Z-abcd2345.json", ".20261126T010203.123456789Z-abcd2346.jsonl", ".20261126T010203.123456789Z-abcd2347.json"
	for _, name := range []string{receipt, unpublished, waits, ".mine.json", "20261126T010203.123456789Z-abcd2345.json.tmp"} {
		s.write(filepath.Join(s.config.Drop, name), "{}")
	}
	must(t, os.Link(filepath.Join(s.config.Drop, waits), filepath.Join(s.config.Drop, waits[1:])))
	dir, err := s.producer().open()
	must(t, err)
	defer dir.Close()
	sweep(dir, time.Now().Add(stale-time.Hour))
	if got := len(s.hidden()); got != 4 {
		t.Errorf("before they are old: %v", s.hidden())
	}
	sweep(dir, time.Now().Add(stale+time.Hour))
	if got := strings.Join(s.hidden(), " "); got != waits+" .mine.json" {
		t.Errorf("left: %v", got)
	}
	if len(s.shown()) != 2 {
		t.Errorf("left: %v", s.shown())
	}
}

func TestWhoServesTheDropDirectory(t *testing.T) {
	s := newSite(t)
	says := func(want string) {
		t.Helper()
		if got := s.producer().Agent(); !strings.Contains(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	says("no agent serves it; start one")
	lock := filepath.Join(s.config.Drop, spool.Folder, "lock")
	host, err := os.Hostname()
	must(t, err)
	s.write(lock, fmt.Sprintf(`{"pid":%d,"host":%q}`, os.Getpid(), host)) // of one that was killed, and had this number
	says("no agent serves it; start one")
	agent, err := spool.Open(spool.Config{Drop: s.config.Drop})
	must(t, err)
	says(fmt.Sprintf("the agent (pid %d) has not finished it", os.Getpid()))
	s.write(lock, fmt.Sprintf(`{"pid":7,"host":%q}`, host+"x"))
	says(fmt.Sprintf("the agent (pid 7 on host %q) has not finished it", host+"x"))
	s.write(lock, "x")
	says("the agent has not finished it")
	must(t, agent.Close())
	says("no agent serves it; start one")
	s.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpOpen && filepath.Base(path) == spool.Folder {
			return syscall.EACCES
		}
		return nil
	}
	says("cannot be seen by this user")
}
