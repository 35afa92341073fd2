package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"
)

// waiting measures whether each of very many fragments costs what each of 10,000 does, and what memory they cost. The floor
// has no part in it.
func waiting(ctx context.Context, b *bench) ([]row, error) {
	few, many := 10_000, 100_000
	if b.full {
		many = 1_000_000
	}
	var each []time.Duration
	name := humanize.Comma(int64(many)) + " waiting fragments"
	b.tell(name)
	measureFew := func() error {
		for range b.runs {
			if err := ctx.Err(); err != nil {
				return err
			}
			took, _, err := b.drainOnce(b.ours, b.memory, few)
			if err != nil {
				return err
			}
			each = append(each, took/time.Duration(few))
		}
		return nil
	}
	// The few before and behind the many, in which the machine may become slower. Those are long, and their own average.
	if err := measureFew(); err != nil {
		return nil, err
	}
	took, peak, err := b.drainOnce(b.ours, b.memory, many)
	if err != nil {
		return nil, err
	}
	if err := measureFew(); err != nil {
		return nil, err
	}
	ratio := float64(took) / float64(many) / float64(median(each))
	return []row{
		{
			work: name + ", tmpfs: time for each", ours: durationText(took / time.Duration(many)),
			value: fmt.Sprintf("%.2f × that of 10,000", ratio), target: "≤ 1.2 ×", met: verdict(ratio <= 1.2),
		},
		sizeRow(name+": resident memory, at most", peak, 200<<20),
	}, nil
}
