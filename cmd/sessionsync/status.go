package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/status"
)

func statusCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what waits, who serves, what was rejected and how far the tasks are",
		Long: `Show what waits in the drop directory, what is claimed, who serves it and whether that agent holds, what was rejected and
how far the items of the tasks file are; and what to do next where something is wrong. It changes nothing and needs no agent.

With --watch it stays, until q or Ctrl-C: a live view on a terminal, elsewhere a line (with --json an object) for each change.

Exit codes: 0 it could look, 1 it could not, 2 the configuration is wrong, 4 the agent holds.`,
		Example: `  sessionsync status
  sessionsync status --json | jq .agent.lastCommit
  sessionsync status --watch`,
		Args: exactly(cobra.NoArgs),
	}
	addConfigFlags(c.Flags())
	asJSON := c.Flags().Bool("json", false, "print one JSON object")
	watch := c.Flags().Bool("watch", false, "stay, and show what changes")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		layout, err := agent.Layout(cfg.Document.Layout)
		if err != nil {
			return err
		}
		looker := status.NewLooker(status.Config{
			Drop: cfg.Drop, Tasks: cfg.Tasks, Recovery: cfg.Recovery, Layout: layout, Flags: sameSession(c.Flags()),
		})
		if *watch {
			return watchStatus(c.Context(), env, looker, cfg.Drop, *asJSON)
		}
		r := looker.Look()
		if *asJSON {
			err = printJSON(env.stdout, r)
		} else {
			err = printStatus(env.stdout, r)
		}
		if err != nil {
			return err
		}
		return verdict(r)
	}
	return c
}

// verdict makes an exit code of what was seen.
func verdict(r status.Report) error {
	switch {
	case r.Agent.Holds():
		return &agent.HeldError{Cause: errors.New("the agent claims nothing until the trouble is over")}
	case r.Drop.Problem != "" && !r.Drop.Missing:
		return fmt.Errorf("look at the drop directory: %s", r.Drop.Problem)
	}
	return nil
}

// sameSession is the flags that lead another command to the same session.
func sameSession(flags *pflag.FlagSet) string {
	var b strings.Builder
	flags.Visit(func(f *pflag.Flag) {
		if key := flagKeys[f.Name]; f.Name == "config" || f.Name == "session" || key == "drop" || key == "tasks" || key == "recovery" {
			fmt.Fprintf(&b, " --%s %s", f.Name, shellescape.Quote(f.Value.String()))
		}
	})
	return b.String()
}

// printStatus is the report for people. All that comes from files goes through Printable.
func printStatus(w io.Writer, r status.Report) error {
	var b strings.Builder
	line := func(what, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", what, logging.Printable(fmt.Sprintf(format, args...)))
	}
	since := func(t time.Time) string { return status.Age(r.Time.Sub(t)) }

	switch {
	case r.Drop.Missing:
		line("drop", "%s: it is not there", r.Drop.Path)
	case r.Drop.Problem != "":
		line("drop", "%s", r.Drop.Problem)
	default:
		line("drop", "%s: %s", r.Drop.Path, waiting(r.Drop.Waiting, since))
		if r.Drop.Claimed.Fragments > 0 {
			line("claimed", "%s in %s", pile(r.Drop.Claimed), countOf(r.Drop.Batches, "batch", "batches"))
		}
	}
	printAgent(line, r.Agent, since)

	re := r.Recovery
	switch {
	case re.Problem != "":
		line("recovery", "%s", re.Problem)
	case re.Rejects() == 0 && re.Retries() == 0:
		line("recovery", "%s: nothing was rejected", re.Path)
	default:
		line("recovery", "%s: %s rejected%s", re.Path, count(re.Rejects(), "fragment"), byCode(re.Rejected))
	}
	if n := re.Retries(); n > 0 {
		line("", "%s to be applied again by the agent%s", count(n, "fragment"), byCode(re.Retryable))
	}
	if re.More || re.Read < re.Entries {
		line("", "counted are the newest %s of %s%s", humanize.Comma(int64(re.Read)), orMore(re.Entries, re.More), " entries")
	}
	if r.Tasks.Valid {
		line("tasks", "%s: %s%s", r.Tasks.Path, count(r.Tasks.Items, "item"), byStatus(r.Tasks.Statuses))
	} else {
		line("tasks", "%s", r.Tasks.Problem)
	}
	if len(r.Next) > 0 {
		b.WriteString("\nWhat to do next:\n")
	}
	for _, a := range r.Next {
		fmt.Fprintf(&b, "  %s:\n", logging.Printable(a.Problem))
		fmt.Fprintf(&b, "      %s\n", logging.Printable(a.Do))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printAgent(line func(what, format string, args ...any), a status.Agent, since func(time.Time) string) {
	switch {
	case a.Hidden && a.Problem != "":
		line("agent", "not known: %s", a.Problem)
	case a.Hidden:
		line("agent", "not known")
	case a.Running && a.PID == 0:
		line("agent", "one that does not say who it is")
	case a.Running:
		line("agent", "pid %d on host %q for %s", a.PID, a.Host, since(a.Since))
	case !a.Ended.IsZero():
		line("agent", "none; the last one ended %s ago", since(a.Ended))
	default:
		line("agent", "none")
	}
	if a.Problem != "" && !a.Hidden {
		line("", "what it does is not known: %s", a.Problem)
	}
	switch {
	case a.Holds():
		line("held", "for %s: %s", since(a.Held.Since), a.Held.Why)
	case a.Held != nil:
		line("held", "the last run ended so: %s", a.Held.Why)
	}
	if c := a.LastCommit; c != nil {
		line("commit", "%s ago: %s of %s, took %s; the tasks file had %s",
			since(c.Time), count(c.Updates, "update"), count(c.Fragments, "fragment"), time.Duration(c.Took),
			humanize.IBytes(uint64(max(0, c.Bytes))))
	}
	if n := a.Counters; n != nil {
		when := "by the last one"
		if a.Running {
			when = "since its start"
		}
		line("counted", "%s: %s applied, %s unchanged, %s rejected, %s", when, count(n.Applied, "update"),
			humanize.Comma(int64(n.Unchanged)), count(n.RejectedInAll(), "fragment"), count(n.Commits, "commit"))
	}
}

func waiting(p status.Pile, since func(time.Time) string) string {
	if p.Fragments == 0 {
		return "nothing waits"
	}
	verb := "wait"
	if p.Fragments == 1 {
		verb = "waits"
	}
	text := pile(p) + " " + verb
	switch {
	case p.Oldest.IsZero():
	case p.Sampled:
		text += fmt.Sprintf("; the oldest of those looked at is %s old", since(p.Oldest))
	default:
		text += fmt.Sprintf("; the oldest is %s old", since(p.Oldest))
	}
	return text
}

func pile(p status.Pile) string {
	noun := "fragments"
	if p.Fragments == 1 && !p.More {
		noun = "fragment"
	}
	return orMore(p.Fragments, p.More) + " " + noun
}

func orMore(n int, more bool) string {
	if more {
		return humanize.Comma(int64(n)) + " or more"
	}
	return humanize.Comma(int64(n))
}

// byCode lists counts, the largest first.
func byCode(codes map[string]int) string {
	var parts []string
	for _, code := range status.MostFirst(codes) {
		parts = append(parts, fmt.Sprintf("%d %s", codes[code], code))
	}
	return behind(parts)
}

func byStatus(counts []status.Count) string {
	var parts []string
	for _, c := range counts {
		name := c.Status
		if name == "" {
			name = "without a status"
		}
		parts = append(parts, fmt.Sprintf("%d %s", c.Items, name))
	}
	return behind(parts)
}

// behind puts a list behind what it is of; the rest of a long one is left out.
func behind(parts []string) string {
	const most = 12
	if len(parts) > most {
		parts = append(parts[:most:most], "…")
	}
	if len(parts) == 0 {
		return ""
	}
	return ": " + strings.Join(parts, ", ")
}
