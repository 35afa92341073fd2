//go:build unix

package neighbours

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/internal/built"
)

// session is a folder in which the real program works.
type session struct {
	t      *testing.T
	folder string
	tasks  string // the path of the tasks file
}

func (s *session) path(elements ...string) string {
	return filepath.Join(append([]string{s.folder}, elements...)...)
}

// newSession makes a session with a tasks file of some phases.
func newSession(t *testing.T, folder string) *session {
	t.Helper()
	s := &session{t, folder, filepath.Join(folder, "tasks.json")}
	must(t, os.Mkdir(s.path("drop"), 0o755))
	var b strings.Builder
	b.WriteString("{\n  \"backlog\": [")
	for n := range phases {
		if n > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\n      \"id\": %q, \"type\": \"Phase\", \"title\": \"x\", \"status\": \"Planned\",\n", phase(n))
		fmt.Fprintf(&b, "      \"ours\": 0, \"ours_list\": [], \"theirs\": 0, \"theirs_list\": []\n    }")
	}
	b.WriteString("\n  ]\n}\n")
	must(t, os.WriteFile(s.tasks, []byte(b.String()), 0o644))
	return s
}

// quickDir is a folder in memory where there is one; a machine's disk would be what is measured.
func quickDir(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync-neighbours-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

// start runs the agent, with settings such as batch.quiet=0s, until the returned function is called, which returns the log.
func (s *session) start(settings ...string) (stop func() string) {
	s.t.Helper()
	program, err := built.Program()
	must(s.t, err)
	log, err := os.Create(filepath.Join(s.t.TempDir(), "log"))
	must(s.t, err)
	cmd := exec.Command(program, "run")
	cmd.Dir, cmd.Stderr, cmd.Env = s.folder, log, built.Environ(settings...)
	must(s.t, cmd.Start())
	s.t.Cleanup(func() { cmd.Process.Kill(); log.Close() })
	return func() string {
		s.t.Helper()
		must(s.t, cmd.Process.Signal(syscall.SIGTERM))
		err := cmd.Wait()
		text, readErr := os.ReadFile(log.Name())
		must(s.t, readErr)
		if err != nil {
			s.t.Fatalf("the agent ended with %v\n%s", err, text)
		}
		return string(text)
	}
}

// until waits for what another process does: there is nothing else to wait on.
func (s *session) until(patience time.Duration, ok func() bool) {
	for end := time.Now().Add(patience); !ok() && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
}

// left are the fragments that wait, in the drop directory or among the claims, and the entries of the recovery folder.
func (s *session) left() (paths []string) {
	paths, err := filepath.Glob(s.path("recovery", "*", "recovery.json"))
	must(s.t, err)
	return append(built.Unsettled(s.path("drop")), paths...)
}

// drop writes a fragment as a polite producer does. Its name puts it behind those before it.
func (s *session) drop(n int, content string) {
	s.t.Helper()
	hidden := s.path("drop", ".next")
	must(s.t, os.WriteFile(hidden, []byte(content), 0o644))
	must(s.t, os.Rename(hidden, s.path("drop", fmt.Sprintf("%06d.json", n))))
}

// produce drops 200 fragments a second until the neighbour has ended, and returns what has to come of them.
func (s *session) produce(ended <-chan struct{}, fragment func(n int, b *books) string) books {
	s.t.Helper()
	b := newBooks(ours)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		b.Writes++
		s.drop(b.Writes, fragment(b.Writes, &b))
		select {
		case <-ended:
			return b
		case <-ticker.C:
		}
	}
}

// change is the n-th fragment of ours, entered into the books: a number in most cases, else a new item or one more element.
func change(n int, b *books) string {
	id := phase(n / 3)
	switch n % 10 {
	case 0:
		child := fmt.Sprintf("%s.M1%05d", id, n)
		b.Last[child] = float64(n)
		return fmt.Sprintf(`{"$op":"create","id":%q,"type":"Milestone","title":"x","status":"Planned","ours":%d}`, child, n)
	case 1, 2:
		note := fmt.Sprintf("o-%d", n)
		b.Notes[id] = append(b.Notes[id], note)
		return fmt.Sprintf(`{"id":%q,"$op":"patch","$patch":[{"op":"add","path":"/ours_list/-","value":%q}]}`, id, note)
	default:
		b.Last[id] = float64(n)
		return fmt.Sprintf(`{"id":%q,"ours":%d}`, id, n)
	}
}

// booksOf runs another program to its end and returns its books.
func booksOf(t *testing.T, cmd *exec.Cmd) (b books) {
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("the neighbour ended with %v\n%.2000s", err, stderr.String())
		return b
	}
	if err := json.Unmarshal(out.Bytes(), &b); err != nil {
		t.Errorf("the neighbour says %q: %v", out.String(), err)
	}
	return b
}
