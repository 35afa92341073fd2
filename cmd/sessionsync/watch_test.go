//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
	"golang.org/x/term"
)

// session is a folder with a tasks file and a drop directory, for the real program.
type session struct {
	t      *testing.T
	folder string
}

const watchedTasks = `{"backlog":[
  {"id":"P1","type":"Phase","title":"Foundations","status":"Planned","milestones":[
    {"id":"P1.M1","type":"Milestone","title":"Walls","status":"Planned"},
    {"id":"P1.M2","type":"Milestone","title":"Roof","status":"Planned"}]},
  {"id":"P2","type":"Phase","title":"Garden","status":"Planned","milestones":[
    {"id":"P2.M1","type":"Milestone","title":"Trees","status":"Planned"}]}]}
`

func newSession(t *testing.T) *session {
	s := &session{t, t.TempDir()}
	s.must(os.Mkdir(filepath.Join(s.folder, "drop"), 0o755))
	s.must(os.WriteFile(filepath.Join(s.folder, "tasks.json"), []byte(watchedTasks), 0o644))
	return s
}

func (s *session) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) command(args ...string) *exec.Cmd {
	c := exec.Command("sessionsync", args...) // testscript.Main has put it into the PATH
	c.Dir = s.folder
	return c
}

func (s *session) drop(name, text string) {
	s.t.Helper()
	hidden := filepath.Join(s.folder, "drop", "."+name)
	s.must(os.WriteFile(hidden, []byte(text), 0o644))
	s.must(os.Rename(hidden, filepath.Join(s.folder, "drop", name)))
}

// agent starts an agent and returns what kills it.
func (s *session) agent() (kill func()) {
	s.t.Helper()
	c := s.command("run")
	s.must(c.Start())
	kill = func() {
		c.Process.Kill() // nothing to be done about an error: it has ended
		c.Wait()
	}
	s.t.Cleanup(kill)
	return kill
}

// terminal is a program in a pseudo-terminal, and what a person sees in it.
type terminal struct {
	t      *testing.T
	pty    *os.File
	mu     sync.Mutex // of the screen, whose own lock its String does not take
	screen *vt.SafeEmulator
	before *term.State
	all    chan string // what was written, at the end
	c      *exec.Cmd
	ended  chan error

	restored func() // checks that the terminal is as it was
}

func (s *session) terminal(width, height int, environ ...string) *terminal {
	s.t.Helper()
	p, tty, err := pty.Open()
	s.must(err)
	s.must(pty.Setsize(p, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}))
	before, err := term.GetState(int(tty.Fd()))
	s.must(err)
	c := s.command("status", "--watch")
	// At its end Bubble Tea 2.1 closes its reader of the terminal (muesli/cancelreader) while that may still wait: the race
	// detector, if it is on, tells of that and must not decide. What is our own is tested in package dashboard.
	c.Env = append(os.Environ(), append([]string{"TERM=xterm-256color", "GORACE=exitcode=0 log_path=" + s.folder + "/races"}, environ...)...)
	c.Stdin, c.Stdout, c.Stderr = tty, tty, tty
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	s.must(c.Start())
	x := &terminal{t: s.t, pty: p, screen: vt.NewSafeEmulator(width, height), before: before, all: make(chan string, 1), c: c, ended: make(chan error, 1)}
	go io.Copy(p, x.screen) // a terminal answers what it is asked
	go func() {
		var all strings.Builder
		for b := make([]byte, 4096); ; {
			n, err := p.Read(b)
			all.Write(b[:n])
			x.mu.Lock()
			x.screen.Write(b[:n]) // what it makes of it is seen on the screen
			x.mu.Unlock()
			if err != nil { // nobody has the other side open
				x.all <- all.String()
				return
			}
		}
	}()
	go func() { x.ended <- c.Wait() }()
	s.t.Cleanup(func() {
		c.Process.Kill()
		tty.Close()
		p.Close()
	})
	x.restored = func() { // while our own tty is still open
		s.t.Helper()
		after, err := term.GetState(int(tty.Fd()))
		s.must(err)
		if *after != *x.before {
			s.t.Error("the terminal is not as it was")
		}
		tty.Close()
	}
	return x
}

// shows waits until all of the texts are on the screen.
func (x *terminal) shows(texts ...string) {
	x.t.Helper()
	x.until(strings.Join(texts, ", "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

func (x *terminal) resize(width, height int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.screen.Resize(width, height)
}

func (x *terminal) text() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.screen.String()
}

func (x *terminal) until(what string, ok func(screen string) bool) {
	x.t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); !ok(x.text()); <-ticker.C {
		if time.Now().After(end) {
			x.t.Fatalf("waited in vain for %s; the screen:\n%s", what, x.text())
		}
	}
}

// ends waits for the end and returns all that was written.
func (x *terminal) ends() string {
	x.t.Helper()
	select {
	case err := <-x.ended:
		if err != nil {
			x.t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		x.t.Fatal("it does not end")
	}
	x.restored()
	all := <-x.all
	for what, sequence := range map[string]string{"the screen": "\x1b[?1049l", "the cursor": "\x1b[?25h"} {
		if !strings.Contains(all, sequence) {
			x.t.Errorf("%s was not given back; what was written ends with %q", what, all[max(0, len(all)-300):])
		}
	}
	return all
}

func (x *terminal) types(keys string) {
	x.t.Helper()
	if _, err := io.WriteString(x.pty, keys); err != nil {
		x.t.Fatal(err)
	}
}

func TestTheLiveViewFollowsARealAgent(t *testing.T) {
	s := newSession(t)
	x := s.terminal(100, 30)
	x.shows("none runs", "nobody merges what is dropped: sessionsync run", "Progress  5 items", "5 Planned", "P1  Foundations", "0%  0/2")

	kill := s.agent()
	x.shows("pid ", "0 updates (0.0/s)")
	s.drop("a.json", `{"id":"P1.M1","status":"Complete"}`)
	x.shows("1 update (", "1 commit", "50%  1/2", "1 Complete", "Newest updates", `P1.M1  status    "Planned" → "Complete"  a.json`)
	s.drop("b.json", `{"id":"P7","status":"Complete"}`)
	x.shows("1 rejected: 1 unknown_id", "Newest rejects", "b.json  unknown_id", "sessionsync recovery list")

	s.must(os.Rename(filepath.Join(s.folder, "tasks.json"), filepath.Join(s.folder, "away.json")))
	s.drop("c.json", `{"id":"P2.M1","status":"Complete"}`)
	x.shows("holds", "held for", "tasks.json: no such file", "1 waiting")
	s.must(os.Rename(filepath.Join(s.folder, "away.json"), filepath.Join(s.folder, "tasks.json")))
	x.shows("100%  1/1", "0 waiting", "2 updates")
	x.until("the hold to be over", func(screen string) bool {
		return !strings.Contains(screen, "hold") && !strings.Contains(screen, "no such file")
	})

	kill() // its state file says nothing of that, the lock does
	x.shows("none runs")
	x.types("q")
	x.ends()
}

func TestTheLiveViewFitsAnyTerminal(t *testing.T) {
	s := newSession(t)
	x := s.terminal(100, 30)
	x.shows("Foundations")
	for _, size := range []struct{ width, height int }{{40, 12}, {20, 5}, {5, 2}, {1, 1}, {200, 50}} {
		x.resize(size.width, size.height)
		s.must(pty.Setsize(x.pty, &pty.Winsize{Cols: uint16(size.width), Rows: uint16(size.height)}))
		switch {
		case size.width > 50:
			x.shows("Foundations", "q quits")
		case size.height > 2:
			x.shows("sessionsync", "agent", "q quits")
		}
	}
	x.types("\x03")
	x.ends()
}

var coloured = regexp.MustCompile(`\x1b\[([0-9]+;)*3[0-7]m`)

func TestTheLiveViewHeedsNoColor(t *testing.T) {
	s := newSession(t)
	x := s.terminal(100, 30, "NO_COLOR=1")
	x.shows("Foundations", "░")
	x.types("q")
	if all := x.ends(); coloured.MatchString(all) {
		t.Errorf("there is a colour in it: %q", all)
	}
	x = s.terminal(100, 30, "NO_COLOR=")
	x.shows("Foundations")
	x.types("q")
	if all := x.ends(); !coloured.MatchString(all) {
		t.Error("there is no colour in it; then the test above proves nothing")
	}
}

func TestASignalEndsTheLiveViewAndTheTerminalIsAsItWas(t *testing.T) {
	s := newSession(t)
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		x := s.terminal(100, 30)
		x.shows("Foundations")
		s.must(x.c.Process.Signal(signal))
		x.ends()
	}
}

func TestHostileTextsHaveNoPowerOverTheLiveView(t *testing.T) {
	s := newSession(t)
	evil := "\x1b]0;owned\x07\x1b[2J\u202eX"
	text, err := json.Marshal(map[string]any{"backlog": []any{map[string]any{"id": "P1" + evil, "title": evil, "status": evil, "milestones": []any{map[string]any{"id": "a", "status": evil}}}}})
	s.must(err)
	s.must(os.WriteFile(filepath.Join(s.folder, "tasks.json"), text, 0o644))
	s.drop("x\x1b[2J.json", `{"id":"P9"}`)
	if err := s.command("run", "--once").Run(); err == nil {
		t.Error("nothing was rejected")
	} else if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != exitRejected {
		t.Error(err)
	}
	x := s.terminal(160, 30)
	x.shows(`\x1b]0;owned`, `x\x1b[2J.json`)
	x.types("q")
	all := x.ends()
	for _, bad := range []string{"\x1b]0;owned", "\u202e"} {
		if strings.Contains(all, bad) {
			t.Errorf("%q has reached the terminal", bad)
		}
	}
}
