//go:build linux

package filesystems

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/sessionsync/sessionsync/internal/built"
)

// insideVariable tells that this is a process with mounts of its own.
const insideVariable = "SESSIONSYNC_FILESYSTEMS_INSIDE"

// TestMain runs the tests where their mounts are nobody else's and go with the process, however that ends. Who is not root
// becomes it there, which suffices for some file systems.
func TestMain(m *testing.M) {
	if os.Getenv(insideVariable) == "" {
		apart := []string{"-m"}
		if os.Geteuid() != 0 {
			apart = []string{"-Urm"}
		}
		if exec.Command("unshare", append(apart, "true")...).Run() == nil {
			os.Exit(again(append(apart, os.Args...)))
		}
	}
	os.Exit(built.Main(m))
}

// again is this program once more, apart, and gives its exit code.
func again(args []string) int {
	cmd := exec.Command("unshare", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
