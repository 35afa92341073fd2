package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// bench is what the measurements share.
type bench struct {
	runs         int
	full         bool
	memory, disk string // folders on tmpfs and on a disk
	floor, ours  program
	progress     io.Writer
}

// measurement measures one kind of work. Its rows stand in the table in this order.
type measurement struct {
	name string
	rows func(context.Context, *bench) ([]row, error)
}

var measurements = []measurement{
	{"drain", drain}, {"batch", batch}, {"latency", latency}, {"waiting", waiting}, {"idle", idle}, {"start", start},
}

// pairs are what both took for the same work, one of each a run.
type pairs struct{ floor, ours []time.Duration }

// add keeps what one program took.
func (p *pairs) add(floor bool, took ...time.Duration) {
	if floor {
		p.floor = append(p.floor, took...)
	} else {
		p.ours = append(p.ours, took...)
	}
}

// ratio is the median of the ratios within each run: what disturbs the machine for longer than a run disturbs both.
func (p pairs) ratio() float64 {
	var ratios []float64
	for i := range p.ours {
		ratios = append(ratios, float64(p.ours[i])/float64(p.floor[i]))
	}
	return median(ratios)
}

// inTurn has both programs do the same work, as often as -runs says, and the other one first each time.
func (b *bench) inTurn(ctx context.Context, what string, work func(p program, floor bool) error) error {
	b.tell(what)
	for run := range b.runs {
		order := []program{b.floor, b.ours}
		if run%2 == 1 {
			slices.Reverse(order)
		}
		for _, p := range order {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := work(p, p == b.floor); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell says what is measured now.
func (b *bench) tell(what string) { fmt.Fprintf(b.progress, "%s …\n", what) }

// quantile returns the smallest value that at least that part of all is not above; q is 0 to 1.
func quantile[T int64 | float64 | time.Duration](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	i := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(i, 1), len(sorted))-1]
}

func median[T int64 | float64 | time.Duration](values []T) T { return quantile(values, 0.5) }
