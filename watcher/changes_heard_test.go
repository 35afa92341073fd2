package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// watch is a Changes outside any bubble: the system's own events and clock. Its rescan is too far away to help.
type watch struct {
	*real
	ChangesConfig
	base  string
	looks atomic.Int64 // into a folder
	hints chan struct{}
}

// watchTasks prepares a folder "at" with a tasks file.
func watchTasks(t *testing.T) *watch {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &watch{real: &real{T: t}, base: base, hints: make(chan struct{})}
	w.ChangesConfig = ChangesConfig{
		Path: w.path("at/tasks.json"), Mode: Notify, Rescan: time.Hour, Log: slog.New(slog.DiscardHandler),
		Hook: func(op vfs.Op, _ string) error {
			if op == vfs.OpOpen {
				w.looks.Add(1)
			}
			return nil
		},
	}
	w.must(os.Mkdir(w.path("at"), 0o755))
	w.put("at/tasks.json", "{}")
	return w
}

func (w *watch) path(name string) string { return filepath.Join(w.base, filepath.FromSlash(name)) }

func (w *watch) put(name, text string) {
	w.Helper()
	w.must(os.WriteFile(w.path(name), []byte(text), 0o644))
}

func (w *watch) replace(name, text string) {
	w.Helper()
	w.put(name+".tmp", text)
	w.must(os.Rename(w.path(name+".tmp"), w.path(name)))
}

func (w *watch) link(name, target string) {
	w.Helper()
	if err := os.Symlink(target, w.path(name+".tmp")); err != nil {
		w.Skip("no links here: ", err)
	}
	w.must(os.Rename(w.path(name+".tmp"), w.path(name)))
}

// run starts it, waits until it listens, and ends it with the test.
func (w *watch) run() {
	w.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- Changes(ctx, w.ChangesConfig, w.hints) }()
	w.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != context.Canceled {
				w.Errorf("Changes returned %v", err)
			}
		case <-time.After(failsafe):
			w.Error("Changes did not end")
		}
	})
	w.hint()
}

func (w *watch) hint() {
	w.Helper()
	select {
	case <-w.hints:
	case <-time.After(failsafe):
		w.Fatal("nothing was said")
	}
}

// goesOn changes a file more often than the events from before could make hints.
func (w *watch) goesOn(name string) {
	w.Helper()
	for i := range 10 {
		w.replace(name, fmt.Sprintf(`{"n":%d}`, i))
		w.hint()
	}
}

func TestRealChangesOfTheTasksFileAreHeardOf(t *testing.T) {
	for _, c := range []struct {
		name  string
		start func(w *watch)
		do    func(w *watch)
		then  string // the file that is used from now on
	}{
		{"renamed over", nil, func(w *watch) { w.replace("at/tasks.json", "[]") }, "at/tasks.json"},
		{"written in place", nil, func(w *watch) { w.put("at/tasks.json", "[1]") }, "at/tasks.json"},
		{"appended to", nil, func(w *watch) {
			f, err := os.OpenFile(w.Path, os.O_APPEND|os.O_WRONLY, 0)
			w.must(err)
			defer f.Close()
			_, err = f.WriteString("\n")
			w.must(err)
		}, "at/tasks.json"},
		{"deleted", nil, func(w *watch) { w.must(os.Remove(w.Path)) }, "at/tasks.json"},
		{"moved away", nil, func(w *watch) { w.must(os.Rename(w.Path, w.path("away"))) }, "at/tasks.json"},
		{"deleted and created again", nil, func(w *watch) { w.must(os.Remove(w.Path)); w.put("at/tasks.json", "[1]") }, "at/tasks.json"},
		{"created, with others in the folder", func(w *watch) { w.must(os.Remove(w.Path)); w.put("at/a", "") },
			func(w *watch) { w.put("at/tasks.json", "{}") }, "at/tasks.json"},
		{"replaced by a link", func(w *watch) { w.must(os.Mkdir(w.path("to"), 0o755)); w.put("to/x", "[]") },
			func(w *watch) { w.link("at/tasks.json", "../to/x") }, "to/x"},
		{"a link's target replaced", func(w *watch) { w.link("link", "at/tasks.json"); w.Path = w.path("link") },
			func(w *watch) { w.replace("at/tasks.json", "[]") }, "at/tasks.json"},
		{"a link's target written in place", func(w *watch) { w.link("link", "at/tasks.json"); w.Path = w.path("link") },
			func(w *watch) { w.put("at/tasks.json", "[1]") }, "at/tasks.json"},
		{"a link moved to another target", func(w *watch) {
			w.must(os.Mkdir(w.path("to"), 0o755))
			w.put("to/x", "[]")
			w.link("link", "at/tasks.json")
			w.Path = w.path("link")
		}, func(w *watch) { w.link("link", "to/x") }, "to/x"},
		{"a link in the middle moved to another target", func(w *watch) {
			w.must(os.Mkdir(w.path("to"), 0o755))
			w.put("to/x", "[]")
			w.link("at/middle", "tasks.json")
			w.link("link", "at/middle")
			w.Path = w.path("link")
		}, func(w *watch) { w.link("at/middle", "../to/x") }, "to/x"},
		{"the folder moved away and a new one in its place", nil, func(w *watch) {
			w.must(os.Rename(w.path("at"), w.path("away")))
			w.must(os.Mkdir(w.path("at"), 0o755))
			w.put("at/tasks.json", "[1]")
		}, "at/tasks.json"},
		{"the folder removed and a new one in its place", nil, func(w *watch) {
			w.must(os.RemoveAll(w.path("at")))
			w.hint()
			w.must(os.Mkdir(w.path("at"), 0o755))
			w.put("at/tasks.json", "[1]")
		}, "at/tasks.json"},
		{"the folder removed while somebody has it open, and a new one in its place", nil, func(w *watch) {
			held, err := os.Open(w.path("at"))
			w.must(err)
			defer held.Close()
			w.must(os.RemoveAll(w.path("at")))
			w.hint()
			w.must(os.Mkdir(w.path("at"), 0o755))
			w.put("at/tasks.json", "[1]")
		}, "at/tasks.json"},
		{"the target's folder, which is within the link's, moved away and a new one in its place",
			func(w *watch) { w.link("link", "at/tasks.json"); w.Path = w.path("link") }, func(w *watch) {
				w.must(os.Rename(w.path("at"), w.path("away")))
				w.must(os.Mkdir(w.path("at"), 0o755))
				w.put("at/tasks.json", "[1]")
			}, "at/tasks.json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := watchTasks(t)
			if c.start != nil {
				c.start(w)
			}
			w.run()
			c.do(w)
			w.hint()
			w.goesOn(c.then)
		})
	}
}

func TestTheFolderOfTheTasksFileCanBeTheWorkingDirectory(t *testing.T) {
	for _, path := range []string{"tasks.json", "./tasks.json", "../at//tasks.json"} {
		t.Run(path, func(t *testing.T) {
			w := watchTasks(t)
			t.Chdir(w.path("at"))
			w.Path = path
			w.run()
			w.goesOn("at/tasks.json")
		})
	}
}

func TestWhatHappensToOtherNamesCausesNoLook(t *testing.T) {
	w := watchTasks(t)
	w.run()
	before := w.looks.Load()
	w.must(os.Mkdir(w.path("at/drop"), 0o755))
	for i := range 200 {
		temp := fmt.Sprintf("at/.tasks.json%d", i)
		w.put(temp, "{}")
		w.put("at/drop/x.json", "{}")
		w.must(os.Rename(w.path(temp), w.path("at/other.json")))
		w.put(temp, "{}")
		w.must(os.Remove(w.path(temp)))
	}
	w.must(os.RemoveAll(w.path("at/drop")))
	w.replace("at/tasks.json", "[]")
	w.hint() // what came before it was heard before it
	if looks := w.looks.Load() - before; runtime.GOOS == "linux" && looks != 1 {
		t.Errorf("%d looks, want the one at the change", looks)
	}
}

// Whoever looks after each hint knows the last state in the end, however many write, and however slow it looks.
func TestAStormEndsWithAHintAfterTheLastChange(t *testing.T) {
	const each = 300
	w := watchTasks(t)
	w.run()
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Go(func() {
			for n := range each {
				temp := w.path(fmt.Sprintf("at/.%d", i))
				err := os.WriteFile(temp, fmt.Appendf(nil, "%d %d", i, n), 0o644)
				if err == nil {
					err = os.Rename(temp, w.Path)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	read := func() string {
		text, err := os.ReadFile(w.Path)
		w.must(err)
		return string(text)
	}
	done := make(chan string, 1)
	go func() { writers.Wait(); done <- read() }()
	known, hints := "", 0
	for last, late := "", time.After(failsafe); last == "" || known != last; {
		select {
		case <-w.hints:
			known = read()
			hints++
		case last = <-done:
		case <-late:
			t.Fatalf("after %d hints %q is known, which is not %q", hints, known, last)
		}
	}
	if hints > 3*each {
		t.Errorf("%d hints", hints)
	}
}
