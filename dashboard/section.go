package dashboard

import (
	"fmt"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/sessionsync/sessionsync/logging"
)

// section is a title with rows of which the first ones are shown.
type section struct {
	title string
	rows  []string
	more  int // rows that there are beside these
}

// overhead is the lines of a section that are no rows: an empty one, and the title.
const overhead = 2

// share deals lines out to sections, a row to each in turn, until all have what they want or there are no more. It returns how
// many rows each gets; one that has none to show, or for which there is no room, gets none.
func share(room int, sections []section) []int {
	rows := make([]int, len(sections))
	for i, s := range sections {
		if len(s.rows) > 0 && room > overhead {
			rows[i], room = 1, room-overhead-1
		}
	}
	for dealt := true; dealt && room > 0; {
		dealt = false
		for i, s := range sections {
			if rows[i] > 0 && rows[i] < len(s.rows) && room > 0 {
				rows[i], room, dealt = rows[i]+1, room-1, true
			}
		}
	}
	return rows
}

// draw gives the lines of a section with so many rows. What is left out is told in its title.
func (s section) draw(rows int) []string {
	title := s.title
	if left := len(s.rows) - rows + s.more; left > 0 {
		title += faint.Render(fmt.Sprintf("  and %s more", number(left)))
	}
	return append([]string{"", title}, s.rows[:rows]...)
}

func (m *model) newestUpdates() section {
	s := section{title: bold.Render("Newest updates")}
	idWidth := 0
	for _, u := range m.updates {
		idWidth = max(idWidth, ansi.StringWidth(logging.Printable(u.ID)))
	}
	idWidth = min(idWidth, 24, m.width/3)
	for _, u := range m.updates {
		id := fit(logging.Printable(u.ID), idWidth)
		row := faint.Render(u.Time.Local().Format(time.TimeOnly)) + "  " + id + "  " + logging.Printable(u.Text)
		if u.From != "" {
			row += faint.Render("  " + logging.Printable(u.From))
		}
		s.rows = append(s.rows, row)
	}
	return s
}

func (m *model) newestRejects() section {
	s := section{title: bold.Render("Newest rejects")}
	for _, r := range m.report.Recovery.Newest {
		s.rows = append(s.rows, faint.Render(r.Time.Local().Format(time.TimeOnly))+"  "+
			logging.Printable(r.File)+"  "+red.Render(logging.Printable(r.Code))+"  "+logging.Printable(r.Message))
	}
	s.more = max(0, m.report.Recovery.Rejects()-len(s.rows))
	return s
}
