// Package acceptance runs the real program on real files, as a user would, and counts.
package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/internal/built"
)

// patience is a failsafe against hanging for ever, not a timing.
const patience = 5 * time.Minute

// session is a folder with a tasks file, a drop directory and a recovery folder.
type session struct {
	t      *testing.T
	folder string
}

func newSession(t *testing.T, tasks []byte) *session {
	t.Helper()
	s := &session{t, t.TempDir()}
	if err := os.Mkdir(s.path("drop"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write("tasks.json", tasks)
	return s
}

func (s *session) path(elements ...string) string {
	return filepath.Join(append([]string{s.folder}, elements...)...)
}

func (s *session) write(name string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), content, 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *session) read(name string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// drop writes a fragment and dates it, so that the order of application is the order of the calls.
func (s *session) drop(n int, name, content string) {
	s.t.Helper()
	path := filepath.Join("drop", name)
	s.write(path, []byte(content))
	at := time.Now().Add(-time.Hour + time.Duration(n)*time.Millisecond)
	if err := os.Chtimes(s.path(path), at, at); err != nil {
		s.t.Fatal(err)
	}
}

// run is the agent, not yet started.
func (s *session) run(flags ...string) *exec.Cmd {
	s.t.Helper()
	program, err := built.Program()
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := exec.Command(program, append([]string{"run"}, flags...)...)
	cmd.Dir = s.folder
	return cmd
}

// once runs the agent once and returns its exit code and log.
func (s *session) once(flags ...string) (int, string) {
	s.t.Helper()
	cmd := s.run(append([]string{"--once"}, flags...)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), log.String()
}

// start runs the agent until the returned function is called; that returns the largest memory it had, in KiB.
func (s *session) start(flags ...string) (stop func() int64) {
	s.t.Helper()
	cmd := s.run(flags...)
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { cmd.Process.Kill() })
	return func() int64 {
		s.t.Helper()
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			s.t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			s.t.Fatalf("the agent ended with %v\n%s", err, log.String())
		}
		return built.Memory(cmd.ProcessState)
	}
}

// untilEmpty waits until no fragment is left in the drop directory or claimed.
func (s *session) untilEmpty() {
	s.t.Helper()
	for end := time.Now().Add(patience); ; {
		left := len(built.Unsettled(s.path("drop")))
		if left == 0 {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("%d files left in the drop directory", left)
		}
		time.Sleep(20 * time.Millisecond) // the agent is another process: there is nothing to wait on
	}
}

// entry is what these tests look at in a recovery entry.
type entry struct {
	Version   string
	Error     struct{ Code string }
	Fragments []struct {
		File  string
		Error struct{ Code string }
	}
}

// recovered returns the code of each fragment in the recovery folder, by its file's name.
func (s *session) recovered() map[string]string {
	s.t.Helper()
	codes := map[string]string{}
	manifests, err := filepath.Glob(s.path("recovery", "*", "recovery.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range manifests {
		b, err := os.ReadFile(path)
		if err != nil {
			s.t.Fatal(err)
		}
		var e entry
		if err := json.Unmarshal(b, &e); err != nil {
			s.t.Fatalf("%s: %v", path, err)
		}
		for _, f := range e.Fragments {
			name := strings.TrimPrefix(f.File, "fragments/")
			if codes[name] != "" {
				s.t.Errorf("%s is in the recovery folder twice", name)
			}
			codes[name] = f.Error.Code
			if _, err := os.Lstat(filepath.Join(filepath.Dir(path), f.File)); err != nil {
				s.t.Error(err)
			}
		}
	}
	return codes
}

// items returns the items of a backlog by their ids, in the order of the file.
func items(t *testing.T, tasks []byte) (ids []string, byID map[string]map[string]any) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(tasks, &doc); err != nil {
		t.Fatal(err)
	}
	byID = map[string]map[string]any{}
	var walk func(list any)
	walk = func(list any) {
		elements, _ := list.([]any)
		for _, e := range elements {
			item := e.(map[string]any)
			id := item["id"].(string)
			ids = append(ids, id)
			byID[id] = item
			for _, member := range []string{"milestones", "tasks", "subtasks"} {
				walk(item[member])
			}
		}
	}
	walk(doc["backlog"])
	return ids, byID
}

// realFiles are tasks files as real sessions left them, where this checkout has them beside it, and the sample.
func realFiles(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../shared/data/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) == 0 {
		t.Log("no real tasks files in ../shared/data: only the sample is used")
	}
	files := map[string][]byte{}
	for _, path := range append(paths, "../sample/session/tasks.json") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = b
	}
	return files
}
