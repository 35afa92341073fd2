package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/status"
)

func recoveryListCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the entries of the recovery folder",
		Long: `List the entries of the recovery folder, in the order in which they would be applied. A star marks those that an agent
tries again by itself.

Exit codes: 0 done, also where there are none, 1 the folder cannot be read, 2 wrong use or configuration.`,
		Example: `  sessionsync recovery list
  sessionsync recovery list --code schema_violation
  sessionsync recovery list --json | jq -r '.[].entry'`,
		Args: exactly(cobra.NoArgs),
	}
	asJSON := c.Flags().Bool("json", false, "print an array of objects")
	code := c.Flags().String("code", "", "only entries of this `code`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		d, cfg, err := openDesk(c, env)
		if err != nil {
			return err
		}
		entries, err := d.Entries(*code)
		if err != nil {
			return permitted(err, cfg.Recovery)
		}
		if *asJSON {
			return listJSON(env, d, entries)
		}
		if len(entries) == 0 {
			_, err := fmt.Fprintf(env.stdout, "nothing is in %s\n", logging.Printable(cfg.Recovery))
			return err
		}
		return listTable(env, d, entries)
	}
	return c
}

// listed is an entry in the output for programs.
type listed struct {
	Entry     string    `json:"entry"`
	Timestamp time.Time `json:"timestamp"`
	Code      string    `json:"code"`
	Message   string    `json:"message"`
	Fragments int       `json:"fragments"`
	Updates   int       `json:"updates"`
	IDs       []string  `json:"ids"`
	Retryable bool      `json:"retryable"`
	Retry     string    `json:"retry,omitempty"`
}

func listJSON(env environment, d *desk.Desk, entries []recovery.Entry) error {
	out := make([]listed, 0, len(entries))
	for _, e := range entries {
		const most = 1000 // a program wants all, and a manifest may hold any number
		ids, _ := d.IDs(e, most)
		if ids == nil {
			ids = []string{}
		}
		out = append(out, listed{
			e.Name, e.Timestamp, e.Error.Code, e.Error.Message, len(e.Fragments), e.PendingCount, ids, e.Retryable, e.Retry,
		})
	}
	return printJSON(env.stdout, out)
}

func listTable(env environment, d *desk.Desk, entries []recovery.Entry) error {
	const ids, message = 2, 60
	w := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENTRY\tAGE\tCODE\tFRAGMENTS\tIDS\tMESSAGE")
	for _, e := range entries {
		named, more := d.IDs(e, ids)
		about := shortened(strings.Join(named, ", "), 40)
		if more {
			about += ", …"
		}
		code := shortened(e.Error.Code, 30)
		if e.Retryable {
			code += " *"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\n", logging.Printable(e.Name), status.Age(time.Since(e.Timestamp)), code,
			len(e.Fragments), about, shortened(e.Error.Message, message))
	}
	return w.Flush()
}
