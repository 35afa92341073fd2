package demo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/sessionsync/sessionsync/producer"
)

// each is how many reports of progress each program drops, beside what it has to say.
const each = 10

// programs are who drops. They do it at once, each in its own order; the last thing that tests says is a mistake.
var programs = []struct{ name, reports, says string }{
	{"build", `{"id":"P1.M1.T1.S1","progress":%d}`, `{"id":"P1.M1.T1.S1","status":"Complete"}`},
	{"planner", `{"id":"P1","description":"From the first loaf to the first order, %d%% planned."}`,
		`{"$op":"create","id":"P1.M1.T1.S3","type":"Subtask","title":"Remember the basket","status":"Planned"}`},
	{"tests", `{"id":"P1.M1.T1.S2","progress":%d}`, `{"id":"P1.M1.T1.S2","status":"Finished"}`},
}

// drop has all programs drop what they have, at once, and waits for what becomes of it.
func (s *show) drop(ctx context.Context, p *producer.Producer) error {
	s.title("Three programs drop what they have done, at once, each a small file:")
	for _, program := range programs {
		s.say("  %-8s %s", program.name, program.says)
	}
	s.say("\n  and before that, each of them %d times, how far it is:\n", each)
	for _, program := range programs {
		s.say("  %-8s %s, …", program.name, fmt.Sprintf(program.reports, 100/each))
	}

	var all sync.WaitGroup
	names := make([][]string, len(programs))
	trouble := make([]error, len(programs))
	for i, program := range programs {
		all.Go(func() {
			for n := range each {
				if ctx.Err() != nil {
					return
				}
				text := fmt.Sprintf(program.reports, (n+1)*100/each)
				if _, trouble[i] = p.Drop([]byte(text), producer.OneValue); trouble[i] != nil {
					return
				}
			}
			var name string
			name, trouble[i] = p.Drop([]byte(program.says), producer.OneValue)
			names[i] = append(names[i], name)
		})
	}
	all.Wait()
	if err := errors.Join(trouble...); err != nil {
		return err
	}
	for i, program := range programs {
		for _, name := range names[i] {
			s.droppedBy[name] = program.name
		}
	}
	return s.settled(ctx, p)
}

// settled waits until everything that was dropped has its fate.
func (s *show) settled(ctx context.Context, p *producer.Producer) error {
	barrier, err := p.Barrier()
	if err != nil {
		return err
	}
	ctx, cancel := limited(ctx)
	defer cancel()
	if err := barrier.Wait(ctx); err != nil {
		return err
	}
	if barrier.Waiting() > 0 {
		return context.Cause(ctx)
	}
	return nil
}
