package main

import (
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/doctor"
	"github.com/sessionsync/sessionsync/lockfile"
)

func doctorCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out whether the agent can do its work here; change nothing",
		Long: `Look at the drop directory, the tasks file, the recovery folder and this machine, and try, in hidden files of its own, what
the agent needs: renames, exchanges, leases, hard links, fsync, events. Each finding has its remedy. An agent may be running
or not. Run it as the agent's user: what it says holds for who runs it.

Exit codes: 0 nothing that loses updates, 1 an error: a finding that does, 2 the configuration is wrong.`,
		Example: `  sessionsync doctor
  sessionsync doctor --config /etc/sessionsync.yaml --json
  sudo -u svc sessionsync doctor --drop inbox --tasks plan/tasks.json --recovery rejected`,
		Args: exactly(cobra.NoArgs),
	}
	addConfigFlags(c.Flags())
	asJSON := c.Flags().Bool("json", false, "print the findings as JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		layout, err := agent.Layout(cfg.Document.Layout)
		if err != nil {
			return err
		}
		if _, err := agent.Schema(cfg.Document); err != nil {
			return misconfigured(cfg, err)
		}
		// A terminal that is closed must not leave files behind either.
		ctx, stop := signal.NotifyContext(c.Context(), syscall.SIGHUP)
		defer stop()
		report := doctor.Examine(ctx, doctor.Config{
			Drop: cfg.Drop, Tasks: cfg.Tasks, Recovery: cfg.Recovery, Layout: layout, Lock: lockfile.Kind(cfg.Document.Lock),
			Reassert: cfg.Document.Reassert, Poll: cfg.Watch.Mode == pollMode, File: cfg.File, Warnings: cfg.Warnings,
		})
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("examine %s: interrupted; what was tried is removed", cfg.Drop)
		}
		return printReport(env.stdout, report, *asJSON)
	}
	return c
}

const pollMode = "poll"

func printReport(w io.Writer, r doctor.Report, asJSON bool) error {
	var err error
	if asJSON {
		err = printJSON(w, r)
	} else {
		_, err = io.WriteString(w, r.Text())
	}
	if err != nil {
		return err
	}
	if r.LosesUpdates {
		return fmt.Errorf("%s: updates are lost, or never applied, until that is mended", count(r.Count(doctor.Error), "error"))
	}
	return nil
}
