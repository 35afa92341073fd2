package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/dashboard"
	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/status"
)

// watchStatus shows a session until ctx is done: as a live view on a terminal that can show one, else line by line.
func watchStatus(ctx context.Context, env environment, looker *status.Looker, drop string, asJSON bool) error {
	switch {
	case asJSON:
		return looker.Follow(ctx, func(r status.Report) error { return encodeJSON(env.stdout, r, "") })
	case isTerminal(env.stdout) && env.variable("TERM") != "dumb":
		return dashboard.Run(ctx, dashboard.Config{Look: looker.Look, Updates: newestUpdates(drop)}, env.stdout, env.variables)
	}
	last := ""
	return looker.Follow(ctx, func(r status.Report) error {
		line := statusLine(r)
		if line == last { // what has changed is in none of its words
			return nil
		}
		last = line
		return printStatusLine(env.stdout, r.Time, line)
	})
}

// newestUpdates tells of the newest updates in the history of a drop directory. Where that is turned off, or not to be read, there
// are none.
func newestUpdates(drop string) func(most int) []dashboard.Update {
	plain := &historyView{}
	return func(most int) []dashboard.Update {
		records, err := history.Tail(drop, most)
		if err != nil {
			return nil
		}
		var all []dashboard.Update
		for _, r := range slices.Backward(records) {
			for _, c := range r.Changes {
				all = append(all, dashboard.Update{Time: r.At, ID: c.ID, Text: plain.change(c), From: r.File})
			}
		}
		return all[:min(len(all), most)]
	}
}

func printStatusLine(w io.Writer, at time.Time, line string) error {
	_, err := fmt.Fprintf(w, "%s %s\n", at.Format(time.RFC3339), logging.Printable(line))
	return err
}

// statusLine is a report in one line.
func statusLine(r status.Report) string {
	var b strings.Builder
	switch a := r.Agent; {
	case a.Hidden:
		b.WriteString("agent=unknown")
	case a.Holds():
		b.WriteString("agent=held")
	case a.Running:
		b.WriteString("agent=running")
	default:
		b.WriteString("agent=none")
	}
	fmt.Fprintf(&b, " waiting=%d claimed=%d", r.Drop.Waiting.Fragments, r.Drop.Claimed.Fragments)
	if n := r.Agent.Counters; n != nil {
		fmt.Fprintf(&b, " applied=%d unchanged=%d commits=%d", n.Applied, n.Unchanged, n.Commits)
	}
	fmt.Fprintf(&b, " rejected=%d retryable=%d", r.Recovery.Rejects(), r.Recovery.Retries())
	if !r.Tasks.Valid {
		fmt.Fprintf(&b, " tasks=invalid %s", r.Tasks.Problem)
	}
	for _, c := range r.Tasks.Statuses {
		fmt.Fprintf(&b, " %q=%d", c.Status, c.Items)
	}
	if r.Agent.Holds() {
		fmt.Fprintf(&b, " %s", r.Agent.Held.Why)
	}
	return b.String()
}
