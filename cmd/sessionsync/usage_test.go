package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands gives every command of the program.
func commands(t *testing.T, look func(t *testing.T, c *cobra.Command)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if path := c.CommandPath(); !strings.Contains(path, " completion") && !strings.Contains(path, " help") && c.Runnable() {
			t.Run(path, func(t *testing.T) { look(t, c) })
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(rootCommand(environment{nil, io.Discard, io.Discard}))
}

func TestEachCommandSaysWhatItDoesAndHowItEnds(t *testing.T) {
	commands(t, func(t *testing.T, c *cobra.Command) {
		if c.Short == "" || !strings.Contains(c.Long, "Exit codes: ") || c.Example == "" {
			t.Error("its help has no short text, no exit codes or no example")
		}
		if strings.Contains(c.Long, "<") {
			t.Error("its manual page would lose what is between < and >")
		}
		for line := range strings.Lines(c.Long) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 128 {
				t.Errorf("a line of %d characters: %s", n, line)
			}
		}
	})
}

// What an example names is there: its command, and each of its flags.
func TestExamplesAreOfThisProgram(t *testing.T) {
	flag := regexp.MustCompile(`(?:^| )--?([a-z][a-z-]*)`)
	commands(t, func(t *testing.T, c *cobra.Command) {
		for _, example := range regexp.MustCompile(`sessionsync( [^|&#\n]*|$)`).FindAllString(c.Example, -1) {
			words := strings.Fields(example)[1:]
			if len(words) == 0 {
				continue
			}
			about, _, err := c.Root().Find(words)
			if err != nil || about == c.Root() {
				t.Errorf("%s: no such command: %v", example, err)
				continue
			}
			for _, name := range flag.FindAllStringSubmatch(example, -1) {
				if about.Flags().Lookup(name[1]) == nil {
					t.Errorf("%s: no such flag: %s", example, name[1])
				}
			}
		}
	})
}
