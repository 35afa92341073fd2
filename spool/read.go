package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// ErrChanged says that a fragment changed while it was read: whoever wrote it
// has not finished. Return it, or read it again.
var ErrChanged = errors.New("it changed while it was read")

// Read gives the bytes of a claimed fragment, at most max of them, and remembers
// what the file was like: Settle deletes no other state of it. What is the
// fragment's own fault is a *fragment.Error (not_regular, too_large,
// unreadable); a file that is no regular one is not even opened. ErrChanged when it
// grew meanwhile. Every other error (EIO, EMFILE …) is passing trouble and says
// nothing about the fragment: try again.
func (b *Batch) Read(name string, max int64) ([]byte, error) {
	data, status, err := b.readFragment(name, max)
	if err != nil {
		return nil, err
	}
	b.read[name] = stampOf(status)
	return data, nil
}

// Accept stands for Read where somebody has read the file before the claim, when it
// was as the claim found it.
func (b *Batch) Accept(f File) { b.read[f.Name] = stampOf(f.Status) }

// Peek is Read for somebody who only looks: Settle goes by what Read has seen.
func (b *Batch) Peek(name string, max int64) ([]byte, error) {
	data, _, err := b.readFragment(name, max)
	return data, err
}

func (b *Batch) readFragment(name string, max int64) ([]byte, vfs.Status, error) {
	before, ok := b.seen[name]
	delete(b.seen, name) // another read is another time
	if !ok {
		var err error
		if before, err = b.dir.Status(name); err != nil {
			return nil, before, err
		}
	}
	if !before.Mode.IsRegular() {
		return nil, before, notRegular(before.Mode)
	}
	if before.Size > max {
		return nil, before, tooLarge(before.Size, max)
	}
	text, after, err := b.dir.ReadFile(name, before.Size)
	var at *fs.PathError
	switch {
	case errors.Is(err, fs.ErrPermission) && errors.As(err, &at) && at.Op == string(vfs.OpOpen):
		return nil, after, &fragment.Error{Code: fragment.Unreadable,
			Message: fmt.Sprintf("the agent may not read the file (mode %s)", before.Mode.Perm()),
			Remedy:  "let the producer write files that the agent's user may read, or run both as one user"}
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENXIO): // swapped since
		return nil, after, notRegular(fs.ModeIrregular)
	case err != nil:
		return nil, after, err
	case !after.Mode.IsRegular():
		return nil, after, notRegular(after.Mode)
	case !after.Same(before) || int64(len(text)) != after.Size:
		return nil, after, fmt.Errorf("read fragment %q: %w", name, ErrChanged)
	}
	return text, after, nil
}

func tooLarge(size, max int64) *fragment.Error {
	return &fragment.Error{Code: fragment.TooLarge,
		Message: fmt.Sprintf("the file has %d bytes or more, and a fragment may have %d", size, max),
		Remedy:  "split it into several fragments, or raise fragment.max_bytes"}
}

func notRegular(mode fs.FileMode) *fragment.Error {
	kind := "no regular file"
	switch {
	case mode&fs.ModeSymlink != 0:
		kind = "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a FIFO"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	case mode&fs.ModeDevice != 0:
		kind = "a device"
	case mode.IsDir():
		kind = "a folder"
	}
	return &fragment.Error{Code: fragment.NotRegular,
		Message: "it is " + kind + ", which is never opened or followed",
		Remedy:  "drop a regular file"}
}
