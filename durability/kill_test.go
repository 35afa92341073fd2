//go:build unix

package durability

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/internal/built"
	"github.com/sessionsync/sessionsync/vfs"
)

// The variables by which this test binary starts itself as an agent that kills itself.
const (
	killFolder   = "DURABILITY_FOLDER"
	killAt       = "DURABILITY_KILL_AT"
	killSabotage = "DURABILITY_SABOTAGE"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(killFolder); folder != "" {
		dieAt(folder, os.Getenv(killAt))
	}
	if folder := os.Getenv(producerFolder); folder != "" {
		if err := produce(folder); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(built.Main(m))
}

// dieAt is the agent that dies before its n-th file operation, by SIGKILL, which nothing can handle.
func dieAt(folder, at string) {
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		panic(err)
	}
	var count atomic.Int64
	harm := sabotages[os.Getenv(killSabotage)]
	err = runOnce(context.Background(), folder, func(op vfs.Op, path string) error {
		if count.Add(1) == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return harm.hook(op, path)
	}, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// runUntilKilled reports whether the agent was killed; false if it came to its end before.
func runUntilKilled(t *testing.T, folder string, n int, variables ...string) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), variables...), killFolder+"="+folder, killAt+"="+strconv.Itoa(n))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
		return true
	}
	if err != nil {
		t.Fatalf("the agent that was to die at %d: %v\n%s\n%s", n, err, stderr.String(), show(folder))
	}
	return false
}

// firstAgain spreads the places of the second kill over a resume, which has some 150 operations.
func firstAgain(step int) int { return min(step, 150) }

func TestItMayBeKilledAtAnyOperationAndAgainDuringTheResume(t *testing.T) {
	step, stepAgain := sampled(13), 1<<20 // one resume a point, killed at a place of its own
	if *every {
		step, stepAgain = 1, 1
	}
	points := 0
	for n, killed := 1, true; killed; n += step {
		for again := 1 + n%firstAgain(stepAgain); ; again += stepAgain {
			folder := quickDir(t)
			prepare(t, folder)
			if killed = runUntilKilled(t, folder, n); !killed {
				break
			}
			killedAgain := runUntilKilled(t, folder, again)
			points++
			if err := restart(folder); err != nil {
				t.Fatalf("killed at %d and %d: the restart failed: %v\n%s", n, again, err, show(folder))
			}
			if err := errors.Join(verdict(folder), balanced(folder)); err != nil {
				t.Fatalf("killed at %d and %d:\n%v\n%s", n, again, err, show(folder))
			}
			must(t, os.RemoveAll(folder))
			if !killedAgain {
				break
			}
		}
	}
	t.Logf("kills: %d points, 0 failures", points)
}
