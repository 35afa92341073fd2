//go:build unix

package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is a failsafe against waiting for ever, not a timing.
const patience = time.Minute

var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "sessionsync-deploy-")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "sessionsync")
		if err := build(program); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

// build makes the program that the image holds, as the Dockerfile does.
func build(program string) error {
	dockerfile, err := os.ReadFile("container/Dockerfile")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(dockerfile)) {
		command, found := strings.CutPrefix(line, "RUN CGO_ENABLED=0 go build ")
		if !found {
			continue
		}
		cmd := exec.Command("sh", "-c", "CGO_ENABLED=0 go build "+strings.Replace(command, "-o /sessionsync", "-o "+program, 1))
		cmd.Dir = ".."
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build: %w\n%s", err, out)
		}
		return nil
	}
	return errors.New("the Dockerfile builds nothing")
}

const tasks = `{"backlog":[{"type":"Phase","id":"P1","title":"One","status":"Planned","log":[]}]}
`

// tool is a program that not every machine has.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed here", name)
	}
	return path
}

// session is a folder with a tasks file and a drop directory.
type session struct {
	t      *testing.T
	folder string
}

func newSession(t *testing.T, folder string) *session {
	t.Helper()
	s := &session{t, folder}
	must(t, os.MkdirAll(s.path("drop"), 0o755))
	must(t, os.WriteFile(s.path("tasks.json"), []byte(tasks), 0o644))
	return s
}

func (s *session) path(elements ...string) string {
	return filepath.Join(append([]string{s.folder}, elements...)...)
}

// drop drops a fragment that appends a note to P1's log.
func (s *session) drop(note string) {
	s.t.Helper()
	text := fmt.Sprintf(`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/log/-","value":%q}]}`, note)
	must(s.t, os.WriteFile(s.path("drop", "."+note), []byte(text), 0o644))
	must(s.t, os.Rename(s.path("drop", "."+note), s.path("drop", note+".json")))
}

func (s *session) applied(note string) bool {
	text, err := os.ReadFile(s.path("tasks.json"))
	must(s.t, err)
	return strings.Contains(string(text), strconv.Quote(note))
}

// agent is the real program at work.
type agent struct {
	*session
	cmd *exec.Cmd
	url string // where it listens
	log *journal
}

// start runs the program on the session until stop, or the end of the test. It listens.
func (s *session) start(variables ...string) *agent {
	s.t.Helper()
	return s.startBy(nil, variables...)
}

// startBy has another program run it, such as a tracer.
func (s *session) startBy(by []string, variables ...string) *agent {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(s.t, err)
	address := l.Addr().String()
	must(s.t, l.Close())
	line := append(slices.Clone(by), program, "run")
	a := &agent{s, exec.Command(line[0], line[1:]...), "http://" + address, &journal{}}
	a.cmd.Dir, a.cmd.Stderr = s.folder, a.log
	a.cmd.Env = append(os.Environ(), "SESSIONSYNC_LISTEN="+address, "SESSIONSYNC_RETRY_BASE=1ms")
	a.cmd.Env = append(a.cmd.Env, variables...)
	must(s.t, a.cmd.Start())
	s.t.Cleanup(func() {
		if a.cmd.ProcessState == nil {
			a.cmd.Process.Kill()
			a.cmd.Wait()
		}
		if s.t.Failed() {
			s.t.Logf("log:\n%s", a.log)
		}
	})
	return a
}

// stop ends it as a service manager does.
func (a *agent) stop() {
	a.t.Helper()
	must(a.t, a.cmd.Process.Signal(syscall.SIGTERM))
	if err := a.cmd.Wait(); err != nil {
		a.t.Errorf("asked to end, it ended with %v", err)
	}
}

// ask returns the answer of a path; 0: there is none.
func (a *agent) ask(path string) (code int, body string) {
	response, err := http.Get(a.url + path)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(a.t, err)
	return response.StatusCode, string(text)
}

// answers waits until a path is answered so.
func (a *agent) answers(path string, code int, text string) {
	a.t.Helper()
	var last string
	until(a.t, fmt.Sprintf("%s to answer %d with %q", path, code, text), func() bool {
		c, body := a.ask(path)
		last = fmt.Sprint(c, " ", body)
		return c == code && strings.Contains(body, text)
	}, &last)
}

// until looks again and again: what is waited for is done by another process, which tells nobody.
func until(t *testing.T, what string, ok func() bool, last *string) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(patience); !ok(); <-ticker.C {
		if time.Now().After(end) {
			if last != nil {
				what += "; at last: " + *last
			}
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// journal is a log that can be read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
