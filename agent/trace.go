package agent

import (
	"time"

	"github.com/sessionsync/sessionsync/watcher"
)

// Trace is called with what a run does, for whoever counts or shows it. Each member may be nil. The calls come from the run's
// own goroutines, those of one member one after the other; they must return soon, and not call the agent.
type Trace struct {
	Serving       func(drop string) // the drop directory is there, and its lock is ours
	Began         func()            // the drop directory is in service, or is waited for
	Committed     func(Commit)
	Rejected      func(Rejection)
	Failed        func(Failure)
	Held          func(cause error) // nothing is claimed until Resumed; called again when the cause is another
	Resumed       func()
	ForeignWrites func(more int) // versions of the tasks file that other programs have written
	Reasserted    func(updates int)
	Overwritten   func(updates int) // that were still undone at the end of document.reassert
	Displaced     func()            // a version of another program went to the recovery folder, because it could not be merged
	Watcher       watcher.Trace
}

// JoinTraces makes one trace of several: each is called, in their order.
func JoinTraces(traces ...Trace) Trace {
	var all Trace
	for _, t := range traces {
		all = Trace{
			Serving:       both(all.Serving, t.Serving),
			Began:         bothPlain(all.Began, t.Began),
			Committed:     both(all.Committed, t.Committed),
			Rejected:      both(all.Rejected, t.Rejected),
			Failed:        both(all.Failed, t.Failed),
			Held:          both(all.Held, t.Held),
			Resumed:       bothPlain(all.Resumed, t.Resumed),
			ForeignWrites: both(all.ForeignWrites, t.ForeignWrites),
			Reasserted:    both(all.Reasserted, t.Reasserted),
			Overwritten:   both(all.Overwritten, t.Overwritten),
			Displaced:     bothPlain(all.Displaced, t.Displaced),
			Watcher: watcher.Trace{
				Scanned:    both(all.Watcher.Scanned, t.Watcher.Scanned),
				Overflowed: bothPlain(all.Watcher.Overflowed, t.Watcher.Overflowed),
				Deaf:       both(all.Watcher.Deaf, t.Watcher.Deaf),
				Missing:    both(all.Watcher.Missing, t.Watcher.Missing),
			},
		}
	}
	return all
}

func both[T any](a, b func(T)) func(T) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(with T) { a(with); b(with) }
}

func bothPlain(a, b func()) func() {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func() { a(); b() }
}

// Commit is a batch that is merged, durably; Written is false where that changed nothing.
type Commit struct {
	Batch     string
	Own       bool // what another program had undone is applied again: its updates have been counted before
	Written   bool
	Fragments int // that applied
	Updates   int // that changed something
	Unchanged int
	Bytes     int64 // of the tasks file
	Attempts  int
	Took      time.Duration
}

// Rejection is fragments that went to the recovery folder.
type Rejection struct {
	Code      string
	Fragments int
}

// Failure is a batch that could not be committed; it is in the recovery folder until the tasks file can be written again.
type Failure struct {
	Code     string
	Attempts int
}

// call calls a member of a Trace, if it is there.
func call[T any](f func(T), with T) {
	if f != nil {
		f(with)
	}
}

// callPlain calls a member of a Trace that takes nothing, if it is there.
func callPlain(f func()) {
	if f != nil {
		f()
	}
}

// rejected counts fragments that went to the recovery folder.
func (c *committer) rejected(code string, fragments int) {
	c.report.Rejected += fragments
	call(c.trace.Rejected, Rejection{code, fragments})
}
