package vfs

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"
)

func TestASecondNameIsCountedAndTakesNobodysPlace(t *testing.T) {
	dir, err := Open(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	for _, name := range []string{"a", "taken"} {
		if err := os.WriteFile(dir.Join(name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := dir.Link("a", "b"); err != nil {
		t.Fatal(err)
	}
	if l, err := dir.Links("a"); err != nil || l.Count != 2 || time.Since(l.Changed).Abs() > time.Hour {
		t.Errorf("%+v, %v", l, err)
	}
	if err := dir.Link("a", "taken"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	for _, name := range []string{"../a", ".", "x/y"} {
		if err := dir.Link("a", name); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("to %q: %v", name, err)
		}
		if err := dir.Link(name, "c"); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("of %q: %v", name, err)
		}
	}
	if err := dir.Remove("b"); err != nil {
		t.Fatal(err)
	}
	if l, err := dir.Links("a"); err != nil || l.Count != 1 {
		t.Errorf("%+v, %v", l, err)
	}
	if _, err := dir.Links("b"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
