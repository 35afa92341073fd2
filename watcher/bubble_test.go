package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
)

const (
	whole = `{"id":"P1","status":"Complete"}`
	half  = `{"id":"P1","status":"Comp`
)

// bench is a watcher in a synctest bubble: real files, fake time, injected hints.
type bench struct {
	*testing.T
	Config
	system
	out  chan []File
	done chan Done
	err  chan error
	stop context.CancelFunc
	logs *logs
	kind string // of file system, if it is a silent one
}

// system stands for the system's events.
type system struct {
	start time.Time
	hints chan hint // what it tells; nobody else does

	mu    sync.Mutex
	deaf  error           // what listening answers, nil: it works
	heard []time.Duration // when it was tried
	ears  int             // how many are listening
	dead  bool            // the watch was dropped
}

func (s *system) listen() (*listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = append(s.heard, time.Since(s.start))
	if s.deaf != nil {
		return nil, s.deaf
	}
	s.ears++
	return &listener{
		hints: s.hints,
		alive: func() bool { s.mu.Lock(); defer s.mu.Unlock(); return !s.dead },
		close: func() { s.mu.Lock(); defer s.mu.Unlock(); s.ears-- },
	}, nil
}

// set changes what listening answers, and whether the watch was dropped.
func (s *system) set(deaf error, dead bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf, s.dead = deaf, dead
}

func (s *system) listened() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

func (s *system) listening() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ears
}

// inBubble prepares a watcher of an empty directory with the default times. Nothing runs before b.run.
func inBubble(t *testing.T, play func(b *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{T: t, logs: &logs{}}
		b.Config = Config{
			Dir: filepath.Join(t.TempDir(), "drop"), Mode: Auto, Log: slog.New(b.logs),
			Rescan: 30 * time.Second, Settle: 50 * ms, IncompleteAfter: 5 * time.Second,
			Limits: fragment.Limits{MaxBytes: 1 << 10, MaxDepth: 64},
		}
		b.mkdir()
		b.start = time.Now()
		b.hints, b.out, b.done, b.err = make(chan hint), make(chan []File), make(chan Done), make(chan error, 1)
		b.stop = func() {}
		defer func() { b.stop() }()
		play(b)
	})
}

// run starts the watcher.
func (b *bench) run() {
	ctx, cancel := context.WithCancel(b.Context())
	b.stop = cancel
	w := New(b.Config)
	w.listen = func(string) (*listener, error) { return b.listen() }
	w.kindOf = func(string) string { return b.kind }
	b.start = time.Now()
	go func() { b.err <- w.Run(ctx, b.out, b.done) }()
}

func (b *bench) path(name string) string { return filepath.Join(b.Dir, name) }

func (b *bench) mkdir() { b.must(os.Mkdir(b.Dir, 0o755)) }

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// write writes a file whose time is now, in fake time.
func (b *bench) write(name, text string) {
	b.Helper()
	b.must(os.WriteFile(b.path(name), []byte(text), 0o644))
	b.age(name, 0)
}

// grow appends, as a slow writer does.
func (b *bench) grow(name, text string) {
	b.Helper()
	f, err := os.OpenFile(b.path(name), os.O_APPEND|os.O_WRONLY, 0)
	b.must(err)
	_, err = f.WriteString(text)
	b.must(err)
	b.must(f.Close())
	b.age(name, 0)
}

func (b *bench) age(name string, age time.Duration) {
	b.Helper()
	then := time.Now().Add(-age)
	b.must(os.Chtimes(b.path(name), then, then))
}

func (b *bench) old(name, text string, age time.Duration) {
	b.Helper()
	b.write(name, text)
	b.age(name, age)
}

// tell hints at names.
func (b *bench) tell(names ...string) {
	h := hint{names: map[string]struct{}{}}
	for _, name := range names {
		h.names[name] = struct{}{}
	}
	b.hints <- h
}

// sends waits for the next slice, which must leave at that time and hold those names.
func (b *bench) sends(at time.Duration, names ...string) {
	b.Helper()
	select {
	case files := <-b.out:
		got := namesOf(files)
		if !slices.Equal(got, names) || time.Since(b.start) != at {
			b.Fatalf("sent %q after %v, want %q after %v", got, time.Since(b.start), names, at)
		}
	case err := <-b.err:
		b.Fatalf("ended with %v instead of sending %q", err, names)
	case <-time.After(time.Hour):
		b.Fatalf("sent nothing for an hour, want %q after %v\n%s", names, at, b.logs)
	}
}

// silent lets that much time pass, in which no file may be sent.
func (b *bench) silent(d time.Duration) {
	b.Helper()
	for over := time.After(d); ; {
		select {
		case files := <-b.out:
			if len(files) == 0 && b.Once { // it knows of nothing more
				continue
			}
			b.Fatalf("sent %q after %v", namesOf(files), time.Since(b.start))
		case err := <-b.err:
			b.Fatalf("ended with %v", err)
		case <-over:
			synctest.Wait()
			return
		}
	}
}

// ends waits for the end of Run.
func (b *bench) ends(at time.Duration) error {
	b.Helper()
	for open := true; open; {
		var files []File
		select {
		case files, open = <-b.out:
			if len(files) > 0 || open && !b.Once { // empty: it knows of nothing more
				b.Fatalf("sent %q instead of ending", namesOf(files))
			}
		case <-time.After(time.Hour):
			b.Fatalf("did not end within an hour\n%s", b.logs)
		}
	}
	err := <-b.err
	if took := time.Since(b.start); took != at {
		b.Errorf("ended after %v, want %v", took, at)
	}
	if b.listening() != 0 {
		b.Errorf("%d are still listening", b.listening())
	}
	return err
}

// claim takes files away and says so.
func (b *bench) claim(names ...string) {
	b.Helper()
	for _, name := range names {
		b.must(os.Remove(b.path(name)))
	}
	b.done <- Done{Others: names}
}

func namesOf(files []File) (names []string) {
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

// logs keeps what was logged at level info and above.
type logs struct {
	mu    sync.Mutex
	lines []string
}

func (l *logs) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }
func (l *logs) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l *logs) WithGroup(string) slog.Handler                    { return l }

func (l *logs) Handle(_ context.Context, r slog.Record) error {
	line := fmt.Sprint(r.Level, " ", r.Message)
	r.Attrs(func(a slog.Attr) bool {
		line += fmt.Sprintf(" %s=%q", a.Key, a.Value.String())
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
	return nil
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func (b *bench) said(beginnings ...string) {
	b.Helper()
	b.logs.said(b.T, beginnings...)
}

// said checks that exactly these things were said, in this order; each is the beginning of a line.
func (l *logs) said(t *testing.T, beginnings ...string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.EqualFunc(l.lines, beginnings, strings.HasPrefix) {
		t.Errorf("said\n  %s\nwant\n  %s", strings.Join(l.lines, "\n  "), strings.Join(beginnings, "\n  "))
	}
}

func TestAPulseIsReceivedWhateverTheWatcherWaitsFor(t *testing.T) {
	inBubble(t, func(b *bench) {
		pulse := make(chan struct{})
		b.Pulse = pulse
		b.old("x.json", whole, time.Hour)
		b.run()
		for range 10 { // nobody takes the slice
			pulse <- struct{}{}
		}
		b.sends(0, "x.json")
		b.must(os.Remove(b.Dir + "/x.json"))
		b.must(os.Remove(b.Dir))
		for range 10 {
			b.silent(time.Minute)
			pulse <- struct{}{}
		}
	})
}
