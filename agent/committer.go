package agent

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/watcher"
	"github.com/sessionsync/sessionsync/writer"
)

// committer is the last stage: it claims what the batcher gives it and works the claimed batches off, the oldest first.
type committer struct {
	agent     *Agent
	log       *slog.Logger
	done      chan<- watcher.Done
	bell      <-chan struct{} // recovery entries may have to be tried again
	watched   <-chan struct{} // closed when nobody receives from done
	writer    *writer.Writer
	recovery  *recovery.Store
	spool     *spool.Spool     // nil until the drop directory is there
	batches   []*spool.Batch   // claimed and not settled, in their order
	flight    flight           // of the batch that is claimed last
	surprises int              // claims to come that nothing is merged beside
	resumed   bool             // what an earlier run or trouble has left is among batches
	entries   []recovery.Entry // to be given back until that is so; nil: not known
	asked     bool             // there may be notes of entries that are to be tried again
	back      map[string]bool  // batches whose fragments come from the recovery folder: nobody writes to them any more
	swept     bool             // the temporary files of an earlier run have been removed
	hold      hold
	report    Report
	trace     Trace
	history   *history.Log        // nil where none is kept
	temps     map[string][]string // temporary files beside the tasks file, by the batch that is not settled yet
	memory    memory
	deletion  *deletion            // nil while there is none
	parked    []*spool.Batch       // whose fragments wait for their items
	grace     map[string]time.Time // until when, by batch
	stirred   bool                 // the document has changed since the parked batches were last tried
	unparked  time.Time            // when they were
}

func newCommitter(a *Agent, done chan<- watcher.Done, watched, bell <-chan struct{}) *committer {
	c, hook, log := a.config, a.options.Hook, a.options.Log
	store := recovery.New(recovery.Config{Dir: c.Recovery, TasksFile: c.Tasks, Retry: retryCommand(c), Hook: hook, Log: log})
	committer := &committer{
		agent: a, log: log, done: done, watched: watched, bell: bell,
		recovery: store,
		trace:    a.options.Trace,
		history:  history.New(history.Config{MaxBytes: int64(c.History.MaxBytes), Log: log}),
		hold:     hold{log: log, once: a.options.Once, trace: a.options.Trace, pulse: a.pulses.committer},
		grace:    map[string]time.Time{},
		back:     map[string]bool{},
		temps:    map[string][]string{},
	}
	committer.hold.bell, committer.hold.rung = bell, func() { committer.asked = true }
	committer.hold.quiet = func(on bool) { committer.writer.Hush(on) }
	committer.writer = writer.New(writer.Config{
		Path:    c.Tasks,
		Layout:  a.layout,
		Options: a.document,
		Lock:    lockfile.Kind(c.Document.Lock),
		Retry:   retryOf(c),
		Hook:    a.pulses.answering(hook),
		Log:     log,
		Keep:    keepDisplaced(store, log, a.options.Trace.Displaced),
		Restore: committer.reinstate,
	})
	if defends(c, a.options) {
		committer.memory.window = c.Document.Reassert
	}
	return committer
}

func retryOf(c config.Config) writer.Retry {
	return writer.Retry{Attempts: c.Retry.Attempts, Base: c.Retry.Base, Max: c.Retry.Max, Jitter: c.Retry.Jitter}
}

// open takes the drop directory into service. One that is not there is no error: the watcher says so and waits.
func (c *committer) open() error {
	s, err := spool.Open(spool.Config{Drop: c.agent.config.Drop, Hook: c.agent.options.Hook, Log: c.log})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c.spool = s
	call(c.trace.Serving, c.agent.config.Drop)
	if !c.agent.options.Once {
		if err := s.Listen(); err != nil {
			c.log.Warn("who asks for recovery entries to be tried again is heard late", "error", err)
		}
	}
	return nil
}

func (c *committer) close() error {
	err := c.deleted()
	c.history.Flush()
	for _, b := range slices.Concat(c.batches, c.parked) {
		err = errors.Join(err, b.Close()) // their fragments stay claimed, for the next start
	}
	if c.spool != nil {
		err = errors.Join(err, c.spool.Close())
	}
	return err
}

// lookAgain is how often a missing drop directory is looked for: what an earlier run has claimed in it does not wait for a
// new fragment. And how often the history is tried that could not be written.
const lookAgain = time.Second

// run works until batches is closed and everything is settled, or ctx is done. What has begun is finished whatever ctx
// says.
func (c *committer) run(ctx context.Context, batches <-chan []watcher.File, stirred <-chan struct{}) error {
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		if err := c.hold.until(ctx, c.work); err != nil {
			return err
		}
		c.landed()
		if batches == nil && len(c.parked) == 0 {
			if c.deletion == nil {
				return c.hold.left()
			}
			<-c.deletion.done
			continue
		}
		var rings <-chan time.Time
		if next := c.next(); !next.IsZero() {
			alarm.Reset(time.Until(next))
			rings = alarm.C
		}
		select {
		case <-ctx.Done():
			return nil
		case <-rings:
		case <-c.agent.pulses.committer:
		case <-c.deletionEnds():
		case <-stirred:
			c.lookAround()
		case <-c.bell:
			c.asked = true
		case files, more := <-batches:
			if ctx.Err() != nil {
				return nil
			}
			if !more {
				batches = nil
				continue
			}
			c.flight = newFlight(files)
			if err := c.hold.until(ctx, c.claim); err != nil {
				return err
			}
		}
	}
}

// next is when there is something to do again although nothing is heard.
func (c *committer) next() time.Time {
	next := c.memory.due()
	if c.spool == nil || c.history.Owes() {
		next = earlier(next, time.Now().Add(lookAgain))
	}
	if c.spool != nil && c.asked {
		next = earlier(next, time.Now())
	}
	for _, b := range c.parked {
		if c.stirred {
			next = earlier(next, c.unparked.Add(unparkEvery))
		}
		next = earlier(next, c.grace[b.ID])
	}
	return next
}

// earlier is the earlier one of two times of which the first may not be set.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// work does what is due beside what the batcher sends.
func (c *committer) work(ctx context.Context) error {
	c.history.Flush()
	select {
	case <-c.deletionEnds():
		if err := c.deleted(); err != nil {
			return err
		}
	default:
	}
	if err := c.settle(ctx); err != nil {
		return err
	}
	if err := c.answer(ctx); err != nil {
		return err
	}
	if err := c.settle(ctx); err != nil {
		return err
	}
	if err := c.reassert(ctx); err != nil {
		return err
	}
	c.unpark()
	return c.settle(ctx)
}

// runBack works what is claimed or comes back from the recovery folder off, and claims nothing.
func (c *committer) runBack(ctx context.Context) error {
	if c.spool == nil {
		if err := c.open(); err != nil || c.spool == nil {
			return errors.Join(err, &fs.PathError{Op: "open", Path: c.agent.config.Drop, Err: fs.ErrNotExist})
		}
	}
	return c.run(ctx, nil, nil)
}

// settle works off what is claimed, and before that what an earlier run or trouble has left.
func (c *committer) settle(ctx context.Context) error {
	if c.spool == nil {
		if err := c.open(); err != nil || c.spool == nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if err := c.resume(ctx); err != nil {
			return err
		}
		if len(c.batches) == 0 {
			c.sweep()
			return nil
		}
		if err := c.workFirst(ctx); err != nil {
			return err
		}
	}
	return nil
}

// resume takes up what an earlier run has left and, when trouble with the tasks file is over, what that put into the
// recovery folder. It does so only when the tasks file can be used.
func (c *committer) resume(ctx context.Context) error {
	if c.resumed {
		return nil
	}
	if c.entries == nil {
		entries, err := c.recovered()
		if err != nil {
			return err
		}
		if err := c.usable(ctx, len(entries) > 0); err != nil {
			return err
		}
		c.entries = entries
	}
	for ; len(c.entries) > 0 && len(c.batches) < portion && ctx.Err() == nil; c.entries = c.entries[1:] {
		if err := c.giveBack(c.entries[0]); err != nil {
			c.entries = nil
			return err
		}
	}
	if len(c.entries) > 0 {
		return nil // the others when these are done
	}
	c.entries = nil
	left, err := c.spool.Claimed()
	if err != nil {
		return err
	}
	c.batches = append(c.batches, left...)
	slices.SortStableFunc(c.batches, func(a, b *spool.Batch) int { return strings.Compare(a.ID, b.ID) })
	c.resumed = len(left) == 0 // settling one batch can bring forth another
	return nil
}

// sweep removes the temporary files of an earlier run, once. No batch is left, so no intent needs one of them any more.
func (c *committer) sweep() {
	if c.swept || c.deletion != nil { // what a batch that is being deleted has left tells that it is applied
		return
	}
	if err := c.writer.Sweep(); err != nil {
		c.log.Warn("temporary file beside the tasks file stays until the next start", "error", err)
	}
	c.swept = true
}

// usable looks whether the tasks file can be read, and written too where an earlier commit has failed.
func (c *committer) usable(ctx context.Context, failedBefore bool) error {
	if failedBefore || c.hold.on() {
		return c.writer.Probe(ctx)
	}
	return c.writer.Check(ctx)
}

// workFirst works the oldest batch off. Trouble with the tasks file sends it to the recovery folder, from where resume
// brings it back as soon as the file can be written; if that folder cannot be used either it stays claimed.
func (c *committer) workFirst(ctx context.Context) error {
	batch := c.batches[0]
	return c.worked(batch, c.process(ctx, batch))
}

// worked takes the oldest batch off the list after work on it, or does what has to be done about an error of that.
func (c *committer) worked(batch *spool.Batch, err error) error {
	var trouble *writer.Trouble
	if errors.As(err, &trouble) && !trouble.Replaced && batch.Own && len(c.memory.applied) > 0 {
		// What it says is remembered, and held against the tasks file when that can be used again.
		c.recall()
		if settleErr := c.settleBatch(batch); settleErr != nil {
			return errors.Join(err, settleErr)
		}
		c.batches = c.batches[1:]
		return err
	}
	if errors.As(err, &trouble) && !trouble.Replaced {
		c.resumed, c.entries = false, nil // even after an error some of the fragments may be in the recovery folder
		if moveErr := c.recoverBatch(batch, trouble); moveErr != nil {
			return &stuckError{trouble, moveErr}
		}
		c.batches = c.batches[1:]
		return err
	}
	if err != nil {
		return err
	}
	c.batches = c.batches[1:]
	c.hold.delay = 0
	c.lookAround()
	return nil
}
