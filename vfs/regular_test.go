package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenRegularReadsAFileAndRefusesADirectory(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.json")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenRegular(path)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(f); string(text) != "{}" || err != nil || f.Path() != path || f.Name() != "x.json" {
		t.Errorf("%q and %v of %s, %s", text, err, f.Path(), f.Name())
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenRegular(dir); !errors.Is(err, ErrNotRegular) || !strings.HasSuffix(err.Error(), "not a regular file but a directory") {
		t.Error(err)
	}
	var at *fs.PathError
	if _, err := OpenRegular(path + ".none"); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &at) || at.Path != path+".none" {
		t.Error(err)
	}
}
