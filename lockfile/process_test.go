//go:build unix

package lockfile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// childVariable makes of this test's program another process that takes the lock: its value says what it does.
const childVariable = "SESSIONSYNC_LOCKFILE_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Args[1], Kind(os.Args[2]), os.Args[3:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func child(what string, kind Kind, args []string) error {
	dir, err := vfs.Open(args[0], nil)
	if err != nil {
		return err
	}
	if what == "count" {
		times, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		fmt.Println("counting")
		_, err = count(kind, dir, func(n int) bool { return n < times })
		return err
	}
	l, err := Acquire(context.Background(), kind, dir, target)
	if err != nil {
		return err
	}
	fmt.Println("held")
	io.ReadAll(os.Stdin) // until it is killed or let go
	return l.Release()
}

// process is a neighbour that is running.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(t *testing.T, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...)}
	p.cmd.Env = append(os.Environ(), childVariable+"=1")
	p.cmd.Stderr = os.Stderr
	var err error
	p.in, err = p.cmd.StdinPipe()
	must(t, err)
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	p.out = bufio.NewReader(out)
	must(t, p.cmd.Start())
	t.Cleanup(func() { p.cmd.Process.Kill() })
	return p
}

func startChild(t *testing.T, what string, kind Kind, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	return start(t, self, append([]string{what, string(kind)}, args...)...)
}

// expect waits for the line that the process prints next.
func (p *process) expect(want string) {
	p.t.Helper()
	if line, err := p.out.ReadString('\n'); strings.TrimSuffix(line, "\n") != want {
		p.t.Fatalf("it says %q, %v, want %q", line, err, want)
	}
}

// end waits for it to end by itself.
func (p *process) end() {
	p.t.Helper()
	p.in.Close()
	rest, _ := io.ReadAll(p.out)
	if err := p.cmd.Wait(); err != nil {
		p.t.Fatalf("it ended with %v: %s", err, rest)
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Kill())
	p.cmd.Wait()
}

// counter is what the neighbours count in: written in place, so that a reader beside the lock would find it torn, too.
type counter struct {
	N int `json:"n"`
}

func readCounter(dir *vfs.Dir) (int, error) {
	var c counter
	text, err := os.ReadFile(dir.Join(target))
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	return c.N, err
}

func writeCounter(dir *vfs.Dir, n int) error {
	text, err := json.Marshal(counter{n})
	if err == nil {
		err = os.WriteFile(dir.Join(target), text, 0o644)
	}
	return err
}

// count counts as long as more says so, and says how often that was.
func count(kind Kind, dir *vfs.Dir, more func(n int) bool) (n int, err error) {
	for ; err == nil && more(n); n++ {
		err = countOnce(kind, dir)
	}
	return n, err
}

func countOnce(kind Kind, dir *vfs.Dir) error {
	l, err := Acquire(context.Background(), kind, dir, target)
	if err != nil {
		return err
	}
	n, err := readCounter(dir)
	if err == nil {
		err = writeCounter(dir, n+1)
	}
	return errors.Join(err, l.Held(), l.Release())
}

// countWith counts for as long as the neighbours do, and as often as each of them at least.
func countWith(t *testing.T, kind Kind, dir *vfs.Dir, times int, neighbours ...*process) {
	t.Helper()
	for _, p := range neighbours {
		p.expect("counting")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for _, p := range neighbours {
			if state, err := p.cmd.Process.Wait(); err != nil || !state.Success() {
				t.Errorf("a neighbour ended with %v, %v", state, err)
			}
		}
	}()
	n, err := count(kind, dir, func(n int) bool {
		select {
		case <-ended:
			return n < times
		default:
			return true
		}
	})
	must(t, err)
	want := n + times*len(neighbours)
	if got, err := readCounter(dir); err != nil || got != want {
		t.Errorf("counted to %d, %v, want %d, of which %d are ours", got, err, want, n)
	}
}

func TestTwoProcessesLoseNothing(t *testing.T) {
	const times = 300
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			dir := open(t, quick(t), nil)
			must(t, writeCounter(dir, 0))
			p := startChild(t, "count", kind, dir.Path(), strconv.Itoa(times))
			countWith(t, kind, dir, times, p)
		})
	}
}

func TestAHolderThatIsKilledIsGotOver(t *testing.T) {
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			dir := open(t, t.TempDir(), nil)
			p := startChild(t, "hold", kind, dir.Path())
			p.expect("held")
			expectTaken(t, kind, dir)
			p.kill()
			if kind == Flock {
				release(t, acquire(t, kind, dir))
				return
			}
			expectTaken(t, kind, dir)
			synctest.Test(t, func(t *testing.T) { // what comes now would last 10 s
				date(t, dir, lockName, 0)
				begun := time.Now()
				release(t, acquire(t, kind, dir))
				if waited := time.Since(begun); waited < stale {
					t.Errorf("waited %v only", waited)
				}
			})
		})
	}
}
