package main

import (
	"context"
	"fmt"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

const (
	batchOf = 100
	rounds  = 5 // in one run of a program
)

// batch measures how long a batch of 100 takes in a program that runs already and has committed one: from the arrival of
// the last fragment until the tasks file holds it. The batch is full with it, so that no debounce is in the way.
func batch(ctx context.Context, b *bench) ([]row, error) {
	var unchanged, changed []row
	var memory []row
	for _, size := range []int{1e6, 10e6, 100e6} {
		text, subtasks := work.TasksOf(size)
		quick, slow, peak, err := b.batches(ctx, fmt.Sprintf("a batch of 100 on %s", bytesText(int64(size))), text, subtasks)
		if err != nil {
			return nil, err
		}
		what := fmt.Sprintf("a batch of 100 on %s, document ", bytesText(int64(size)))
		unchanged = append(unchanged, ratioRow(what+"unchanged by others", quick, 1.3))
		changed = append(changed, ratioRow(what+"changed by another program", slow, 2.5))
		if size == 100e6 {
			r := sizeRow("resident memory at "+bytesText(int64(size))+" of document, at most", peak, 2*int64(len(text)))
			r.value, r.target = fmt.Sprintf("%.1f × the document", float64(peak)/float64(len(text))), "≤ 2 ×"
			memory = append(memory, r)
		}
	}
	return append(append(unchanged, changed...), memory...), nil
}

// batches measures batches on one document: as the program has left it, then after another program has replaced it. The
// memory is the most that sessionsync had resident in any run.
func (b *bench) batches(ctx context.Context, what string, text []byte, subtasks int) (unchanged, changed pairs, peak int64, err error) {
	err = b.inTurn(ctx, what, func(p program, floor bool) error {
		quick, slow, most, err := batchesOf(p, b.memory, text, subtasks)
		if err != nil {
			return err
		}
		unchanged.add(floor, median(quick))
		changed.add(floor, median(slow))
		if !floor {
			peak = max(peak, most)
		}
		return nil
	})
	return unchanged, changed, peak, err
}

func batchesOf(p program, folder string, text []byte, subtasks int) (unchanged, changed []time.Duration, peak int64, err error) {
	s, err := newSession(folder, text, subtasks)
	if err != nil {
		return nil, nil, 0, err
	}
	defer s.remove()
	r, err := p.start(s, "watch.settle=0s", "batch.quiet=30s", "batch.max_wait=30s", fmt.Sprintf("batch.max_fragments=%d", batchOf))
	if err != nil {
		return nil, nil, 0, err
	}
	defer r.kill()
	if _, err := r.apply(batchOf, nil); err != nil { // the first one
		return nil, nil, 0, err
	}
	for range rounds {
		took, err := r.apply(batchOf, nil)
		if err != nil {
			return nil, nil, 0, err
		}
		unchanged = append(unchanged, took)
	}
	for range rounds {
		took, err := r.apply(batchOf, s.changeAsAnother)
		if err != nil {
			return nil, nil, 0, err
		}
		changed = append(changed, took)
	}
	peak, err = status(r.cmd.Process.Pid, "VmHWM")
	return unchanged, changed, peak, err
}

// apply lets n fragments arrive, right behind what is to happen before, and returns the time from the last one's arrival
// until the tasks file holds it. The program is at rest before and after.
func (r *running) apply(n int, before func() error) (time.Duration, error) {
	if before != nil {
		if err := before(); err != nil {
			return 0, err
		}
	}
	arrived, err := r.s.drop(n)
	if err != nil {
		return 0, err
	}
	if err := r.until("what was dropped is visible", r.s.visible); err != nil {
		return 0, err
	}
	took := time.Since(arrived)
	return took, r.rest()
}
