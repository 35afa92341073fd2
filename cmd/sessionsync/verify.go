package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/books"
	"github.com/sessionsync/sessionsync/logging"
)

// errUnbalanced ends verify when something is missing.
var errUnbalanced = errors.New("the books do not balance")

func verifyCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check that nothing is lost: seen = applied + unchanged + rejected + waiting",
		Long: `Hold the history against what lies in the drop directory, among the claims and in the recovery folder: every fragment
that the agent has seen must have come to its end or be waiting somewhere, and every entry of the recovery folder must have
its file. Nothing is changed. It works with the agent running and without: what is on its way is looked for again for some
seconds before it is called missing.

Exit codes: 0 the books balance, 1 something is missing or cannot be read, 2 wrong use or configuration.`,
		Example: `  sessionsync verify
  sessionsync verify --json | jq .missing`,
		Args: exactly(cobra.NoArgs),
	}
	addConfigFlags(c.Flags())
	asJSON := c.Flags().Bool("json", false, "the report as JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		if cfg.History.MaxBytes == 0 {
			return cfg.Wrong("history.max_bytes", errors.New("is 0: no history is kept, and the books are in it; set it, to 16MiB say"))
		}
		report, err := books.Check(c.Context(), books.Config{Drop: cfg.Drop, Recovery: cfg.Recovery})
		if errors.Is(err, fs.ErrPermission) {
			return permitted(err, cfg.Recovery) // of the drop directory it says already who may look
		}
		if err != nil {
			return reachable(err, cfg.Drop)
		}
		if *asJSON {
			err = printReportJSON(env.stdout, report)
		} else {
			_, err = io.WriteString(env.stdout, reportText(report))
		}
		if err == nil && !report.Balanced() {
			err = errUnbalanced
		}
		return err
	}
	return c
}

func printReportJSON(w io.Writer, r books.Report) error {
	return printJSON(w, struct {
		Balanced bool `json:"balanced"`
		books.Report
	}{r.Balanced(), r})
}

// reportText is the report for people: the table, then what there is to say.
func reportText(r books.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "seen       %8d", r.Seen)
	if !r.Since.IsZero() {
		fmt.Fprintf(&b, "   since %s", r.Since.Local().Format(time.DateTime))
	}
	fmt.Fprintf(&b, "\napplied    %8d\nunchanged  %8d\nrejected   %8d\nwaiting    %8d", r.Applied, r.Unchanged, r.Rejected,
		r.Waiting)
	if r.Waiting > 0 {
		fmt.Fprintf(&b, "   %d dropped, %d claimed, %d in the recovery folder until the tasks file can be written", r.Dropped,
			r.Claimed, r.Recovered)
	}
	b.WriteString("\n")
	list(&b, r.Missing, "missing: seen, and neither applied, rejected nor waiting anywhere",
		"look in the tasks file whether it is applied, and drop it again if not; nothing but the agent should touch drop/.sessionsync")
	list(&b, r.Damaged, "damaged: the recovery entry is there, and the file is not",
		"recovery.json in the entry has its updates: drop them again, or discard the entry")
	list(&b, r.Gone, "rejected, and no longer in the recovery folder: discarded, or moved back, by a person", "")
	list(&b, r.Untold, "at work when the machine stopped or the history could not be written; what became of them is not told",
		"look in the tasks file if in doubt")
	if r.Unreadable > 0 {
		fmt.Fprintf(&b, "%s of the history cannot be read\n", count(r.Unreadable, "line"))
	}
	if r.Balanced() {
		b.WriteString("the books balance\n")
	} else if len(r.Missing)+len(r.Damaged) == 0 {
		b.WriteString("the history does not add up: somebody has changed it; move it away, and the books begin anew\n")
	}
	return b.String()
}

// list names some fragments, and what a person can do.
func list(b *strings.Builder, all []books.Fragment, what, remedy string) {
	const most = 10
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "%s %s\n", count(len(all), "fragment"), what)
	for i, f := range all {
		if i == most {
			fmt.Fprintf(b, "  and %d more\n", len(all)-most)
			break
		}
		where := "batch " + f.Batch
		if f.Entry != "" {
			where = "entry " + f.Entry
		}
		fmt.Fprintf(b, "  %s  (%s)\n", logging.Printable(f.File), logging.Printable(where))
	}
	if remedy != "" {
		fmt.Fprintf(b, "  %s\n", remedy)
	}
}
