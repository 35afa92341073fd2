// Package recovery keeps the fragments that could not be applied, with the
// reason, lists them, and gives them back. Its format is version 1.0 of the
// contract's recovery entry:
//
//	<dir>/20261122T101530.123Z-<batch>/recovery.json    the manifest
//	<dir>/20261122T101530.123Z-<batch>/fragments/x.json the raw files
//
// # The promise
//
// An entry appears whole or not at all and never takes the place of an older
// one. The raw files are moved, not encoded anew: a fragment's bytes are in the
// claims or in an entry, never in both and never in neither, but for the
// moment in which a copy to another file system replaces its original.
//
// # The crash argument
//
// [Store.Add] works under the name .adding-<entry>:
//
//  1. The folder is made, with a durable manifest of what is to come. A crash
//     leaves a folder without fragments, which [Store.Resume] removes.
//  2. Each fragment is moved into it by rename. A crash leaves some here and the
//     others claimed. Resume goes forward: the manifest is cut to what is here,
//     and that becomes the entry; what is still claimed is processed again and has
//     an entry of its own if it fails again. On another file system the crash can
//     leave a fragment here and its original in the claims; Resume removes
//     the original if it has the same bytes.
//  3. The folder gets its name. That is the commit point.
//
// [Store.GiveBack] works under the name .returning-<entry>, and a crash within it
// is finished by Resume too: what is still here is moved, then the folder goes.
// Each step is durable before the next one that depends on it. [Store.Discard]
// works under the name .discarding-<entry>, and what a crash leaves of that Resume
// discards.
//
// Where a step fails without a crash, Add puts everything back. If even that
// fails, the half entry stays and the next Add or Resume finishes it.
//
// A manifest repeats the updates of its fragments, and so it is readable for those alone
// who may read all of them.
//
// # What it is not safe for
//
// A Store is used by one goroutine, and the recovery folder belongs to the
// agent: who may write to it can add, change and remove entries. Their content is
// data all the same: it is read up to a limit and leads nowhere outside.
//
// Beside the agent's Store there may be those of other processes for [Store.Mark],
// [Store.Replace] and [Store.Discard]. The agent moves no entry that is not
// retryable, and those change none that is, but for Discard, which takes an entry
// by a rename that one of the two loses. Among themselves they take turns
// ([Store.Lock]).
package recovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Version is the version of the entries that this package writes and reads.
const Version = "1.0"

const (
	manifestName  = "recovery.json"
	fragmentsName = "fragments"
	addingPrefix  = ".adding-"
	returnPrefix  = ".returning-"
	discardPrefix = ".discarding-"
	deskLock      = ".desk"

	dirPerm   fs.FileMode = 0o755
	filePerm  fs.FileMode = 0o644
	ownerPerm fs.FileMode = 0o600
)

// Config says where the entries are and which tasks file they are about. Retry
// gives the command that has an entry tried again, for its manifest. Retry, Hook
// and Log may be nil.
type Config struct {
	Dir       string
	TasksFile string
	Retry     func(entry string) string
	Hook      vfs.Hook
	Log       *slog.Logger
}

// Entry is one recovery entry; all but Name is in its manifest.
type Entry struct {
	Name string `json:"-"` // the folder's

	Version        string            `json:"version"`
	Timestamp      time.Time         `json:"timestamp"`   // written in UTC with milliseconds
	SessionPath    string            `json:"sessionPath"` // the folder of the tasks file
	Error          Failure           `json:"error"`
	PendingCount   int               `json:"pendingCount"`   // how many updates the fragments hold
	PendingUpdates []json.RawMessage `json:"pendingUpdates"` // as they were written, in the fragments' order; nil in a listing
	Batch          string            `json:"batch"`
	TasksFile      string            `json:"tasksFile"`
	Retryable      bool              `json:"retryable"` // the tasks file's trouble, or Mark: the agent gives it back by itself
	Retry          string            `json:"retry"`     // the command that has it tried again; "" where none is known
	Fragments      []Fragment        `json:"fragments"`

	perm fs.FileMode // of the manifest; 0 is filePerm
}

// Failure is why the entry exists.
type Failure struct {
	Message  string `json:"message"`
	Code     string `json:"code"`
	Attempts int    `json:"attempts"`
}

// Fragment is one raw file of an entry. For Add, Name is the file's name in the
// claimed batch, byte for byte; in a manifest see OwnName.
type Fragment struct {
	File    string  `json:"file"`            // within the entry, "fragments/x.json"
	Name    string  `json:"name,omitempty"`  // as it was dropped, in Go's escapes, where File had to differ
	SHA256  string  `json:"sha256"`          // in hex; "" for what has no bytes to read, or more than rawMax
	Updates int     `json:"updates"`         // how many it holds, as far as they parse
	Error   *Reason `json:"error,omitempty"` // why this one was rejected; nil in a batch that failed whole

	Items []fragment.Item `json:"items,omitempty"` // that it names, as they were when it was rejected

	size int64 // for Add; 0 of what is no regular file
}

// Reason is why one fragment was rejected, and where in it the fault is, as far as that is known.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Update  int    `json:"update,omitempty"`  // from 1
	Pointer string `json:"pointer,omitempty"` // RFC 6901, within that update or its item
	Line    int    `json:"line,omitempty"`    // from 1
	Column  int    `json:"column,omitempty"`  // from 1, in characters
}

// ReasonOf is the reason that a reject gives.
func ReasonOf(e *fragment.Error) *Reason {
	return &Reason{
		Code: string(e.Code), Message: e.Error(),
		Update: e.Update, Pointer: e.Pointer, Line: e.Line, Column: e.Column,
	}
}

// OwnName is the name under which the fragment was dropped; of a manifest that
// somebody else has written always a name that a fragment can have, or "".
func (f Fragment) OwnName() string {
	if name, ok := unquoted(f.Name); ok {
		return name
	}
	if name := f.stored(); isFragment(name) {
		return name
	}
	return ""
}

// Stored is the file's name in the entry's folder of fragments.
func (f Fragment) Stored() string { return f.stored() }

// OfItsBatch reports whether the entry can be given back: its name and its manifest say the same batch.
func (e Entry) OfItsBatch() bool { return isOf(e.Name, e.Batch) }

// stored is the file's name in the entry's folder of fragments.
func (f Fragment) stored() string { return path.Base(f.File) }

// Store is the recovery folder. It is made when it is needed.
type Store struct {
	config Config
	half   []string // names of .adding- folders that could not be undone
}

// New does nothing yet.
func New(c Config) *Store {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{config: c}
}

func (s *Store) open() (*vfs.Dir, error) { return vfs.Open(s.config.Dir, s.config.Hook) }

// UnmovableError is a fragment that cannot be moved here at all: the recovery
// folder is on another file system, and the fragment may not be read, or is larger than
// rawMax. It is to be set aside by whoever has it.
type UnmovableError struct {
	Name string
	Err  error
}

func (e *UnmovableError) Error() string {
	return fmt.Sprintf("move fragment %q to another file system: %v", e.Name, e.Err)
}

func (e *UnmovableError) Unwrap() error { return e.Err }

// gone reports whether err says that there is no such thing.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// command is what has the entry of that name tried again.
func (s *Store) command(entry string) string {
	if s.config.Retry == nil {
		return ""
	}
	return s.config.Retry(entry)
}
