package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

// latency measures one fragment that arrives by itself: from its rename into the drop directory until the tasks file holds
// it. As whoever renames has written all of it, watch.settle is 0 but in the last row.
func latency(ctx context.Context, b *bench) ([]row, error) {
	at0, err := b.lone(ctx, "one fragment to visible, quiet 0", 50, "watch.settle=0s", "batch.quiet=0s")
	if err != nil {
		return nil, err
	}
	at100, err := b.lone(ctx, "one fragment to visible, quiet 100 ms", 10, "watch.settle=0s")
	if err != nil {
		return nil, err
	}
	defaults, err := b.lone(ctx, "one fragment to visible, all settings as they are by default", 10)
	if err != nil {
		return nil, err
	}
	last := timesRow("one fragment to visible, defaults (settle 50 ms), median", defaults, 0.5)
	return []row{
		aboveRow("one fragment to visible, quiet 0, median", at0, 0.5, 2*time.Millisecond),
		aboveRow("the same, 99 of 100", at0, 0.99, 10*time.Millisecond),
		atMost(timesRow("one fragment to visible, quiet 100 ms, median", at100, 0.5), median(at100.ours), 102*time.Millisecond),
		last,
	}, nil
}

// lone measures fragments one by one, many in each run.
func (b *bench) lone(ctx context.Context, what string, samples int, settings ...string) (took pairs, err error) {
	text := work.Tasks(work.Subtasks, work.Item)
	err = b.inTurn(ctx, what, func(p program, floor bool) error {
		s, err := newSession(b.memory, text, work.Subtasks)
		if err != nil {
			return err
		}
		defer s.remove()
		r, err := p.start(s, settings...)
		if err != nil {
			return err
		}
		defer r.kill()
		for i := range samples + 1 { // the first one finds cold caches, and is not counted
			one, err := r.apply(1, nil)
			if err != nil {
				return fmt.Errorf("fragment %d: %w", i, err)
			}
			if i > 0 {
				took.add(floor, one)
			}
		}
		return nil
	})
	return took, err
}
