package main

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"math"
	"slices"
	"time"
)

// plot shows times over an amount, both axes logarithmic.
type plot struct {
	file, title string
	x           string             // what the amount is of
	name        func(int64) string // of an amount
	lines       []line
}

type line struct {
	name, colour string
	points       []point // from left to right
}

type point struct {
	x    int64
	took time.Duration
}

// Colours that differ also for those who see few of them, and when printed grey.
const (
	blue, orange = "#0b62a4", "#d1730f"
	grey, light  = "#555555", "#aaaaaa"
)

// The picture, in its own units: the frame of the curves, and room for the labels around it.
const (
	width, height            = 860, 420
	left, right, top, bottom = 80, 610, 50, 360
	labelsApart              = 18
)

// writeSVG draws a plot that has a point at least.
func writeSVG(w io.Writer, p plot) {
	var xs, ys []float64
	for _, l := range p.lines {
		for _, point := range l.points {
			xs, ys = append(xs, float64(point.x)), append(ys, float64(point.took))
		}
	}
	x, y := axisOf(xs, left, right), axisOf(ys, bottom, top)

	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13">`+"\n", width, height)
	fmt.Fprintf(w, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(w, `<text x="%d" y="26" font-size="15" font-weight="bold">%s</text>`+"\n", left, html.EscapeString(p.title))
	for v := range x.decades {
		at := x.at(v)
		fmt.Fprintf(w, `<path d="M%.1f %d V%d" stroke="#dddddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			at, top, bottom, at, bottom+20, html.EscapeString(p.name(int64(math.Round(v)))))
	}
	for v := range y.decades {
		at := y.at(v)
		fmt.Fprintf(w, `<path d="M%d %.1f H%d" stroke="#dddddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, at, right, left-8, at+4, durationText(time.Duration(math.Round(v))))
	}
	fmt.Fprintf(w, `<path d="M%d %d V%d H%d" fill="none" stroke="black"/>`+"\n", left, top, bottom, right)
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+right)/2, bottom+44, html.EscapeString(p.x))
	labels := p.labels(y)
	for i, l := range p.lines {
		path := ""
		for k, point := range l.points {
			path += fmt.Sprintf("%c%.1f %.1f ", "ML"[min(k, 1)], x.at(float64(point.x)), y.at(float64(point.took)))
		}
		fmt.Fprintf(w, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path, l.colour)
		for _, point := range l.points {
			fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s: %s</title></circle>`+"\n",
				x.at(float64(point.x)), y.at(float64(point.took)), l.colour, html.EscapeString(p.name(point.x)), durationText(point.took))
		}
		fmt.Fprintf(w, `<text x="%d" y="%.1f" fill="%s">%s</text>`+"\n", right+10, labels[i], l.colour, html.EscapeString(l.name))
	}
	fmt.Fprintln(w, "</svg>")
}

// labels says at which heights the names of the lines stand: at their ends, but none upon another.
func (p plot) labels(y axis) []float64 {
	at, order := make([]float64, len(p.lines)), make([]int, len(p.lines))
	for i, l := range p.lines {
		at[i], order[i] = y.at(float64(l.points[len(l.points)-1].took))+4, i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(at[a], at[b]) })
	for k := 1; k < len(order); k++ {
		at[order[k]] = max(at[order[k]], at[order[k-1]]+labelsApart)
	}
	return at
}

// axis maps whole decades to a length.
type axis struct {
	low, high float64 // exponents of ten
	from, to  float64
}

func axisOf(values []float64, from, to float64) axis {
	low, high := math.Floor(math.Log10(slices.Min(values))), math.Ceil(math.Log10(slices.Max(values)))
	return axis{low, max(high, low+1), from, to}
}

func (a axis) at(v float64) float64 {
	return a.from + (math.Log10(v)-a.low)/(a.high-a.low)*(a.to-a.from)
}

// decades yields the values where a line of the grid stands.
func (a axis) decades(yield func(float64) bool) {
	for e := a.low; e <= a.high; e++ {
		if !yield(math.Pow(10, e)) {
			return
		}
	}
}
