package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sessionsync/sessionsync/batcher"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
	"github.com/sessionsync/sessionsync/watcher"
)

// Options are what the configuration does not say.
type Options struct {
	Once bool         // end when what lies in the drop directory is handled
	Back bool         // as Once, but of what is claimed or comes back from the recovery folder alone; the rest waits
	Hook vfs.Hook     // nil in production
	Log  *slog.Logger // nil: nothing is logged

	Notifier *watcher.Notifier // shared with other agents of the process; nil: one of its own
	Trace    Trace
}

// Agent serves one drop directory.
type Agent struct {
	config   config.Config
	options  Options
	layout   document.Layout
	document document.Options
	pulses   *pulses
}

// New makes an agent of a configuration. It touches no file but a schema that the configuration names.
func New(c config.Config, o Options) (*Agent, error) {
	layout, err := Layout(c.Document.Layout)
	if err != nil {
		return nil, err
	}
	schema, err := Schema(c.Document)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Notifier == nil {
		o.Notifier = new(watcher.Notifier)
	}
	o.Once = o.Once || o.Back
	return &Agent{config: c, options: o, layout: layout, pulses: newPulses(), document: document.Options{
		Scope: c.Document.Scope, Schema: schema, Effects: defends(c, o) || c.History.MaxBytes > 0,
	}}, nil
}

// defends reports whether updates are applied again that another program undoes.
func defends(c config.Config, o Options) bool { return c.Document.Reassert > 0 && !o.Once }

// Report counts what a run did.
type Report struct {
	Commits   int // replacements of the tasks file
	Fragments int // that applied
	Updates   int // that changed something
	Unchanged int // that found everything as they wanted it
	Rejected  int // fragments in the recovery folder

	ForeignWrites int // versions of the tasks file that other programs have written, as far as they were seen
	Reasserted    int // updates that were applied again because another program had undone them
	Overwritten   int // updates that were still undone at the end of document.reassert
}

// HeldError says that a run with Options.Once ended because the tasks file (or a folder) could not be used. Nothing is
// lost: what was dropped is still in the drop directory, claimed or in the recovery folder, and the next run goes on.
type HeldError struct{ Cause error }

func (e *HeldError) Error() string { return "held: " + e.Cause.Error() }
func (e *HeldError) Unwrap() error { return e.Cause }

// Run serves the drop directory until ctx is done, and then returns nil once the commit under way is finished. With
// Options.Once it ends when everything is handled, or with a *HeldError. The other errors are a *spool.InUseError, when
// another agent has the drop directory, and what makes it impossible to begin at all.
func (a *Agent) Run(ctx context.Context) (Report, error) {
	var (
		found   = make(chan []watcher.File) // watcher ─▶ batcher: ready to be claimed, oldest first
		batches = make(chan []watcher.File) // batcher ─▶ committer
		done    = make(chan watcher.Done)   // committer ─▶ watcher: no longer in flight
		watched = make(chan struct{})       // closed when the watcher listens to done no more
		stirred = make(chan struct{})       // lookout ─▶ committer: the tasks file may have changed
		asked   = make(chan struct{})       // lookout ─▶ committer: recovery entries may have to be tried again
	)
	w := watcher.New(a.watcherConfig())
	c := newCommitter(a, done, watched, asked)
	defer c.close()
	if err := c.open(); err != nil {
		return Report{}, err
	}
	callPlain(a.options.Trace.Began)
	// What an earlier run has left comes first; some of it may go back to the drop directory, where the watcher is to find it.
	if err := c.hold.until(ctx, c.settle); err != nil {
		return c.report, err
	}
	if a.options.Back {
		return c.report, c.runBack(ctx)
	}
	stages, run := errgroup.WithContext(ctx)
	stages.Go(func() error {
		defer close(watched)
		return w.Run(run, found, done)
	})
	stages.Go(func() error {
		return batcher.Run(run, a.batcherConfig(), sizeOf, sinceOf, found, batches)
	})
	lookout, end := context.WithCancel(run)
	stages.Go(func() error {
		defer end()
		return c.run(run, batches, stirred)
	})
	if defends(a.config, a.options) || a.config.Document.UnknownIDGrace > 0 {
		stages.Go(func() error {
			watcher.Changes(lookout, a.lookoutConfig(), stirred) // until the committer has ended
			return nil
		})
	}
	if !a.options.Once { // else the start has looked
		stages.Go(func() error {
			watcher.Changes(lookout, a.bellConfig(), asked)
			return nil
		})
	}
	a.pulses.all.Store(true)
	err := stages.Wait()
	a.pulses.all.Store(false)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		err = nil // asked to end
	}
	return c.report, err
}

func sizeOf(f watcher.File) int64      { return f.Size }
func sinceOf(f watcher.File) time.Time { return f.Since }

func (a *Agent) watcherConfig() watcher.Config {
	c := a.config
	return watcher.Config{
		Dir:             c.Drop,
		Mode:            watcher.Mode(c.Watch.Mode),
		Rescan:          c.Watch.Rescan,
		Settle:          c.Watch.Settle,
		IncompleteAfter: c.Watch.IncompleteAfter,
		Limits:          a.limits(),
		Once:            a.options.Once,
		Notifier:        a.options.Notifier,
		Trace:           a.options.Trace.Watcher,
		Pulse:           a.pulses.watcher,
		Log:             a.options.Log,
		Hook:            a.options.Hook,
	}
}

// lookoutConfig has no hook: what it looks at changes nothing, and its looks come at any time.
func (a *Agent) lookoutConfig() watcher.ChangesConfig {
	c := a.config
	return watcher.ChangesConfig{
		Path: c.Tasks, Mode: watcher.Mode(c.Watch.Mode), Rescan: c.Watch.Rescan, Log: a.options.Log,
		Notifier: a.options.Notifier,
	}
}

func (a *Agent) bellConfig() watcher.ChangesConfig {
	c := a.lookoutConfig()
	c.Path, c.Log = spool.BellPath(a.config.Drop), nil // what there is to say of events the watcher says
	return c
}

func (a *Agent) limits() fragment.Limits {
	return fragment.Limits{MaxBytes: int64(a.config.Fragment.MaxBytes), MaxDepth: a.config.Fragment.MaxDepth}
}

func (a *Agent) batcherConfig() batcher.Config {
	b := a.config.Batch
	return batcher.Config{Quiet: b.Quiet, MaxWait: b.MaxWait, MaxFragments: b.MaxFragments, MaxBytes: int64(b.MaxBytes),
		Leading: b.Leading,
		Pulse:   a.pulses.batcher}
}

// Layout turns the configuration's layout into the document's.
func Layout(l config.Layout) (document.Layout, error) {
	if l.Name != "" {
		return document.ParseLayout(l.Name)
	}
	id := l.ID
	if id == "" {
		id = "id"
	}
	return document.Layout{
		Name: "of the configuration", ID: id, Items: l.Items, Children: l.Children,
		Scoped: l.Scoped, LocalIDs: l.LocalIDs, DerivedParent: l.DerivedParent,
	}, nil
}

// Schema compiles the schema that the configuration names; nil for none. The built-in one is for the layout backlog and
// judges no other.
func Schema(d config.Document) (*document.Schema, error) {
	switch {
	case d.Schema == config.SchemaNone:
		return nil, nil
	case d.Schema != config.SchemaBuiltin:
		s, err := document.CompileSchema(d.Schema)
		if err != nil {
			return nil, fmt.Errorf("document.schema: %w", err)
		}
		return s, nil
	case d.Layout.Name == document.Backlog.Name:
		return document.BuiltinSchema(), nil
	}
	return nil, nil
}
