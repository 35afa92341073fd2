package agent

import (
	"context"
	"errors"
	"io/fs"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/watcher"
)

// mostRefused is how many fragments of a batch are named that cannot be claimed. They are tried again with every rescan,
// and who may drop may leave any number of them.
const mostRefused = 10

// flight is what the watcher has sent for one batch and waits to hear of.
type flight struct {
	names  []string
	judged map[string]watcher.File // as the watcher saw them
	taken  map[string]bool         // what lies in the drop directory no more
}

func newFlight(files []watcher.File) flight {
	f := flight{make([]string, len(files)), make(map[string]watcher.File, len(files)), make(map[string]bool, len(files))}
	for i, file := range files {
		f.names[i] = file.Name
		f.judged[file.Name] = file
	}
	return f
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
	batch, err := c.spool.Claim(c.flight.names)
	c.take(batch)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // they are gone with their directory, and the watcher says so
	}
	return err
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

// ahead is a batch that was claimed while the one before was committed.
type ahead struct {
	flight flight
	batch  *spool.Batch // nil where nothing is claimed
	err    error        // why not all are
}

// claimAhead claims the next full batch, if there is one, while this goroutine is in a commit. It returns what ends that,
// and waits for it. Nothing is claimed ahead behind trouble: what the commit then meets is what any commit may meet.
func (c *committer) claimAhead(ctx context.Context) (end func()) {
	if c.ahead != nil || !c.resumed || c.hold.on() || len(c.batches) != 1 {
		return func() {}
	}
	committed, claimed := make(chan struct{}), make(chan *ahead, 1)
	go func() {
		select {
		case <-ctx.Done():
		case <-committed:
		case files := <-c.full:
			a := &ahead{flight: newFlight(files)}
			a.batch, a.err = c.spool.ClaimAhead(a.flight.names)
			claimed <- a
		}
		close(claimed)
	}()
	return func() {
		close(committed)
		c.ahead = <-claimed
	}
}

// goAhead takes up what was claimed ahead, or what could not be, when the tasks file can be used.
func (c *committer) goAhead(ctx context.Context) error {
	if c.ahead == nil { // it was called before, and has met an error of claim
		return c.claim(ctx)
	}
	if err := c.usable(ctx, false); err != nil {
		return err
	}
	a := c.ahead
	c.ahead, c.flight = nil, a.flight
	c.take(a.batch)
	if a.err != nil {
		return c.claim(ctx)
	}
	return nil
}
