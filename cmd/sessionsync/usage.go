package main

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// distance is how many letters may be wrong in a word for which another one is suggested.
const distance = 2

// exactly makes of wrong arguments a usage error that says which one is wrong and how the command is written.
func exactly(validate cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if validate(c, args) == nil {
			return nil
		}
		form := strings.TrimSuffix(c.UseLine(), " [flags]")
		for n := len(args) - 1; n >= 0; n-- {
			if validate(c, args[:n]) == nil {
				return usageError{fmt.Errorf("%q is one argument too many; write: %s", args[n], form)}
			}
		}
		return usageError{fmt.Errorf("an argument is missing; write: %s", form)}
	}
}

// noSuchCommand refuses what is no command of this one.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("unknown command %q", args[0])
	if c.HasParent() {
		message += " of " + c.Name()
	}
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		return usageError{fmt.Errorf("%s; did you mean %q?", message, similar[0])}
	}
	return usageError{fmt.Errorf("%s; the commands are %s", message, commandNames(c))}
}

func commandNames(c *cobra.Command) string {
	var names []string
	for _, command := range c.Commands() {
		if command.IsAvailableCommand() {
			names = append(names, command.Name())
		}
	}
	return strings.Join(names, ", ")
}

// wrongFlag says what to write in the place of a wrong flag.
func wrongFlag(c *cobra.Command, err error) error {
	if unknown := (*pflag.NotExistError)(nil); errors.As(err, &unknown) {
		if similar := similarFlag(c, unknown.GetSpecifiedName()); similar != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, similar)
		}
	}
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "duration" {
		err = fmt.Errorf("--%s: %q is no duration; write it like 500ms, 5s or 2m", invalid.GetFlag().Name, invalid.GetValue())
	}
	return usageError{err}
}

// similarFlag finds the flag that was meant as cobra finds a command that was meant.
func similarFlag(c *cobra.Command, name string) string {
	flags := &cobra.Command{SuggestionsMinimumDistance: distance}
	c.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	if similar := flags.SuggestionsFor(name); len(similar) > 0 {
		return similar[0]
	}
	return ""
}

// exitCodesTopic is not a command but something to read.
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean, for scripts",
		Long: `The exit codes are the same for all commands:

  0  done; with drop --wait: applied
  1  failed: a file, a folder or the machine; the message says which, and what to do
  2  wrong use or configuration: nothing was done
  3  rejected: an update was not applied; 'sessionsync recovery list' shows why
  4  timed out or held: it is not done yet, and nothing is lost; the agent goes on by itself once it can`,
	}
}

// mendHelp makes wrong use of help and completion wrong use, as it is of every other command.
func mendHelp(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, help
			c.Long = `Show the help of a command, or a topic: sessionsync help exit-codes.`
		case "completion":
			c.Short = "Make Tab complete commands, ids and entries in your shell"
			c.Args = noSuchCommand
			c.RunE = func(*cobra.Command, []string) error {
				return usageError{errors.New("which shell? bash, zsh, fish or powershell; " +
					"'sessionsync completion bash --help' says how to set it up")}
			}
			for _, shell := range c.Commands() {
				shell.Args = exactly(cobra.NoArgs)
				if shell.Name() == "bash" {
					_, how, _ := strings.Cut(shell.Long, "To load completions in your current") // and not: depends on bash-completion
					shell.Long = "Generate the autocompletion script for bash.\n\nTo load completions in your current" + how
					shell.RunE = completeBash(root, shell.RunE)
				}
			}
		}
	}
}

//go:embed complete.bash
var bashFallback string

// completeBash puts what bash may lack before the script.
func completeBash(root *cobra.Command, script func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if _, err := fmt.Fprint(root.OutOrStdout(), bashFallback); err != nil {
			return err
		}
		return script(c, args)
	}
}

func help(c *cobra.Command, words []string) error {
	about, rest, err := c.Root().Find(words)
	if err != nil || len(rest) > 0 {
		if about == nil {
			about = c.Root()
		}
		return noSuchCommand(about, rest)
	}
	about.InitDefaultHelpFlag()
	return about.Help()
}
