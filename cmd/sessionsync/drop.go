package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/producer"
	"github.com/sessionsync/sessionsync/vfs"
)

func dropCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "drop ID member=value...",
		Short: "Drop a fragment: change one item of the tasks file",
		Long: `Drop a fragment into the drop directory, whole and durable, and print its name. No agent need be running.

A value is JSON where it parses as JSON (3, true, null, ["a"]), else text: status=Complete needs no quotes. null removes the
member. Where a value comes from a variable, --string=member=value takes it as text whatever it is; --string alone takes all
values so. An ID that is an integer is written as a number.

With --wait the command ends when the fragment's fate is known.

Exit codes: 0 dropped (with --wait: applied), 1 failed, 2 not a fragment, 3 rejected, 4 no fate within --wait; the fragment
stays dropped then.`,
		Example: `  sessionsync drop P1.M1.T1.S1 status=Complete
  sessionsync drop P1.M1.T1.S1 status=Complete --if status=Implementing --wait 5s
  sessionsync drop P1.M1.T1.S1 story_points=3 --string=title="$title"
  sessionsync drop P1.M1.T1.S1 --json '{"review":{"by":"Ann","ok":true}}'
  sessionsync drop P1.M1.T1.S9 --op create type=Subtask title='Write it down' status=Planned
  sessionsync drop P1.M1.T1.S1 --patch '[{"op":"add","path":"/dependencies/-","value":"P1"}]'
  sessionsync drop P1.M1.T1.S9 --op remove
  jq -c '.[]' updates.json | sessionsync drop --stdin`,
	}
	addConfigFlags(c.Flags())
	u := &producer.Update{}
	c.Flags().StringVar(&u.JSON, "json", "", "a JSON `object`, whose members are added to the change")
	c.Flags().StringArrayVar(&u.If, "if", nil, "only if the item's `member=value`; null: only if it has none; may be given again")
	c.Flags().StringVar(&u.Op, "op", "", "the `operation`: merge, create, upsert, remove or patch (default merge)")
	c.Flags().StringVar(&u.Parent, "parent", "", "with create and upsert: the `id` of the item that gets the new child")
	c.Flags().StringVar(&u.Scope, "scope", "", "for layouts with several lists: the `name` of the one that is meant")
	c.Flags().StringVar(&u.Patch, "patch", "", "a JSON Patch (RFC 6902): a JSON `array` of operations, their paths within the item")
	c.Flags().Var(&texts{u}, "string", "take all values as text, also such as 5 and null; with =member=value: that one")
	c.Flags().Lookup("string").NoOptDefVal = allValues
	stdin := c.Flags().Bool("stdin", false, "read the whole fragment from standard input: an object, an array, or one update a line")
	wait := c.Flags().Duration("wait", 0, "wait for the fragment's fate for at most this `duration`, such as 5s")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *wait < 0 {
			return usageError{fmt.Errorf("--wait %v is negative", *wait)}
		}
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		text, err := fragmentOf(c, u, *stdin, args, int64(cfg.Fragment.MaxBytes))
		if err != nil {
			return err
		}
		return drop(c.Context(), env, cfg, text, *wait, sameSession(c.Flags()))
	}
	return c
}

// allValues is what --string without a value stands for; no member=value is like it.
const allValues = "all"

// texts is the value of --string.
type texts struct{ u *producer.Update }

func (t *texts) Set(value string) error {
	if value == allValues {
		t.u.AllText = true
		return nil
	}
	if !strings.Contains(value, "=") {
		return fmt.Errorf("%q is no member=value", value)
	}
	t.u.Texts = append(t.u.Texts, value)
	return nil
}

func (t *texts) String() string { return "" }

func (t *texts) Type() string { return "member=value" }

// fragmentOf is the text of the fragment that the arguments ask for.
func fragmentOf(c *cobra.Command, u *producer.Update, stdin bool, args []string, most int64) ([]byte, error) {
	if stdin {
		for _, name := range []string{"json", "if", "op", "parent", "scope", "patch", "string"} {
			if c.Flags().Changed(name) {
				return nil, usageError{fmt.Errorf("--stdin is the whole fragment: --%s cannot be added to it", name)}
			}
		}
		if len(args) > 0 {
			return nil, usageError{fmt.Errorf("--stdin is the whole fragment: %q cannot be added to it", args[0])}
		}
		text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), most+1)) // one more: then it is too large
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		if len(strings.TrimSpace(string(text))) == 0 {
			return nil, usageError{errors.New("standard input is empty; give a fragment such as {\"id\":\"P1\",\"status\":\"Complete\"}")}
		}
		return text, nil
	}
	if len(args) == 0 {
		return nil, usageError{errors.New("drop needs the ID of the item, then what to change, such as: sessionsync drop P1 status=Complete")}
	}
	u.ID, u.Members = args[0], args[1:]
	if strings.Contains(u.ID, "=") {
		return nil, usageError{fmt.Errorf("the first argument is the item's ID, and %q looks like a change", u.ID)}
	}
	if len(args) == 1 && len(u.Texts) == 0 && u.JSON == "" && u.Patch == "" && u.Op == "" {
		return nil, usageError{fmt.Errorf("nothing to change in %s; add a change such as status=Complete", u.ID)}
	}
	text, err := u.Fragment()
	if err != nil {
		return nil, usageError{err}
	}
	return text, nil
}

func drop(ctx context.Context, env environment, cfg config.Config, text []byte, wait time.Duration, flags string) error {
	p := producerOf(cfg)
	if wait == 0 {
		name, err := p.Drop(text, producer.Ending(text))
		if err != nil {
			return refused(err, cfg)
		}
		_, err = fmt.Fprintln(env.stdout, name)
		return err
	}
	receipt, err := p.DropWithReceipt(text, producer.Ending(text))
	if err != nil {
		return refused(err, cfg)
	}
	if _, err := fmt.Fprintln(env.stdout, receipt.Name); err != nil {
		return errors.Join(err, receipt.Close())
	}
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fate, reason, err := receipt.Wait(limited)
	if err := receipt.Close(); err != nil { // the fate is what was asked for
		fmt.Fprintf(env.stderr, "sessionsync: warning: the receipt is left behind: %s\n", logging.Printable(err.Error()))
	}
	switch {
	case err != nil:
		return err
	case fate == producer.Applied:
		return nil
	case fate == producer.Rejected:
		fmt.Fprintf(env.stderr, "sessionsync: rejected: %s: %s\n", reason.Code, logging.Printable(reason.Message))
		fmt.Fprintf(env.stderr, "Run 'sessionsync recovery show%s %s' to see it whole.\n", logging.Printable(flags), logging.Printable(reason.Entry))
		return errRejected
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted; %s stays dropped", receipt.Name)
	case fate == producer.Held:
		return exitError{exitHeld, fmt.Errorf("no fate within %v: the agent holds %s and tries again by itself: %s: %s",
			wait, receipt.Name, reason.Code, reason.Message)}
	}
	return exitError{exitHeld, fmt.Errorf("no fate within %v: %s waits in %s: %s", wait, receipt.Name, cfg.Drop, p.Agent())}
}

func producerOf(cfg config.Config) *producer.Producer {
	return producer.New(producer.Config{
		Drop:     cfg.Drop,
		Recovery: cfg.Recovery,
		Limits:   fragment.Limits{MaxBytes: int64(cfg.Fragment.MaxBytes), MaxDepth: cfg.Fragment.MaxDepth},
	})
}

// refused says what a person can do about a fragment that could not be dropped.
func refused(err error, cfg config.Config) error {
	var bad *fragment.Error
	switch {
	case errors.As(err, &bad):
		return exitError{exitUsage, fmt.Errorf("not dropped: %s: %w", bad.Code, bad)}
	case errors.Is(err, vfs.ErrNoLinks):
		return fmt.Errorf("%w, which --wait needs; nothing was dropped: drop it without --wait", err)
	}
	return reachable(err, cfg.Drop)
}
