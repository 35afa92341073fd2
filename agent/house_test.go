package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/vfs"
)

// house is a folder with everything that an agent needs. Its fragments append their name to P1's list "log", so that one
// that is applied twice shows.
type house struct {
	t      *testing.T
	folder string
	config config.Config
	log    *journal
	names  []string // of the fragments that were dropped
	untold string   // one whose history went with its drop directory
	again  bool     // some were tried again after they were rejected
}

const tasksBefore = `{
  "backlog": [
    {"type": "Phase", "id": "P1", "title": "A house", "status": "Planned", "log": []}
  ]
}
`

func newHouse(t *testing.T) *house {
	t.Helper()
	folder := tempDir(t)
	c := config.Default()
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery")
	c.Watch.Mode = "poll" // fsnotify cannot live in a synctest bubble
	h := &house{t: t, folder: folder, config: c, log: &journal{}}
	must(t, os.Mkdir(c.Drop, 0o755))
	h.restoreTasks()
	return h
}

// tempDir is t.TempDir, in memory where that can be had: the fault loops would wait for the disk most of the time.
func tempDir(t *testing.T) string {
	const memory = "/dev/shm"
	folder, err := os.MkdirTemp(memory, "sessionsync")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(folder)) })
	return folder
}

func (h *house) restoreTasks() { h.write(h.config.Tasks, tasksBefore) }

func (h *house) write(path, content string) {
	h.t.Helper()
	must(h.t, os.WriteFile(path, []byte(content), 0o644))
}

// drop puts a file into the drop directory as a careful producer does.
func (h *house) drop(name, content string) {
	h.t.Helper()
	hidden := filepath.Join(h.config.Drop, ".being-written")
	h.write(hidden, content)
	must(h.t, os.Rename(hidden, filepath.Join(h.config.Drop, name)))
	h.names = append(h.names, name)
}

// appends drops a fragment that appends its name to P1's log. To apply it twice is a mistake that shows.
func (h *house) appends(names ...string) {
	h.t.Helper()
	for _, name := range names {
		h.drop(name, appending(name))
	}
}

func appending(name string) string {
	return fmt.Sprintf(`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/log/-","value":%q}]}`, name)
}

// age dates a fragment; the order of a batch goes by that.
func (h *house) age(name string, age time.Duration) {
	h.t.Helper()
	at := time.Now().Add(-age)
	must(h.t, os.Chtimes(filepath.Join(h.config.Drop, name), at, at))
}

func (h *house) agent(o Options) *Agent {
	h.t.Helper()
	o.Log = slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelInfo}))
	a, err := New(h.config, o)
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

// serial is a hook of one goroutine at a time.
func serial(hook vfs.Hook) vfs.Hook {
	var mu sync.Mutex
	return func(op vfs.Op, path string) error {
		mu.Lock()
		defer mu.Unlock()
		return hook(op, path)
	}
}

// once runs an agent on what is there.
func (h *house) once(hook vfs.Hook) (Report, error) {
	h.t.Helper()
	return h.agent(Options{Once: true, Hook: hook}).Run(h.t.Context())
}

// running is an agent that was started.
type running struct {
	h      *house
	agent  *Agent
	cancel context.CancelFunc
	ended  chan struct{} // closed at the end of Run; then the others are set
	report Report
	err    error
}

// start runs an agent until it is stopped.
func (h *house) start(hook vfs.Hook) *running {
	h.t.Helper()
	return h.startWith(Options{Hook: hook})
}

func (h *house) startWith(o Options) *running {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	r := &running{h: h, agent: h.agent(o), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(r.ended)
		r.report, r.err = r.agent.Run(ctx)
	}()
	return r
}

// stop asks the agent to end, which it does without an error.
func (r *running) stop() Report {
	r.h.t.Helper()
	r.cancel()
	<-r.ended
	if r.err != nil {
		r.h.t.Errorf("asked to end, Run said: %v", r.err)
	}
	return r.report
}

func (r *running) hasEnded() bool {
	select {
	case <-r.ended:
		return true
	default:
		return false
	}
}

// within waits for something that can be seen on disk or in the log, for at most so long. In a bubble the waiting is not
// real.
func (h *house) within(limit time.Duration, what string, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("after %v still not: %s\n%v\nlog:\n%s", limit, what, h.census(false), h.log)
		}
	}
}

// applied is P1's log: the fragments that were applied, in their order.
func (h *house) applied() []string {
	h.t.Helper()
	text, err := os.ReadFile(h.config.Tasks)
	must(h.t, err)
	var tasks struct {
		Backlog []struct{ Log []string }
	}
	if err := json.Unmarshal(text, &tasks); err != nil || len(tasks.Backlog) != 1 {
		h.t.Fatalf("the tasks file is torn: %v\n%s", err, text)
	}
	return tasks.Backlog[0].Log
}

func (h *house) hasApplied(names ...string) func() bool {
	return func() bool { return strings.Join(h.applied(), " ") == strings.Join(names, " ") }
}

// inBubble runs f in fake time; the house is the inner test's meanwhile.
func (h *house) inBubble(f func(t *testing.T)) {
	outside := h.t
	defer func() { h.t = outside }()
	synctest.Test(outside, func(t *testing.T) {
		h.t = t
		f(t)
	})
}

// entry is a recovery entry as somebody else would read it.
type entry struct {
	Folder      string
	Version     string
	Timestamp   string
	SessionPath string
	Error       struct {
		Message, Code string
		Attempts      int
	}
	PendingCount   int
	PendingUpdates []map[string]any
	Batch          string
	TasksFile      string
	Retryable      bool
	Fragments      []struct {
		File    string
		SHA256  string
		Updates int
		Error   *struct{ Code, Message string }
	}
}

// entries reads the recovery folder, in the order of its names.
func (h *house) entries() (entries []entry) {
	h.t.Helper()
	folders, err := os.ReadDir(h.config.Recovery)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		h.t.Fatal(err)
	}
	for _, f := range folders {
		if strings.HasPrefix(f.Name(), ".") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(h.config.Recovery, f.Name(), "recovery.json"))
		if errors.Is(err, fs.ErrNotExist) { // given back meanwhile
			continue
		}
		must(h.t, err)
		e := entry{Folder: f.Name()}
		must(h.t, json.Unmarshal(text, &e))
		entries = append(entries, e)
	}
	return entries
}

// rejected gives the codes of the recovered fragments by their names.
func (h *house) rejected() map[string]string {
	codes := map[string]string{}
	for _, e := range h.entries() {
		for _, f := range e.Fragments {
			name := strings.TrimPrefix(f.File, "fragments/")
			if codes[name] != "" {
				h.t.Errorf("%s has two recovery entries", name)
			}
			codes[name] = e.Error.Code
			if f.Error != nil {
				codes[name] = f.Error.Code
			}
		}
	}
	return codes
}

var temporary = regexp.MustCompile(`^\.(tasks\.json|intent\.json|move)\d{15,19}$`)

// census tells where each fragment is: "applied", "recovered", "claimed", "dropped", in that order, one after the other.
// What is half of anything is a mistake.
func (h *house) census(done bool) map[string]string {
	h.t.Helper()
	where := map[string]string{}
	for _, name := range h.applied() {
		where[name] += " applied"
	}
	count := func(folder, word string) {
		must(h.t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			name := d.Name()
			switch {
			case err != nil:
				return err
			case d.IsDir() && path != folder && word == "dropped":
				return fs.SkipDir // .sessionsync
			case d.IsDir() || name == "recovery.json" || name == ".intent.json":
			case temporary.MatchString(name):
				if done {
					h.t.Errorf("temporary file left: %s", path)
				}
			default:
				where[name] += " " + word
			}
			if done && strings.HasPrefix(name, ".") && word == "recovered" {
				h.t.Errorf("left in the recovery folder: %s", path)
			}
			return nil
		}))
	}
	count(h.config.Recovery, "recovered")
	count(filepath.Join(h.config.Drop, ".sessionsync", "claimed"), "claimed")
	count(h.config.Drop, "dropped")
	beside, err := os.ReadDir(h.folder)
	must(h.t, err)
	for _, d := range beside {
		if done && temporary.MatchString(d.Name()) {
			h.t.Errorf("temporary file left: %s", d.Name())
		}
	}
	for name := range where {
		where[name] = strings.TrimSpace(where[name])
	}
	return where
}

// isDone checks that each fragment has come to one of the two ends that it may have, and that nothing else is left.
func (h *house) isDone(when string, rejects map[string]string) {
	h.t.Helper()
	where := h.census(true)
	for _, name := range h.names {
		want := "applied"
		if rejects[name] != "" {
			want = "recovered"
		}
		if where[name] != want {
			h.t.Errorf("%s: %s is %q, want %q", when, name, where[name], want)
		}
		delete(where, name)
	}
	if len(where) > 0 {
		h.t.Errorf("%s: what is this: %v", when, where)
	}
	codes := h.rejected()
	for name, code := range rejects {
		if codes[name] != code {
			h.t.Errorf("%s: %s was rejected as %q, want %q", when, name, codes[name], code)
		}
	}
	if left, err := os.ReadDir(filepath.Join(h.config.Drop, ".sessionsync", "claimed")); err != nil || len(left) > 0 {
		h.t.Errorf("%s: claimed holds %v (%v)", when, left, err)
	}
	if h.config.History.MaxBytes > 0 {
		h.hasBooks(when, rejects)
	}
	if h.t.Failed() {
		h.t.Logf("log:\n%s", h.log)
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

// count tells how many lines hold a text.
func (j *journal) count(text string) (n int) {
	for line := range strings.Lines(j.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

// fault makes some operations fail, once it is on.
type fault struct {
	mu    sync.Mutex
	err   error // nil: off
	when  func(op vfs.Op, path string) bool
	times int
}

func (f *fault) hook(op vfs.Op, path string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil || !f.when(op, path) {
		return nil
	}
	f.times++
	return f.err
}

// count is how often it has failed an operation.
func (f *fault) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.times
}

func (f *fault) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// writingOf matches what a full or read-only file system refuses in that folder.
func writingOf(folder string) func(vfs.Op, string) bool {
	return func(op vfs.Op, path string) bool {
		switch op {
		case vfs.OpCreate, vfs.OpWrite, vfs.OpMkdir:
			return strings.HasPrefix(path, folder)
		}
		return false
	}
}

var full error = syscall.ENOSPC

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
