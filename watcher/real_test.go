package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
)

// These tests use the system's own events and clock. They wait for what must come, never for time to pass; this is
// how long until they give up.
const failsafe = time.Minute

// real is a watcher outside any bubble. Its rescan is too far away to help: what is seen was heard.
type real struct {
	*testing.T
	Config
	said chan string
	out  chan []File
	done chan Done
}

func realWatcher(t *testing.T, set func(*Config)) *real {
	r := &real{T: t, said: make(chan string, 1000), out: make(chan []File), done: make(chan Done)}
	r.Config = Config{
		Dir: filepath.Join(t.TempDir(), "drop"), Mode: Notify, Rescan: time.Hour, Settle: 20 * ms,
		IncompleteAfter: 5 * time.Second, Limits: fragment.Limits{MaxBytes: 1 << 20, MaxDepth: 64},
		Log: slog.New(teller(r.said)),
	}
	if err := os.Mkdir(r.Dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if set != nil {
		set(&r.Config)
	}
	return r
}

// run starts the watcher and ends it with the test, after which nothing of it may be left.
func (r *real) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- New(r.Config).Run(ctx, r.out, r.done) }()
	r.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != context.Canceled {
				r.Errorf("Run returned %v", err)
			}
		case <-time.After(failsafe):
			r.Error("Run did not end")
		}
		left := ""
		for late := time.Now().Add(failsafe / 6); time.Now().Before(late); runtime.Gosched() {
			if left = leftovers(); left == "" {
				return // a goroutine that has said its last word may take an instant to be gone
			}
		}
		r.Errorf("goroutines are left:\n%s", left)
	})
}

func leftovers() string {
	stacks := make([]byte, 1<<20)
	text := string(stacks[:runtime.Stack(stacks, true)])
	if strings.Contains(text, "fsnotify.") || strings.Contains(text, "watcher.(*instance)") {
		return text
	}
	return ""
}

// teller says each log line at level debug and above on a channel.
type teller chan string

func (teller) Enabled(context.Context, slog.Level) bool { return true }
func (t teller) WithAttrs([]slog.Attr) slog.Handler     { return t }
func (t teller) WithGroup(string) slog.Handler          { return t }
func (t teller) Handle(_ context.Context, r slog.Record) error {
	t <- fmt.Sprint(r.Level, " ", r.Message)
	return nil
}

// hears waits for a line, and skips others.
func (r *real) hears(want string) {
	r.Helper()
	late := time.After(failsafe)
	for {
		select {
		case line := <-r.said:
			if strings.HasPrefix(line, want) {
				return
			}
		case <-late:
			r.Fatalf("did not say %q", want)
		}
	}
}

// sends waits for the names, in whatever slices, takes the files away and says so.
func (r *real) sends(names ...string) {
	r.Helper()
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	late := time.After(failsafe)
	for len(missing) > 0 {
		select {
		case files := <-r.out:
			for _, f := range files {
				if !missing[f.Name] {
					r.Fatalf("sent %q", f.Name)
				}
				delete(missing, f.Name)
				r.must(os.Remove(r.path(f.Name)))
			}
			r.done <- Done{Others: namesOf(files)}
		case <-late:
			r.Fatalf("did not send %v", missing)
		}
	}
}

func (r *real) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *real) path(name string) string { return filepath.Join(r.Dir, name) }

func (r *real) put(name, text string) {
	r.Helper()
	r.must(os.WriteFile(r.path(name), []byte(text), 0o644))
}

// move puts a file there the polite way.
func (r *real) move(name, text string) {
	r.Helper()
	r.put(".tmp", text)
	r.must(os.Rename(r.path(".tmp"), r.path(name)))
}

func (r *real) shell(script string) {
	r.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = r.Dir
	if out, err := cmd.CombinedOutput(); err != nil {
		r.Fatalf("%s: %v\n%s", script, err, out)
	}
}
