package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWhoHasTheDropDirectoryIsToldAndNothingIsMade(t *testing.T) {
	drop := filepath.Join(t.TempDir(), "drop")
	nobody := func(when string) {
		t.Helper()
		if who, err := Holder(Config{Drop: drop}); who != nil || err != nil {
			t.Errorf("%s: %v, %v", when, who, err)
		}
	}
	nobody("without a drop directory")
	if err := os.Mkdir(drop, 0o755); err != nil {
		t.Fatal(err)
	}
	nobody("in one that is new")
	if _, err := os.Lstat(filepath.Join(drop, stateName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it made something: %v", err)
	}
	s, err := Open(Config{Drop: drop})
	if err != nil {
		t.Fatal(err)
	}
	if who, err := Holder(Config{Drop: drop}); err != nil || who == nil || who.PID != os.Getpid() {
		t.Errorf("while it is served: %+v, %v", who, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	nobody("after the end")
	nobody("and its lock was given back")
	if err := os.RemoveAll(filepath.Join(drop, stateName)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(drop, stateName), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if who, err := Holder(Config{Drop: drop}); who != nil || err == nil {
		t.Errorf("where a file is in the place of the folder: %v, %v", who, err)
	}
}
