package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/sessionsync/sessionsync/agent"
)

func TestAMissingPermissionOnAFolderSaysWhoseItIs(t *testing.T) {
	drop, recovery := filepath.FromSlash("/a/drop"), filepath.FromSlash("/a/recovery")
	denied := func(path string) error {
		return &fs.PathError{Op: "mkdir", Path: filepath.FromSlash(path), Err: fs.ErrPermission}
	}
	for _, c := range []struct {
		what   string
		err    error
		remedy string
	}{
		{"in the drop directory", denied("/a/drop/.sessionsync"), "; give the agent's user permission to read, write and enter " + drop},
		{"on the drop directory", denied("/a/drop"), "; give the agent's user permission to read, write and enter " + drop},
		{"in the recovery folder, held", &agent.HeldError{Cause: fmt.Errorf("recover: %w", denied("/a/recovery/.adding"))}, "; give the agent's user permission to read, write and enter " + recovery},
		{"beside the folders: the writer has its own remedy", denied("/a/drop.json"), ""},
		{"something else", &fs.PathError{Op: "mkdir", Path: drop, Err: fs.ErrExist}, ""},
		{"no file at all", errors.New("x"), ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := permitted(c.err, drop, recovery)
			if got.Error() != c.err.Error()+c.remedy || exitCode(got) != exitCode(c.err) {
				t.Errorf("%v, exit code %d", got, exitCode(got))
			}
		})
	}
	if permitted(nil, drop) != nil {
		t.Error("an error where there was none")
	}
}
