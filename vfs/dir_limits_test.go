//go:build linux || darwin

package vfs

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheDirectoryWithoutDescriptorsLeft(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir, nil)
	if err := d.Mkdir("sub", 0o700); err != nil {
		t.Fatal(err)
	}
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	// The lowest free number is the first one that is not to be had.
	free, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(free)
	for extra := range uint64(3) {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(free) + extra, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		sub, err := d.OpenDir("sub")
		if err == nil {
			sub.Close()
			break
		}
		if !errors.Is(err, unix.EMFILE) || pathOf(t, err) != d.Join("sub") {
			t.Errorf("OpenDir with %d left: %v", extra, err)
		}
		if _, err := Open(dir, nil); extra < 2 && (!errors.Is(err, unix.EMFILE) || pathOf(t, err) != dir) {
			t.Errorf("Open with %d left: %v", extra, err)
		}
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	now, err := unix.Dup(0)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(now)
	if now != free {
		t.Errorf("a descriptor was lost: the lowest free one is %d, was %d", now, free)
	}
}
