//go:build linux

package filesystems

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/doctor"
	"github.com/sessionsync/sessionsync/internal/built"
)

const phases = 10

// prepare makes a drop directory and a tasks file in a folder, unless they are there. Each phase has a log of each side.
func prepare(t *testing.T, folder string) {
	t.Helper()
	tasks := filepath.Join(folder, "tasks.json")
	if _, err := os.Stat(tasks); err == nil {
		return
	}
	must(t, os.MkdirAll(filepath.Join(folder, "drop"), 0o755))
	var b strings.Builder
	b.WriteString("{\n  \"backlog\": [")
	for i := range phases {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\"id\": \"P%d\", \"type\": \"Phase\", \"title\": \"x\", \"status\": \"Planned\", \"log\": [], \"theirs\": []}", i+1)
	}
	b.WriteString("\n  ]\n}\n")
	must(t, os.WriteFile(tasks, []byte(b.String()), 0o644))
}

// session is where the three places are.
type session struct {
	t                     *testing.T
	drop, tasks, recovery string
	flags                 []string
	gaps                  bool // a reader may find no tasks file at the moment of a replacement
}

func newSession(t *testing.T, drop, tasks, recovery string) *session {
	return &session{t, drop, tasks, recovery, []string{"--drop", drop, "--tasks", tasks, "--recovery", recovery}, false}
}

// program is the real one with settings such as batch.quiet=0s.
func (s *session) program(command string, settings []string, flags ...string) *exec.Cmd {
	s.t.Helper()
	path, err := built.Program()
	must(s.t, err)
	cmd := exec.Command(path, append(append([]string{command}, s.flags...), flags...)...)
	cmd.Dir, cmd.Env = s.t.TempDir(), built.Environ(settings...)
	return cmd
}

// running is an agent at work.
type running struct {
	t   *testing.T
	cmd *exec.Cmd
	log *bytes.Buffer
}

func (s *session) start(settings ...string) *running {
	s.t.Helper()
	r := &running{s.t, s.program("run", settings), &bytes.Buffer{}}
	r.cmd.Stderr = r.log
	must(s.t, r.cmd.Start())
	s.t.Cleanup(func() { r.cmd.Process.Kill(); r.cmd.Wait() })
	return r
}

// kill ends it in the middle of whatever it does.
func (r *running) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
}

// stop asks it to end, and returns its log.
func (r *running) stop() string {
	r.t.Helper()
	must(r.t, r.cmd.Process.Signal(syscall.SIGTERM))
	if err := r.cmd.Wait(); err != nil {
		r.t.Fatalf("the agent ended with %v\n%s", err, r.log)
	}
	return r.log.String()
}

// examine runs the doctor. What it reports and its exit code have to agree.
func (s *session) examine(settings ...string) doctor.Report {
	s.t.Helper()
	var out, stderr bytes.Buffer
	cmd := s.program("doctor", settings, "--json")
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		s.t.Fatalf("doctor: %v\n%s", err, stderr.String())
	}
	var report doctor.Report
	if e := json.Unmarshal(out.Bytes(), &report); e != nil {
		s.t.Fatalf("doctor: %v\n%s", e, out.String())
	}
	if (err != nil) != report.LosesUpdates {
		s.t.Errorf("doctor: %v, and it says losesUpdates: %v", err, report.LosesUpdates)
	}
	for _, folder := range []string{s.drop, filepath.Join(s.drop, ".sessionsync"), filepath.Dir(s.tasks), s.recovery} {
		if left, err := filepath.Glob(filepath.Join(folder, ".sessionsync-doctor*")); err != nil || len(left) > 0 {
			s.t.Errorf("the doctor has left %q, %v", left, err)
		}
	}
	return report
}

// until waits for what another process does: there is nothing else to wait on. The limit is a failsafe.
func (s *session) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not so within three minutes: %s", what)
		}
	}
}

// waiting are the fragments in the drop directory and among the claims.
func (s *session) waiting() (n int) {
	filepath.WalkDir(s.drop, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(d.Name(), ".json") && !strings.HasPrefix(d.Name(), ".") && d.Name() != "state.json" {
			n++
		}
		return nil // names that vanish are the point
	})
	return n
}

// rejected are the notes of the fragments in the recovery folder, which are to be whole.
func (s *session) rejected() map[string]bool {
	s.t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.recovery, "*", "fragments", "*.json"))
	must(s.t, err)
	notes := map[string]bool{}
	for _, path := range paths {
		note := strings.TrimSuffix(filepath.Base(path), ".json")
		text, err := os.ReadFile(path)
		must(s.t, err)
		if string(text) != fragmentOf(note) {
			s.t.Errorf("in the recovery folder %s is %q", note, text)
		}
		notes[note] = true
	}
	return notes
}

// read reads the tasks file.
func (s *session) read() (text []byte, err error) {
	for range 200 {
		if text, err = os.ReadFile(s.tasks); err == nil || !s.gaps || !errors.Is(err, fs.ErrNotExist) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return text, err
}

// stopper is closed by the function, at the latest at the end of the test, before what was mounted is unmounted.
func (s *session) stopper() (stop chan struct{}, end func()) {
	stop = make(chan struct{})
	end = sync.OnceFunc(func() { close(stop) })
	return stop, end
}

// ends waits for others at the end of the test too: also where that comes early.
func (s *session) ends(end func(), others *sync.WaitGroup) (wait func()) {
	s.t.Cleanup(func() { end(); others.Wait() })
	return others.Wait
}

// logs are the notes of both sides that stand in the tasks file, and how often.
func (s *session) logs() (ours, theirs map[string]int) {
	s.t.Helper()
	text, err := s.read()
	must(s.t, err)
	var doc struct {
		Backlog []struct{ Log, Theirs []string }
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		s.t.Fatalf("the tasks file is torn: %v\n%s", err, text)
	}
	ours, theirs = map[string]int{}, map[string]int{}
	for _, item := range doc.Backlog {
		for _, note := range item.Log {
			ours[note]++
		}
		for _, note := range item.Theirs {
			theirs[note]++
		}
	}
	return ours, theirs
}
