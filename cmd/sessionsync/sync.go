package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
)

func syncCommand(env environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "sync",
		Short: "Wait until everything that was dropped has its fate",
		Long: `Wait until every fragment that was dropped before has its fate: it is applied, or in the recovery folder for a person to
look at. What is dropped meanwhile is not waited for. For scripts, between dropping and reading the tasks file.

It looks into the agent's own folder, so it has to run as the agent's user; 'sessionsync drop --wait' need not.

Exit codes: 0 all have their fate, 1 failed, 4 some have none within --wait.`,
		Example: `  sessionsync sync
  sessionsync sync --wait 2m && jq .backlog tasks.json`,
		Args: exactly(cobra.NoArgs),
	}
	addConfigFlags(c.Flags())
	wait := c.Flags().Duration("wait", 30*time.Second, "wait for at most this `duration`")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if *wait < 0 {
			return usageError{fmt.Errorf("--wait %v is negative", *wait)}
		}
		cfg, err := load(c, env)
		if err != nil {
			return err
		}
		p := producerOf(cfg)
		barrier, err := p.Barrier()
		if err != nil {
			return reachable(err, cfg.Drop)
		}
		limited, cancel := context.WithTimeout(c.Context(), *wait)
		defer cancel()
		err = barrier.Wait(limited)
		n := barrier.Waiting()
		switch {
		case err != nil || n == 0:
			return err
		case c.Context().Err() != nil:
			return fmt.Errorf("interrupted; %s without a fate", count(n, "fragment"))
		case barrier.Held() != "":
			return exitError{exitHeld, fmt.Errorf("%s without a fate after %v: the agent holds and tries again by itself: %s",
				count(n, "fragment"), *wait, barrier.Held())}
		}
		return exitError{exitHeld, fmt.Errorf("%s without a fate after %v in %s: %s", count(n, "fragment"), *wait, cfg.Drop,
			p.Agent())}
	}
	return c
}

// reachable adds to an error what a person can do about a drop directory that cannot be used.
func reachable(err error, drop string) error {
	var at *fs.PathError
	if !errors.As(err, &at) {
		return err
	}
	switch own := filepath.Join(drop, ".sessionsync"); {
	case errors.Is(err, fs.ErrNotExist) && at.Path == drop:
		return fmt.Errorf("%w; make it, or name the agent's with --drop or --config", err)
	case errors.Is(err, fs.ErrPermission) && (at.Path == own || filepath.Dir(at.Path) == own):
		return fmt.Errorf("%w; it is for the agent's user alone: run this as that user, or use 'sessionsync drop --wait'", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; who drops needs permission to read, write and enter %s", err, drop)
	}
	return err
}
