//go:build linux

package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/config"
)

var units = []string{"sessionsync.service", "sessionsync@.service"}

// unit is a unit as it is installed, but with the program that was built.
func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("systemd", name))
	must(t, err)
	there := strings.ReplaceAll(string(text), "/usr/local/bin/sessionsync", program)
	if there == string(text) {
		t.Errorf("%s does not start /usr/local/bin/sessionsync", name)
	}
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, []byte(there), 0o644))
	return path
}

func TestTheUnitsAreOnesThatSystemdUnderstands(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	for _, name := range units {
		out, err := exec.Command(analyze, "verify", "--man=no", unit(t, name)).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestTheUnitsExposeNextToNothing(t *testing.T) {
	analyze := tool(t, "systemd-analyze")
	const most = "13" // tenths; 0 is best, 100 worst
	for _, name := range units {
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold="+most, unit(t, name)).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		t.Log(lines[len(lines)-1])
	}
}

// What is said of one unit holds for the other.
func TestTheUnitsConfineTheAgentAlike(t *testing.T) {
	var shared []string
	for _, name := range units {
		text, err := os.ReadFile(filepath.Join("systemd", name))
		must(t, err)
		_, below, _ := strings.Cut(string(text), "\nGroup=sessionsync\n")
		shared = append(shared, below[strings.Index(below, "Type=notify"):])
	}
	if shared[0] != shared[1] {
		t.Error("the units differ behind Type=notify")
	}
}

// A system call that the unit forbids would show only on the day when it is made.
func TestEverySystemCallOfTheAgentIsAllowedByTheUnits(t *testing.T) {
	strace, analyze := tool(t, "strace"), tool(t, "systemd-analyze")
	text, err := os.ReadFile("systemd/sessionsync.service")
	must(t, err)
	allowed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.*)$`).FindAllStringSubmatch(string(text), -1) {
		for _, set := range strings.Fields(m[2]) {
			for _, call := range members(t, analyze, set) {
				allowed[call] = m[1] == ""
			}
		}
	}
	m, s := newManager(t), newSession(t, t.TempDir())
	trace := filepath.Join(t.TempDir(), "trace")
	a := s.startBy([]string{strace, "-f", "-qq", "-o", trace}, append(m.environment(0), "SESSIONSYNC_DOCUMENT_LOCK=flock")...)
	a.answers("/readyz", 200, "ready")
	s.drop("a")
	must(t, os.WriteFile(s.path("drop", "wrong.json"), []byte(`{`), 0o644))
	must(t, os.WriteFile(s.path("drop", "unknown.json"), []byte(`{"id":"P9"}`), 0o644))
	a.answers("/metrics", 200, `sessionsync_rejected_fragments_total{code="incomplete",session="`+filepath.Base(s.folder)+`"} 1`)
	must(t, syscall.Kill(s.owner(), syscall.SIGTERM)) // the tracer itself lets no signal through
	if err := a.cmd.Wait(); err != nil {
		t.Error(err)
	}
	made, err := os.ReadFile(trace)
	must(t, err)
	calls := map[string]bool{}
	for _, c := range regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\(`).FindAllStringSubmatch(string(made), -1) {
		calls[c[1]] = true
		if !allowed[c[1]] {
			t.Errorf("%s is forbidden", c[1])
			allowed[c[1]] = true
		}
	}
	for _, call := range []string{"renameat2", "fsync", "inotify_add_watch", "flock", "socket", "accept4"} {
		if !calls[call] {
			t.Errorf("%s was not made: the run was not like a real one", call)
		}
	}
	t.Logf("%d different calls", len(calls))
}

// owner is the process that has the drop directory.
func (s *session) owner() int {
	s.t.Helper()
	text, err := os.ReadFile(s.path("drop", ".sessionsync", "lock"))
	must(s.t, err)
	var lock struct{ PID int }
	must(s.t, json.Unmarshal(text, &lock))
	return lock.PID
}

// members are the system calls of a set, and of the sets in it.
func members(t *testing.T, analyze, set string) (calls []string) {
	t.Helper()
	out, err := exec.Command(analyze, "syscall-filter", "--no-pager", set).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		word := strings.TrimSpace(line)
		switch {
		case line == word || word == "" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(word, "@"):
			if word != set {
				calls = append(calls, members(t, analyze, word)...)
			}
		default:
			calls = append(calls, word)
		}
	}
	if len(calls) == 0 {
		t.Fatalf("%s holds no system call:\n%s", set, out)
	}
	return calls
}

func TestTheConfigurationOfTheUnitIsOneThatItMayUse(t *testing.T) {
	here, err := os.Getwd()
	must(t, err)
	c, err := config.Load(config.Options{File: "systemd/sessionsync.yaml", Dir: here})
	must(t, err)
	for _, path := range []string{c.Drop, c.Tasks, c.Recovery} {
		if !strings.HasPrefix(path, "/var/lib/sessionsync/") {
			t.Errorf("%s is not below the unit's StateDirectory", path)
		}
	}
	if address, _ := config.ListenAddress(c.Listen); address != "127.0.0.1:9464" {
		t.Errorf("listens at %s", address)
	}
	text, err := os.ReadFile("systemd/sessionsync.service")
	must(t, err)
	if !slices.Contains(strings.Split(string(text), "\n"), "StateDirectory=sessionsync sessionsync/drop") {
		t.Error("the unit makes no drop directory")
	}
}
