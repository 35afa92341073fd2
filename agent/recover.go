package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
	"github.com/sessionsync/sessionsync/writer"
)

// recoverFragment makes a recovery entry of one rejected fragment.
func (c *committer) recoverFragment(batch *spool.Batch, f spool.File, reject *fragment.Error) error {
	updates := c.pending(batch, f.Name)
	entry, err := c.recovery.Add(recovery.Entry{
		Error:          recovery.Failure{Code: string(reject.Code), Message: reject.Error(), Attempts: 1},
		PendingUpdates: updates,
		Batch:          batch.ID,
		Fragments: []recovery.Fragment{{
			Name:    f.Name,
			Updates: len(updates),
			Error:   recovery.ReasonOf(reject),
			Items:   reject.Items,
		}},
	}, batch.Dir())
	var unmovable *recovery.UnmovableError
	if errors.As(err, &unmovable) {
		c.log.Warn("rejected, but it cannot be copied to the recovery folder", "fragment", f.Name, "code", reject.Code, "reason", reject.Error(), "error", err)
		return batch.SetAside(f.Name)
	}
	if err == nil && entry != "" {
		c.log.Warn("rejected", "fragment", f.Name, "code", reject.Code, "reason", reject.Error(), "entry", entry)
	}
	return err
}

// recoverBatch makes a recovery entry of a whole batch that could not be committed.
func (c *committer) recoverBatch(batch *spool.Batch, trouble *writer.Trouble) error {
	why := recovery.Failure{Code: trouble.Code, Message: trouble.Error(), Attempts: trouble.Attempts}
	e, err := c.recoverWhole(batch, recovery.Entry{Error: why, Retryable: true}, nil)
	if err != nil {
		return err
	}
	call(c.trace.Failed, Failure{trouble.Code, trouble.Attempts})
	c.log.Log(context.Background(), c.hold.level(slog.LevelError), "batch moved to the recovery folder; it is applied as soon as the tasks file can be written",
		"batch", batch.ID, "fragments", len(e.Fragments), "updates", len(e.PendingUpdates), "code", trouble.Code,
		"attempts", trouble.Attempts, "entry", e.Name)
	return batch.Settle()
}

// recoverUnclear makes a recovery entry of a batch of which nobody can tell whether it is applied. A person can. Its rejects
// are not applied in any case.
func (c *committer) recoverUnclear(
	ctx context.Context, batch *spool.Batch, rejects map[string]*fragment.Error, why error,
) error {
	c.noteUnclear(batch, rejects, why)
	if err := c.recoverRejects(batch, rejects); err != nil {
		return err
	}
	if err := batch.Reload(); err != nil { // without them
		return err
	}
	message := why.Error() + "; look in the tasks file whether its updates are there, and drop those that are not"
	e, err := c.recoverWhole(batch, recovery.Entry{Error: recovery.Failure{Code: recovery.Unclear, Message: message,
		Attempts: 1}}, c.named(ctx, batch))
	if err != nil {
		return err
	}
	c.rejected(e.Error.Code, len(e.Fragments))
	c.log.Error("batch moved to the recovery folder, because it cannot be told whether it was applied before a crash",
		"batch", batch.ID, "fragments", len(e.Fragments), "updates", len(e.PendingUpdates), "reason", why, "entry", e.Name)
	return batch.Settle()
}

// named are the items that the fragments of a batch name, as they are now, by the names of the fragments; as far as that can
// be told.
func (c *committer) named(ctx context.Context, batch *spool.Batch) items {
	var found items
	c.writer.Lend(ctx, func(doc *document.Document) { // what cannot be read tells nothing
		found = items{}
		for _, f := range batch.Files {
			if updates, err := c.parse(batch, f, c.agent.limits()); err == nil {
				found[f.Name] = doc.Named(updates, c.agent.document)
			}
		}
	})
	return found
}

// items are what named tells.
type items map[string][]fragment.Item

// recoverWhole makes e an entry of all fragments of a batch.
func (c *committer) recoverWhole(batch *spool.Batch, e recovery.Entry, items items) (recovery.Entry, error) {
	e.Batch = batch.ID
	for _, f := range batch.Files {
		updates := c.pending(batch, f.Name)
		e.PendingUpdates = append(e.PendingUpdates, updates...)
		e.Fragments = append(e.Fragments, recovery.Fragment{Name: f.Name, Updates: len(updates), Items: items[f.Name]})
	}
	var err error
	e.Name, err = c.recovery.Add(e, batch.Dir())
	return e, err
}

// keepDisplaced makes a recovery entry of a version of the tasks file that another program has written and that cannot be
// merged any more.
func keepDisplaced(store *recovery.Store, log *slog.Logger, told func()) func(*vfs.Dir, string, error) error {
	return func(dir *vfs.Dir, name string, why error) error {
		message := fmt.Sprintf("another program wrote the tasks file in the moment in which it was replaced, and its version could not be merged: %v; "+
			"compare it with the tasks file, and put in what is missing", why)
		entry, err := store.Keep(recovery.Entry{Error: recovery.Failure{Code: "displaced", Message: message, Attempts: 1}}, dir, name, "tasks.json")
		if err == nil {
			callPlain(told)
			log.Error("another program's version of the tasks file is in the recovery folder", "reason", why, "entry", entry)
		}
		return err
	}
}

// pending returns the updates of a fragment, as far as they parse, for the manifest.
func (c *committer) pending(batch *spool.Batch, name string) []json.RawMessage {
	data, err := batch.Peek(name, c.agent.limits().MaxBytes)
	if err != nil {
		return nil
	}
	var updates []json.RawMessage
	for _, raw := range fragment.Raw(name, data) {
		updates = append(updates, json.RawMessage(raw))
	}
	return updates
}

// recovered returns the entries that trouble with the tasks file has made, in the order of their batches.
func (c *committer) recovered() ([]recovery.Entry, error) {
	restore := func(id string) (*vfs.Dir, error) {
		batch, err := c.restore(id)
		if err != nil {
			return nil, err
		}
		return batch.Dir(), nil
	}
	if err := c.recovery.Resume(restore); err != nil {
		return nil, err
	}
	entries, err := c.recovery.Entries()
	var retryable []recovery.Entry
	for _, e := range entries {
		c.spool.After(e.Batch)
		if e.Retryable {
			retryable = append(retryable, e)
		}
	}
	return retryable, err
}

// giveBack moves the fragments of a recovery entry into their batch again. An entry that names no batch is not ours.
func (c *committer) giveBack(e recovery.Entry) error {
	batch, err := c.restore(e.Batch)
	if errors.Is(err, fs.ErrInvalid) {
		c.log.Warn("recovery entry is not given back", "entry", e.Name, "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	c.noteRetried(batch, e)
	if err := c.recovery.GiveBack(e.Name, batch.Dir()); err != nil {
		return err
	}
	c.back[e.Batch] = true
	c.log.Log(context.Background(), c.hold.level(slog.LevelInfo), "batch taken back from the recovery folder", "batch",
		e.Batch, "entry", e.Name)
	return nil
}

// restore opens the batch of that id, for fragments to come back into it, and puts it in its place among the others.
func (c *committer) restore(id string) (*spool.Batch, error) {
	for _, b := range c.batches {
		if b.ID == id {
			return b, nil
		}
	}
	if i := slices.IndexFunc(c.parked, func(b *spool.Batch) bool { return b.ID == id }); i >= 0 {
		batch := c.parked[i]
		c.parked = slices.Delete(c.parked, i, i+1)
		c.batches = append(c.batches, batch)
		slices.SortFunc(c.batches, func(a, b *spool.Batch) int { return strings.Compare(a.ID, b.ID) })
		return batch, nil
	}
	batch, err := c.spool.Restore(id)
	if err != nil {
		return nil, err
	}
	c.batches = append(c.batches, batch)
	slices.SortFunc(c.batches, func(a, b *spool.Batch) int { return strings.Compare(a.ID, b.ID) })
	return batch, nil
}
