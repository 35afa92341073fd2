package sessionsync_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// step is what a reader pastes, and what is shown behind it.
type step struct {
	commands string
	shown    []string // lines, in order; "…" stands for anything, and lines that are left out for nothing
}

// tour reads the steps from the README.
func tour(t *testing.T) (steps []step) {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(readme), "<!-- tour -->\n")
	text, _, found := strings.Cut(text, "<!-- /tour -->")
	if !found {
		t.Fatal("README.md has no tour between <!-- tour --> and <!-- /tour -->")
	}
	for _, block := range regexp.MustCompile("(?ms)^```(sh|text)\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		if block[1] == "sh" {
			steps = append(steps, step{commands: block[2]})
			continue
		}
		last := &steps[len(steps)-1]
		last.shown = append(last.shown, strings.Split(strings.TrimSpace(block[2]), "\n")...)
	}
	return steps
}

// The reader's shell stops at the first command that fails without the README saying so.
func TestTheTourOfTheReadmeCanBePasted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the tour is for a POSIX shell")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "sessionsync"), "./cmd/sessionsync").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	steps := tour(t)
	script := "set -eu\n"
	for i, s := range steps {
		script += fmt.Sprintf("%s\necho '=== %d'\n", s.commands, i)
	}
	shell := exec.Command("sh", "-c", script)
	shell.Dir = t.TempDir()
	shell.Env = append(os.Environ(), "PATH="+bin+string(filepath.ListSeparator)+os.Getenv("PATH"), "NO_COLOR=1")
	out, err := shell.CombinedOutput()
	if err != nil {
		t.Fatalf("the tour ends with %v:\n%s", err, out)
	}
	rest := string(out)
	for i, s := range steps {
		segment, after, found := strings.Cut(rest, fmt.Sprintf("=== %d\n", i))
		if !found {
			t.Fatalf("no end of step %d in\n%s", i, out)
		}
		rest = after
		shows(t, s, segment)
	}
}

// shows checks that the lines are there, in their order.
func shows(t *testing.T, s step, output string) {
	t.Helper()
	lines := strings.Split(output, "\n")
	for _, want := range s.shown {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(want, " ")), "…", ".*") + "$"
		line := regexp.MustCompile(pattern)
		for len(lines) > 0 && !line.MatchString(strings.TrimRight(lines[0], " ")) {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			t.Errorf("behind\n%s\nthe README shows\n  %s\nwhich is not in\n%s", s.commands, want, output)
			return
		}
		lines = lines[1:]
	}
}
