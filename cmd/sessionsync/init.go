package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"al.essio.dev/pkg/shellescape"
	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/scaffold"
)

func initCommand(env environment) *cobra.Command {
	return &cobra.Command{
		Use:   "init [FOLDER]",
		Short: "Make a configuration, the folders and a sample",
		Long: `Make what a session needs in a folder (this one, unless it is named): sessionsync.yaml with every setting and what it means,
drop/, recovery/ and, where there is no tasks.json yet, a sample of one. Nothing that is there is touched; the layout of a
tasks.json that is there goes into the configuration. It ends with what to type next.

Exit codes: 0 done, 1 something cannot be made, 2 wrong use.`,
		Example: `  sessionsync init
  sessionsync init plan`,
		Args: exactly(cobra.MaximumNArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			folder := "."
			if len(args) > 0 {
				folder = args[0]
			}
			session, err := scaffold.Make(folder)
			var b strings.Builder
			table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
			for _, item := range session.Items {
				what := "made"
				if !item.Made {
					what = "kept"
				}
				fmt.Fprintf(table, "%s\t%s\t%s\n", what, logging.Printable(filepath.Join(folder, item.Name)), logging.Printable(item.Note))
			}
			table.Flush()
			if err == nil {
				b.WriteString(nextSteps(folder, session))
			}
			fmt.Fprint(env.stdout, b.String())
			return err
		},
	}
}

// nextSteps is what a person types next.
func nextSteps(folder string, session scaffold.Session) string {
	flag := ""
	if folder != "." {
		flag = " --config " + logging.Printable(shellescape.Quote(filepath.Join(folder, config.FileName)))
	}
	if !session.Known {
		return fmt.Sprintf("\nThen:\n\n  sessionsync check%s\n", flag)
	}
	change := "ID member=value"
	if session.Sampled() {
		change = "P1.M1.T1.S1 status=Complete"
	}
	return fmt.Sprintf(`
Now start the agent, and from another terminal change something and look:

  sessionsync run%[1]s
  sessionsync drop %[2]s --wait 5s%[1]s
  sessionsync status%[1]s
`, flag, change)
}
