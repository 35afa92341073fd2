package main

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/logging"
)

func recoveryDiscardCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "discard {ENTRY... | --older-than AGE}",
		Short: "Delete entries for good",
		Long: `Delete entries with their fragments, for good. On a terminal it asks first; elsewhere it needs --yes. Entries that an agent
tries again by itself are not among those of --older-than: what is in them is not rejected.

Exit codes: 0 done, 1 failed, 2 wrong use, such as no --yes where nobody can be asked.`,
		Example: `  sessionsync recovery discard 20261122T1015
  sessionsync recovery discard --older-than 30d --yes`,
	}
	older := c.Flags().String("older-than", "", "all entries that are older than this `age`, such as 36h, 30d or 2w")
	yes := c.Flags().Bool("yes", false, "do not ask")
	c.RunE = func(c *cobra.Command, args []string) error {
		byAge := c.Flags().Changed("older-than")
		if byAge == (len(args) > 0) {
			return usageError{errors.New("which entries? name them, or use --older-than; " +
				"'sessionsync recovery list' shows what is there")}
		}
		limit, ok := parseAge(*older)
		if byAge && !ok {
			return usageError{fmt.Errorf("--older-than: %q is no age; write one such as 36h, 30d or 2w", *older)}
		}
		d, cfg, err := openDesk(c, env)
		if err != nil {
			return err
		}
		var names []string
		if byAge {
			names, err = d.OlderThan(limit)
		} else {
			names, err = d.Resolve(args)
		}
		if err != nil {
			return permitted(named(err), cfg.Recovery)
		}
		if len(names) == 0 {
			_, err := fmt.Fprintln(env.stdout, "there is nothing to discard")
			return err
		}
		return permitted(discard(c, env, d, names, *yes), cfg.Recovery)
	}
	return c
}

func discard(c *cobra.Command, env environment, d *desk.Desk, names []string, yes bool) error {
	what := countOf(len(names), "entry", "entries")
	if !yes {
		if !isInteractive(c) {
			return usageError{fmt.Errorf("%s would be gone for good, and there is no terminal to ask on; "+
				"add --yes if that is what you want", what)}
		}
		for i, name := range names {
			if i == 10 {
				fmt.Fprintln(env.stderr, "…")
				break
			}
			fmt.Fprintln(env.stderr, logging.Printable(name))
		}
		ok, err := ask(c, env, bufio.NewReader(c.InOrStdin()), fmt.Sprintf("Discard %s for good? [y/N] ", what), false)
		if err != nil {
			return err
		}
		if !ok {
			_, err := fmt.Fprintln(env.stdout, "nothing was discarded")
			return err
		}
	}
	show, end := progressOf(env)
	n, err := d.Discard(c.Context(), names, show)
	end()
	if n > 0 || err == nil {
		fmt.Fprintf(env.stdout, "discarded %s\n", countOf(n, "entry", "entries"))
	}
	return err
}
