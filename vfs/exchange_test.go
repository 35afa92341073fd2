//go:build linux

package vfs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

func TestExchangeGivesTwoNamesEachOthersFile(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "a", "1")
	put(t, d, "b", "2")
	switch err := d.Exchange("a", "b"); {
	case errors.Is(err, errors.ErrUnsupported):
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	if a, b := content(t, d, "a"), content(t, d, "b"); a != "2" || b != "1" {
		t.Errorf("a holds %q, b holds %q", a, b)
	}
	var link *os.LinkError
	if err := d.Exchange("a", "gone"); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &link) || link.New != d.Join("gone") {
		t.Errorf("with a name that is not there: %v", err)
	}
	if err := d.Exchange("a", "../b"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("out of the directory: %v", err)
	}
}

func TestHasWriterSeesWhoHasTheFileOpenForWriting(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "a", "1")
	f, err := d.OpenFile("a", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ask := func(want bool, who string) {
		t.Helper()
		if has, err := f.HasWriter(); errors.Is(err, ErrCannotTell) {
			t.Skip(err)
		} else if err != nil || has != want {
			t.Errorf("%s: %v, %v", who, has, err)
		}
	}
	ask(false, "nobody but ourselves, for reading")
	reader, err := os.Open(d.Join("a"))
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	ask(false, "another reader")
	writer, err := os.OpenFile(d.Join("a"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ask(true, "a writer")
	writer.Close()
	ask(false, "a writer that has closed it")
}

func TestAHookMayFailAnExchangeAndALease(t *testing.T) {
	failing := Op("")
	d := open(t, t.TempDir(), func(op Op, _ string) error {
		if op == failing {
			return syscall.EIO
		}
		return nil
	})
	put(t, d, "a", "1")
	put(t, d, "b", "2")
	f, err := d.OpenFile("a", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	failing = OpExchange
	if err := d.Exchange("a", "b"); !errors.Is(err, syscall.EIO) || content(t, d, "a") != "1" {
		t.Errorf("exchange: %v", err)
	}
	failing = OpLease
	if _, err := f.HasWriter(); !errors.Is(err, syscall.EIO) {
		t.Errorf("lease: %v", err)
	}
}
