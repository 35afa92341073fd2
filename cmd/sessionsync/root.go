package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/logging"
)

// The exit codes of the contract.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitRejected = 3
	exitHeld     = 4
)

// errRejected ends a command after which something was not applied; what there is to say has been said.
var errRejected = errors.New("rejected")

// usageError is wrong use of the command line.
type usageError struct{ error }

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

func (e exitError) Unwrap() error { return e.error }

// environment is what a command is given from outside.
type environment struct {
	variables      []string
	stdout, stderr io.Writer
}

// run is the program. It returns the exit code.
func run(ctx context.Context, args, variables []string, stdout, stderr io.Writer) int {
	root := rootCommand(environment{variables, stdout, stderr})
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	command, err := root.ExecuteContextC(ctx)
	code := exitCode(err)
	if err != nil && !errors.Is(err, errRejected) {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintf(stderr, "sessionsync: %s\n", logging.Printable(strings.TrimRight(line, "\r\n")))
		}
		var usage usageError
		if errors.As(err, &usage) {
			fmt.Fprintf(stderr, "Run '%s --help' for usage.\n", command.CommandPath())
		}
	}
	return code
}

func exitCode(err error) int {
	var held *agent.HeldError
	var wrong *config.Error
	var which *config.SessionError
	var usage usageError
	var own exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, errRejected):
		return exitRejected
	case errors.As(err, &held):
		return exitHeld
	case errors.As(err, &wrong), errors.As(err, &which), errors.As(err, &usage):
		return exitUsage
	}
	return exitFailed
}

func rootCommand(env environment) *cobra.Command {
	root := &cobra.Command{
		Use:   "sessionsync",
		Short: "Merge dropped JSON fragments into tasks.json, losing nothing",
		Long: `sessionsync watches a directory for small JSON files (fragments), gathers them into batches and merges each batch
into tasks.json with one atomic write. What cannot be applied goes to a recovery folder, with the reason.

Exit codes: 0 done, 1 failed, 2 wrong use or configuration, 3 something was rejected, 4 timed out or held.`,
		Example: `  sessionsync demo                                # see the whole in ten seconds
  sessionsync init && sessionsync run             # begin
  sessionsync drop P1.M1.T1.S1 status=Complete    # change something, from another terminal
  sessionsync status                              # see what happens`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetFlagErrorFunc(wrongFlag)
	root.Args = noSuchCommand
	root.RunE = func(*cobra.Command, []string) error {
		return usageError{errors.New("no command given; to see what this is about: sessionsync demo")}
	}
	root.SuggestionsMinimumDistance = distance
	addGroup(root, "Begin:", initCommand(env), demoCommand(env), checkCommand(env), doctorCommand(env))
	addGroup(root, "Run the agent:", runCommand(env))
	addGroup(root, "Change something:", dropCommand(env), syncCommand(env))
	addGroup(root, "See what happens:", statusCommand(env), historyCommand(env), verifyCommand(env))
	addGroup(root, "Put right what was rejected:", recoveryCommand(env))
	const more = "More:"
	addGroup(root, more, manCommand(env), versionCommand(env))
	root.AddCommand(exitCodesTopic())
	root.SetHelpCommandGroupID(more)
	root.SetCompletionCommandGroupID(more)
	mendHelp(root)
	addCompletions(env, root)
	return root
}

// addGroup adds commands that belong together; the help shows them in the order in which they are added.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
}

// flagKeys are the flags that set a key of the configuration.
var flagKeys = map[string]string{
	"drop": "drop", "tasks": "tasks", "recovery": "recovery", "log-level": "log.level", "log-format": "log.format",
}

func addConfigFlags(flags *pflag.FlagSet) {
	flags.String("config", "", "config `file` (default sessionsync.yaml in this folder, if it is there)")
	flags.String("drop", "", "drop `directory` (default ./drop)")
	flags.String("tasks", "", "tasks `file` (default ./tasks.json)")
	flags.String("recovery", "", "recovery `folder` (default ./recovery)")
	flags.String("session", "", "the `name` of one session, where the configuration has several")
	flags.String("log-level", "", "debug, info, warn or error (default info)")
	flags.String("log-format", "", "text, json or auto: text on a terminal, JSON elsewhere (default auto)")
}

// load reads the configuration of a command that is about one session.
func load(c *cobra.Command, env environment) (config.Config, error) {
	cfg, err := loadAll(c, env)
	if err != nil {
		return cfg, err
	}
	return cfg.One(c.Flag("session").Value.String())
}

// loadAll reads the configuration, with all its sessions.
func loadAll(c *cobra.Command, env environment) (config.Config, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Config{}, err
	}
	options := config.Options{Dir: dir, Environ: env.variables, Flags: map[string]string{}}
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "config" {
			options.File = f.Value.String()
		} else if key, ok := flagKeys[f.Name]; ok {
			options.Flags[key] = f.Value.String()
		}
	})
	if c.Flags().Changed("config") && options.File == "" {
		return config.Config{}, usageError{errors.New("--config names no file")}
	}
	return config.Load(options)
}

// misconfigured makes of an error about a file that the configuration names one with the place where that is.
func misconfigured(cfg config.Config, err error) error {
	if schema := (*document.SchemaError)(nil); errors.As(err, &schema) {
		return cfg.Wrong("document.schema", schema)
	}
	return err
}

// variable returns the value of an environment variable; of one that is given twice, like os.Getenv, the first.
func (e environment) variable(name string) string {
	for _, v := range e.variables {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}
