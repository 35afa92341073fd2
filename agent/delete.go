package agent

import (
	"slices"

	"github.com/sessionsync/sessionsync/spool"
)

// deletion is the end of a batch that is applied: its fragments are deleted while the next batch is at work, because the
// disk takes as long for that as for all else.
type deletion struct {
	batch *spool.Batch
	done  chan struct{} // closed at the end; then err is set
	err   error
}

// deleteApplied begins to delete what a batch has applied. There is one deletion at a time.
func (c *committer) deleteApplied(batch *spool.Batch) error {
	if err := c.deleted(); err != nil {
		return err
	}
	d := &deletion{batch: batch, done: make(chan struct{})}
	go func() {
		defer close(d.done)
		d.err = batch.Delete()
	}()
	c.deletion = d
	return nil
}

// deleted waits until the deletion under way, if there is one, has ended. After an error its batch is at work once more.
func (c *committer) deleted() error {
	d := c.deletion
	if d == nil {
		return nil
	}
	<-d.done
	c.deletion = nil
	if err := c.settleBatch(d.batch); err != nil {
		c.batches = slices.Insert(c.batches, 0, d.batch)
		return err
	}
	return nil
}

// deletionEnds is closed when the deletion under way has ended; nil where there is none.
func (c *committer) deletionEnds() <-chan struct{} {
	if c.deletion == nil {
		return nil
	}
	return c.deletion.done
}
