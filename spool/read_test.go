package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

func code(err error) fragment.Code {
	var e *fragment.Error
	if errors.As(err, &e) && e.Message != "" && e.Remedy != "" {
		return e.Code
	}
	return ""
}

func TestReadTellsTheFragmentsFaultFromPassingTrouble(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "12345")
	b := s.claim("a.json")
	if got, err := b.Read("a.json", 5); err != nil || string(got) != "12345" {
		t.Errorf("exactly as large as allowed: %q, %v", got, err)
	}
	if _, err := b.Read("a.json", 4); code(err) != fragment.TooLarge {
		t.Errorf("larger: %v", err)
	}
	if _, err := b.Read("none.json", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("gone: %v", err)
	}
	for _, c := range []struct {
		op   vfs.Op
		err  error
		want fragment.Code // "" for an error that is handed on
	}{
		{vfs.OpOpen, syscall.EACCES, fragment.Unreadable},
		{vfs.OpOpen, syscall.EPERM, fragment.Unreadable},
		{vfs.OpOpen, syscall.ELOOP, fragment.NotRegular},
		{vfs.OpOpen, syscall.ENXIO, fragment.NotRegular},
		{vfs.OpOpen, syscall.EMFILE, ""},
		{vfs.OpOpen, syscall.ENFILE, ""},
		{vfs.OpOpen, syscall.EIO, ""},
		{vfs.OpRead, syscall.EIO, ""},
		{vfs.OpStat, syscall.ESTALE, ""},
	} {
		s.hook = func(op vfs.Op, _ string) error {
			if op == c.op {
				return c.err
			}
			return nil
		}
		if _, err := b.Read("a.json", 10); code(err) != c.want || c.want == "" && !errors.Is(err, c.err) {
			t.Errorf("%s says %v: %v, want code %q", c.op, c.err, err, c.want)
		}
	}
	s.hook = nil
	must(t, os.Mkdir(b.Dir().Join("folder.json"), 0o755))
	if _, err := b.Read("folder.json", 10); code(err) != fragment.NotRegular {
		t.Errorf("a folder: %v", err)
	}
}

func TestReadNoticesAFileThatChangesMeanwhile(t *testing.T) {
	for name, c := range map[string]struct {
		at   vfs.Op
		act  func(path string) error
		want error
		code fragment.Code
	}{
		"nothing changed":               {vfs.OpRead, func(string) error { return nil }, nil, ""},
		"it grew before the read":       {vfs.OpRead, func(path string) error { return os.WriteFile(path, []byte("1234567"), 0o644) }, ErrChanged, ""},
		"it grew behind the read":       {vfs.OpStat, func(path string) error { return os.WriteFile(path, []byte("1234567"), 0o644) }, ErrChanged, ""},
		"it was cut":                    {vfs.OpRead, func(path string) error { return os.Truncate(path, 3) }, ErrChanged, ""},
		"it was written over in place":  {vfs.OpStat, func(path string) error { return os.Chtimes(path, time.Now(), time.Now().Add(time.Hour)) }, ErrChanged, ""},
		"it cannot be looked at":        {vfs.OpStat, func(string) error { return syscall.EIO }, syscall.EIO, ""},
		"it became a link":              {vfs.OpOpen, func(path string) error { return errors.Join(os.Remove(path), os.Symlink("x", path)) }, nil, fragment.NotRegular},
		"it became a folder in no time": {vfs.OpOpen, func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, syscall.EISDIR, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t)
			s.put("a.json", "12345")
			b := s.claim("a.json")
			once := true
			s.hook = func(op vfs.Op, path string) error {
				if op == c.at && filepath.Base(path) == "a.json" && once {
					once = false
					return c.act(path)
				}
				return nil
			}
			got, err := b.Read("a.json", 10)
			s.hook = nil
			if code(err) != c.code || c.code == "" && !errors.Is(err, c.want) {
				t.Errorf("got %v", err)
			}
			if c.want == nil && c.code == "" && string(got) != "12345" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

func TestTheKindsOfFileThatAreNoFragments(t *testing.T) {
	for mode, want := range map[fs.FileMode]string{
		fs.ModeSymlink: "a symbolic link", fs.ModeNamedPipe: "a FIFO", fs.ModeSocket: "a socket",
		fs.ModeDevice: "a device", fs.ModeDevice | fs.ModeCharDevice: "a device", fs.ModeDir: "a folder", fs.ModeIrregular: "no regular file",
	} {
		if got := notRegular(mode).Message; !strings.Contains(got, want) {
			t.Errorf("%v: %s", mode, got)
		}
	}
}
