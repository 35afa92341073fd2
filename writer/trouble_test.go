//go:build unix

package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/document"
)

// The error numbers of the contract's table.
var (
	passingNumbers = []syscall.Errno{
		syscall.EAGAIN, syscall.EBUSY, syscall.EIO, syscall.EINTR, syscall.ENFILE, syscall.EMFILE, syscall.ENOSPC,
		syscall.EDQUOT, syscall.ESTALE, syscall.ETIMEDOUT,
	}
	lastingNumbers = []syscall.Errno{syscall.EACCES, syscall.EPERM, syscall.EROFS, syscall.ENOENT}
)

func TestWhichTroubleIsTriedAgain(t *testing.T) {
	at := func(err error) error { return &fs.PathError{Op: "write", Path: "/x", Err: err} }
	for _, number := range passingNumbers {
		if !isPassing(at(number)) {
			t.Errorf("%v is not tried again", number)
		}
	}
	for _, number := range lastingNumbers {
		if isPassing(at(number)) {
			t.Errorf("%v is tried again", number)
		}
	}
	for _, err := range []error{errors.New("whatever"), at(syscall.ELOOP), at(errNotRegular), at(fs.ErrClosed)} {
		if isPassing(err) {
			t.Errorf("%v is tried again", err)
		}
	}
}

func TestAMessageSaysWhatHappenedToWhichFileAndWhatToDo(t *testing.T) {
	w := New(Config{Path: "/s/tasks.json"})
	at := func(err error) error { return &fs.PathError{Op: "write", Path: "/s/.tasks.json4711", Err: err} }
	for _, c := range []struct {
		name     string
		err      error
		attempts int
		replaced bool
		code     string
		message  string
	}{
		{"full", at(syscall.ENOSPC), 3, false, "ENOSPC",
			"write /s/.tasks.json4711: no space left on device (after 3 attempts); free space on its file system"},
		{"forbidden", at(syscall.EACCES), 1, false, "EACCES",
			"write /s/.tasks.json4711: permission denied; give the agent's user read permission on the file and write permission on its folder"},
		{"torn", &pathError{"/s/tasks.json", &document.SyntaxError{Line: 3, Column: 7, Message: "no"}}, 3, false, InvalidTasksFile,
			"/s/tasks.json: line 3, column 7: no (after 3 attempts); repair it; nothing is lost meanwhile"},
		{"a folder", fmt.Errorf("read /s/tasks.json: %w", errNotRegular), 1, false, InvalidTasksFile,
			"read /s/tasks.json: not a regular file; let the path in the configuration lead to a regular file"},
		{"two at once", join(at(syscall.ENOSPC), &fs.PathError{Op: "remove", Path: "/s/.tasks.json4711", Err: syscall.EIO}), 1, false, "ENOSPC",
			"write /s/.tasks.json4711: no space left on device, and remove /s/.tasks.json4711: input/output error; free space on its file system"},
		{"the intent", &recordError{errors.New("record intent of batch 7: write /d/.intent: permission denied")}, 1, false, "EIO",
			"record intent of batch 7: write /d/.intent: permission denied"},
		{"the tasks file and then the intent", join(at(syscall.EROFS), &recordError{errors.New("record intent: no")}), 1, false, "EROFS",
			"write /s/.tasks.json4711: read-only file system, and record intent: no; mount its file system writable"},
		{"not durable", &fs.PathError{Op: "sync", Path: "/s", Err: syscall.EIO}, 3, true, "EIO",
			"make the replacement of /s/tasks.json durable: sync /s: input/output error (after 3 attempts); look at the system's log: the disk reports errors"},
		{"our file taken away", &pathError{"/s/tasks.json", errTempGone}, 3, false, "EBUSY",
			"/s/tasks.json: another program has removed the temporary file beside it (after 3 attempts); let nothing else remove hidden files there"},
		{"an error without a number", at(fs.ErrNotExist), 1, false, "ENOENT",
			"write /s/.tasks.json4711: file does not exist; create it, or correct the path in the configuration"},
		{"another one", at(fs.ErrPermission), 1, false, "EACCES",
			"write /s/.tasks.json4711: permission denied; give the agent's user read permission on the file and write permission on its folder"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := w.trouble(c.err, c.attempts, c.replaced)
			if got.Code != c.code || got.Attempts != c.attempts || got.Replaced != c.replaced || got.Path != "/s/tasks.json" {
				t.Errorf("trouble is %+v", got)
			}
			if got.Error() != c.message {
				t.Errorf("message is\n %s\nwant\n %s", got, c.message)
			}
			if !errors.Is(got, c.err) {
				t.Error("the cause is not to be found")
			}
			checkMessage(t, got)
		})
	}
}

func TestEveryPassingNumberHasItsNameAsCode(t *testing.T) {
	for _, number := range append(passingNumbers, lastingNumbers...) {
		if name := codeOf(number); !strings.HasPrefix(name, "E") || strings.ContainsAny(name, " 0123456789") {
			t.Errorf("the code of %v is %q", number, name)
		}
	}
	if got := codeOf(syscall.Errno(4711)); got != "errno 4711" {
		t.Errorf("the code of an unknown number is %q", got)
	}
}
