// Package desk is where a person deals with what was rejected: look at a recovery entry, have it tried again, edit it,
// discard it. It works beside a running agent and without one.
//
// # The promise
//
// Trying again never loses an entry. [Desk.Retry] does no more than to mark the entry, durably; what moves its fragments and
// applies them is an agent's own machinery (a running one that is asked to, or one that Config.Run runs for as long as that
// takes), which no crash interrupts for good. So a fragment is gone only when it is applied; one that fails again is in a new
// entry, with its new reason.
//
// Retry refuses what would overwrite news: an item that a fragment names, and that has changed since that fragment was
// rejected. The rejects of a precondition are not held against that: they say themselves what the item has to be like.
//
// # The crash argument
//
// A crash before the mark has changed nothing. After the mark the entry is the agent's to try: at its next start, if not
// before. A fragment that is edited is replaced in one step, while the entry is not marked.
//
// # What it is not safe for
//
// Who may write to the recovery folder can put any entry there, and have it applied: that is what the drop directory is for
// as well. What they put there is data here: read within limits, followed nowhere. The texts that this package gives may
// hold any character; whoever shows them makes them printable, but for those of a [Place].
package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
)

// Config says where things are.
type Config struct {
	Drop, Recovery string
	Against        preview.Config // what fragments are held against
	Log            *slog.Logger   // of what lies in the recovery folder and is no entry; may be nil

	// Run works off, as an agent does, what is marked in the recovery folder, and ends. The error is a *spool.InUseError where
	// an agent serves the drop directory already. What is held is an error like any other.
	Run func(context.Context) error
}

// Desk is one recovery folder with all that belongs to it.
type Desk struct {
	config Config
	store  *recovery.Store
}

// New touches nothing.
func New(c Config) *Desk {
	return &Desk{config: c, store: recovery.New(recovery.Config{Dir: c.Recovery, TasksFile: c.Against.Tasks, Log: c.Log})}
}

// NameError says that a word names no entry.
type NameError struct{ message string }

func (e *NameError) Error() string { return e.message }

func nameError(format string, args ...any) error { return &NameError{fmt.Sprintf(format, args...)} }

// Resolve finds the entries that words name: by their whole names, or by beginnings that no other one has. Each is named once
// in what it returns, in the order of the words. A *NameError says which word names none, or several.
func (d *Desk) Resolve(words []string) ([]string, error) {
	all, err := d.store.Names()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, word := range words {
		name, err := d.resolve(word, all)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (d *Desk) resolve(word string, sorted []string) (string, error) {
	if word == "" || strings.ContainsAny(word, `/\`) {
		return "", nameError("%s is no name of an entry; take one from 'sessionsync recovery list'", fragment.Quote(word))
	}
	at, exact := slices.BinarySearch(sorted, word)
	if exact {
		return word, nil
	}
	end := at
	for end < len(sorted) && strings.HasPrefix(sorted[end], word) {
		end++
	}
	switch end - at {
	case 0:
		return "", nameError("there is no entry %s in %s; 'sessionsync recovery list' shows what is there",
			fragment.Quote(word), d.config.Recovery)
	case 1:
		return sorted[at], nil
	}
	return "", nameError("%d entries begin with %s, %s the first of them; write more of the name",
		end-at, fragment.Quote(word), fragment.Quote(sorted[at]))
}

// Entries lists the entries in the order in which they would be applied: all of them, or with a code those whose entry or
// one of whose fragments has that code.
func (d *Desk) Entries(code string) ([]recovery.Entry, error) {
	entries, err := d.store.Entries()
	if err != nil || code == "" {
		return entries, err
	}
	has := func(f recovery.Fragment) bool { return f.Error != nil && f.Error.Code == code }
	return slices.DeleteFunc(entries, func(e recovery.Entry) bool {
		return e.Error.Code != code && !slices.ContainsFunc(e.Fragments, has)
	}), nil
}

// turn calls f while no other desk marks, replaces or discards.
func (d *Desk) turn(ctx context.Context, f func() error) error {
	const patience, pause = 5 * time.Second, 10 * time.Millisecond
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errBusy)
	defer cancel()
	for {
		release, err := d.store.Lock()
		if err == nil {
			return errors.Join(f(), release())
		}
		if !errors.Is(err, vfs.ErrLocked) {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

var errBusy = errors.New("another 'sessionsync recovery' is at work on the recovery folder; try again when it has ended")

// read reads a raw fragment as an agent would. A *fragment.Error says that it would be rejected unread.
func (d *Desk) read(entry, stored string) (_ []byte, err error) {
	dir, err := d.store.Fragments(entry)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	data, err := preview.Bytes(dir, stored, d.config.Against.Limits)
	if errors.Is(err, fs.ErrPermission) {
		err = &fragment.Error{Code: fragment.Unreadable, Message: err.Error(),
			Remedy: "give the agent's user read permission on it"}
	}
	return data, err
}

// parse reads a raw fragment and returns its updates too.
func (d *Desk) parse(entry string, f recovery.File) ([]byte, []fragment.Update, error) {
	data, err := d.read(entry, f.Stored)
	if err != nil {
		return nil, nil, err
	}
	updates, err := fragment.Parse(f.Own, data, d.config.Against.Limits)
	return data, updates, err
}
