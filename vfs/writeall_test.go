package vfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteAllWritesAllPiecesInOrder(t *testing.T) {
	folder := t.TempDir()
	var many [][]byte
	for i := range 5000 {
		many = append(many, fmt.Appendf(nil, "piece %d;", i), nil)
	}
	for name, pieces := range map[string][][]byte{
		"none": nil, "nothing": {nil, {}, nil}, "one": {[]byte("a")}, "empty ones between": {nil, []byte("a"), nil, []byte("b"), nil},
		"more than go into one call": many, "a large one": {bytes.Repeat([]byte("x"), 3<<20), []byte("y")},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			dir, err := Open(folder, func(op Op, _ string) error {
				if op == OpWrite {
					calls++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			f, err := dir.OpenFile("file", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Join(pieces, nil)
			if err := errors.Join(f.WriteAll(pieces), f.Close()); err != nil || calls != 1 {
				t.Errorf("%v, in %d operations", err, calls)
			}
			if got, err := os.ReadFile(filepath.Join(folder, "file")); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes are written, and %d were to be: %v", len(got), len(want), err)
			}
			if !bytes.Equal(bytes.Join(pieces, nil), want) {
				t.Error("the pieces have changed")
			}
		})
	}
}

func TestWriteAllTellsOfAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := OpenRegular(path) // for reading
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.WriteAll([][]byte{[]byte("a")}); err == nil {
		t.Error("it is written to a file that is open for reading")
	}
}
