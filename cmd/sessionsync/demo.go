package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/demo"
)

func demoCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "See the whole in ten seconds, in a temporary folder",
		Long: `Run a session in a new temporary folder: an agent, three programs that drop fragments at once, one of them wrong. See what is
merged, why one is rejected, how it is corrected and tried again, what the history remembers and that nothing is lost. The
folder stays, to be looked at and played with. On a terminal there are short pauses, to read along.

Exit codes: 0 done, 1 failed, 2 wrong use.`,
		Example: `  sessionsync demo
  sessionsync demo | less`,
		Args: exactly(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			folder, err := os.MkdirTemp("", "sessionsync-demo-")
			if err != nil {
				return fmt.Errorf("%w; set TMPDIR to a folder in which you may write", err)
			}
			o := demo.Options{Out: env.stdout, Command: ownCommand()}
			if isTerminal(env.stdout) {
				o.Pause = time.Second
				o.Colour = env.variable("NO_COLOR") == "" && env.variable("TERM") != "dumb"
			}
			if err := demo.Run(c.Context(), folder, o); err != nil {
				if c.Context().Err() != nil {
					return fmt.Errorf("interrupted; what there is so far is in %s", folder)
				}
				return fmt.Errorf("%w; what there is so far is in %s", err, folder)
			}
			return nil
		},
	}
}

// ownCommand is what a person types to run this program: they may have come by go run, which leaves none behind.
func ownCommand() string {
	if _, err := exec.LookPath("sessionsync"); err == nil {
		return "sessionsync"
	}
	path, err := os.Executable()
	if err != nil || strings.Contains(filepath.ToSlash(path), "/go-build") {
		return "go run ./cmd/sessionsync"
	}
	return path
}
