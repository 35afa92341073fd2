// Package built is the real program, for tests that run it as its users do. It never reaches the binary.
package built

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

var folder string

var program = sync.OnceValues(func() (path string, err error) {
	if folder, err = os.MkdirTemp("", "sessionsync-built-"); err != nil {
		return "", err
	}
	if err := os.Chmod(folder, 0o755); err != nil { // another user may have to run it
		return "", err
	}
	path = filepath.Join(folder, "sessionsync")
	if out, err := exec.Command("go", "build", "-o", path,
		"github.com/sessionsync/sessionsync/cmd/sessionsync").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// Program is the path of the program. It is built by the first call, once for all tests of a package, and is there until the
// end of Main.
func Program() (path string, err error) { return program() }

// Main is a TestMain. It runs the tests, removes what was built, and returns the exit code.
func Main(m interface{ Run() int }) int {
	defer func() { os.RemoveAll(folder) }()
	return m.Run()
}

// Environ is the environment of this process with settings such as batch.quiet=0s.
func Environ(settings ...string) []string {
	environ := os.Environ()
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		environ = append(environ, "SESSIONSYNC_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return environ
}

// Unsettled lists what waits in a drop directory and what is claimed, but for hidden files. What moves on meanwhile is in it at
// least once: it looks in the order in which fragments move.
func Unsettled(drop string) []string {
	paths := filesIn(drop)
	claimed := filepath.Join(drop, ".sessionsync", "claimed")
	batches, _ := os.ReadDir(claimed) // names that vanish are the point
	for _, batch := range batches {
		paths = append(paths, filesIn(filepath.Join(claimed, batch.Name()))...)
	}
	return paths
}

func filesIn(folder string) (paths []string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			paths = append(paths, filepath.Join(folder, e.Name()))
		}
	}
	return paths
}
