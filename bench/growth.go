package main

import (
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/sessionsync/sessionsync/bench/work"
)

// growth measures how cost grows with fragments, bytes and items: one run a point, as the axes are logarithmic.
func growth(ctx context.Context, b *bench) ([]plot, error) {
	once := *b
	once.runs = 1
	var plots []plot
	for _, measure := range []func(context.Context, *bench) (plot, error){growthOfFragments, growthOfBytes, growthOfItems} {
		p, err := measure(ctx, &once)
		if err != nil {
			return nil, err
		}
		plots = append(plots, p)
	}
	return plots, nil
}

func growthOfFragments(ctx context.Context, b *bench) (plot, error) {
	p := plot{
		file:  "fragments.svg",
		title: "Waiting fragments drained from start to end, 2,000 items (2.4 MB), tmpfs", x: "waiting fragments", name: humanize.Comma,
		lines: []line{{name: "sessionsync", colour: blue}, {name: "floor", colour: grey}},
	}
	most := 100_000
	if b.full {
		most = 1_000_000
	}
	for n := 1; n <= most; n *= 10 {
		err := b.inTurn(ctx, fmt.Sprintf("growth: %d fragments", n), func(program program, floor bool) error {
			took, _, err := b.drainOnce(program, b.memory, n)
			p.add(floor, int64(n), took)
			return err
		})
		if err != nil {
			return plot{}, err
		}
	}
	return p, nil
}

func growthOfBytes(ctx context.Context, b *bench) (plot, error) {
	p := batchPlot("bytes.svg", "A batch of 100 fragments on a document of items of 1.2 kB, tmpfs", "size of the document", bytesText)
	for size := 100_000; size <= 100_000_000; size *= 10 {
		text, subtasks := work.TasksOf(size)
		if err := p.measure(ctx, b, int64(size), text, subtasks); err != nil {
			return plot{}, err
		}
	}
	return p, nil
}

func growthOfItems(ctx context.Context, b *bench) (plot, error) {
	const size = 20_000_000
	p := batchPlot("items.svg", "A batch of 100 fragments on a document of 20 MB, tmpfs", "items in the document", humanize.Comma)
	for _, items := range []int{100, 1_000, 10_000, 40_000} {
		if err := p.measure(ctx, b, int64(items), work.Tasks(items, size/items), items); err != nil {
			return plot{}, err
		}
	}
	return p, nil
}

func batchPlot(file, title, x string, name func(int64) string) plot {
	return plot{file: file, title: title, x: x, name: name, lines: []line{
		{name: "sessionsync", colour: blue}, {name: "floor", colour: grey},
		{name: "sessionsync, after a foreign change", colour: orange}, {name: "floor, after a foreign change", colour: light},
	}}
}

func (p *plot) measure(ctx context.Context, b *bench, x int64, text []byte, subtasks int) error {
	unchanged, changed, _, err := b.batches(ctx, fmt.Sprintf("growth: %s %s", p.x, p.name(x)), text, subtasks)
	if err != nil {
		return err
	}
	for i, took := range [][]time.Duration{unchanged.ours, unchanged.floor, changed.ours, changed.floor} {
		p.lines[i].points = append(p.lines[i].points, point{x, median(took)})
	}
	return nil
}

func (p *plot) add(floor bool, x int64, took time.Duration) {
	i := 0
	if floor {
		i = 1
	}
	p.lines[i].points = append(p.lines[i].points, point{x, took})
}
