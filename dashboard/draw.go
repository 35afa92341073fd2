package dashboard

import (
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"

	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/status"
)

// The terminal's own colours, so that they suit its background.
var (
	bold   = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	green  = lipgloss.NewStyle().Foreground(lipgloss.Color("2"))
	yellow = lipgloss.NewStyle().Foreground(lipgloss.Color("3"))
	red    = lipgloss.NewStyle().Foreground(lipgloss.Color("1"))
)

// mostHeld is how many lines a reason to hold may take.
const mostHeld = 4

// draw makes the picture: no line wider than the terminal, no more lines than it has.
func (m *model) draw() string {
	if m.width <= 0 || m.height <= 0 {
		return ""
	}
	if !m.looked {
		return m.cut("looking …")
	}
	lines := append(m.head(), m.body(m.height)...)
	sections := []section{m.progress(), m.newestUpdates(), m.newestRejects()}
	room := m.height - len(lines) - 2 // the last lines are the foot
	for i, rows := range share(room, sections) {
		if rows > 0 {
			lines = append(lines, sections[i].draw(rows)...)
		}
	}
	lines = lines[:min(len(lines), max(1, m.height-1))]
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	if m.height > 1 {
		lines = append(lines, faint.Render("q quits"))
	}
	for i, line := range lines {
		lines[i] = m.cut(line)
	}
	return strings.Join(lines, "\n")
}

func (m *model) cut(line string) string { return ansi.Truncate(line, m.width, "…") }

func (m *model) age(t time.Time) string { return status.Age(m.report.Time.Sub(t)) }

// head is the first line: what session this is, and the time.
func (m *model) head() []string {
	clock := m.report.Time.Local().Format(time.TimeOnly)
	name := bold.Render("sessionsync") + "  " + logging.Printable(m.report.Drop.Path+" → "+m.report.Tasks.Path)
	room := m.width - len(clock) - 1
	if room < len("sessionsync  /…") {
		return []string{name}
	}
	name = ansi.Truncate(name, room, "…")
	return []string{name + strings.Repeat(" ", room-ansi.StringWidth(name)+1) + faint.Render(clock)}
}

// body is the agent, the queue and the counts, and what to do where something is wrong.
func (m *model) body(most int) []string {
	lines := []string{m.agent(), m.queue(), m.counts()}
	if a := m.report.Agent; a.Holds() {
		why := ansi.Wrap(logging.Printable("held for "+m.age(a.Held.Since)+": "+a.Held.Why), max(1, m.width), "")
		for i, line := range strings.Split(why, "\n") {
			if i == mostHeld {
				break
			}
			lines = append(lines, red.Render(line))
		}
	}
	for _, p := range []string{m.report.Drop.Problem, m.report.Agent.Problem, m.report.Recovery.Problem,
		m.report.Tasks.Problem} {
		if p != "" {
			lines = append(lines, red.Render(logging.Printable(p)))
		}
	}
	for _, a := range m.report.Next {
		text := logging.Printable(a.Problem + ": " + a.Do)
		lines = append(lines, yellow.Render("▸ ")+text)
	}
	return lines[:min(len(lines), max(0, most-2))]
}

func label(name, text string) string { return faint.Render(fmt.Sprintf("%-10s", name)) + text }

func (m *model) agent() string {
	a := m.report.Agent
	who := logging.Printable(fmt.Sprintf("pid %d on %q for %s", a.PID, a.Host, m.age(a.Since)))
	switch {
	case a.Hidden:
		return label("agent", yellow.Render("? ")+"not known")
	case a.Holds():
		return label("agent", red.Render("■ holds")+", "+who)
	case a.Running:
		return label("agent", green.Render("● ")+who)
	}
	return label("agent", red.Render("○ ")+"none runs")
}

func (m *model) queue() string {
	d, r := m.report.Drop, m.report.Recovery
	parts := []string{number(d.Waiting.Fragments) + more(d.Waiting.More) + " waiting"}
	if !d.Waiting.Oldest.IsZero() {
		parts[0] += " (oldest " + m.age(d.Waiting.Oldest) + ")"
	}
	parts = append(parts, number(d.Claimed.Fragments)+more(d.Claimed.More)+" claimed")
	if n := r.Retries(); n > 0 {
		parts = append(parts, yellow.Render(number(n)+" to be tried again"))
	}
	rejected := number(r.Rejects()) + more(r.Read < r.Entries) + " rejected"
	if r.Rejects() > 0 {
		rejected = red.Render(rejected) + ": " + byCode(r.Rejected)
	}
	return label("queue", strings.Join(append(parts, rejected), " · "))
}

func (m *model) counts() string {
	a := m.report.Agent
	if a.Counters == nil {
		return label("applied", "not known")
	}
	parts := []string{plural(a.Counters.Applied, "update")}
	if a.Running {
		parts[0] += fmt.Sprintf(" (%.1f/s)", m.applied.perSecond())
	}
	parts = append(parts, number(a.Counters.Unchanged)+" unchanged", plural(a.Counters.Commits, "commit"))
	if c := a.LastCommit; c != nil {
		parts = append(parts, fmt.Sprintf("the last %s ago, %s in %s", m.age(c.Time), plural(c.Updates, "update"),
			time.Duration(c.Took).Round(100*time.Microsecond)))
	}
	return label("applied", strings.Join(parts, " · "))
}

func number(n int) string { return humanize.Comma(int64(n)) }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

func more(is bool) string {
	if is {
		return "+"
	}
	return ""
}

// byCode lists counts, the largest first.
func byCode(codes map[string]int) string {
	names := status.MostFirst(codes)
	var parts []string
	for _, code := range names[:min(len(names), 8)] {
		parts = append(parts, number(codes[code])+" "+logging.Printable(code))
	}
	return strings.Join(parts, ", ")
}
