package agent

import (
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/spool"
)

// park keeps those rejects of a batch in the queue whose items may still appear, within document.unknown_id_grace: they
// become a batch of their own, which is tried again whenever the document has changed. After an error it is called again.
func (c *committer) park(batch *spool.Batch, rejects map[string]*fragment.Error) error {
	until, waits := c.grace[batch.ID]
	delete(c.grace, batch.ID)
	if !waits {
		until = time.Now().Add(c.agent.config.Document.UnknownIDGrace)
	}
	if !until.After(time.Now()) {
		return nil
	}
	var names []string
	for _, f := range batch.Files {
		if reject := rejects[f.Name]; reject != nil && reject.Code == fragment.UnknownID {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	if waits && len(names) == len(batch.Files) { // nothing has become of it
		c.parked = append(c.parked, batch)
		c.grace[batch.ID] = until
		return nil
	}
	c.noteCommitted(batch, rejects, names)
	parked, err := c.spool.Split(batch, names)
	if parked != nil {
		c.parked = append(c.parked, parked)
		c.grace[parked.ID] = until
	}
	if !waits && err == nil {
		c.log.Info("waiting for items that are not there yet", "fragments", len(names), "batch", parked.ID, "until", until.UTC().Format(time.RFC3339Nano))
	}
	return err
}

// unparkEvery is how often what waits is tried again when the document changes all the time.
const unparkEvery = time.Second

// unpark takes up what waits for its item, when that may be there by now or the waiting is over.
func (c *committer) unpark() {
	now := time.Now()
	stirred := c.stirred && !c.unparked.Add(unparkEvery).After(now)
	ready := func(b *spool.Batch) bool { return stirred || !c.grace[b.ID].After(now) }
	for _, b := range c.parked {
		if ready(b) {
			c.batches = append(c.batches, b)
		}
	}
	c.parked = slices.DeleteFunc(c.parked, ready)
	if stirred {
		c.stirred, c.unparked = false, now
	}
	slices.SortStableFunc(c.batches, func(a, b *spool.Batch) int { return strings.Compare(a.ID, b.ID) })
}
