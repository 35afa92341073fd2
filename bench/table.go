package main

import (
	"fmt"
	"io"
	"time"
)

// row is one line of the table. What is empty does not apply.
type row struct {
	work        string
	floor, ours string
	value       string // what is held against the target
	target      string
	met         string
}

func writeTable(w io.Writer, rows []row) {
	fmt.Fprint(w, "| work | floor | sessionsync | compared | target | met |\n| --- | ---: | ---: | ---: | --- | --- |\n")
	for _, r := range rows {
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", r.work, r.floor, r.ours, r.value, r.target, r.met)
	}
}

func verdict(met bool) string {
	if met {
		return "yes"
	}
	return "**no**"
}

// timesRow has a quantile of what both took, and no target.
func timesRow(work string, p pairs, q float64) row {
	return row{work: work, floor: durationText(quantile(p.floor, q)), ours: durationText(quantile(p.ours, q))}
}

// ratioRow holds the ratio against the most that it should be.
func ratioRow(work string, p pairs, most float64) row {
	r := timesRow(work, p, 0.5)
	ratio := p.ratio()
	r.value, r.target, r.met = fmt.Sprintf("%.2f ×", ratio), fmt.Sprintf("≤ %.1f ×", most), verdict(ratio <= most)
	return r
}

// aboveRow holds how much a quantile is above that of the floor against the most that it should be.
func aboveRow(work string, p pairs, q float64, most time.Duration) row {
	r := timesRow(work, p, q)
	above := quantile(p.ours, q) - quantile(p.floor, q)
	sign := "+ "
	if above < 0 {
		sign, above = "− ", -above
	}
	r.value, r.target = sign+durationText(above), "≤ floor + "+durationText(most)
	r.met = verdict(sign == "− " || above <= most)
	return r
}

// atMost holds a time against the most that it should be.
func atMost(r row, took, most time.Duration) row {
	r.value, r.target, r.met = durationText(took), "≤ "+durationText(most), verdict(took <= most)
	return r
}

// sizeRow holds a size of sessionsync's against the most that it should be.
func sizeRow(work string, size, most int64) row {
	text := digits(float64(size)/(1<<20)) + " MiB"
	return row{work: work, ours: text, value: text, target: fmt.Sprintf("≤ %d MiB", most>>20), met: verdict(size <= most)}
}

// durationText is a time with three digits, or all before the point.
func durationText(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d >= unit.size {
			return digits(float64(d)/float64(unit.size)) + " " + unit.name
		}
	}
	return digits(float64(d)/float64(time.Microsecond)) + " µs"
}

// digits is a number with three digits; zeros behind the point go.
func digits(v float64) string {
	decimals := 0
	for limit := 100.0; v > 0 && v < limit && decimals < 2; limit /= 10 {
		decimals++
	}
	text := fmt.Sprintf("%.*f", decimals, v)
	if decimals > 0 {
		for text[len(text)-1] == '0' {
			text = text[:len(text)-1]
		}
		if text[len(text)-1] == '.' {
			text = text[:len(text)-1]
		}
	}
	return text
}

// bytesText is a size as it is told, in decimal units.
func bytesText(n int64) string {
	switch {
	case n >= 1e9:
		return digits(float64(n)/1e9) + " GB"
	case n >= 1e6:
		return digits(float64(n)/1e6) + " MB"
	}
	return digits(float64(n)/1e3) + " kB"
}
