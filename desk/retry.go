package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// Options are how entries are tried again.
type Options struct {
	Force    bool          // also where items have changed since
	Wait     time.Duration // for a running agent, at most; what is done here takes the time that it takes
	Progress Progress      // may be nil
}

// Progress is called now and then with how much of something is done.
type Progress func(what string, done, all int)

func (p Progress) tell(what string, done, all int) {
	if p != nil {
		p(what, done, all)
	}
}

// Fate is what has become of a fragment, or of an entry as a whole.
type Fate struct {
	Entry    string
	Fragment string // the name under which it was dropped; "" where it is about the entry
	State    State
	Code     string // of Rejected, Refused and Held
	Message  string // what there is to say; "" of Applied
	In       string // the entry in which it is now; "" where it is in none
}

// State is how it ended.
type State string

// The fates.
const (
	Applied  State = "applied"
	Rejected State = "rejected" // again, and there is a new entry
	Refused  State = "refused"  // nothing was done
	Held     State = "held"     // the tasks file cannot be written: the agent applies it as soon as that can be
	Waiting  State = "waiting"  // the time was over before it ended; it is on its way
)

// Retry has entries tried again, in the order of their batches, and follows their fragments until the fate of each is known
// or the time is over that a running agent has for it. Entries that cannot or must not be tried again are refused, and the
// others go on.
//
// The error is trouble with a file or folder: what was marked until then stays so and is tried again by an agent; what was
// not is as it was. Calling Retry again is safe.
func (d *Desk) Retry(ctx context.Context, names []string, o Options) ([]Fate, error) {
	if err := d.canFollow(); err != nil {
		return nil, err
	}
	chosen, fates, err := d.choose(names, o.Force)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return fates, nil
	}
	t, err := d.newTracker(chosen)
	if err != nil {
		return nil, err
	}
	t.progress = o.Progress
	for i, c := range chosen {
		if err := d.turn(ctx, func() error { return d.store.Mark(c.entry.Name) }); err != nil {
			return nil, err
		}
		o.Progress.tell("marking", i+1, len(chosen))
	}
	followed, err := d.pursue(ctx, t, o.Wait)
	return append(fates, followed...), err
}

// canFollow finds out beforehand what would otherwise be found out after the marks, and leave them behind.
func (d *Desk) canFollow() error {
	dir, err := vfs.Open(d.config.Drop, nil)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; make the drop directory, or correct the configuration", err)
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	_, err = spool.Claims(d.config.Drop)
	return err
}

// choice is an entry that is to be tried again.
type choice struct {
	entry recovery.Entry
	files []recovery.File
}

// choose reads the entries and says which of them are not to be tried again.
func (d *Desk) choose(names []string, force bool) (chosen []choice, refused []Fate, err error) {
	var doc *document.Document
	for _, name := range names {
		e, err := d.store.Head(name)
		if err != nil {
			return nil, nil, err
		}
		files, err := d.store.Files(e)
		if err != nil {
			return nil, nil, err
		}
		if err := retryable(e, len(files)); err != nil {
			refused = append(refused, Fate{Entry: name, State: Refused, Code: e.Error.Code, Message: err.Error(), In: name})
			continue
		}
		if !force && namesItems(e) {
			if doc == nil {
				if doc, _, err = preview.Document(d.config.Against); err != nil {
					return nil, nil, fmt.Errorf("look whether items have changed: %w", err)
				}
			}
			if why := refuse(doc, e); why != "" {
				refused = append(refused, Fate{Entry: name, State: Refused, Code: changed, Message: why, In: name})
				continue
			}
		}
		chosen = append(chosen, choice{e, files})
	}
	slices.SortStableFunc(chosen, func(a, b choice) int {
		return cmp.Or(strings.Compare(a.entry.Batch, b.entry.Batch), strings.Compare(a.entry.Name, b.entry.Name))
	})
	return chosen, refused, nil
}

func namesItems(e recovery.Entry) bool {
	return slices.ContainsFunc(e.Fragments, func(f recovery.Fragment) bool { return len(f.Items) > 0 })
}

// DryRun says what Retry would do, and does nothing: what it would refuse, what would become of the other fragments, and the
// difference that they would make.
func (d *Desk) DryRun(names []string, force bool) (preview.Preview, []Fate, error) {
	chosen, refused, err := d.choose(names, force)
	if err != nil {
		return preview.Preview{}, nil, err
	}
	var batches [][]preview.Fragment
	for i, c := range chosen {
		if i == 0 || chosen[i-1].entry.Batch != c.entry.Batch {
			batches = append(batches, nil)
		}
		last := &batches[len(batches)-1]
		for _, f := range c.files {
			*last = append(*last, preview.Fragment{
				Path: c.entry.Name + "/" + f.Own, Modified: f.ModTime,
				Read: func() ([]fragment.Update, error) { _, updates, err := d.parse(c.entry.Name, f); return updates, err },
			})
		}
	}
	p, err := preview.Of(d.config.Against, batches...)
	return p, refused, err
}

const (
	// Between two tries to do the agent's work oneself, while one seems to be there.
	ownTry = 2 * time.Second

	// How long what has ended may take to be seen: two looks, also at a large folder.
	lastLook = 5 * time.Second
)

// pursue sees to it that somebody works off what is marked, and follows it.
func (d *Desk) pursue(ctx context.Context, t *tracker, wait time.Duration) ([]Fate, error) {
	deadline := ctx // of a running agent, from when it is known that there is one
	for {
		err := d.runOnce(ctx, t)
		var inUse *spool.InUseError
		if !errors.As(err, &inUse) {
			// Nobody is at work any more, unless another agent has begun meanwhile.
			err = errors.Join(err, t.follow(context.WithoutCancel(ctx), lastLook, true))
			return t.fates(), err
		}
		if deadline == ctx {
			var cancel context.CancelFunc
			deadline, cancel = context.WithTimeout(ctx, wait)
			defer cancel()
		}
		// It may have ended by now without having heard of this: hence the next round.
		if err = spool.Ask(d.config.Drop, t.entries()); err == nil {
			err = t.follow(deadline, ownTry, false)
		}
		if err != nil || t.done() || deadline.Err() != nil {
			return t.fates(), err
		}
	}
}

// runOnce does the agent's work, if there is none, while the fragments are followed.
func (d *Desk) runOnce(ctx context.Context, t *tracker) error {
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer stop()
		ended <- d.config.Run(ctx)
	}()
	err := t.follow(following, 0, false)
	return errors.Join(<-ended, err)
}
