package demo

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/spool"
)

func TestTheStoryIsTrue(t *testing.T) {
	var out bytes.Buffer
	folder := t.TempDir()
	if err := Run(t.Context(), folder, Options{Out: &out, Command: "sessionsync"}); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	rest := out.String()
	for _, want := range []string{
		`tests    {"id":"P1.M1.T1.S2","status":"Finished"}`,
		"The agent has merged 32 of these files into tasks.json",
		`-                  "status": "Implementing",`, `+                  "status": "Complete",`,
		"schema_violation: update 1 (P1.M1.T1.S2), at /status",
		"    {\"id\":\"P1.M1.T1.S2\",\"status\":\"Finished\"}\n                                 ^\n",
		`{"id":"P1.M1.T1.S2","status":"Complete"}  applied`,
		"tests  rejected: schema_violation", `tests  status: "Planned" → "Complete"`,
		"33 seen = 33 applied + 0 unchanged + 0 rejected + 0 waiting",
		"sessionsync run --config " + filepath.Join(folder, "sessionsync.yaml"),
	} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Errorf("%q is not in its place in\n%s", want, &out)
			continue
		}
		rest = after
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Error("it is coloured")
	}
	if entries, err := filepath.Glob(filepath.Join(folder, "recovery", "[0-9]*")); err != nil || len(entries) > 0 {
		t.Errorf("in the recovery folder: %q, %v", entries, err)
	}
	free, err := spool.Open(spool.Config{Drop: filepath.Join(folder, "drop")})
	if err != nil {
		t.Fatalf("the agent has not ended: %v", err)
	}
	free.Close()
}

func TestColours(t *testing.T) {
	var out bytes.Buffer
	s := teller{Options: Options{Out: &out, Colour: true}}
	s.unified("diff a b\n--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n z\n")
	if got, want := out.String(), "  \x1b[2m@@ -1 +1 @@\x1b[0m\n  \x1b[31m-x\x1b[0m\n  \x1b[32m+y\x1b[0m\n   z\n"; got != want {
		t.Errorf("%q", got)
	}
}

// full is a place where nothing can be written.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestTrouble(t *testing.T) {
	if err := Run(t.Context(), t.TempDir(), Options{Out: full{}}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("nobody can read it: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ended, t.TempDir(), Options{Out: &bytes.Buffer{}}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "recovery"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Run(t.Context(), folder, Options{Out: &bytes.Buffer{}}); err == nil || !strings.Contains(err.Error(), "recovery") {
		t.Errorf("a file in the place of a folder: %v", err)
	}
}
