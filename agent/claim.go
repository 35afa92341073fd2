package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/watcher"
	"github.com/sessionsync/sessionsync/writer"
)

// mostRefused is how many fragments of a batch are named that cannot be claimed. They are tried again with every rescan,
// and who may drop may leave any number of them.
const mostRefused = 10

// flight is what the watcher has sent for one batch and waits to hear of.
type flight struct {
	names  []string                 // in the order of the contract
	judged map[string]*watcher.File // as the watcher saw them
	taken  map[string]bool          // what lies in the drop directory no more
}

func newFlight(files []watcher.File) flight {
	slices.SortFunc(files, watcher.File.Compare)
	f := flight{make([]string, len(files)), make(map[string]*watcher.File, len(files)), make(map[string]bool, len(files))}
	for i := range files {
		f.names[i] = files[i].Name
		f.judged[files[i].Name] = &files[i]
	}
	return f
}

// expected is what a claim brings if nobody has been at the fragments since the watcher read them. Nil where that is not to be
// known: it has not read each of them, or one is at fault.
func (f flight) expected() []writer.Fragment {
	if len(f.taken) > 0 || len(f.judged) < len(f.names) {
		return nil
	}
	fragments := make([]writer.Fragment, len(f.names))
	for i, name := range f.names {
		content := f.judged[name].Content
		if content == nil || content.Err != nil {
			return nil
		}
		fragments[i] = writer.Fragment{Name: name, Updates: content.Updates}
	}
	return fragments
}

// is reports whether a claim has brought what was expected of it.
func (f flight) is(batch *spool.Batch) bool {
	if batch == nil || len(batch.Files) != len(f.judged) {
		return false
	}
	for i, file := range batch.Files {
		if file.Name != f.names[i] || !f.judged[file.Name].Content.Same(file.Status) {
			return false
		}
	}
	return true
}

// claim takes the fragments of the flight out of the drop directory, but only when a commit is possible: trouble that is seen
// now moves nothing. After an error some may be claimed, and it is called again.
func (c *committer) claim(ctx context.Context) error {
	if err := c.settle(ctx); err != nil || c.spool == nil {
		return err
	}
	if err := c.usable(ctx, false); err != nil {
		return err
	}
	if c.surprises > 0 {
		c.surprises--
	} else if expected := c.flight.expected(); expected != nil && len(c.batches) == 0 {
		return c.claimAndCommit(ctx, expected)
	}
	batch, err := c.spool.Claim(c.flight.names)
	c.take(batch)
	return unlessElsewhere(err)
}

// unlessElsewhere leaves out the error of fragments that are gone with their directory: the watcher says so.
func unlessElsewhere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// surprised is how many claims are waited for after one that has brought something else than was expected: who writes to
// fragments that lie there already may go on doing so, and each time the document has to be read again.
const surprised = 64

// errOtherwise says that a claim has not brought what was merged.
var errOtherwise = fmt.Errorf("%w: the fragments are not what they were", writer.ErrCalledOff)

// claimAndCommit claims the flight in a goroutine of its own, while the document is merged with what the watcher has read and
// written beside the tasks file. Before anything is recorded the claim must have brought that very batch, else it is worked
// off like any other. Where a commit takes a few milliseconds this saves a tenth of it.
func (c *committer) claimAndCommit(ctx context.Context, expected []writer.Fragment) error {
	var (
		claiming          sync.WaitGroup
		batch             *spool.Batch
		failed, otherwise error
	)
	claiming.Go(func() {
		if batch, failed = c.spool.Claim(c.flight.names); failed != nil || !c.flight.is(batch) {
			otherwise = errOtherwise
			return
		}
		for _, f := range batch.Files {
			batch.Accept(f)
		}
		c.noteSeen(batch)
	})
	claimed := func() (*spool.Batch, error) {
		claiming.Wait()
		return batch, otherwise
	}
	rejects := map[string]*fragment.Error{}
	err := c.commit(ctx, claimed, expected, rejects)
	claiming.Wait()
	c.take(batch)
	if otherwise != nil {
		c.surprises = surprised
		return unlessElsewhere(failed)
	}
	if err == nil {
		err = c.finish(batch, rejects)
	}
	return c.worked(batch, err)
}

// take makes what was claimed of the flight the next batch to be worked off; nil for nothing.
func (c *committer) take(batch *spool.Batch) {
	if batch == nil {
		return
	}
	c.hold.skipped += len(batch.Refused)
	for i, r := range batch.Refused {
		if i == mostRefused {
			c.log.Warn("more fragments cannot be claimed", "fragments", len(batch.Refused)-i)
			break
		}
		c.log.Warn("fragment cannot be claimed; let the agent's user rename it, or remove it", "fragment", r.Name, "error", r.Err)
	}
	for _, f := range batch.Files {
		c.flight.taken[f.Name] = true
	}
	c.resumed = c.resumed && !batch.Reopened
	if len(batch.Files) > 0 { // else it is closed, and was there for what it says
		c.batches = append(c.batches, batch)
	}
}

// landed tells the watcher of fragments that are done with. Not before: it would find nothing left to wait for while one
// is on its way back to the drop directory.
func (c *committer) landed() {
	if len(c.flight.names) == 0 {
		return
	}
	var done watcher.Done
	for _, name := range c.flight.names {
		if c.flight.taken[name] {
			done.Claimed = append(done.Claimed, name)
		} else {
			done.Others = append(done.Others, name)
		}
	}
	select {
	case c.done <- done:
	case <-c.watched:
	}
	c.flight = flight{}
}
