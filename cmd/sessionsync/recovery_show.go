package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/status"
)

func recoveryShowCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ENTRY",
		Short: "Say why an entry was rejected, where the fault is, and how the items are now",
		Long: `Say why an entry was rejected, show the place of the fault in the fragment with a caret under it and the items that it names as
they are now, and whether it would be applied if it were tried again now. It ends with the commands that put it right.

Exit codes: 0 done, 1 the entry cannot be read, 2 there is no such entry, wrong use or configuration.`,
		Example: `  sessionsync recovery show 20261122T101530.123Z-18eb7bf62f04337c
  sessionsync recovery show 20261122T1015`,
		Args: exactly(cobra.ExactArgs(1)),
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		d, cfg, err := openDesk(c, env)
		if err != nil {
			return err
		}
		names, err := d.Resolve(args)
		if err != nil {
			return permitted(named(err), cfg.Recovery)
		}
		v, err := d.Show(names[0])
		if err != nil {
			return permitted(err, cfg.Recovery)
		}
		_, err = env.stdout.Write(viewText(v, deskCommand(c, cfg, names[0])))
		return err
	}
	return c
}

func viewText(v desk.View, command func(verb string) string) []byte {
	var b bytes.Buffer
	e := v.Entry
	fmt.Fprintf(&b, "%s: %s\n%s\n", logging.Printable(e.Name), logging.Printable(e.Error.Code),
		logging.Printable(e.Error.Message))
	fmt.Fprintf(&b, "rejected %s ago, at %s\n", status.Age(time.Since(e.Timestamp)), e.Timestamp.UTC().Format(time.RFC3339))
	for _, f := range v.Fragments {
		fragmentText(&b, v, f)
	}
	b.WriteString("\n")
	switch {
	case v.Cannot != "":
		fmt.Fprintf(&b, "It cannot be tried again: %s.\n", logging.Printable(v.Cannot))
	case e.Retryable:
		b.WriteString("It is marked to be tried again, which an agent does by itself.\n")
	default:
		fmt.Fprintf(&b, "To correct it:   %s\nTo try it again: %s\nTo delete it:    %s\n",
			command("edit"), command("retry"), command("discard"))
	}
	return b.Bytes()
}

func fragmentText(b *bytes.Buffer, v desk.View, f desk.FragmentView) {
	fmt.Fprintf(b, "\n%s, %s:\n", logging.Printable(f.File.Own), count(int(f.File.Size), "byte"))
	if f.Reason != nil && f.Reason.Message != v.Entry.Error.Message {
		fmt.Fprintf(b, "  %s: %s\n", logging.Printable(f.Reason.Code), logging.Printable(f.Reason.Message))
	}
	writePlace(b, f.Place)
	if f.Edited {
		b.WriteString("  It is not the file any more that was rejected.\n")
	}
	switch {
	case f.Would != nil && f.Reason != nil && f.Would.Error() == f.Reason.Message:
		b.WriteString("  Tried again now it would be rejected for the same reason.\n")
	case f.Would != nil:
		fmt.Fprintf(b, "  Tried again now it would be rejected: %s: %s\n", f.Would.Code, logging.Printable(f.Would.Error()))
	case v.Trouble != nil:
		fmt.Fprintf(b, "  Whether it would be applied now cannot be told: %s\n", logging.Printable(v.Trouble.Error()))
	default:
		b.WriteString("  Tried again now it would be applied.\n")
	}
	const most = 5
	for i, item := range f.Items {
		if i == most {
			fmt.Fprintf(b, "  and %s more\n", count(len(f.Items)-most, "item"))
			break
		}
		itemText(b, item)
	}
}

func itemText(b *bytes.Buffer, item desk.ItemView) {
	id := logging.Printable(item.ID)
	if item.Scope != "" {
		id += " of " + logging.Printable(item.Scope)
	}
	switch {
	case !item.There:
		fmt.Fprintf(b, "  There is no item %s now.\n", id)
		return
	case item.Changed:
		fmt.Fprintf(b, "  %s has changed since this was rejected. It is now:\n", id)
	default:
		fmt.Fprintf(b, "  %s is now:\n", id)
	}
	for _, m := range item.Members {
		value := strings.Join(strings.Fields(string(m.Value)), " ")
		fmt.Fprintf(b, "    %s: %s\n", logging.Printable(m.Name), shortened(value, 200))
	}
}
