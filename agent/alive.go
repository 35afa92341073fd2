package agent

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/sessionsync/sessionsync/vfs"
)

// pulses are how one may tell that the stages of a run come round: each receives from its channel in its select, and in the
// midst of what may take long (a scan, a commit with its attempts) at every file. Nothing is kept or counted.
type pulses struct {
	committer, watcher, batcher chan struct{}
	all                         atomic.Bool // before, the committer alone runs: what an earlier run has left comes first
}

func newPulses() *pulses {
	return &pulses{committer: make(chan struct{}), watcher: make(chan struct{}), batcher: make(chan struct{})}
}

// answering is a hook that answers for the committer before each operation.
func (p *pulses) answering(hook vfs.Hook) vfs.Hook {
	return func(op vfs.Op, path string) error {
		select {
		case <-p.committer:
		default:
		}
		if hook == nil {
			return nil
		}
		return hook(op, path)
	}
}

// Alive returns nil when every stage of the run under way has come round since the call: it waits for something to do, holds,
// or works from one file to the next. Otherwise, and when there is no run, it waits until ctx is done and names the stage that
// has not answered. It costs nothing that could be measured, and may be called from anywhere.
func (a *Agent) Alive(ctx context.Context) error {
	stages := []struct {
		name  string
		pulse chan<- struct{}
	}{{"committer", a.pulses.committer}, {"watcher", a.pulses.watcher}, {"batcher", a.pulses.batcher}}
	if !a.pulses.all.Load() {
		stages = stages[:1]
	}
	for _, stage := range stages {
		select {
		case stage.pulse <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("ask the %s whether it is alive: no answer: %w", stage.name, ctx.Err())
		}
	}
	return nil
}
