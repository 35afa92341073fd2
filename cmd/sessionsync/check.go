package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/preview"
)

func checkCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "check [FRAGMENT...]",
		Short: "Validate the configuration, the tasks file and fragments; change nothing",
		Long: `Validate the configuration and the tasks file. With fragments, say what would become of each and show, as a unified
diff, what applying them would change. Nothing is written, and no agent need be running.

Exit codes: 0 all is well, 1 a file cannot be used, 2 the configuration is wrong, 3 a fragment would be rejected.`,
		Example: `  sessionsync check
  sessionsync check drop/*.json
  sessionsync check --tasks plan/tasks.json update.json`,
	}
	addConfigFlags(c.Flags())
	c.RunE = func(c *cobra.Command, args []string) error {
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		for _, warning := range cfg.Warnings {
			fmt.Fprintf(env.stderr, "sessionsync: warning: %s\n", logging.Printable(warning))
		}
		p, err := previewOf(cfg, args)
		if at := (*fs.PathError)(nil); errors.As(err, &at) && errors.Is(err, fs.ErrNotExist) && slices.Contains(args, at.Path) {
			return fmt.Errorf("%w; name fragments that are there, or none to check the configuration and the tasks file", err)
		}
		if err != nil {
			return err
		}
		warnDuplicates(env.stderr, cfg, p.Duplicates)
		return printPreview(env.stdout, cfg, p)
	}
	return c
}

// warnDuplicates says which ids of the tasks file no update can name.
func warnDuplicates(w io.Writer, cfg config.Config, all []document.Duplicate) {
	const most = 10 // more of them are one mistake
	for i, d := range all {
		if i == most {
			fmt.Fprintf(w, "sessionsync: warning: %s: and %s more\n", logging.Printable(cfg.Tasks), count(len(all)-most, "id"))
			return
		}
		id := fragment.Quote(d.ID)
		if d.Scope != "" {
			id += " of the scope " + fragment.Quote(d.Scope)
		}
		fmt.Fprintf(w, "sessionsync: warning: %s: the id %s stands %d times: every update of it would be rejected as %s; give each item an id of its own\n",
			logging.Printable(cfg.Tasks), id, d.Count, fragment.AmbiguousID)
	}
}

func previewOf(cfg config.Config, paths []string) (preview.Preview, error) {
	layout, err := agent.Layout(cfg.Document.Layout)
	if err != nil {
		return preview.Preview{}, err
	}
	schema, err := agent.Schema(cfg.Document)
	if err != nil {
		return preview.Preview{}, misconfigured(cfg, err)
	}
	return preview.Run(preview.Config{
		Tasks:   cfg.Tasks,
		Layout:  layout,
		Options: document.Options{Scope: cfg.Document.Scope, Schema: schema},
		Limits:  fragment.Limits{MaxBytes: int64(cfg.Fragment.MaxBytes), MaxDepth: cfg.Fragment.MaxDepth},
	}, paths)
}

func printPreview(w io.Writer, cfg config.Config, p preview.Preview) error {
	var b strings.Builder
	if cfg.File != "" {
		fmt.Fprintf(&b, "%s: valid\n", logging.Printable(cfg.File))
	}
	fmt.Fprintf(&b, "%s: valid, %s\n", logging.Printable(cfg.Tasks), count(p.Items, "item"))
	rejected := false
	for _, v := range p.Verdicts {
		path := logging.Printable(v.Path)
		if v.Reject != nil {
			rejected = true
			fmt.Fprintf(&b, "%s: %s: %s\n", path, v.Reject.Code, logging.Printable(v.Reject.Error()))
			continue
		}
		fmt.Fprintf(&b, "%s: would change %s", path, count(len(v.Outcome.Items), "item"))
		if v.Outcome.Unchanged > 0 {
			fmt.Fprintf(&b, ", %s unchanged", count(v.Outcome.Unchanged, "update"))
		}
		b.WriteString("\n")
	}
	for line := range strings.Lines(p.Diff) {
		b.WriteString(diffLine(line))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if rejected {
		return errRejected
	}
	return nil
}

// diffLine is a line of a difference as it can be shown: its tabs and its line end stay as they are, so that it still fits
// the file.
func diffLine(line string) string {
	body := strings.TrimRight(line, "\r\n")
	parts := strings.Split(body, "\t")
	for i := range parts {
		parts[i] = logging.Printable(parts[i])
	}
	return strings.Join(parts, "\t") + line[len(body):]
}
