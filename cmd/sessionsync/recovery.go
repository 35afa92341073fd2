package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/preview"
)

func recoveryCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "recovery",
		Short: "Look at what was rejected; try it again, edit it, discard it",
		Long: `What cannot be applied is in the recovery folder, an entry for each rejected fragment, with the reason. These commands
work on it beside a running agent and without one. ENTRY is the name of an entry or a beginning of it that no other one has.

Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 3 rejected again or refused, 4 held, or not ended in time.`,
		Example: `  sessionsync recovery list
  sessionsync recovery show 20261122T1015
  sessionsync recovery edit 20261122T1015
  sessionsync recovery retry --all --dry-run`,
		Args:                       noSuchCommand,
		SuggestionsMinimumDistance: distance,
		RunE: func(*cobra.Command, []string) error {
			return usageError{errors.New("no command given; those of recovery are list, show, retry, edit and discard")}
		},
	}
	c.AddCommand(recoveryListCommand(env), recoveryShowCommand(env), recoveryRetryCommand(env), recoveryEditCommand(env),
		recoveryDiscardCommand(env))
	for _, sub := range c.Commands() {
		addConfigFlags(sub.Flags())
	}
	return c
}

// openDesk makes the desk of a command's configuration.
func openDesk(c *cobra.Command, env environment) (*desk.Desk, config.Config, error) {
	cfg, err := load(c, env)
	if err != nil {
		return nil, cfg, err
	}
	layout, err := agent.Layout(cfg.Document.Layout)
	if err != nil {
		return nil, cfg, err
	}
	schema, err := agent.Schema(cfg.Document)
	if err != nil {
		return nil, cfg, misconfigured(cfg, err)
	}
	back, err := agent.New(cfg, agent.Options{Back: true}) // what it does is told by the desk
	if err != nil {
		return nil, cfg, misconfigured(cfg, err)
	}
	return desk.New(desk.Config{
		Drop: cfg.Drop, Recovery: cfg.Recovery, Log: newLogger(env, cfg.Log),
		Against: preview.Config{
			Tasks: cfg.Tasks, Layout: layout, Options: document.Options{Scope: cfg.Document.Scope, Schema: schema},
			Limits: fragment.Limits{MaxBytes: int64(cfg.Fragment.MaxBytes), MaxDepth: cfg.Fragment.MaxDepth},
		},
		Run: func(ctx context.Context) error {
			_, err := back.Run(ctx)
			return err
		},
	}), cfg, nil
}

// named makes wrong use of an error about a name.
func named(err error) error {
	if wrong := (*desk.NameError)(nil); errors.As(err, &wrong) {
		return usageError{err}
	}
	return err
}

// deskCommand gives the commands that do something with an entry, as they are to be typed here. Not those of the manifest: it
// may be anybody's.
func deskCommand(c *cobra.Command, cfg config.Config, entry string) func(verb string) string {
	var flags []string
	for _, name := range []string{"config", "session", "drop", "tasks", "recovery"} {
		if c.Flags().Changed(name) {
			flags = cfg.Arguments()
		}
	}
	return func(verb string) string {
		words := append([]string{"sessionsync", "recovery", verb}, flags...)
		return logging.Printable(shellescape.QuoteCommand(append(words, entry)))
	}
}

// progressOf shows progress on a terminal, and none elsewhere. End takes it away.
func progressOf(env environment) (show desk.Progress, end func()) {
	if !isTerminal(env.stderr) {
		return nil, func() {}
	}
	var bar *progressbar.ProgressBar
	shown := ""
	return func(what string, done, all int) {
			const few = 20 // take no time to speak of
			if all < few {
				return
			}
			if what != shown {
				shown = what
				bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(env.stderr),
					progressbar.OptionSetDescription(what),
					progressbar.OptionShowCount(), progressbar.OptionClearOnFinish())
			}
			bar.Set(done) // of a terminal that has gone nobody sees anything
		}, func() {
			if bar != nil {
				bar.Clear()
			}
		}
}

// writePlace writes a line of a fragment with a caret under the place.
func writePlace(w io.Writer, p *desk.Place) {
	if p == nil {
		return
	}
	number := fmt.Sprintf("%d | ", p.Line)
	fmt.Fprintf(w, "  %s%s\n  %s%s^\n", number, p.Text, strings.Repeat(" ", len(number)), strings.Repeat(" ", p.Caret))
}
