package main

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/vfs"
)

func TestWithoutHardLinksThereIsNoWaitingAndTheMessageSaysSo(t *testing.T) {
	err := refused(fmt.Errorf("drop fragment: %w", &fs.PathError{Op: "create", Path: "drop/x.json", Err: vfs.ErrNoLinks}), config.Default())
	const want = "drop fragment: create drop/x.json: the file system has no hard links, which --wait needs; nothing was dropped: drop it without --wait"
	if err.Error() != want || exitCode(err) != exitFailed {
		t.Errorf("%v, exit code %d", err, exitCode(err))
	}
}
