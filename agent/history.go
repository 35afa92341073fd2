package agent

import (
	"slices"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/writer"
)

// What is noted in the history, in the order in which a batch gives cause to it; see package history for why so.

// noteSeen notes what a batch holds when all of it is read.
func (c *committer) noteSeen(batch *spool.Batch) {
	if c.history == nil || batch.Own {
		return
	}
	names := make([]string, len(batch.Files))
	for i, f := range batch.Files {
		names[i] = f.Name
	}
	c.history.Seen(batch.State(), batch.ID, names)
}

// noteMerged notes what the fragments of a batch are about to do.
func (c *committer) noteMerged(batch *spool.Batch, fragments []writer.Fragment, r writer.Result) {
	if c.history == nil {
		return
	}
	changed, rejected := make([]bool, len(fragments)), make([]bool, len(fragments))
	for _, i := range r.Changed {
		changed[i] = true
	}
	for _, reject := range r.Rejects {
		rejected[reject.Index] = true
	}
	changes := make([]history.Change, len(r.Effects)) // in the order of the fragments
	for i, e := range r.Effects {
		changes[i] = history.Change{Scope: e.Scope, ID: e.ID, Path: e.Path, Old: e.Old, New: e.New}
	}
	records := make([]history.Record, 0, len(fragments))
	next := 0
	for i, f := range fragments {
		first := next
		for next < len(changes) && r.Effects[next].Fragment == i {
			next++
		}
		rec := history.Record{File: f.Name, Outcome: history.Unchanged, Changes: changes[first:next]}
		if changed[i] {
			rec.Outcome = history.Applied
		}
		if batch.Own {
			rec.By = history.ByAgent
		}
		if !rejected[i] {
			records = append(records, rec)
		}
	}
	c.history.Merged(batch.State(), batch.ID, records)
}

// noteCommitted notes that a batch is committed, and what of it is about to go to the recovery folder: its rejects but those
// that wait for their items.
func (c *committer) noteCommitted(batch *spool.Batch, rejects map[string]*fragment.Error, waiting []string) {
	if c.history == nil {
		return
	}
	var records []history.Record
	for _, f := range batch.Files {
		if reject := rejects[f.Name]; reject != nil && !slices.Contains(waiting, f.Name) {
			records = append(records, rejectOf(f.Name, reject))
		}
	}
	c.history.Committed(batch.State(), batch.ID, records...)
}

// noteUnclear notes that of the fragments of a batch nobody can tell whether they are applied, but for its rejects.
func (c *committer) noteUnclear(batch *spool.Batch, rejects map[string]*fragment.Error, why error) {
	if c.history == nil {
		return
	}
	records := make([]history.Record, 0, len(batch.Files))
	for _, f := range batch.Files {
		rec := history.Record{File: f.Name, Outcome: history.Rejected, Code: recovery.Unclear, Message: why.Error()}
		if reject := rejects[f.Name]; reject != nil {
			rec = rejectOf(f.Name, reject)
		}
		records = append(records, rec)
	}
	c.history.Committed(batch.State(), batch.ID, records...)
}

func rejectOf(file string, reject *fragment.Error) history.Record {
	return history.Record{File: file, Outcome: history.Rejected, Code: string(reject.Code), ID: reject.ID,
		Message: reject.Error()}
}

// noteRetried notes which rejects are about to be worked off once more. What trouble with the tasks file has put into the
// recovery folder was none, and what was overwritten had been applied.
func (c *committer) noteRetried(batch *spool.Batch, e recovery.Entry) {
	var names []string
	for _, f := range e.Fragments {
		if (f.Error != nil || e.Error.Code == recovery.Unclear) && e.Error.Code != string(fragment.Overwritten) {
			names = append(names, f.OwnName())
		}
	}
	c.history.Retried(batch.State(), batch.ID, names)
}

// noteOverwritten notes that another program has undone an update for good: one effect of it stands for all.
func (c *committer) noteOverwritten(a applied) {
	c.history.Committed(c.spool.State(), a.batch, history.Record{
		File: a.fragment, Outcome: history.Overwritten,
		Changes: []history.Change{{Scope: a.Scope, ID: a.ID, Path: a.Path, Old: a.New, New: a.Old}},
	})
}
