package spool

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestANoteIsLeftSeenAndAnswered(t *testing.T) {
	drop := t.TempDir()
	if err := Ask(drop, []string{"a"}); err == nil {
		t.Error("asked where no agent has ever been")
	}
	s, err := Open(Config{Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	asked := func(want ...string) {
		t.Helper()
		got, err := s.Asked()
		if err != nil || !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
			t.Errorf("asked %q, %v, want %q", got, err, want)
		}
	}
	asked()
	if err := s.Answered("none"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.Listen(); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := Ask(drop, []string{"b", "a"}); err != nil {
			t.Fatal(err)
		}
		asked("a", "b")
	}
	if _, err := os.Stat(BellPath(drop)); err != nil {
		t.Errorf("the bell was not rung: %v", err)
	}
	if err := os.Mkdir(filepath.Join(filepath.Dir(BellPath(drop)), "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "a", "b"} {
		if err := s.Answered(name); err != nil {
			t.Error(err)
		}
	}
	asked()
	for _, name := range []string{".bell", "../x", "a/b", ""} {
		if err := Ask(drop, []string{name}); err == nil {
			t.Errorf("a note of %q", name)
		}
	}
}

func TestNotesAreNotLeftThroughALink(t *testing.T) {
	drop, elsewhere := t.TempDir(), t.TempDir()
	s, err := Open(Config{Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Symlink(elsewhere, filepath.Join(drop, ".sessionsync", "retry")); err != nil {
		t.Skip(err)
	}
	if err := Ask(drop, []string{"a"}); err == nil {
		t.Error("left")
	}
	if _, err := s.Asked(); err == nil {
		t.Error("seen")
	}
	if err := s.Answered("a"); err == nil {
		t.Error("answered")
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("elsewhere: %v, %v", left, err)
	}
}

func TestClaimsAreSeenFromOutside(t *testing.T) {
	drop := t.TempDir()
	if claims, err := Claims(drop); err != nil || claims != nil {
		t.Errorf("before any agent: %v, %v", claims, err)
	}
	if _, err := Claims(filepath.Join(drop, "none")); err != nil {
		t.Errorf("of a drop directory that is not there: %v", err)
	}
	s, err := Open(Config{Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"a.json", "b.json"} {
		if err := os.WriteFile(filepath.Join(drop, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := s.Claim([]string{"a.json", "b.json"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(drop, ".sessionsync", "claimed", "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	claims, err := Claims(drop)
	if err != nil || len(claims) != 2 || claims[0].Batch != b.ID || claims[0].Size != 6 || claims[0].Name == claims[1].Name {
		t.Errorf("%+v, %v", claims, err)
	}
	if path, is, err := IsSetAside(drop, b.ID, "a.json"); is || err != nil {
		t.Errorf("set aside: %v, %v, %v", path, is, err)
	}
	if err := b.SetAside("a.json"); err != nil {
		t.Fatal(err)
	}
	if path, is, err := IsSetAside(drop, b.ID, "a.json"); !is || err != nil || !strings.HasSuffix(path, "a.json") {
		t.Errorf("set aside: %v, %v, %v", path, is, err)
	}
	if !IsID(b.ID) || IsID("x") {
		t.Error("ids")
	}
}
