package main

import (
	"context"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

// start measures how long a program takes from the start of its process until it is ready: see program.start.
func start(ctx context.Context, b *bench) ([]row, error) {
	const what = "start on a document of 100 MB, to ready"
	text, subtasks := work.TasksOf(100e6)
	var took pairs
	err := b.inTurn(ctx, what, func(p program, floor bool) error {
		s, err := newSession(b.memory, text, subtasks)
		if err != nil {
			return err
		}
		defer s.remove()
		begin := time.Now()
		r, err := p.start(s)
		if err != nil {
			return err
		}
		took.add(floor, time.Since(begin))
		r.kill()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []row{atMost(timesRow(what, took, 0.5), median(took.ours), 500*time.Millisecond)}, nil
}
