// Package nodetest finds the npm packages that tests run as real neighbours.
package nodetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// variable names the folder with the npm packages. Where it is set, they must be there.
const variable = "NEIGHBOURS_NODE_MODULES"

// Modules is the folder, a node_modules, that holds all of these packages; without it, or without Node, the test is
// skipped.
func Modules(t *testing.T, packages ...string) string {
	t.Helper()
	candidates := []string{filepath.Join("..", "node_modules"), filepath.Join(os.TempDir(), "sessionsync-node", "node_modules")}
	named := os.Getenv(variable)
	if named != "" {
		candidates = []string{named}
	}
	for _, candidate := range candidates {
		folder, err := filepath.Abs(candidate)
		if err != nil {
			t.Fatal(err)
		}
		if !holds(folder, packages) {
			continue
		}
		if _, err := exec.LookPath("node"); err != nil {
			t.Skipf("install Node for this test: %v", err)
		}
		return folder
	}
	if named != "" {
		t.Fatalf("%s is %s, but %q are not all there", variable, named, packages)
	}
	t.Skipf("npm install proper-lockfile@4.1.2 steno@4.0.2 task-master-ai@0.43.1 and set %s to that node_modules for this test", variable)
	return ""
}

func holds(folder string, packages []string) bool {
	for _, name := range packages {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}
