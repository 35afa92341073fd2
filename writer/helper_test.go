package writer

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
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// original is the tasks file of most tests: two phases, each with a list that a JSON Patch can add to (what is applied
// twice is seen there) and a status that a neighbour can change.
const original = `{
  "backlog": [
    {"id": "P1", "type": "Phase", "title": "One", "status": "Planned", "log": []},
    {"id": "P2", "type": "Phase", "title": "Two", "status": "Planned", "log": []}
  ]
}
`

// bench is a tasks file in a folder of its own, and a writer for it.
type bench struct {
	*testing.T
	dir, path string
	config    Config
	log       *bytes.Buffer
	intent    Intent // what the last call of record has made durable
	records   int
	renames   bool     // the file system cannot exchange two names
	leaseless bool     // the system does not tell who writes
	kept      []string // what Config.Keep was given
}

func newBench(t *testing.T) *bench {
	t.Helper()
	return newBenchIn(t, t.TempDir())
}

// newFastBench is for thousands of commits: in memory where there is such a file system, so that fsync costs nothing.
func newFastBench(t *testing.T) *bench {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sessionsync-writer-")
	if err != nil {
		return newBench(t)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return newBenchIn(t, dir)
}

func newBenchIn(t *testing.T, dir string) *bench {
	t.Helper()
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	b := newBenchAt(t, dir)
	b.put(original)
	return b
}

// newBenchAt is one whose tasks file is there already.
func newBenchAt(t *testing.T, dir string) *bench {
	b := &bench{T: t, dir: dir, path: filepath.Join(dir, "tasks.json"), log: &bytes.Buffer{}}
	b.config = Config{
		Path:   b.path,
		Layout: document.Backlog,
		Retry:  Retry{Attempts: 3, Base: 100 * time.Millisecond, Max: 2 * time.Second, Jitter: 10},
		Log:    slog.New(slog.NewTextHandler(b.log, nil)),
		Keep: func(dir *vfs.Dir, name string, why error) error {
			text, err := os.ReadFile(dir.Join(name))
			if err != nil {
				return err
			}
			b.kept = append(b.kept, string(text))
			return os.Remove(dir.Join(name))
		},
	}
	return b
}

func (b *bench) writer() *Writer {
	c := b.config
	if b.renames || b.leaseless {
		hook := c.Hook
		c.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpExchange && b.renames {
				return errors.ErrUnsupported
			}
			if op == vfs.OpLease && b.leaseless {
				return vfs.ErrCannotTell
			}
			if hook != nil {
				return hook(op, path)
			}
			return nil
		}
	}
	return New(c)
}

// bothWays runs a test where two names can be exchanged and where they can only be renamed.
func bothWays(t *testing.T, test func(t *testing.T, renames bool)) {
	t.Run("exchange", func(t *testing.T) { test(t, false) })
	t.Run("rename", func(t *testing.T) { test(t, true) })
}

// replaces says which operation is the replacement.
func replaces(op vfs.Op) bool { return op == vfs.OpExchange || op == vfs.OpRename }

// put writes the tasks file anew, as it would be made: 0644.
func (b *bench) put(text string) {
	b.Helper()
	put(b.T, b.path, text)
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) content() string {
	b.Helper()
	data, err := os.ReadFile(b.path)
	if err != nil {
		b.Fatal(err)
	}
	return string(data)
}

// record keeps the intent in memory; the hook may make it fail before and after that.
func (b *bench) record(in Intent) error {
	if b.config.Hook != nil {
		if err := b.config.Hook(vfs.OpWrite, "intent"); err != nil {
			return &fs.PathError{Op: "write", Path: "intent", Err: err}
		}
	}
	b.records++
	b.intent = in
	if b.config.Hook != nil {
		if err := b.config.Hook(vfs.OpSync, "intent"); err != nil {
			return &fs.PathError{Op: "sync", Path: "intent", Err: err}
		}
	}
	return nil
}

// attempt commits, and dies before what was committed is settled.
func (b *bench) attempt(w *Writer, fragments ...Fragment) (Result, error) {
	return w.Commit(context.Background(), fragments, nil, b.record)
}

// commit commits, and settles what was committed.
func (b *bench) commit(w *Writer, fragments ...Fragment) (Result, error) {
	b.Helper()
	r, err := w.Commit(context.Background(), fragments, nil, b.record)
	if err == nil {
		b.discard(w, r.Temps)
	}
	return r, err
}

// discard does so in the end: the first time with the faults.
func (b *bench) discard(w *Writer, temps []string) {
	b.Helper()
	hook := w.config.Hook
	w.config.Hook = nil
	if w.Discard(temps) == nil {
		w.config.Hook = hook
		return
	}
	if err := w.Discard(temps); err != nil {
		b.Errorf("Discard: %v", err)
	}
	w.config.Hook = hook
}

// mustCommit commits where nothing is in the way.
func (b *bench) mustCommit(w *Writer, fragments ...Fragment) Result {
	b.Helper()
	r, err := b.commit(w, fragments...)
	if err != nil {
		b.Fatalf("Commit: %v", err)
	}
	return r
}

// noTemp fails where a temporary file lies beside the tasks file.
func (b *bench) noTemp() {
	b.Helper()
	if left := temps(b.T, b.dir); len(left) > 0 {
		b.Errorf("temporary files are left: %q", left)
	}
}

func temps(t testing.TB, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// fragments makes one fragment of each text.
func fragments(t testing.TB, texts ...string) []Fragment {
	t.Helper()
	var all []Fragment
	for i, text := range texts {
		name := fmt.Sprintf("%d.json", i)
		updates, err := fragment.Parse(name, []byte(text), fragment.Limits{})
		if err != nil {
			t.Fatalf("fragment %s: %v", text, err)
		}
		all = append(all, Fragment{Name: name, Updates: updates})
	}
	return all
}

// adding is a fragment that leaves a mark each time it is applied.
func adding(t testing.TB, mark string) []Fragment {
	return fragments(t, fmt.Sprintf(`{"id": "P1", "$op": "patch", "$patch": [{"op": "add", "path": "/log/-", "value": %q}]}`, mark))
}

// item is what the tests look at.
type item struct {
	ID     string
	Status string
	Title  string
	Log    []string
}

// items reads the tasks file strictly: whatever a test does, it is whole.
func (b *bench) items() map[string]item {
	b.Helper()
	return parseItems(b.T, []byte(b.content()))
}

func parseItems(t testing.TB, data []byte) map[string]item {
	t.Helper()
	var doc struct{ Backlog []item }
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatalf("tasks file is torn: %v\n%s", err, data)
	}
	all := map[string]item{}
	for _, i := range doc.Backlog {
		all[i.ID] = i
	}
	return all
}

// applied fails unless each mark stands in the log of P1 exactly once, and nothing else does.
func (b *bench) applied(marks ...string) {
	b.Helper()
	have := b.items()["P1"].Log
	if len(have) != len(marks) {
		b.Errorf("log of P1 is %q, want %q", have, marks)
		return
	}
	for _, m := range marks {
		if !slices.Contains(have, m) {
			b.Errorf("log of P1 is %q, want %q", have, marks)
		}
	}
}

// step is one file operation as a hook sees it.
type step struct {
	op   vfs.Op
	path string
}

func (s step) String() string { return string(s.op) + " " + filepath.Base(s.path) }

// trouble returns err as a *Trouble, or ends the test.
func trouble(t testing.TB, err error) *Trouble {
	t.Helper()
	var trouble *Trouble
	if !errors.As(err, &trouble) {
		t.Fatalf("error is %T (%v), want *Trouble", err, err)
	}
	checkMessage(t, err)
	return trouble
}

// checkMessage holds every message of every test against what reads well.
func checkMessage(t testing.TB, err error) {
	t.Helper()
	s := err.Error()
	for _, bad := range []string{"\n", "%!", "retryable", "failed to", "<nil>", "EvalSymlinks", "; ;", ": ;"} {
		if strings.Contains(s, bad) {
			t.Errorf("message holds %q: %q", bad, s)
		}
	}
	for _, word := range strings.Fields(s) {
		if strings.Count(word, "tasks.json") > 1 {
			t.Errorf("message holds a doubled path: %q", s)
		}
	}
}

// failing returns a hook that fails those operations with err while *n is above zero, counting down.
func failing(op vfs.Op, part string, n *int, err syscall.Errno) vfs.Hook {
	return func(o vfs.Op, path string) error {
		if o == op && strings.Contains(path, part) && *n > 0 {
			*n--
			return err
		}
		return nil
	}
}
