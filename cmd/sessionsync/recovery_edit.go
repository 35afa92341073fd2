package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
)

func recoveryEditCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "edit ENTRY [FRAGMENT]",
		Short: "Edit a rejected fragment and try it again",
		Long: `Open a copy of the rejected fragment in $VISUAL, or $EDITOR, or vi. What is saved is parsed; where that fails the message is
shown, and on a terminal the copy can be edited again. Then it takes the place of the fragment in the recovery folder, in one
step, and the entry is tried again, as by retry. A copy that is left as it was, or empty, changes nothing.

FRAGMENT, the name under which it was dropped, is needed where an entry has several.

Exit codes: as of retry; 0 also where nothing was changed.`,
		Example: `  sessionsync recovery edit 20261122T1015
  EDITOR='code --wait' sessionsync recovery edit 20261122T1015`,
		Args: exactly(cobra.RangeArgs(1, 2)),
	}
	force := c.Flags().Bool("force", false, "also where an item has changed since")
	wait := c.Flags().Duration("wait", defaultWait, "wait for a running agent for at most this `duration`")
	c.RunE = func(c *cobra.Command, args []string) error {
		if *wait <= 0 {
			return usageError{errors.New("--wait must be more than 0")}
		}
		d, cfg, err := openDesk(c, env)
		if err != nil {
			return err
		}
		names, err := d.Resolve(args[:1])
		if err != nil {
			return permitted(named(err), cfg.Recovery)
		}
		name := ""
		if len(args) > 1 {
			name = args[1]
		}
		if why, err := d.Changed(names[0]); err == nil && why != "" && !*force {
			printed := printFates(env.stdout, []desk.Fate{{Entry: names[0], State: desk.Refused, Message: why}})
			return errors.Join(printed, errRejected)
		}
		draft, err := d.Draft(names[0], name)
		if err != nil {
			return permitted(named(err), cfg.Recovery)
		}
		saved, err := edit(c, env, d, draft, deskCommand(c, cfg, names[0]))
		if err != nil || !saved {
			return err
		}
		return retry(c, env, cfg, d, names, desk.Options{Force: *force, Wait: *wait})
	}
	return c
}

// edit has a person edit a draft until it is a fragment, and saves it. False: they have changed their mind.
func edit(c *cobra.Command, env environment, d *desk.Desk, draft desk.Draft, command func(verb string) string) (saved bool, err error) {
	folder, err := os.MkdirTemp("", "sessionsync-edit-")
	if err != nil {
		return false, err
	}
	path := filepath.Join(folder, copyName(draft.File.Own))
	keep := func(err error) error { return fmt.Errorf("%w; your text is in %s", err, path) }
	defer func() {
		if err == nil {
			os.RemoveAll(folder) // else the text is still of use
		}
	}()
	if err := os.WriteFile(path, draft.Text, 0o600); err != nil {
		return false, err
	}
	in := bufio.NewReader(c.InOrStdin())
	for {
		if err := runEditor(c, env, path); err != nil {
			return false, keep(err)
		}
		text, err := readEdited(path)
		if err != nil {
			return false, keep(err)
		}
		if len(bytes.TrimSpace(text)) == 0 || bytes.Equal(text, draft.Text) {
			_, err := fmt.Fprintf(env.stdout, "nothing was changed, and nothing tried again; to try it as it is: %s\n",
				command("retry"))
			return false, err
		}
		wrong, place := d.Judge(draft, text)
		if wrong == nil {
			err := d.Save(c.Context(), draft, text)
			if errors.Is(err, recovery.ErrChanged) || errors.Is(err, recovery.ErrRetryable) || errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%w; somebody was faster", err)
			}
			if err != nil {
				return false, keep(err)
			}
			return true, nil
		}
		fmt.Fprintf(env.stderr, "sessionsync: %s: %s\n", wrong.Code, logging.Printable(wrong.Error()))
		writePlace(env.stderr, place)
		again, err := ask(c, env, in, "Edit it again? [Y/n] ", true)
		if err != nil {
			return false, keep(err)
		}
		if !again {
			return false, keep(fmt.Errorf("it is no fragment, and nothing was changed"))
		}
	}
}

// copyName is the name of a copy: that of the fragment, where that is harmless everywhere.
func copyName(own string) string {
	for _, r := range own {
		if !(r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z') {
			return "fragment" + filepath.Ext(own)
		}
	}
	return own
}

func readEdited(path string) (_ []byte, err error) {
	f, err := vfs.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	const most = 1 << 30 // no fragment; and no memory for more
	return io.ReadAll(io.LimitReader(f, most))
}

// runEditor runs the editor that the variables name, as git does: they may hold options.
func runEditor(c *cobra.Command, env environment, path string) error {
	editor := env.variable("VISUAL")
	if editor == "" {
		editor = env.variable("EDITOR")
	}
	if editor == "" {
		editor = "vi"
		if runtime.GOOS == "windows" {
			editor = "notepad"
		}
	}
	command := editorCommand(c.Context(), editor, path)
	command.Stdin, command.Stdout, command.Stderr = c.InOrStdin(), env.stdout, env.stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("run the editor %s: %w; set VISUAL or EDITOR to one that you have", fragment.Quote(editor), err)
	}
	return nil
}

func editorCommand(ctx context.Context, editor, path string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		words := append(strings.Fields(editor), path)
		return exec.CommandContext(ctx, words[0], words[1:]...)
	}
	return exec.CommandContext(ctx, "sh", "-c", editor+` "$@"`, editor, path)
}

// ask asks a question on a terminal. Elsewhere there is nobody to answer, and the answer is no.
func ask(c *cobra.Command, env environment, in *bufio.Reader, question string, enter bool) (bool, error) {
	if !isInteractive(c) {
		return false, nil
	}
	fmt.Fprint(env.stderr, question)
	line, err := in.ReadString('\n')
	if err != nil && line == "" {
		return false, nil // the end of the input is no yes
	}
	switch answer := strings.ToLower(strings.TrimSpace(line)); {
	case answer == "":
		return enter, nil
	default:
		return answer == "y" || answer == "yes", nil
	}
}

func isInteractive(c *cobra.Command) bool {
	f, ok := c.InOrStdin().(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
