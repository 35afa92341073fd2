package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/lockfile"
)

// Trouble is why a batch could not be committed: lasting trouble with the tasks file, or passing trouble that outlasted
// the attempts. The same batch may be committed later, unless Replaced says that it has been already.
type Trouble struct {
	Code     string // the name of the error number (ENOSPC), or InvalidTasksFile
	Attempts int
	Path     string // of the tasks file
	Remedy   string // what a person can do; "" where nothing can be said
	Replaced bool   // the tasks file holds the batch, or may, and not durably: ask Writer.Replaced, do not commit again
	Err      error
}

// InvalidTasksFile is the code of a tasks file that is no document of the layout.
const InvalidTasksFile = "invalid_tasks_file"

// Error says what happened to which file, and what can be done about it.
func (t *Trouble) Error() string {
	s := t.Err.Error()
	if t.Replaced {
		s = fmt.Sprintf("make the replacement of %s durable: %s", t.Path, s)
	}
	if t.Attempts > 1 {
		s = fmt.Sprintf("%s (after %d attempts)", s, t.Attempts)
	}
	if t.Remedy != "" {
		s += "; " + t.Remedy
	}
	return s
}

// Unwrap returns the cause.
func (t *Trouble) Unwrap() error { return t.Err }

// errChanged says that the tasks file is no longer the version that was merged into.
var errChanged = errors.New("the file changes faster than it can be merged into")

// pathError puts the tasks file's path before what is wrong with it.
type pathError struct {
	path string
	err  error
}

func (e *pathError) Error() string { return e.path + ": " + e.err.Error() }
func (e *pathError) Unwrap() error { return e.err }

// recordError is an error of Commit's caller: what helps the tasks file does not help there.
type recordError struct{ err error }

func (e *recordError) Error() string { return e.err.Error() }
func (e *recordError) Unwrap() error { return e.err }

// joined is what errors.Join makes, on one line: it ends up in logs and recovery entries.
type joined struct{ errs []error }

func (j *joined) Unwrap() []error { return j.errs }
func (j *joined) Error() string {
	texts := make([]string, len(j.errs))
	for i, err := range j.errs {
		texts[i] = err.Error()
	}
	return strings.Join(texts, ", and ")
}

// join makes one error of two, of which the first one counts.
func join(first, second error) error {
	switch {
	case second == nil:
		return first
	case first == nil:
		return second
	}
	return &joined{[]error{first, second}}
}

// remedies says by its code what a person can do about trouble, where something can be said.
var remedies = map[string]string{
	"ENOENT":       "create it, or correct the path in the configuration",
	"ELOOP":        "let the link lead to a file",
	"ENAMETOOLONG": "give it a shorter name: the temporary file beside it needs a longer one",
	"EACCES":       "give the agent's user read permission on the file and write permission on its folder",
	"EPERM": "give the agent's user read permission on the file and write permission on its folder; if it has them, lsattr tells " +
		"whether the file is immutable, and chattr -i ends that",
	"EROFS":          "mount its file system writable",
	"ENOSPC":         "free space on its file system",
	"EDQUOT":         "free space in the quota of the agent's user",
	"EBUSY":          "if this single file is a mount of its own (a container's bind mount), mount its folder instead",
	"ENFILE":         "raise the system's limit of open files (fs.file-max)",
	"EMFILE":         "raise the process's limit of open files (ulimit -n)",
	"EIO":            "look at the system's log: the disk reports errors",
	InvalidTasksFile: "repair it; nothing is lost meanwhile",
}

func remedyFor(err error, code string) string {
	if j, ok := err.(*joined); ok {
		return remedyFor(j.errs[0], code)
	}
	var record *recordError
	var busy *lockfile.BusyError
	var lost *lockfile.LostError
	var kind *lockfile.KindError
	switch {
	case errors.As(err, &busy) || errors.As(err, &lost) || errors.As(err, &kind): // they say it themselves
		return ""
	case errors.As(err, &record) || errors.Is(err, errChanged):
		return ""
	case errors.Is(err, errBeingWritten):
		return "let that program close it; nothing is lost meanwhile"
	case errors.Is(err, errTempGone):
		return "let nothing else remove hidden files there"
	case errors.Is(err, errNotRegular):
		return "let the path in the configuration lead to a regular file"
	}
	return remedies[code]
}

// passing are the errors that go away by themselves often enough to try again at once.
var passing = []error{
	syscall.EAGAIN, syscall.EBUSY, syscall.EIO, syscall.EINTR, syscall.ENFILE, syscall.EMFILE, syscall.ENOSPC,
	syscall.EDQUOT, syscall.ESTALE, syscall.ETIMEDOUT, errChanged, errTempGone, errBeingWritten, errNoFile,
}

// isPassing is the one place that decides whether an error is worth another attempt. A file that does not parse is: it
// may be being written in place.
func isPassing(err error) bool {
	var syntax *document.SyntaxError
	if errors.As(err, &syntax) {
		return true
	}
	for _, p := range passing {
		if errors.Is(err, p) {
			return true
		}
	}
	return isPassingHere(err)
}

// trouble makes of the last attempt's error what the caller is told.
func (w *Writer) trouble(err error, attempts int, replaced bool) *Trouble {
	code := codeOf(err)
	return &Trouble{Path: w.config.Path, Attempts: attempts, Replaced: replaced, Err: err, Code: code, Remedy: remedyFor(err, code)}
}

// codeOf is the error number's name: what scripts and the recovery entry go by.
func codeOf(err error) string {
	var syntax *document.SyntaxError
	var number syscall.Errno
	switch {
	case errors.As(err, &syntax) || errors.Is(err, errNotRegular):
		return InvalidTasksFile
	case errors.Is(err, errChanged) || errors.Is(err, errTempGone) || errors.Is(err, errBeingWritten) || errors.Is(err, errNoFile):
		return "EBUSY"
	case errors.As(err, &number):
		return errnoName(number)
	case errors.Is(err, fs.ErrNotExist):
		return "ENOENT"
	case errors.Is(err, fs.ErrPermission):
		return "EACCES"
	}
	return "EIO"
}
