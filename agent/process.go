package agent

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/writer"
)

// grace is how long a commit under way may go on after the agent was asked to end. The default attempts take a tenth of
// it; Docker kills after 10 s.
const grace = 5 * time.Second

// process works one claimed batch off, from wherever an earlier try or run has left it: read, merge and replace, unless
// the intent tells that this has happened; then settle. After an error the batch is still claimed and process may be
// called again.
func (c *committer) process(ctx context.Context, batch *spool.Batch) error {
	if err := batch.Reload(); err != nil {
		return err
	}
	intent, recorded, err := batch.Intent()
	if err != nil {
		return err
	}
	if recorded {
		in := writer.Intent{Temp: intent.Temp, Digest: intent.Digest, Base: intent.Base, Displaced: intent.Displaced, Exchange: intent.Exchange}
		replaced, err := c.writer.Replaced(in)
		if errors.Is(err, writer.ErrUnclear) {
			return c.recoverUnclear(ctx, batch, intent.Rejects, err)
		}
		if err != nil {
			return err
		}
		c.temps[batch.ID] = in.Temps()
		if replaced {
			c.log.Log(ctx, c.hold.level(slog.LevelInfo), "the tasks file holds this batch already; what is left is to settle it", "batch", batch.ID)
			return c.finish(batch, intent.Rejects)
		}
	}
	fragments, rejects, err := c.read(batch)
	if err != nil {
		return err
	}
	c.noteSeen(batch)
	if len(fragments) > 0 {
		claimed := func() (*spool.Batch, error) { return batch, nil }
		if err := c.commit(ctx, claimed, fragments, rejects); err != nil {
			return err
		}
	}
	return c.finish(batch, rejects)
}

// read parses the fragments of a batch. Those that are at fault are among the rejects; what is still being written, or
// cannot be read at the moment, goes back to the drop directory.
func (c *committer) read(batch *spool.Batch) ([]writer.Fragment, map[string]*fragment.Error, error) {
	var fragments []writer.Fragment
	rejects := map[string]*fragment.Error{}
	limits := c.agent.limits()
	for _, f := range slices.Clone(batch.Files) { // Return takes its own out of them
		updates, err := c.parse(batch, f, limits)
		var reject *fragment.Error
		switch {
		case err == nil:
			fragments = append(fragments, writer.Fragment{Name: f.Name, Updates: updates})
			continue
		case errors.As(err, &reject) && !(reject.Code == fragment.Incomplete && c.mayGrow(f) && !c.back[batch.ID]):
			rejects[f.Name] = reject
			continue
		}
		c.history.Returned(batch.State(), batch.ID, f.Name)
		delete(c.flight.taken, f.Name)
		if returnErr := batch.Return(f.Name); returnErr != nil {
			if reject == nil || !errors.Is(returnErr, fs.ErrExist) {
				return nil, nil, errors.Join(err, returnErr)
			}
			rejects[f.Name] = reject // the name is taken: this is all that will ever be in it
			continue
		}
		if reject == nil {
			c.hold.skipped++
			c.log.Warn("fragment cannot be read now; it is tried again", "fragment", f.Name, "error", err)
		}
	}
	return fragments, rejects, nil
}

// parse returns the updates of a fragment: those that the watcher has found in it, if it is still as it was then.
func (c *committer) parse(batch *spool.Batch, f spool.File, limits fragment.Limits) ([]fragment.Update, error) {
	if seen := c.flight.judged[f.Name]; seen != nil && seen.Content != nil && seen.Content.Same(f.Status) {
		batch.Accept(f)
		return seen.Content.Updates, seen.Content.Err
	}
	data, err := batch.Read(f.Name, limits.MaxBytes)
	if err != nil {
		return nil, err
	}
	return fragment.Parse(f.Name, data, limits)
}

// mayGrow reports whether an unfinished fragment may still be being written: it is not what the watcher has waited for,
// by its own clock, until it let it pass. After a restart that is not known, so the watcher shall wait once more.
func (c *committer) mayGrow(f spool.File) bool {
	seen := c.flight.judged[f.Name]
	return seen == nil || seen.Size != f.Size || !seen.ModTime.Equal(f.ModTime)
}

// commit merges fragments into the tasks file and adds those that the merge refused to rejects. Claimed waits for the batch
// that they are, where that is still being claimed; its error ends the commit.
func (c *committer) commit(
	ctx context.Context, claimed func() (*spool.Batch, error), fragments []writer.Fragment, rejects map[string]*fragment.Error,
) error {
	ctx, cancel := outlive(ctx, grace)
	defer cancel()
	start := time.Now()
	var noting sync.WaitGroup // the history is written while the document is
	merged := func(r writer.Result) {
		noting.Wait()
		noting.Go(func() {
			if batch, err := claimed(); err == nil {
				c.noteMerged(batch, fragments, r)
			}
		})
	}
	result, err := c.writer.Commit(ctx, fragments, merged, func(in writer.Intent) error {
		batch, err := claimed()
		if err != nil {
			return err
		}
		all := maps.Clone(rejects)
		for _, r := range in.Rejects {
			all[fragments[r.Index].Name] = r.Err
		}
		err = batch.Record(spool.Intent{Temp: in.Temp, Digest: in.Digest, Base: in.Base, Displaced: in.Displaced,
			Exchange: in.Exchange, Rejects: all})
		noting.Wait() // before the document is replaced
		return err
	})
	noting.Wait()
	if err != nil {
		return err
	}
	batch, err := claimed()
	if err != nil {
		return err
	}
	for _, r := range result.Rejects {
		rejects[fragments[r.Index].Name] = r.Err
	}
	c.temps[batch.ID] = result.Temps
	c.remember(batch, fragments, result.Effects)
	c.stirred = c.stirred || result.Written
	if !batch.Own { // those have been counted before
		c.report.Fragments += result.Fragments
		c.report.Updates += result.Updates
		c.report.Unchanged += result.Unchanged
	}
	took := time.Since(start).Round(10 * time.Microsecond)
	call(c.trace.Committed, Commit{
		Batch: batch.ID, Own: batch.Own, Written: result.Written,
		Fragments: result.Fragments, Updates: result.Updates, Unchanged: result.Unchanged,
		Bytes: result.Bytes, Attempts: result.Attempts, Took: took,
	})
	message, level := "nothing to change", slog.LevelInfo
	if result.Written {
		c.report.Commits++
		message = "committed"
	} else if _, waits := c.grace[batch.ID]; waits {
		level = slog.LevelDebug // it is tried again and again
	}
	c.log.Log(ctx, level, message,
		"batch", batch.ID, "fragments", result.Fragments, "updates", result.Updates, "unchanged", result.Unchanged,
		"items", result.Items, "rejected", len(rejects), "writes_saved", result.WritesSaved, "efficiency_percent", math.Round(10*result.Efficiency)/10,
		"bytes", result.Bytes, "attempts", result.Attempts, "took", took)
	return nil
}

// outlive returns a context that ends that long after ctx.
func outlive(ctx context.Context, after time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(after, cancel) })
	return longer, func() { stop(); cancel() }
}

// finish moves the rejects to the recovery folder and deletes what has been applied. What waits for its item
// stays in the queue. Of updates that are applied again those that do not fit any more are over.
func (c *committer) finish(batch *spool.Batch, rejects map[string]*fragment.Error) error {
	if batch.Own {
		c.history.Committed(batch.State(), batch.ID)
		return c.settleBatch(batch)
	}
	if err := c.park(batch, rejects); err != nil || slices.Contains(c.parked, batch) {
		return err
	}
	c.noteCommitted(batch, rejects, nil)
	if err := c.recoverRejects(batch, rejects); err != nil {
		return err
	}
	return c.deleteApplied(batch)
}

// recoverRejects moves the rejects of a batch to the recovery folder.
func (c *committer) recoverRejects(batch *spool.Batch, rejects map[string]*fragment.Error) error {
	for _, f := range slices.Clone(batch.Files) { // SetAside takes its own out of them
		reject, rejected := rejects[f.Name]
		if !rejected {
			continue
		}
		if err := c.recoverFragment(batch, f, reject); err != nil {
			return err
		}
		c.rejected(string(reject.Code), 1)
	}
	return nil
}

// discard removes the temporary files that told what has become of a batch. One that stays is in nobody's way.
func (c *committer) discard(batch *spool.Batch) {
	err := c.writer.Discard(c.temps[batch.ID])
	delete(c.temps, batch.ID)
	if err != nil {
		c.log.Warn("temporary file beside the tasks file stays until the next commit or start", "batch", batch.ID, "error", err)
	}
}

// settleBatch deletes what has been applied. A fragment that somebody has written to since it was read is not deleted: it
// goes to the recovery folder as it is now, because only a person can tell what of it is still to be applied.
func (c *committer) settleBatch(batch *spool.Batch) error {
	for {
		err := batch.Settle()
		if err == nil {
			c.discard(batch)
			delete(c.back, batch.ID)
			return nil
		}
		var late *spool.LateError
		if !errors.As(err, &late) {
			return err
		}
		reject := &fragment.Error{
			Code:    fragment.Incomplete,
			Message: "it is applied as it was before, but it " + late.Change(),
			Remedy:  "drop what is missing once more, as a fragment of its own; write under a dot name and rename",
		}
		c.history.Committed(batch.State(), batch.ID, rejectOf(late.Name, reject))
		if err := c.recoverFragment(batch, spool.File{Name: late.Name}, reject); err != nil {
			return err
		}
		c.rejected(string(reject.Code), 1)
	}
}
