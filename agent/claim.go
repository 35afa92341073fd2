package agent

import (
	"context"
	"errors"
	"io/fs"

	"github.com/sessionsync/sessionsync/watcher"
)

// mostRefused is how many fragments of a batch are named that cannot be claimed. They are tried again with every rescan,
// and who may drop may leave any number of them.
const mostRefused = 10

// claim takes fragments out of the drop directory, but only when a commit is possible: trouble that is seen now moves
// nothing. After an error some may be claimed, and it is called again with all of them.
func (c *committer) claim(ctx context.Context, files []watcher.File) error {
	c.flight, c.judged = c.flight[:0], make(map[string]watcher.File, len(files))
	for _, f := range files {
		c.flight = append(c.flight, f.Name)
		c.judged[f.Name] = f
	}
	if err := c.settle(ctx); err != nil || c.spool == nil {
		return err
	}
	if err := c.usable(ctx, false); err != nil {
		return err
	}
	batch, err := c.spool.Claim(c.flight)
	if batch != nil {
		c.hold.skipped += len(batch.Refused)
		for i, r := range batch.Refused {
			if i == mostRefused {
				c.log.Warn("more fragments cannot be claimed", "fragments", len(batch.Refused)-i)
				break
			}
			c.log.Warn("fragment cannot be claimed; let the agent's user rename it, or remove it", "fragment", r.Name, "error", r.Err)
		}
		for _, f := range batch.Files {
			c.taken[f.Name] = true
		}
		c.resumed = c.resumed && !batch.Reopened
		if len(batch.Files) > 0 { // else it is closed, and was there for what it says
			c.batches = append(c.batches, batch)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // they are gone with their directory, and the watcher says so
	}
	return err
}

// landed tells the watcher of fragments that are done with. Not before: it would find nothing left to wait for while one
// is on its way back to the drop directory.
func (c *committer) landed() {
	if len(c.flight) == 0 {
		return
	}
	var done watcher.Done
	for _, name := range c.flight {
		if c.taken[name] {
			done.Claimed = append(done.Claimed, name)
		} else {
			done.Others = append(done.Others, name)
		}
	}
	select {
	case c.done <- done:
	case <-c.watched:
	}
	c.flight = nil
	clear(c.taken)
}
