package main

import (
	"context"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

// idle measures what an agent costs that has nothing to do, after it had something to do.
func idle(ctx context.Context, b *bench) ([]row, error) {
	pause, what := 15*time.Second, "idle for 15 s"
	if b.full {
		pause, what = time.Minute, "idle for a minute"
	}
	b.tell(what)
	s, err := newSession(b.memory, work.Tasks(work.Subtasks, work.Item), work.Subtasks)
	if err != nil {
		return nil, err
	}
	defer s.remove()
	r, err := b.ours.start(s)
	if err != nil {
		return nil, err
	}
	defer r.kill()
	if _, err := r.apply(batchOf, nil); err != nil {
		return nil, err
	}
	pid := r.cmd.Process.Pid
	if err := wait(ctx, time.Second); err != nil { // it still deletes what it has applied
		return nil, err
	}
	before, err := processorTime(pid)
	if err != nil {
		return nil, err
	}
	if err := wait(ctx, pause); err != nil {
		return nil, err
	}
	after, err := processorTime(pid)
	if err != nil {
		return nil, err
	}
	resident, err := status(pid, "VmRSS")
	if err != nil {
		return nil, err
	}
	used := after - before
	cpu := row{work: what + ": processor time", ours: durationText(used)}
	cpu.value, cpu.target, cpu.met = cpu.ours, "< 10 ms", verdict(used < 10*time.Millisecond)
	return []row{cpu, sizeRow(what+": resident memory", resident, 20<<20)}, nil
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
