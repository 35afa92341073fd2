package dashboard

import (
	"fmt"
	"strings"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/status"
)

// class is what a status means for the progress. Each has a colour and a shape, because either may be missing.
type class int

const (
	done class = iota
	active
	failed
	open
	classes
)

var looks = [classes]struct {
	shape string
	style lipgloss.Style
}{
	done:   {"█", green},
	active: {"▓", yellow},
	failed: {"▚", red},
	open:   {"░", faint},
}

// meanings are the statuses of the built-in schema and those that other tools use; what is not here is still to be done.
var meanings = map[string]class{
	"complete": done, "completed": done, "done": done, "closed": done, "obsolete": done, "cancelled": done, "canceled": done,
	"researching": active, "implementing": active, "retrying": active, "in-progress": active, "in_progress": active,
	"in progress": active, "review": active, "doing": active, "active": active, "started": active,
	"failed": failed, "blocked": failed, "error": failed,
}

func classOf(status string) class {
	if c, known := meanings[strings.ToLower(status)]; known {
		return c
	}
	return open
}

func byClass(counts []status.Count) (n [classes]int) {
	for _, c := range counts {
		n[classOf(c.Status)] += c.Items
	}
	return n
}

// bar draws a bar: each class has as many cells as its share of the whole.
func bar(n [classes]int, width int) string {
	total := 0
	for _, count := range n {
		total += count
	}
	if total == 0 || width <= 0 {
		return ""
	}
	var b strings.Builder
	counted, drawn := 0, 0
	for c, count := range n {
		counted += count
		to := counted * width / total // rounded down: only what is all done has a full bar
		if class(c) == classes-1 {
			to = width
		}
		b.WriteString(looks[c].style.Render(strings.Repeat(looks[c].shape, to-drawn)))
		drawn = to
	}
	return b.String()
}

// progress is how far the items are: a row for each group, or one for all where there are none.
func (m *model) progress() section {
	t := m.report.Tasks
	if !t.Valid {
		return section{}
	}
	s := section{title: bold.Render("Progress") + "  " + plural(t.Items, "item") + legend(t.Statuses), more: t.Omitted}
	groups := t.Groups
	if len(groups) == 0 && t.Items > 0 {
		groups = []status.Group{{ID: "all", Items: t.Items, Statuses: t.Statuses}}
	}
	idWidth := 0
	for _, g := range groups {
		idWidth = max(idWidth, ansi.StringWidth(logging.Printable(g.ID)))
	}
	idWidth = min(idWidth, 16, m.width/4)
	const share = len(" 100% 1234/1234 ")
	titleWidth := min(32, m.width/3)
	if m.width < 60 {
		titleWidth = 0
	}
	barWidth := m.width - idWidth - titleWidth - share - 4
	for _, g := range groups {
		n := byClass(g.Statuses)
		row := fit(logging.Printable(g.ID), idWidth) + "  "
		if titleWidth > 0 {
			row += fit(logging.Printable(g.Title), titleWidth) + "  "
		}
		if barWidth >= 4 {
			row += bar(n, min(barWidth, 60)) + " "
		}
		row += fmt.Sprintf("%3d%%  %d/%d", 100*n[done]/max(1, g.Items), n[done], g.Items)
		s.rows = append(s.rows, row)
	}
	return s
}

// legend lists how many items have which status, with the shape that stands for it.
func legend(counts []status.Count) string {
	var b strings.Builder
	for c := range classes {
		for _, count := range counts {
			if classOf(count.Status) != c {
				continue
			}
			name := logging.Printable(count.Status)
			if name == "" {
				name = "without a status"
			}
			b.WriteString("  " + looks[c].style.Render(looks[c].shape) + " " + number(count.Items) + " " + name)
		}
	}
	return b.String()
}

// fit makes a text exactly so wide.
func fit(text string, width int) string {
	text = ansi.Truncate(text, width, "…")
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}
