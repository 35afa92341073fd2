//go:build unix

package threats

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/internal/built"
)

// patience is a failsafe: an agent that an attack keeps busy for ever is killed, and the test fails.
const patience = time.Minute

// Users that no system has. The agent is one, who attacks the other.
const (
	agentUser  = 61001
	attackUser = 61002
)

func TestMain(m *testing.M) { os.Exit(built.Main(m)) }

// session is a folder with a tasks file whose only item has an empty list "log", so that what is applied twice shows.
type session struct {
	t      *testing.T
	folder string
	user   int // whom the agent runs as; 0: as the test
}

func newSession(t *testing.T) *session { return newSessionIn(t, "") }

// newSessionIn makes it in a folder of parent, which everybody can reach.
func newSessionIn(t *testing.T, parent string) *session {
	t.Helper()
	folder, err := os.MkdirTemp(parent, "sessionsync-threats-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	must(t, os.Chmod(folder, 0o755))
	s := &session{t: t, folder: folder}
	must(t, os.Mkdir(s.path("drop"), 0o755))
	s.write("tasks.json", `{"backlog": [{"id": "P1", "type": "Phase", "title": "x", "status": "Planned", "log": []}]}`+"\n")
	return s
}

// asUsers gives the session to the agent's user, and lets everybody drop: with the sticky bit, or without.
func (s *session) asUsers(drop fs.FileMode) {
	s.t.Helper()
	if os.Geteuid() != 0 {
		s.t.Skip("only root can be two users")
	}
	s.user = agentUser
	for _, name := range []string{"", "drop", "tasks.json"} {
		must(s.t, os.Chown(s.path(name), agentUser, agentUser))
	}
	must(s.t, os.Chmod(s.path("drop"), drop))
}

// inMemory is a folder whose file system keeps every date and has sparse files.
func inMemory(t *testing.T) string {
	t.Helper()
	const memory = "/dev/shm"
	if info, err := os.Stat(memory); err != nil || !info.IsDir() {
		t.Skip("there is no /dev/shm")
	}
	return memory
}

func (s *session) path(elements ...string) string {
	return filepath.Join(append([]string{s.folder}, elements...)...)
}

func (s *session) write(name, content string) {
	s.t.Helper()
	must(s.t, os.WriteFile(s.path(name), []byte(content), 0o644))
}

func (s *session) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	must(s.t, err)
	return string(text)
}

// appending is a fragment that appends a note to the item's log.
func appending(note string) string {
	return fmt.Sprintf(`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/log/-","value":%q}]}`, note)
}

// attack runs a shell command in the drop directory, as the other user if there are two.
func (s *session) attack(command string, args ...string) (string, error) {
	cmd := exec.Command("sh", append([]string{"-c", command, "sh"}, args...)...)
	cmd.Dir = s.path("drop")
	if s.user != 0 {
		cmd.SysProcAttr = as(attackUser)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (s *session) mustAttack(command string, args ...string) {
	s.t.Helper()
	if out, err := s.attack(command, args...); err != nil {
		s.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

func as(user uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user, NoSetGroups: true}}
}

// run is one run of the agent that has ended.
type run struct {
	code int
	log  string
	mib  int64
}

// running is the agent at work.
type running struct {
	s    *session
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

// start runs the agent. A setting is a key and its value, batch.quiet=0s.
func (s *session) start(args []string, settings ...string) *running {
	s.t.Helper()
	program, err := built.Program()
	must(s.t, err)
	log, err := os.CreateTemp(s.t.TempDir(), "log-*")
	must(s.t, err)
	cmd := exec.Command(program, append([]string{"run"}, args...)...)
	cmd.Dir, cmd.Stderr, cmd.Env = s.folder, log, built.Environ(settings...)
	if s.user != 0 {
		cmd.SysProcAttr = as(uint32(s.user))
	}
	must(s.t, cmd.Start())
	r := &running{s, cmd, log, make(chan struct{})}
	s.t.Cleanup(func() { cmd.Process.Kill(); <-r.done; log.Close() })
	failsafe := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	go func() {
		cmd.Wait()
		failsafe.Stop()
		close(r.done)
	}()
	return r
}

func (r *running) text() string {
	text, err := os.ReadFile(r.log.Name())
	must(r.s.t, err)
	return string(text)
}

// ended waits for the end.
func (r *running) ended() run {
	<-r.done
	return run{r.cmd.ProcessState.ExitCode(), r.text(), built.Memory(r.cmd.ProcessState) >> 10}
}

// stop asks it to end; it may have ended by itself.
func (r *running) stop() run {
	r.cmd.Process.Signal(syscall.SIGTERM)
	return r.ended()
}

func (s *session) once(settings ...string) run {
	s.t.Helper()
	return s.start([]string{"--once"}, settings...).ended()
}

// until waits for what another process does: there is nothing else to wait on.
func (s *session) until(what string, ok func() bool) {
	s.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("not so within %v: %s", patience, what)
		}
	}
}

// notes counts what was applied. While the agent runs it is one of the whole documents.
func (s *session) notes() map[string]int {
	s.t.Helper()
	var document struct{ Backlog []struct{ Log []string } }
	must(s.t, json.Unmarshal([]byte(s.read("tasks.json")), &document))
	notes := map[string]int{}
	for _, item := range document.Backlog {
		for _, note := range item.Log {
			notes[note]++
		}
	}
	return notes
}

// exactly compares what was applied with what should have been, each once.
func (s *session) exactly(want ...string) {
	s.t.Helper()
	notes := s.notes()
	for _, note := range want {
		if notes[note] != 1 {
			s.t.Errorf("%s was applied %d times", note, notes[note])
		}
		delete(notes, note)
	}
	if len(notes) > 0 {
		s.t.Errorf("applied, and should not have been: %v", notes)
	}
}

// recovered is one fragment of the recovery folder.
type recovered struct{ code, message, file, manifest string }

// recovered finds them by the names of their files.
func (s *session) recovered() map[string]recovered {
	s.t.Helper()
	list := map[string]recovered{}
	manifests, err := filepath.Glob(s.path("recovery", "*", "recovery.json"))
	must(s.t, err)
	for _, path := range manifests {
		var e struct {
			Fragments []struct {
				File  string
				Error struct{ Code, Message string }
			}
		}
		text, err := os.ReadFile(path)
		must(s.t, err)
		must(s.t, json.Unmarshal(text, &e))
		for _, f := range e.Fragments {
			name := filepath.Base(f.File)
			if list[name].code != "" {
				s.t.Errorf("%s is in the recovery folder twice", name)
			}
			list[name] = recovered{f.Error.Code, f.Error.Message, filepath.Join(filepath.Dir(path), f.File), path}
		}
	}
	return list
}

// rejected checks the codes of all that is in the recovery folder.
func (s *session) rejected(want map[string]string) map[string]recovered {
	s.t.Helper()
	list := s.recovered()
	for name, code := range want {
		if list[name].code != code {
			s.t.Errorf("%s is in the recovery folder as %q (%s), not as %q", name, list[name].code, list[name].message, code)
		}
	}
	for name, f := range list {
		if want[name] == "" {
			s.t.Errorf("%s is in the recovery folder: %s, %s", name, f.code, f.message)
		}
	}
	return list
}

func gone(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
