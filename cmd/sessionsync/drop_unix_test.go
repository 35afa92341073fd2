//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
)

// The agent's user owns the drop directory, and everybody may drop (1777), also with a umask that hides what they write.
func TestAProducerOfAnotherUserLearnsTheFateOfItsFragment(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can run two users")
	}
	folder, err := os.MkdirTemp("", "sessionsync-users-")
	must(t, err)
	t.Cleanup(func() { must(t, os.RemoveAll(folder)) })
	must(t, os.Chmod(folder, 0o755))
	program := filepath.Join(folder, "sessionsync")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cfg, err := config.Load(config.Options{Dir: folder})
	must(t, err)
	must(t, os.Mkdir(cfg.Drop, 0o755))
	must(t, os.Chmod(cfg.Drop, 0o777|os.ModeSticky))
	must(t, os.WriteFile(cfg.Tasks, []byte(`{"backlog":[{"id":"P1","type":"Phase","title":"One","status":"Planned"}]}`), 0o644))

	const nobody = 65534
	as := func(want int, says string, args ...string) {
		t.Helper()
		c := exec.Command("sh", append([]string{"-c", `umask 077; exec "$@"`, "sh", program}, args...)...)
		c.Dir = folder
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		var stderr bytes.Buffer
		c.Stderr = &stderr
		if err := c.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		if c.ProcessState.ExitCode() != want || !strings.Contains(stderr.String(), says) {
			t.Errorf("%v: exit code %d: %s", args, c.ProcessState.ExitCode(), stderr.String())
		}
	}
	as(4, "no agent serves it", "drop", "P1", "note=early", "--wait", "50ms")

	// The agent needs to be no root: it is the owner of the directory, as whom it may rename what others have put there.
	a, err := agent.New(cfg, agent.Options{})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := a.Run(ctx)
		ended <- err
	}()
	as(0, "", "drop", "P1", "status=Complete", "--wait", "1m")
	as(3, "rejected: unknown_id", "drop", "P9", "status=Complete", "--wait", "1m")
	as(1, "for the agent's user alone", "sync")

	// Of what is not theirs they are told whose it is, and no more than that.
	as(1, "permission denied; run this as the agent's user\n", "verify")
	as(1, "permission denied; it is for the agent's user alone: run this as its owner\n", "recovery", "retry", "--all")
	as(1, "permission denied; give the agent's user permission to read, write and enter "+cfg.Recovery+"\n",
		"recovery", "discard", "2", "--yes")
	cancel()
	must(t, <-ended)

	must(t, os.Rename(cfg.Tasks, cfg.Tasks+".kept"))
	as(4, "whether an agent serves it cannot be seen by this user", "drop", "P1", "status=Complete", "--wait", "50ms")
	left, err := filepath.Glob(filepath.Join(cfg.Drop, ".[0-9]*"))
	must(t, err)
	if len(left) > 0 {
		t.Errorf("receipts are left: %v", left)
	}
	must(t, os.Chmod(cfg.Drop, 0o755))
	as(1, "who drops needs permission to read, write and enter", "drop", "P1", "status=Complete")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
