package agent

import (
	"context"

	"github.com/sessionsync/sessionsync/recovery"
)

// portion is how many batches are taken back from the recovery folder before the first of them is worked off, and how many
// entries that are asked for before the drop directory has its turn: each batch is an open folder, each entry takes some
// milliseconds, and there may be thousands.
const portion = 128

// answer takes back what somebody has asked to be tried again, a portion of it. It is called when nothing is claimed but what
// is parked, and again after an error and as long as asked is set.
func (c *committer) answer(ctx context.Context) error {
	if !c.asked || c.spool == nil {
		return nil
	}
	// A batch that is being deleted may be the one that an entry goes back into.
	if err := c.deleted(); err != nil {
		return err
	}
	names, err := c.spool.Asked()
	if err != nil {
		return err
	}
	probed := false
	for i, name := range names {
		if i == portion || ctx.Err() != nil {
			return nil
		}
		e, err := c.recovery.Head(name)
		switch {
		case err == nil:
		case recovery.NotAnEntry(err):
			e.Retryable = false
		default:
			return err
		}
		if e.Retryable {
			if !probed {
				if err := c.usable(ctx, true); err != nil {
					return err
				}
				probed = true
			}
			if err := c.giveBack(e); err != nil {
				return err
			}
		}
		if err := c.spool.Answered(name); err != nil {
			return err
		}
	}
	c.asked = false
	return nil
}
