package doctor

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/sessionsync/sessionsync/logging"
)

// Text is the report for people: the findings of one place after the other, aligned, the remedy below what it is for.
// Names of others have no effect on a terminal.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "for user %s on %s\n", logging.Printable(r.User), r.System)
	wide := 0
	for _, f := range r.Findings {
		wide = max(wide, utf8.RuneCountInString(f.Check))
	}
	paths := map[string]string{"drop": r.Drop, "tasks": r.Tasks, "recovery": r.Recovery}
	last := ""
	for _, f := range r.Findings {
		if f.Place != last {
			last = f.Place
			fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(f.Place+"  "+logging.Printable(paths[f.Place])))
		}
		fmt.Fprintf(&b, "  %-7s  %-*s  %s\n", f.Level, wide, f.Check, logging.Printable(f.Message))
		if f.Remedy != "" {
			fmt.Fprintf(&b, "  %-7s  %-*s  → %s\n", "", wide, "", logging.Printable(f.Remedy))
		}
	}
	fmt.Fprintf(&b, "\n%d ok, %s, %s, %s\n", r.Count(OK), count(r.Count(Note), "note", "notes"),
		count(r.Count(Warning), "warning", "warnings"), count(r.Count(Error), "error", "errors"))
	return b.String()
}
