package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/logging"
)

// historyLimit is how many lines people are shown unless they ask for more.
const historyLimit = 100

func historyCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "history [ID]",
		Short: "Show who changed what and when, from which file, old and new value",
		Long: `Show what the agent has changed in the tasks file, and what it has rejected, the newest last: the time, the item, the
member, the old and the new value, and the fragment that did it. With ID, that item alone.

The agent keeps this in .sessionsync/history.jsonl of the drop directory, up to history.max_bytes, and as much of
what was before. --json passes those lines through, one for each fragment. It works with the agent running and without.

Exit codes: 0 done, also where there is nothing to show, 1 the history cannot be read, 2 wrong use or configuration.`,
		Example: `  sessionsync history
  sessionsync history P1.M1.T1.S1
  sessionsync history --since 1h --follow
  sessionsync history --json | jq -r 'select(.outcome == "rejected") | .file'`,
		Args: exactly(cobra.MaximumNArgs(1)),
	}
	addConfigFlags(c.Flags())
	since := c.Flags().String("since", "", "only what is younger than this `duration`: 90s, 1h, 7d")
	limit := c.Flags().Int("limit", historyLimit, "at most the newest `N`; 0: all, which is what --json has without it")
	asJSON := c.Flags().Bool("json", false, "the lines of the history as they are")
	follow := c.Flags().BoolP("follow", "f", false, "go on with what comes, until Ctrl-C")
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		after, err := timeOf(*since, time.Now())
		if err != nil {
			return err
		}
		if *limit < 0 {
			return usageError{errors.New("--limit must not be negative; 0 is all")}
		}
		if *asJSON && !c.Flags().Changed("limit") {
			*limit = 0
		}
		terminal := isTerminal(env.stdout)
		show := historyView{after: after, json: *asJSON, terminal: terminal, colour: env.hasColours(env.stdout)}
		if len(args) == 1 {
			show.id = args[0]
		}
		reader := history.Open(cfg.Drop)
		newest := newest{limit: *limit}
		for rec, err := range reader.Records() {
			if err != nil {
				return err
			}
			newest.add(show.lines(rec))
		}
		if _, err := io.WriteString(env.stdout, strings.Join(newest.lines, "")); err != nil {
			return err
		}
		if newest.dropped > 0 && !c.Flags().Changed("limit") {
			fmt.Fprintf(env.stderr, "sessionsync: %s before these; --limit 0 shows all\n", count(newest.dropped, "line"))
		}
		if len(newest.lines) == 0 && !*follow {
			fmt.Fprintf(env.stderr, "sessionsync: %s\n", nothingShown(show.id, *since, cfg.History.MaxBytes == 0))
		}
		if !*follow {
			return nil
		}
		for rec, err := range reader.Follow(c.Context().Done()) {
			if err != nil {
				return err
			}
			if _, err := io.WriteString(env.stdout, strings.Join(show.lines(rec), "")); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// nothingShown says why there is nothing to show.
func nothingShown(id, since string, off bool) string {
	text := "the history holds nothing"
	if id != "" {
		text += " about " + logging.Printable(id)
	}
	if since != "" {
		text += " that is younger than " + since
	}
	if off {
		text += "; none is kept, because history.max_bytes is 0"
	}
	return text
}

// timeOf is the time that lies so long before now; the zero one for "".
func timeOf(since string, now time.Time) (time.Time, error) {
	if since == "" {
		return time.Time{}, nil
	}
	d, ok := parseAge(since)
	if !ok {
		return time.Time{}, usageError{fmt.Errorf("--since %s is no duration; write it like 90s, 1h or 7d", since)}
	}
	return now.Add(-d), nil
}

// newest keeps the last lines.
type newest struct {
	limit   int // 0: all
	lines   []string
	dropped int
}

func (n *newest) add(lines []string) {
	n.lines = append(n.lines, lines...)
	if more := len(n.lines) - n.limit; n.limit > 0 && more > 0 {
		n.dropped += more
		n.lines = slices.Delete(n.lines, 0, more)
	}
}

// historyView turns records into lines.
type historyView struct {
	id                     string // "": all
	after                  time.Time
	json, terminal, colour bool
}

// lines are what is to be shown of a record, with their newlines.
func (v *historyView) lines(rec history.Record) []string {
	if rec.At.Before(v.after) {
		return nil
	}
	about := func(c history.Change) bool { return v.id == "" || c.ID == v.id }
	if v.json {
		if v.id != "" && rec.ID != v.id && !slices.ContainsFunc(rec.Changes, about) {
			return nil
		}
		return []string{v.raw(rec.Line) + "\n"}
	}
	var lines []string
	if rec.Outcome == history.Rejected && (v.id == "" || rec.ID == v.id) {
		lines = append(lines, v.line(rec, rec.ID, v.paint("31", "rejected "+rec.Code)))
	}
	for _, c := range rec.Changes {
		if about(c) {
			lines = append(lines, v.line(rec, scoped(c), v.change(c)))
		}
	}
	if rec.More > 0 && v.id == "" {
		lines = append(lines, v.line(rec, "", "and "+count(rec.More, "more change")))
	}
	return lines
}

func (v *historyView) line(rec history.Record, id, what string) string {
	file := logging.Printable(rec.File)
	switch {
	case rec.By == history.ByAgent:
		file = "applied again by the agent"
	case rec.Outcome == history.Overwritten:
		file = "overwritten by another program, after " + file
	}
	at := v.paint("2", rec.At.Local().Format(time.DateTime))
	return fmt.Sprintf("%s  %-12s  %s  %s\n", at, logging.Printable(id), what, v.paint("2", file))
}

func scoped(c history.Change) string {
	if c.Scope != "" {
		return c.Scope + ":" + c.ID
	}
	return c.ID
}

func (v *historyView) change(c history.Change) string {
	old, now := short(c.Old, c.OldCut), short(c.New, c.NewCut)
	switch {
	case c.Path == "" && old == absent:
		return "created " + v.paint("32", now)
	case c.Path == "" && now == absent:
		return "removed " + v.paint("31", old)
	}
	member := logging.Printable(strings.TrimPrefix(string(c.Path), "/"))
	return fmt.Sprintf("%-8s  %s → %s", member, v.paint("31", old), v.paint("32", now))
}

// absent stands for a value that is not there.
const absent = "–"

// short is a value as it fits into a line.
func short(value []byte, cut *history.Cut) string {
	const most = 48 // characters
	switch {
	case cut != nil:
		return fmt.Sprintf("(%d bytes)", cut.Bytes)
	case value == nil:
		return absent
	}
	return shortened(string(value), most)
}

func (v *historyView) paint(code, text string) string {
	if !v.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// raw is a line of the history. On a terminal the characters that it would obey are escaped as JSON has it.
func (v *historyView) raw(line []byte) string {
	if !v.terminal || logging.Printable(string(line)) == string(line) {
		return string(line)
	}
	return escapeJSON(string(line))
}
