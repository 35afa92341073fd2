//go:build unix

package durability

import (
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
	staged int
}

// newSession makes a session of some phases, each with an empty log for notes.
func newSession(t *testing.T, folder string, phases int) *session {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(folder, "drop"), 0o755))
	var b strings.Builder
	b.WriteString("{\n  \"backlog\": [")
	for i := range phases {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\"id\": \"P%d\", \"type\": \"Phase\", \"title\": \"x\", \"status\": \"Planned\", \"log\": []}", i+1)
	}
	b.WriteString("\n  ]\n}\n")
	must(t, os.WriteFile(filepath.Join(folder, "tasks.json"), []byte(b.String()), 0o644))
	return &session{t: t, folder: folder}
}

func (s *session) path(elements ...string) string {
	return filepath.Join(append([]string{s.folder}, elements...)...)
}

// drop writes a fragment as a polite producer does.
func (s *session) drop(name, content string) {
	s.t.Helper()
	s.staged++
	hidden := s.path("drop", fmt.Sprintf(".staged-%d", s.staged))
	must(s.t, os.WriteFile(hidden, []byte(content), 0o644))
	must(s.t, os.Rename(hidden, s.path("drop", name)))
}

// running is the program at work.
type running struct {
	s   *session
	cmd *exec.Cmd
	log *os.File
}

// start runs the program with settings such as batch.quiet=0s.
func (s *session) start(settings ...string) *running { return s.run(settings) }

func (s *session) run(settings []string, flags ...string) *running {
	s.t.Helper()
	program, err := built.Program()
	must(s.t, err)
	log, err := os.CreateTemp(s.t.TempDir(), "log-*")
	must(s.t, err)
	cmd := exec.Command(program, append([]string{"run"}, flags...)...)
	cmd.Dir, cmd.Stderr, cmd.Env = s.folder, log, built.Environ(settings...)
	must(s.t, cmd.Start())
	s.t.Cleanup(func() { cmd.Process.Kill(); log.Close() })
	return &running{s, cmd, log}
}

func (r *running) text() string {
	b, err := os.ReadFile(r.log.Name())
	must(r.s.t, err)
	return string(b)
}

// kill ends it in the middle of whatever it does.
func (r *running) kill() {
	r.cmd.Process.Kill()
	r.cmd.Wait()
}

// stop asks it to end and waits for it.
func (r *running) stop() {
	r.s.t.Helper()
	must(r.s.t, r.cmd.Process.Signal(syscall.SIGTERM))
	if err := r.cmd.Wait(); err != nil {
		r.s.t.Fatalf("the agent ended with %v\n%s", err, r.text())
	}
}

// once runs it until everything is handled. It returns the log, and the largest memory it had, in MiB.
func (s *session) once(wantCode int, settings ...string) (log string, mib int64) {
	s.t.Helper()
	r := s.run(settings, "--once")
	r.cmd.Wait()
	if code := r.cmd.ProcessState.ExitCode(); code != wantCode {
		s.t.Fatalf("exit code %d, not %d\n%s", code, wantCode, r.text())
	}
	return r.text(), built.Memory(r.cmd.ProcessState) >> 10
}

// until waits for what another process does: there is nothing else to wait on. The limit is a failsafe.
func (s *session) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not so within two minutes: %s", what)
		}
	}
}

// waiting are the fragments in the drop directory and among the claims.
func (s *session) waiting() (paths []string) {
	for _, path := range built.Unsettled(s.path("drop")) {
		if strings.Contains(filepath.Base(path), ".json") {
			paths = append(paths, path)
		}
	}
	return paths
}

func (s *session) empty() bool { return len(s.waiting()) == 0 }

func (s *session) notes() map[string]int {
	s.t.Helper()
	notes, err := notesIn(s.folder)
	must(s.t, err)
	return notes
}

// recoveredFragment is one fragment of the recovery folder.
type recoveredFragment struct{ Name, Path, Code, Message, SHA256 string }

func (s *session) recovered() (list []recoveredFragment) {
	s.t.Helper()
	manifests, err := filepath.Glob(s.path("recovery", "*", "recovery.json"))
	must(s.t, err)
	for _, path := range manifests {
		var e struct {
			Fragments []struct {
				File, SHA256 string
				Error        struct{ Code, Message string }
			}
		}
		text, err := os.ReadFile(path)
		must(s.t, err)
		must(s.t, json.Unmarshal(text, &e))
		for _, f := range e.Fragments {
			list = append(list, recoveredFragment{filepath.Base(f.File), filepath.Join(filepath.Dir(path), f.File), f.Error.Code, f.Error.Message, f.SHA256})
		}
	}
	return list
}

// exactly compares what was applied with what should have been, each once.
func (s *session) exactly(want map[string]bool) {
	s.t.Helper()
	notes, wrong := s.notes(), 0
	for note := range want {
		if notes[note] != 1 {
			if wrong++; wrong <= 5 {
				s.t.Errorf("%s was applied %d times", note, notes[note])
			}
		}
	}
	for note := range notes {
		if !want[note] {
			if wrong++; wrong <= 5 {
				s.t.Errorf("%s was applied, and should not have been", note)
			}
		}
	}
	if wrong > 5 {
		s.t.Errorf("%d such in all", wrong)
	}
}
