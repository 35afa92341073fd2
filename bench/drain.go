package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

// drain measures how long a run takes, from the start of the process to its end, on what waits.
func drain(ctx context.Context, b *bench) ([]row, error) {
	var rows []row
	for _, at := range []struct {
		name, folder string
		most         float64
	}{{"tmpfs", b.memory, 1.5}, {"disk", b.disk, 1.2}} {
		what := fmt.Sprintf("drain 10,000 waiting fragments, 2,000 items, %s", at.name)
		var took pairs
		err := b.inTurn(ctx, what, func(p program, floor bool) error {
			one, _, err := b.drainOnce(p, at.folder, 10_000)
			took.add(floor, one)
			return err
		})
		if err != nil {
			return nil, err
		}
		rows = append(rows, ratioRow(what, took, at.most))
	}
	return rows, nil
}

func (b *bench) drainOnce(p program, folder string, fragments int) (took time.Duration, peak int64, err error) {
	s, err := newSession(folder, work.Tasks(work.Subtasks, work.Item), work.Subtasks)
	if err != nil {
		return 0, 0, err
	}
	defer s.remove()
	if err := s.wait(fragments); err != nil {
		return 0, 0, err
	}
	exec.Command("sync").Run() // what was prepared is not to be written while something is measured; without it, it is
	took, peak, err = p.once(s)
	if err == nil && !s.empty() {
		err = fmt.Errorf("run %s: fragments are left\n%s", p.name, s.lastWords())
	}
	return took, peak, err
}
