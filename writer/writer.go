package writer

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"github.com/sethvargo/go-retry"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

// Config says which file is written, and how.
type Config struct {
	Path    string // of the tasks file; a link to it stays a link
	Layout  document.Layout
	Options document.Options
	Lock    lockfile.Kind // that the file's other writers take; "" for none
	Retry   Retry
	Hook    vfs.Hook // nil in production
	Log     *slog.Logger

	// Keep takes over a version of another program that cannot be merged any more: the file name in dir, which goes then.
	// It must be durable elsewhere when Keep returns nil.
	Keep func(dir *vfs.Dir, name string, why error) error

	// Restore, if it is not nil, is called with each document that fragments are about to be merged into, and may change
	// it: what another program has undone has to stand again before anything is built on it.
	Restore func(doc *document.Document)
}

// ErrCalledOff is what record says, wrapped or not, when it has recorded nothing and the commit is not to take place. Commit
// returns an error that wraps it, with all as it was before.
var ErrCalledOff = errors.New("the commit was called off")

// Fragment is one transaction of a batch.
type Fragment struct {
	Name    string
	Updates []fragment.Update
}

// Intent is what has to be known after a crash to tell whether a commit took place.
type Intent struct {
	Temp   string // the temporary file's name, in the folder of the tasks file
	Digest string // of the new document, in hex
	Base   string // of the document that it replaces; equal to Digest: the intent is withdrawn

	// Displaced are names in the same folder: versions of other programs that have come out of an exchange, and that
	// the new document takes in.
	Displaced []string

	// Exchange says that the two names are exchanged, not renamed: then Temp is there until Discard, whatever happens.
	Exchange bool

	Rejects []Reject // of the batch: they have no part in the new document
}

// withdrawn is the intent to record when the commit does not take place.
func (i Intent) withdrawn() Intent { return Intent{Temp: i.Temp, Digest: i.Base, Base: i.Base} }

// Temps are the temporary files that a commit with that intent leaves to Discard.
func (i Intent) Temps() []string { return append(slices.Clone(i.Displaced), i.Temp) }

// Reject is a fragment that the merge refused.
type Reject struct {
	Index int // in the batch
	Err   *fragment.Error
}

// Result tells what a commit did.
type Result struct {
	Rejects     []Reject
	Fragments   int     // those that applied
	Updates     int     // updates that changed something
	Unchanged   int     // updates that found everything as they wanted it
	Changed     []int   // the indexes of the fragments that changed something
	Items       int     // items that changed
	WritesSaved int     // write operations that batching saved: one a changed update, less the one
	Efficiency  float64 // of these, in percent
	Written     bool    // the file was replaced; false: there was nothing to change
	Bytes       int64   // written
	Attempts    int
	Temps       []string // to be given to Discard when the fragments are settled
	Effects     []Effect // what the fragments that applied have replaced, where Options.Effects asks for it
}

// Effect is what a fragment of a batch has replaced.
type Effect struct {
	document.Effect
	Fragment int // its index
}

// Writer commits batches to one tasks file. It is not safe for use by several goroutines at once.
type Writer struct {
	config     Config
	checked    *version            // what was read or written last, without a folder, or nil
	next       *version            // the document that a commit under way has put there
	left       []leftover          // temporary files that could not be removed yet
	open       map[string]*vfs.Dir // the folders of what is left to Discard, by its first name
	pending    *pending            // what settle has found to be displaced
	unsettled  unsettled           // what the last commit that failed behind its exchange has put there
	seen       fs.FileInfo         // the tasks file as it was last seen, or nil
	foreign    int                 // versions of other programs that were seen
	renames    bool                // the file system cannot exchange two names
	hushed     bool                // attempts that fail are not logged
	garbage    bool                // a large document was dropped and is not collected yet
	dates      dating              // how finely the file system dates changes
	warnedOnce bool                // that the owner cannot be kept
}

// New returns a Writer. It does not touch any file.
func New(c Config) *Writer { return &Writer{config: c, open: map[string]*vfs.Dir{}} }

// Check reads the tasks file and looks whether it is a document of the layout; a torn one is waited out as a commit would
// do. It changes nothing. The error is a *Trouble, or the context's.
func (w *Writer) Check(ctx context.Context) error {
	return w.attempts(ctx, func(context.Context) (bool, error) { return false, w.check() })
}

func (w *Writer) check() error {
	v, err := w.current()
	if err != nil {
		return err
	}
	w.remember(v)
	return nil
}

// remember keeps a version, as it is on disk, for the next time, without its folder: who mends a file system may have to
// unmount it.
func (w *Writer) remember(v *version) {
	v.close()
	v.dir, w.checked = nil, v
}

// forget drops what is remembered of the document.
func (w *Writer) forget() {
	if w.checked != nil && w.checked.info.Size() > largeDocument {
		w.garbage = true
	}
	w.checked = nil
}

// outdated drops what is remembered of a document that another program has replaced, unless it helps to read the next one.
func (w *Writer) outdated() {
	if w.checked != nil && w.checked.info.Size() > largeDocument {
		w.forget()
	}
}

// Lend reads and parses the tasks file, as Check does, and lends it to use, which may change it: what it makes of it is not
// written. The document is not to be kept, nor the Writer to be called meanwhile.
func (w *Writer) Lend(ctx context.Context, use func(doc *document.Document)) error {
	if err := w.Check(ctx); err != nil {
		return err
	}
	use(w.checked.doc)
	if w.checked.doc.Modified() {
		w.forget()
	}
	return nil
}

// Look counts the version of the tasks file that is there now, if another program has written it since the last look or
// commit.
func (w *Writer) Look() {
	if now, err := os.Stat(w.config.Path); err == nil { // else the next one tells more
		if w.notice(now) {
			w.outdated()
		}
	}
}

// ForeignWrites returns how many versions of other programs have been seen.
func (w *Writer) ForeignWrites() int { return w.foreign }

// Hush says whether attempts that fail are passed over in the log, because whoever reads that knows already.
func (w *Writer) Hush(on bool) { w.hushed = on }

// Probe tries once whether a commit would succeed now: its lock can be had, it is valid and can be replaced, as far as its
// status tells, and a file of its size can be written beside it and made durable. It leaves no file behind. The error is a
// *Trouble.
func (w *Writer) Probe(ctx context.Context) error {
	err := w.probe(ctx)
	if err != nil {
		return w.trouble(err, 1, false)
	}
	return nil
}

func (w *Writer) probe(ctx context.Context) error {
	lock, err := w.lock(ctx)
	if err != nil {
		return err
	}
	err = w.probeLocked()
	return join(err, lock.release())
}

func (w *Writer) probeLocked() error {
	v, err := w.current()
	if err != nil {
		return err
	}
	if err = v.dir.Replaceable(v.name); err == nil {
		err = w.tryWrite(v)
	}
	w.remember(v)
	return err
}

// Commit merges the fragments, in their order, into the tasks file. Fragments that cannot be applied are set aside in
// Result.Rejects, the others go on. Nothing is written, and record is not called, where nothing changes.
//
// Merged, unless it is nil, is called whenever they are merged, with what the commit is about to do, for whoever keeps books of
// it; the last call counts.
//
// Before the file is replaced, record is called with what a restart has to know; it must be durable when record returns
// nil. The last call counts: where the replacement does not take place after all, the intent is withdrawn by recording one
// whose Digest is its Base. By calling Commit the caller also says that intents of earlier commits are settled, or are
// this batch's own. ErrCalledOff from record ends the commit, and nothing needs to be withdrawn.
//
// After nil the tasks file holds the fragments, durably; what it has taken the place of lies under a temporary name until
// Discard. After a *Trouble it is as it was, unless Trouble.Replaced says
// otherwise, and Commit may be called again with the same fragments; no temporary file is left, unless the message says
// that it could not be removed, which the next Commit does. A context that is done ends the waiting between attempts, not
// an attempt; the error is then its cause, and all else as after a *Trouble.
func (w *Writer) Commit(
	ctx context.Context, fragments []Fragment, merged func(Result), record func(Intent) error,
) (Result, error) {
	c := commit{fragments: fragments, merged: merged, record: record, displaced: w.takeDisplaced()}
	attempts := 0
	err := w.attempts(ctx, func(ctx context.Context) (bool, error) {
		attempts++
		err := w.once(ctx, &c)
		return c.replaced(), err
	})
	if err != nil && c.replacing != nil {
		w.left = append(w.left, leftover{temp: c.replacing.Temp, instead: c.before(*c.replacing)}) // for when Replaced denies it
	}
	c.result.Attempts = attempts
	return c.result, err
}

// attempts calls try until it succeeds, fails for good or has been tried often enough. Once try has replaced the tasks
// file, or may have, every error is worth another attempt.
func (w *Writer) attempts(ctx context.Context, try func(context.Context) (replaced bool, err error)) error {
	n, replaced := 0, false
	var last error
	err := retry.Do(ctx, w.config.Retry.backoff(), func(ctx context.Context) error {
		n++
		replaced, last = try(ctx)
		if last == nil || !replaced && !isPassing(last) {
			return last
		}
		if n < w.config.Retry.Attempts && !w.hushed {
			w.config.Log.Warn("tasks file: trying again", "tasks", w.config.Path, "attempt", n, "code", codeOf(last), "error", last)
		}
		return retry.RetryableError(last)
	})
	switch {
	case err == nil:
		return nil
	case replaced:
		return w.trouble(last, n, true)
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		return err
	}
	return w.trouble(err, n, false)
}
