package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/logging"
)

// defaultWait is for how long the fate of what is tried again is waited for.
const defaultWait = 30 * time.Second

func recoveryRetryCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "retry {ENTRY... | --all | --code CODE}",
		Short: "Try entries again",
		Long: `Try entries again, in their order, and say what has become of each fragment. A running agent does it where there is one,
else it is done here; what waits in the drop directory is not touched. What is applied is gone from the recovery folder,
what fails is in a new entry with its new reason; nothing is lost in between.

An entry is refused when an item that it names has changed since it was rejected: it might overwrite news. Look with show.

Exit codes: 0 all applied, 1 failed, 2 wrong use, 3 something was rejected or refused, 4 held, or not ended in time.`,
		Example: `  sessionsync recovery retry 20261122T1015
  sessionsync recovery retry --code unknown_id --dry-run
  sessionsync recovery retry --all --wait 5m`,
	}
	all := c.Flags().Bool("all", false, "all entries, but for those that hold no update")
	code := c.Flags().String("code", "", "all entries of this `code`")
	dryRun := c.Flags().Bool("dry-run", false, "do nothing; show what would be rejected and the difference that it would make")
	force := c.Flags().Bool("force", false, "also where an item has changed since")
	wait := c.Flags().Duration("wait", defaultWait, "wait for a running agent for at most this `duration`")
	c.RunE = func(c *cobra.Command, args []string) error {
		chosen := 0
		for _, way := range []bool{len(args) > 0, *all, c.Flags().Changed("code")} {
			if way {
				chosen++
			}
		}
		switch {
		case chosen == 0:
			return usageError{errors.New("which entries? name them, or use --all or --code CODE; " +
				"'sessionsync recovery list' shows what is there")}
		case chosen > 1:
			return usageError{errors.New("name entries, or use --all, or --code: one of them")}
		case *wait <= 0:
			return usageError{errors.New("--wait must be more than 0")}
		}
		d, cfg, err := openDesk(c, env)
		if err != nil {
			return err
		}
		names, err := chooseEntries(d, env.stdout, args, *code)
		if err != nil {
			return permitted(named(err), cfg.Recovery)
		}
		if len(names) == 0 {
			_, err := fmt.Fprintln(env.stdout, "there is nothing to try again")
			return err
		}
		if *dryRun {
			return dryRunOf(env, cfg, d, names, *force)
		}
		return retry(c, env, cfg, d, names, desk.Options{Force: *force, Wait: *wait})
	}
	return c
}

// chooseEntries resolves the names, or takes all entries that hold updates.
func chooseEntries(d *desk.Desk, w io.Writer, words []string, code string) ([]string, error) {
	if len(words) > 0 {
		return d.Resolve(words)
	}
	entries, err := d.Entries(code)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if desk.HoldsNoUpdate(e) {
			fmt.Fprintf(w, "%s: left alone: it holds a version of the tasks file, and no update\n", logging.Printable(e.Name))
			continue
		}
		names = append(names, e.Name)
	}
	return names, nil
}

func dryRunOf(env environment, cfg config.Config, d *desk.Desk, names []string, force bool) error {
	p, refused, err := d.DryRun(names, force)
	if err != nil {
		return permitted(err, cfg.Recovery)
	}
	printed := printFates(env.stdout, refused)
	err = printPreview(env.stdout, cfg, p)
	if err == nil && len(refused) > 0 {
		err = errRejected
	}
	return errors.Join(printed, err)
}

// retry tries entries again, prints their fates and returns what makes the exit code.
func retry(c *cobra.Command, env environment, cfg config.Config, d *desk.Desk, names []string, o desk.Options) error {
	show, end := progressOf(env)
	o.Progress = show
	fates, err := d.Retry(c.Context(), names, o)
	end()
	if printErr := printFates(env.stdout, fates); printErr != nil {
		return printErr
	}
	if err != nil {
		return permitted(err, cfg.Drop, cfg.Recovery)
	}
	left, rejected := 0, false
	for _, f := range fates {
		switch f.State {
		case desk.Held, desk.Waiting:
			left++
		case desk.Rejected, desk.Refused:
			rejected = true
		}
	}
	if left > 0 {
		return &agent.HeldError{Cause: fmt.Errorf("there is no end yet of %s; they stay marked, and the agent tries them again by itself",
			count(left, "fragment"))}
	}
	if rejected {
		return errRejected
	}
	return nil
}

func printFates(w io.Writer, fates []desk.Fate) error {
	var b strings.Builder
	for _, f := range fates {
		fmt.Fprintf(&b, "%s: %s", logging.Printable(orEntry(f)), f.State)
		if f.State == desk.Rejected {
			b.WriteString(" again")
		}
		if f.Code != "" {
			fmt.Fprintf(&b, ": %s", logging.Printable(f.Code))
		}
		if f.Message != "" {
			fmt.Fprintf(&b, ": %s", logging.Printable(f.Message))
		}
		if f.State == desk.Rejected && f.In != "" {
			fmt.Fprintf(&b, "\n  it is in %s", logging.Printable(f.In))
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func orEntry(f desk.Fate) string {
	if f.Fragment != "" {
		return f.Fragment
	}
	return f.Entry
}
