//go:build unix

// Package examples_test runs the examples, each with the program that it is written for, against a real agent.
package examples_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
)

const (
	good = `{"id":"P1.M1.T1.S1","status":"Complete"}`
	bad  = `{"id":"P1.M1.T1.S9","status":"Complete"}`
)

// example is how one of them is run.
type example struct {
	name string
	args func(fragment, seconds string) []string
}

var examples = []example{
	{"sh", func(fragment, seconds string) []string { return []string{"sh", "drop.sh", fragment, seconds} }},
	{"bash", func(fragment, seconds string) []string { return []string{"bash", "drop.sh", fragment, seconds} }},
	{"python3", func(fragment, seconds string) []string { return []string{"python3", "drop.py", fragment, seconds} }},
	{"node", func(fragment, seconds string) []string { return []string{"node", "drop.mjs", fragment, seconds} }},
	{"pwsh", func(fragment, seconds string) []string {
		return []string{"pwsh", "-NoProfile", "-NonInteractive", "-File", "drop.ps1", fragment, seconds}
	}},
	{"make", func(fragment, seconds string) []string {
		target := "S1"
		if fragment == bad {
			target = "S9"
		}
		return []string{"make", "--no-print-directory", target, "WAIT=" + seconds, "DROP=" + os.Getenv("SESSIONSYNC_DROP"), "RECOVERY=" + os.Getenv("SESSIONSYNC_RECOVERY")}
	}},
}

// session is a folder with a tasks file, in which the examples are.
type session struct {
	t      *testing.T
	config config.Config
}

func newSession(t *testing.T) *session {
	t.Helper()
	folder := t.TempDir()
	c := config.Default()
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "the drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "the recovery")
	must(t, os.Mkdir(c.Drop, 0o755))
	must(t, os.WriteFile(c.Tasks, []byte(`{"backlog":[{"id":"P1","type":"Phase","title":"One","status":"Planned","milestones":[`+
		`{"id":"P1.M1","type":"Milestone","title":"One","status":"Planned","tasks":[{"id":"P1.M1.T1","type":"Task","title":"One","status":"Planned","subtasks":[`+
		`{"id":"P1.M1.T1.S1","type":"Subtask","title":"One","status":"Planned"}]}]}]}]}`), 0o644))
	t.Setenv("SESSIONSYNC_DROP", c.Drop)
	t.Setenv("SESSIONSYNC_RECOVERY", c.Recovery)
	return &session{t, c}
}

// agent runs one until the test ends.
func (s *session) agent() {
	s.t.Helper()
	a, err := agent.New(s.config, agent.Options{})
	must(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := a.Run(ctx)
		ended <- err
	}()
	s.t.Cleanup(func() {
		cancel()
		must(s.t, <-ended)
	})
}

// run runs an example and returns its exit code and what it said on stderr.
func (s *session) run(e example, fragment, seconds string) (int, string) {
	s.t.Helper()
	code, stderr, err := run(s.t.Context(), e, fragment, seconds)
	must(s.t, err)
	return code, stderr
}

func run(ctx context.Context, e example, fragment, seconds string) (int, string, error) {
	const tooLong = time.Minute // a failsafe
	ctx, cancel := context.WithTimeout(ctx, tooLong)
	defer cancel()
	args := e.args(fragment, seconds)
	var stderr bytes.Buffer
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stderr = &stderr
	err := c.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = nil
	}
	return c.ProcessState.ExitCode(), stderr.String(), err
}

// ends checks an exit code; make has its own and tells that of the recipe.
func (s *session) ends(e example, code int, stderr string, want int) {
	s.t.Helper()
	if e.name == "make" && want != 0 {
		if code != 2 || !strings.Contains(stderr, map[int]string{3: "Error 3", 4: "Error 4"}[want]) {
			s.t.Errorf("make ended with %d: %s", code, stderr)
		}
	} else if code != want {
		s.t.Errorf("exit code %d, want %d: %s", code, want, stderr)
	}
	entries, err := os.ReadDir(s.config.Drop)
	must(s.t, err)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") && entry.Name() != ".sessionsync" {
			s.t.Errorf("left behind: %s", entry.Name())
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func each(t *testing.T, f func(*testing.T, example)) {
	for _, e := range examples {
		t.Run(e.name, func(t *testing.T) {
			if _, err := exec.LookPath(e.name); err != nil {
				t.Skip(err)
			}
			f(t, e)
		})
	}
}

func TestAppliedIsExitCode0(t *testing.T) {
	each(t, func(t *testing.T, e example) {
		s := newSession(t)
		s.agent()
		code, stderr := s.run(e, good, "30")
		s.ends(e, code, stderr, 0)
		if text, err := os.ReadFile(s.config.Tasks); err != nil || strings.Count(string(text), "Complete") != 1 {
			t.Errorf("the tasks file holds %s, %v", text, err)
		}
	})
}

func TestRejectedIsExitCode3WithTheCodeAndTheReason(t *testing.T) {
	each(t, func(t *testing.T, e example) {
		s := newSession(t)
		s.agent()
		code, stderr := s.run(e, bad, "30")
		s.ends(e, code, stderr, 3)
		if !strings.Contains(stderr, "unknown_id") || !strings.Contains(stderr, `there is no item `) {
			t.Errorf("it said %s", stderr)
		}
	})
}

func TestNoFateInTimeIsExitCode4AndTheFragmentStays(t *testing.T) {
	each(t, func(t *testing.T, e example) {
		s := newSession(t)
		code, stderr := s.run(e, good, "1")
		s.ends(e, code, stderr, 4)
		if left, err := filepath.Glob(filepath.Join(s.config.Drop, "[^.]*.json")); err != nil || len(left) != 1 {
			t.Errorf("in the drop directory: %v, %v", left, err)
		}
	})
}

// A batch that could not be written is in the recovery folder, and is no reject: the agent applies it when it can.
func TestWhatTheAgentHoldsIsNotRejected(t *testing.T) {
	each(t, func(t *testing.T, e example) {
		s := newSession(t)
		type end struct {
			code   int
			stderr string
			err    error
		}
		ended := make(chan end, 1)
		go func() {
			code, stderr, err := run(t.Context(), e, good, "30")
			ended <- end{code, stderr, err}
		}()
		s.hold()
		select {
		case got := <-ended:
			t.Fatalf("it ended while the agent held: %+v", got)
		case <-time.After(300 * time.Millisecond): // several looks; a slower example sees less, and passes all the same
		}
		s.agent()
		got := <-ended
		must(t, got.err)
		s.ends(e, got.code, got.stderr, 0)
		if text, err := os.ReadFile(s.config.Tasks); err != nil || strings.Count(string(text), "Complete") != 1 {
			t.Errorf("the tasks file holds %s, %v", text, err)
		}
	})
}

// hold does with the fragment, once there is one, what the agent does with a batch that it cannot write.
func (s *session) hold() {
	s.t.Helper()
	var dropped []string
	for end := time.Now().Add(30 * time.Second); len(dropped) == 0; time.Sleep(5 * time.Millisecond) {
		if dropped, _ = filepath.Glob(filepath.Join(s.config.Drop, "[^.]*.json")); time.Now().After(end) {
			s.t.Fatal("nothing was dropped")
		}
	}
	dir, err := vfs.Open(s.config.Drop, nil)
	must(s.t, err)
	defer dir.Close()
	_, err = recovery.New(recovery.Config{Dir: s.config.Recovery, TasksFile: s.config.Tasks}).Add(recovery.Entry{
		Batch: "18ea000000000000", Retryable: true, Error: recovery.Failure{Code: "ENOSPC", Message: "full", Attempts: 3},
		Fragments: []recovery.Fragment{{Name: filepath.Base(dropped[0]), Updates: 1}},
	}, dir)
	must(s.t, err)
}

func TestAnUpdateThatTalksLikeAManifestDoesNotFoolTheShell(t *testing.T) {
	s := newSession(t)
	s.agent()
	code, stderr := s.run(examples[0], "{\n  \"retryable\": true,\n    \"code\": \"x\",\n  \"id\":\"P9\"}", "30")
	s.ends(examples[0], code, stderr, 3)
	if !strings.Contains(stderr, "unknown_id") || strings.Contains(stderr, `"x"`) {
		t.Errorf("it said %s", stderr)
	}
}

func TestANameThatIsTakenIsNotReplaced(t *testing.T) {
	s := newSession(t)
	script, err := os.ReadFile("drop.sh")
	must(t, err)
	must(t, os.WriteFile(filepath.Join(s.config.Drop, "taken.json"), []byte("mine"), 0o644))
	fixed := strings.Replace(string(script), "name=$(date +%s)-$$-$n.json", "name=taken.json", 1)
	c := exec.Command("sh", "-c", fixed, "sh", good)
	if text, err := c.CombinedOutput(); err == nil {
		t.Errorf("it said %s", text)
	}
	if text, err := os.ReadFile(filepath.Join(s.config.Drop, "taken.json")); err != nil || string(text) != "mine" {
		t.Errorf("it holds %s, %v", text, err)
	}
}

func TestTheReadmesReceipt(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	_, section, _ := strings.Cut(string(readme), "\n### Receipts\n")
	_, script, _ := strings.Cut(section, "```sh\n")
	script, _, found := strings.Cut(script, "```")
	if !found {
		t.Fatal("README.md has no shell lines under ### Receipts")
	}
	for what, c := range map[string]struct{ id, says string }{
		"applied": {"P1.M1.T1.S1", "applied\n"}, "rejected": {"P1.M1.T1.S9", `"code": "unknown_id"`},
	} {
		s := newSession(t)
		folder := filepath.Dir(s.config.Tasks)
		must(t, os.Rename(s.config.Drop, filepath.Join(folder, "drop")))
		s.config.Drop, s.config.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "recovery")
		s.agent()
		sh := exec.Command("sh", "-c", strings.Replace(script, "P1.M1.T1.S1", c.id, 1))
		sh.Dir = folder
		said, err := sh.CombinedOutput()
		must(t, err)
		if !strings.Contains(string(said), c.says) {
			t.Errorf("%s: it said %s", what, said)
		}
	}
}
