package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/service"
)

func runCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "run",
		Short: "Watch the drop directory and merge what arrives",
		Long: `Watch the drop directory and merge what arrives into the tasks file, until SIGINT or SIGTERM. The commit under way is
then finished; what is left waits on disk for the next start. A second signal ends at once, and loses nothing either.

Where the configuration has sessions all of them are served, each by an agent of its own: one in trouble stops no other. SIGHUP
reads the configuration again, unless the log goes to a terminal; one that is wrong changes nothing.

With listen in the configuration (listen: ":9464") it answers /livez, /readyz and /metrics there; with --once it does not.

Everything that can be configured is in config.example.yaml; each key is also a variable (SESSIONSYNC_BATCH_QUIET=20ms).

Exit codes: 0 ended as asked, 1 failed, 2 wrong use or configuration; with --once also 3 something was rejected, 4 held.`,
		Example: `  sessionsync run
  sessionsync run --config /etc/sessionsync.yaml
  sessionsync run --once --drop inbox --tasks plan/tasks.json --recovery rejected`,
		Args: exactly(cobra.NoArgs),
	}
	addConfigFlags(c.Flags())
	once := c.Flags().Bool("once", false, "handle what is there, then end: 0 all applied, 3 something was rejected, 4 held")
	c.RunE = func(c *cobra.Command, _ []string) error {
		read := func() (config.Config, error) {
			cfg, err := loadAll(c, env)
			if name := c.Flag("session").Value.String(); err == nil && name != "" {
				cfg, err = cfg.One(name)
			}
			return cfg, err
		}
		cfg, err := read()
		if err != nil {
			return err
		}
		log := newLogger(env, cfg.Log)
		for _, warning := range cfg.Warnings {
			log.Warn("configuration", "warning", warning)
		}
		options := service.Options{Once: *once, Log: log, Version: version()}
		if !*once && !isTerminal(env.stderr) { // in a terminal the signal says that it was closed
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			options.Reload, options.Load = hangups, func() (config.Config, error) {
				cfg, err := read()
				if err == nil {
					_, err = agent.Schema(cfg.Document)
				}
				return cfg, misconfigured(cfg, err)
			}
		}
		agents, err := service.New(cfg, options)
		if err != nil {
			return misconfigured(cfg, err)
		}
		report, err := agents.Run(c.Context())
		if err == nil && *once && report.Rejected > 0 {
			return errRejected
		}
		if cfg.Many() {
			return err
		}
		return permitted(err, cfg.Drop, cfg.Recovery)
	}
	return c
}

// permitted adds to an error what a person can do, where what is missing is a permission on one of the folders or in it.
func permitted(err error, folders ...string) error {
	var at *fs.PathError
	if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &at) {
		return err
	}
	for _, folder := range folders {
		own := filepath.Join(folder, ".sessionsync")
		if at.Path == own && at.Op != "mkdir" || strings.HasPrefix(at.Path, own+string(filepath.Separator)) {
			return fmt.Errorf("%w; it is for the agent's user alone: run this as its owner", err)
		}
		if at.Path == folder || strings.HasPrefix(at.Path, folder+string(filepath.Separator)) {
			return fmt.Errorf("%w; give the agent's user permission to read, write and enter %s", err, folder)
		}
	}
	return err
}

// newLogger logs to stderr, in colour where that is a terminal and NO_COLOR (https://no-color.org) is not set.
func newLogger(env environment, c config.Log) *slog.Logger {
	return logging.New(env.stderr, logging.Options{
		Level:    c.SlogLevel(),
		Format:   c.Format,
		Terminal: isTerminal(env.stderr),
		NoColor:  env.variable("NO_COLOR") != "" || env.variable("TERM") == "dumb",
	})
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
