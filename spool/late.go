package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// stamp is what a fragment was like when its bytes were read.
type stamp struct {
	Size    int64     `json:"size"`
	ModTime time.Time `json:"modTime"`
}

// stampOf leaves out what JSON cannot hold: a file system may date a file in the year 11476, and whoever drops it may ask for
// that.
func stampOf(s vfs.Status) stamp { return stamp{s.Size, datable(s.ModTime)} }

var (
	firstDate = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDate  = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

func datable(t time.Time) time.Time {
	switch {
	case t.Before(firstDate):
		return firstDate
	case t.After(lastDate):
		return lastDate
	}
	return t
}

// LateError says that a fragment was written to after it had been read, so that it
// holds something that is not applied.
type LateError struct {
	Name      string
	Read, Now int64 // its size in bytes
}

func (e *LateError) Error() string { return fmt.Sprintf("%q %s", e.Name, e.Change()) }

// Change says what happened to it.
func (e *LateError) Change() string {
	if e.Now > e.Read {
		return fmt.Sprintf("was appended to after it had been claimed: it had %d bytes then, and has %d", e.Read, e.Now)
	}
	return fmt.Sprintf("was written to after it had been claimed (%d bytes then, %d now)", e.Read, e.Now)
}

// isAsRead returns a *LateError when a fragment has changed since it was read. An
// older time tells nothing (cp -p sets it last), nor do fewer bytes under the same
// time, which a loss of power may leave.
func (b *Batch) isAsRead(name string) error {
	read, ok := b.read[name]
	if !ok {
		return nil
	}
	now, err := b.dir.Status(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case now.Size > read.Size || datable(now.ModTime).After(read.ModTime):
		return &LateError{Name: name, Read: read.Size, Now: now.Size}
	}
	return nil
}
