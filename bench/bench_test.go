package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

func TestQuantilesAreOfTheValuesThatThereAre(t *testing.T) {
	for name, c := range map[string]struct {
		values []time.Duration
		q      float64
		want   time.Duration
	}{
		"the median of one":                  {[]time.Duration{7}, 0.5, 7},
		"the median of three, not in order":  {[]time.Duration{9, 1, 5}, 0.5, 5},
		"the lower one of two in the middle": {[]time.Duration{4, 3, 2, 1}, 0.5, 2},
		"99 of 100":                          {hundred(), 0.99, 99},
		"all":                                {hundred(), 1, 100},
		"none but the smallest":              {hundred(), 0, 1},
	} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("%s: %d, not %d", name, got, c.want)
		}
	}
}

func hundred() (values []time.Duration) {
	for i := range 100 {
		values = append(values, time.Duration(100-i))
	}
	return values
}

func TestARatioIsTheMedianOfThoseWithinEachRun(t *testing.T) {
	p := pairs{floor: []time.Duration{10, 100, 20}, ours: []time.Duration{20, 100, 100}}
	if got := p.ratio(); got != 2 {
		t.Errorf("%v, not 2", got)
	}
}

func TestARowSaysWhetherItsTargetIsMet(t *testing.T) {
	const ms = time.Millisecond
	p := pairs{floor: []time.Duration{10 * ms}, ours: []time.Duration{13 * ms}}
	for name, c := range map[string]struct {
		row        row
		value, met string
	}{
		"a ratio that is just met":   {ratioRow("", p, 1.3), "1.30 ×", "yes"},
		"a ratio that is not":        {ratioRow("", p, 1.2), "1.30 ×", "**no**"},
		"above the floor by so much": {aboveRow("", p, 0.5, 3*ms), "+ 3 ms", "yes"},
		"above it by more":           {aboveRow("", p, 0.5, 2*ms), "+ 3 ms", "**no**"},
		"below it":                   {aboveRow("", pairs{p.ours, p.floor}, 0.5, ms), "− 3 ms", "yes"},
		"a time that is just met":    {atMost(row{}, 13*ms, 13*ms), "13 ms", "yes"},
		"a time that is not":         {atMost(row{}, 14*ms, 13*ms), "14 ms", "**no**"},
		"a size that is just met":    {sizeRow("", 20<<20, 20<<20), "20 MiB", "yes"},
		"a size that is not":         {sizeRow("", 21<<20, 20<<20), "21 MiB", "**no**"},
	} {
		if c.row.value != c.value || c.row.met != c.met {
			t.Errorf("%s: %q, %q", name, c.row.value, c.row.met)
		}
	}
}

func TestNumbersHaveThreeDigits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 µs", 1500 * time.Nanosecond: "1.5 µs", 999 * time.Microsecond: "999 µs", 1234 * time.Microsecond: "1.23 ms",
		100 * time.Millisecond: "100 ms", 12345 * time.Millisecond: "12.3 s", 1234 * time.Second: "1234 s",
	} {
		if got := durationText(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{100_000: "100 kB", 2_400_000: "2.4 MB", 100_000_000: "100 MB", 25_300_000_000: "25.3 GB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d is %q, not %q", n, got, want)
		}
	}
}

func TestAPlotIsXMLWithEachOfItsPointsInsideTheFrame(t *testing.T) {
	for name, points := range map[string][]point{
		"one":            {{1, time.Millisecond}},
		"two":            {{1, time.Millisecond}, {10, time.Second}},
		"not on decades": {{3, 7 * time.Microsecond}, {5000, 3 * time.Second}},
	} {
		var text strings.Builder
		writeSVG(&text, plot{title: "a < b & c", x: "things", name: bytesText, lines: []line{
			{name: "this & that", colour: blue, points: points}, {name: "the same", colour: grey, points: points},
		}})
		circles := 0
		decoder := xml.NewDecoder(strings.NewReader(text.String()))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, &text)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "circle" {
				circles++
				var x, y float64
				if _, err := fmt.Sscan(e.Attr[0].Value, &x); err != nil || !(x >= left && x <= right) { // nor is NaN inside
					t.Errorf("%s: a point stands at x %v, %v", name, x, err)
				}
				if _, err := fmt.Sscan(e.Attr[1].Value, &y); err != nil || !(y >= top && y <= bottom) {
					t.Errorf("%s: a point stands at y %v, %v", name, y, err)
				}
			}
		}
		if circles != 2*len(points) {
			t.Errorf("%s: %d points are drawn, not %d", name, circles, 2*len(points))
		}
	}
}

func TestNamesOfLinesDoNotStandUponEachOther(t *testing.T) {
	p := plot{lines: []line{{points: []point{{1, 100}}}, {points: []point{{1, 101}}}, {points: []point{{1, 99}}}}}
	at := p.labels(axisOf([]float64{10, 1000}, bottom, top))
	if at[0]-at[1] < labelsApart || at[2]-at[0] < labelsApart {
		t.Errorf("they stand at %v", at)
	}
}

func TestThePageHoldsTheTableAndThePlots(t *testing.T) {
	folder := t.TempDir()
	r := report{machine: "a machine", runs: 3, rows: []row{{work: "some work", met: "yes"}}, plots: []plot{
		{file: "x.svg", title: "Cost", name: bytesText, lines: []line{{name: "a", points: []point{{1, 1}}}}},
	}}
	if err := errors.Join(r.draw(folder), r.write(folder)); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(folder, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a machine", "3 times", "| some work |  |  |  |  | yes |\n", "\n![Cost](x.svg)\n"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("it lacks %q", want)
		}
	}
	if strings.Contains(string(page), "@") {
		t.Errorf("something was not filled in:\n%s", page)
	}
	if _, err := os.Stat(filepath.Join(folder, "x.svg")); err != nil {
		t.Error(err)
	}
}

// What is compared must do what it is compared by. How long that takes is not looked at.
func TestBothProgramsDoTheWork(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("memory and processor time are read from /proc, as Linux has it")
	}
	floor, ours, err := build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []program{floor, ours} {
		t.Run(p.name, func(t *testing.T) {
			b := &bench{}
			if _, _, err := b.drainOnce(p, t.TempDir(), 30); err != nil {
				t.Error(err)
			}
			text := work.Tasks(200, work.Item)
			if _, _, _, err := batchesOf(p, t.TempDir(), text, 200); err != nil {
				t.Error(err)
			}
		})
	}
}
