package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestTheSecondAgentSaysWhoHasTheDropDirectory(t *testing.T) {
	s := newStation(t)
	_, err := Open(s.config())
	var busy *InUseError
	if !errors.As(err, &busy) {
		t.Fatalf("got %v", err)
	}
	host, _ := os.Hostname()
	if busy.Drop != s.drop || busy.PID != os.Getpid() || busy.Host != host || busy.Since.IsZero() {
		t.Errorf("%+v", busy)
	}
	for _, part := range []string{"drop directory " + s.drop + " is served by pid ", " on host ", " since ", "; stop it or choose another"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	lock := filepath.Join(s.drop, ".sessionsync/lock")
	for _, garbage := range []string{"", "{", `{"pid":"x"}`, "\x00\xff", `{"pid":-1,"host":"\u001b[31m"}`, strings.Repeat("x", 1<<20)} {
		must(t, os.WriteFile(lock, []byte(garbage), 0o600))
		_, err := Open(s.config())
		if !errors.As(err, &busy) || !strings.Contains(err.Error(), "another process") {
			t.Errorf("lock file holding %.20q: %v", garbage, err)
		}
	}
	must(t, os.WriteFile(lock, []byte(`{"pid":1,"host":"\u001b[31m"}`), 0o600))
	if _, err := Open(s.config()); err == nil || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("an escape sequence in the message: %q", err)
	}
	must(t, s.Close())
	s.open()
	var who LockHolder
	text, err := os.ReadFile(lock)
	must(t, err)
	if err := json.Unmarshal(text, &who); err != nil || who.PID != os.Getpid() {
		t.Errorf("the old content was not replaced: %q", text)
	}
}

func TestALockFileThatCannotBeWrittenIsNoReasonToStop(t *testing.T) {
	s := newStation(t)
	s.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpWrite {
			return syscall.ENOSPC
		}
		return nil
	}
	s.restart()
	if !strings.Contains(s.log.String(), "lock file does not say") {
		t.Errorf("nothing said: %s", s.log)
	}
}

func TestTheStateFolderMustBeOursAlone(t *testing.T) {
	elsewhere := t.TempDir()
	for name, c := range map[string]struct {
		make func(state string) error
		want string // of the error; "" for none
	}{
		"missing":              {func(string) error { return nil }, ""},
		"open to others":       {func(p string) error { return errors.Join(os.Mkdir(p, 0o755), os.Chmod(p, 0o777)) }, ""},
		"a link to a folder":   {func(p string) error { return os.Symlink(elsewhere, p) }, "remove it"},
		"a link to one inside": {func(p string) error { return os.Symlink(".", p) }, "remove it"},
		"a dangling link":      {func(p string) error { return os.Symlink("nowhere", p) }, ""},
		"a file":               {func(p string) error { return os.WriteFile(p, nil, 0o600) }, "remove it"},
		"claimed is a link": {func(p string) error {
			return errors.Join(os.Mkdir(p, 0o700), os.Symlink(elsewhere, filepath.Join(p, "claimed")))
		}, "claimed: it is a link"},
		"lock is a link": {func(p string) error {
			return errors.Join(os.Mkdir(p, 0o700), os.Symlink(filepath.Join(elsewhere, "x"), filepath.Join(p, "lock")))
		}, "lock"},
	} {
		t.Run(name, func(t *testing.T) {
			drop := t.TempDir()
			state := filepath.Join(drop, ".sessionsync")
			must(t, c.make(state))
			s, err := Open(Config{Drop: drop})
			if err == nil {
				defer s.Close()
			}
			if name == "a dangling link" {
				if err == nil {
					t.Error("accepted")
				}
			} else if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.want == "" && err == nil && modesCount {
				for _, dir := range []string{state, filepath.Join(state, "claimed")} {
					if fi, err := os.Lstat(dir); err != nil || fi.Mode() != fs.ModeDir|0o700 {
						t.Errorf("%s: %v, %v", dir, fi.Mode(), err)
					}
				}
			}
			if left, _ := os.ReadDir(elsewhere); len(left) != 0 {
				t.Errorf("written through the link: %v", left)
			}
		})
	}
}

func TestAMissingDropDirectoryIsAnError(t *testing.T) {
	if _, err := Open(Config{Drop: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestAReplacedDropDirectoryIsTakenOver(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "old")
	old := s.claim("a.json")
	away := s.drop + ".away"
	must(t, os.Rename(s.drop, away))
	if _, err := s.Claim([]string{"b.json"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no drop directory at all: %v", err)
	}
	must(t, os.Mkdir(s.drop, 0o755))
	s.put("b.json", "new")
	if b := s.claim("none.json"); b != nil {
		t.Errorf("claimed %+v", b)
	}
	b := s.claim("b.json")
	if !b.Reopened || !strings.Contains(s.log.String(), "was replaced") {
		t.Errorf("not told: %+v, %s", b, s.log)
	}
	if got, err := b.Read("b.json", 10); err != nil || string(got) != "new" {
		t.Errorf("Read = %q, %v", got, err)
	}
	s.put("c.json", "")
	if s.claim("c.json").Reopened {
		t.Error("told twice")
	}
	var busy *InUseError
	if _, err := Open(s.config()); !errors.As(err, &busy) {
		t.Errorf("the new one is not locked: %v", err)
	}
	if _, err := Open(Config{Drop: away}); !errors.As(err, &busy) {
		t.Errorf("the former one is not locked while a batch of it is unsettled: %v", err)
	}
	if got, err := old.Read("a.json", 10); err != nil || string(got) != "old" {
		t.Errorf("Read of the former batch = %q, %v", got, err)
	}
	must(t, old.Settle())
	if got := tree(t, away); len(got) != 3 {
		t.Errorf("the former batch was not settled where it is: %v", got)
	}
	// Moved back: it is the former home again, whose lock is ours.
	must(t, os.Rename(s.drop, s.drop+".2"))
	must(t, os.Rename(away, s.drop))
	s.put("d.json", "")
	if d := s.claim("d.json"); !d.Reopened {
		t.Error("moved back, and not told")
	}
	must(t, s.Close())
	for _, dir := range []string{s.drop, s.drop + ".2"} {
		again, err := Open(Config{Drop: dir})
		if err != nil {
			t.Errorf("%s stays locked after Close: %v", dir, err)
			continue
		}
		must(t, again.Close())
	}
	s.open()
}

func TestFormerDropDirectoriesAreGivenUpOnceNothingOfThemIsLeft(t *testing.T) {
	s := newStation(t)
	for i := range 3 {
		must(t, os.Rename(s.drop, s.drop+strings.Repeat("x", i+1)))
		must(t, os.Mkdir(s.drop, 0o755))
		s.put("a.json", "")
		must(t, s.claim("a.json").Settle())
	}
	if len(s.former) != 0 {
		t.Errorf("%d former homes are open", len(s.former))
	}
	again, err := Open(Config{Drop: s.drop + "x"})
	if err != nil {
		t.Fatal(err)
	}
	must(t, again.Close())
}

func TestARemovedStateFolderIsMadeAgain(t *testing.T) {
	for gone, reopened := range map[string]bool{".sessionsync": true, ".sessionsync/claimed": false} {
		s := newStation(t)
		s.put("a.json", "")
		lost := s.claim("a.json")
		must(t, os.RemoveAll(filepath.Join(s.drop, gone)))
		s.put("a.json", "")
		b, err := s.Claim([]string{"a.json"})
		if err != nil || b.Reopened != reopened || len(b.Files) != 1 {
			t.Errorf("%s: %+v, %v", gone, b, err)
		}
		if !strings.Contains(s.log.String(), "replaced") {
			t.Errorf("%s: nothing said", gone)
		}
		must(t, lost.Settle())
		must(t, b.Settle())
		must(t, os.RemoveAll(filepath.Join(s.drop, gone)))
		must(t, os.Symlink(".", filepath.Join(s.drop, gone)))
		s.put("a.json", "")
		if b, err := s.Claim([]string{"a.json"}); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%s is a link now: %+v, %v", gone, b, err)
		}
	}
}

func TestErrorsWhileLookingForAReplacedDirectory(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "x")
	for n := 1; n <= 5; n++ {
		stats := 0
		s.hook = func(op vfs.Op, path string) error {
			if op == vfs.OpStat {
				if stats++; stats == n {
					return syscall.EIO
				}
			}
			return nil
		}
		if b, err := s.Claim([]string{"a.json"}); !errors.Is(err, syscall.EIO) || b != nil {
			t.Errorf("stat %d: %+v, %v", n, b, err)
		}
	}
	s.hook = nil
	if b := s.claim("a.json"); len(b.Files) != 1 {
		t.Error("lost")
	}
}

func TestOpenFailsWholeWhateverFails(t *testing.T) {
	drop := t.TempDir()
	for n := 1; ; n++ {
		calls, fired := 0, false
		var log bytes.Buffer
		s, err := Open(Config{Drop: drop, Hook: func(op vfs.Op, _ string) error {
			if calls++; calls == n {
				fired = true
				return syscall.EIO
			}
			return nil
		}})
		if err == nil {
			s.Close()
		} else if !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d: %v %s", n, err, &log)
		}
		// Whatever it was, the lock is free again.
		again, err := Open(Config{Drop: drop})
		if err != nil {
			t.Fatalf("after a fault in operation %d: %v", n, err)
		}
		must(t, again.Close())
		if !fired {
			break
		}
	}
}
