package watcher

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// flock is a real Notifier and directories for it.
type flock struct {
	*testing.T
	*Notifier
	base string
}

func newFlock(t *testing.T, dirs ...string) flock {
	f := flock{t, new(Notifier), t.TempDir()}
	for _, dir := range dirs {
		f.must(os.MkdirAll(f.path(dir), 0o755))
	}
	return f
}

func (f flock) path(name string) string { return filepath.Join(f.base, filepath.FromSlash(name)) }

func (f flock) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f flock) listens(dirs ...string) *listener {
	f.Helper()
	for i, dir := range dirs {
		dirs[i] = f.path(dir)
	}
	l, err := f.listen(dirs, hearFragment)
	f.must(err)
	return l
}

func (f flock) put(name string) {
	f.Helper()
	f.must(os.WriteFile(f.path(name), []byte(whole), 0o644))
}

// hears waits until the name was heard.
func (f flock) hears(l *listener, name string) {
	f.Helper()
	f.waits(l, func(h hint) bool { _, ok := h.names[name]; return ok })
}

// loses waits for the end of a listening.
func (f flock) loses(l *listener) {
	f.Helper()
	f.waits(l, func(h hint) bool { return h.failed != nil })
	if l.alive() {
		f.Error("it is alive")
	}
}

func (f flock) waits(l *listener, until func(hint) bool) {
	f.Helper()
	for late := time.After(failsafe); ; {
		select {
		case h := <-l.hints:
			if until(h) {
				return
			}
			if h.failed != nil {
				f.Fatalf("heard %v", h)
			}
		case <-late:
			f.Fatal("heard nothing")
		}
	}
}

// deaf checks that a name was not said to l, after others have heard it.
func (f flock) deaf(l *listener, name string) {
	f.Helper()
	select {
	case h := <-l.hints:
		if _, ok := h.names[name]; ok {
			f.Errorf("heard %v", h)
		}
	default:
	}
}

func (f flock) watches() int {
	f.admin.Lock()
	defer f.admin.Unlock()
	if f.now == nil {
		return 0
	}
	return len(f.now.system.WatchList())
}

func TestManyShareOneNotifier(t *testing.T) {
	f := newFlock(t, "a", "b")
	a, b := f.listens("a"), f.listens("b")
	if n := f.watches(); n != 2 || !a.alive() || !b.alive() {
		t.Errorf("%d watches", n)
	}
	f.put("a/x.json")
	f.hears(a, "x.json")
	f.deaf(b, "x.json")
	f.put("b/y.json")
	f.hears(b, "y.json")
	f.deaf(a, "y.json")

	f.must(os.RemoveAll(f.path("a"))) // that concerns nobody else
	f.loses(a)
	f.put("b/z.json")
	f.hears(b, "z.json")

	f.must(os.Mkdir(f.path("a"), 0o755))
	again := f.listens("a")
	a.close()
	f.put("a/x.json")
	f.hears(again, "x.json")
	again.close()
	if n := f.watches(); n != 1 {
		t.Errorf("%d watches", n)
	}
	b.close()
	if f.now != nil {
		t.Error("an instance is left")
	}
	b = f.listens("b") // it can be used again
	defer b.close()
	f.put("b/x.json")
	f.hears(b, "x.json")
}

// A folder of a tasks file often holds the drop directory, and the system tells of its end only once.
func TestADirectoryAndWhatItLiesInCanBothBeWatched(t *testing.T) {
	f := newFlock(t, "session/drop")
	out, in := f.listens("session"), f.listens("session/drop")
	defer out.close()
	defer in.close()
	f.put("session/drop/x.json")
	f.hears(in, "x.json")
	f.put("session/tasks.json")
	f.hears(out, "tasks.json")
	f.deaf(in, "tasks.json")
	f.must(os.RemoveAll(f.path("session/drop")))
	f.loses(in)
	f.must(os.Mkdir(f.path("session/drop"), 0o755))
	again := f.listens("session/drop")
	defer again.close()
	f.must(os.Rename(f.path("session/drop"), f.path("session/away")))
	f.loses(again)
	f.put("session/other.json")
	f.hears(out, "other.json")
}

// For the system it is one watch, which has one path.
func TestOneDirectoryCanBeWatchedByTwoPaths(t *testing.T) {
	f := newFlock(t, "a")
	f.must(os.Symlink("a", f.path("link")))
	direct, linked := f.listens("a"), f.listens("link")
	defer linked.close()
	if n := f.watches(); n != 1 {
		t.Errorf("%d watches", n)
	}
	f.put("a/x.json")
	f.hears(direct, "x.json")
	f.hears(linked, "x.json")
	direct.close()
	f.put("a/y.json")
	f.hears(linked, "y.json")
	both := f.listens("a", "link")
	f.put("a/z.json")
	f.hears(both, "z.json")
	both.close()
	f.must(os.Remove(f.path("link")))
	f.must(os.RemoveAll(f.path("a")))
	f.loses(linked)
}

// The path is the same, the directory is not, and no event tells of what happens further up.
func TestADirectoryThatTookThePlaceOfAWatchedOneIsWatched(t *testing.T) {
	f := newFlock(t, "a/drop", "b/drop")
	before := f.listens("a/drop")
	defer before.close()
	f.must(os.Rename(f.path("a"), f.path("c")))
	f.must(os.Rename(f.path("b"), f.path("a")))
	after := f.listens("a/drop")
	defer after.close()
	f.loses(before)
	f.put("c/drop/x.json")
	f.put("a/drop/y.json")
	f.hears(after, "y.json")
}

func TestWhatCannotBeWatchedIsNobodysTrouble(t *testing.T) {
	f := newFlock(t, "a")
	if _, err := f.listen([]string{f.path("missing")}, hearFragment); !errors.Is(err, os.ErrNotExist) || f.now != nil {
		t.Errorf("listening ended with %v", err)
	}
	a := f.listens("a")
	defer a.close()
	if _, err := f.listen([]string{f.path("a"), f.path("missing")}, hearFragment); err == nil {
		t.Error("one of two is missing, and nothing was said")
	}
	f.put("a/x.json")
	f.hears(a, "x.json")
}

func TestAfterAnErrorOfTheInstanceThereIsANewOne(t *testing.T) {
	f := newFlock(t, "a", "b")
	a, b := f.listens("a"), f.listens("b")
	f.must(f.now.system.Close()) // as if the system had ended it
	f.loses(a)
	f.loses(b)
	a.close()
	again := f.listens("a")
	b.close() // the last of the old one
	f.put("a/x.json")
	f.hears(again, "x.json")
	again.close()
}

func TestOneWhoDoesNotListenHoldsUpNobody(t *testing.T) {
	inPump(t, func(p pumping) {
		busy, other := p.instance.listens(hearFragment, "/d"), p.instance.listens(hearFragment, "/e")
		for i := range 10000 {
			p.event(fsnotify.Create, fmt.Sprintf("/d/%d.json", i))
			<-busy.hints
		}
		p.event(fsnotify.Create, "/e/x.json")
		if h := <-other.hints; len(h.names) != 1 {
			t.Errorf("the other heard %v", h)
		}
		if h := p.hint(); len(h.names) != 10000 {
			t.Errorf("%d names were kept for the one who did not listen", len(h.names))
		}
		p.errs <- fsnotify.ErrEventOverflow
		synctest.Wait()
		for _, s := range []*subscription{busy, other, {hints: p.hints}} {
			if h := <-s.hints; !h.all {
				t.Errorf("of the loss was heard %v", h)
			}
		}
		p.errs <- errors.New("broken")
		synctest.Wait()
		for _, s := range []*subscription{busy, other, {hints: p.hints}} {
			if h := <-s.hints; h.failed == nil {
				t.Errorf("of the end was heard %v", h)
			}
		}
	})
}

// What a thousand sessions cost that have nothing to do: a goroutine and an alarm each, one instance for all.
func TestAThousandIdleWatchersCostLittle(t *testing.T) {
	const sessions = 1000
	base := t.TempDir()
	for i := range sessions {
		if err := os.MkdirAll(filepath.Join(base, fmt.Sprint(i), canaryName), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	before := inUse()
	goroutines := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	scanned, ended := make(chan struct{}, sessions), make(chan error, sessions)
	n := new(Notifier)
	outs := make([]chan []File, sessions)
	for i := range sessions {
		c := Config{
			Dir: filepath.Join(base, fmt.Sprint(i)), Rescan: time.Hour, Settle: 20 * ms, IncompleteAfter: 5 * time.Second, Notifier: n,
			Trace: Trace{Scanned: func(int) { scanned <- struct{}{} }},
		}
		outs[i] = make(chan []File)
		go func() { ended <- New(c).Run(ctx, outs[i], nil) }()
	}
	for range sessions {
		select {
		case <-scanned:
		case <-time.After(failsafe):
			t.Fatal("not all of them have begun")
		}
	}
	each := (inUse() - before) / sessions
	t.Logf("%d bytes and %.2f goroutines a session", each, float64(runtime.NumGoroutine()-goroutines)/sessions)
	if extra := runtime.NumGoroutine() - goroutines - sessions; extra > 10 {
		t.Errorf("%d goroutines more than one each", extra)
	}
	if each > 64<<10 {
		t.Errorf("%d bytes a session", each)
	}
	for _, i := range []int{0, sessions / 2, sessions - 1} { // and each is served
		if err := os.WriteFile(filepath.Join(base, fmt.Sprint(i), "x.json"), []byte(whole), 0o644); err != nil {
			t.Fatal(err)
		}
		select {
		case files := <-outs[i]:
			if len(files) != 1 || files[0].Name != "x.json" {
				t.Errorf("sent %q", namesOf(files))
			}
		case <-time.After(failsafe):
			t.Fatal("nothing was sent")
		}
	}
	cancel()
	for range sessions {
		if err := <-ended; err != context.Canceled {
			t.Errorf("Run returned %v", err)
		}
	}
}

// inUse is what is in use, stacks included.
func inUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// While one begins to listen another one may ask the system what it watches: that answer says nothing of the first one.
func TestAnAnswerThatIsOlderThanAWatchSaysNothingOfIt(t *testing.T) {
	f := newFlock(t, "a", "b")
	first := f.listens("a")
	defer first.close()
	asked := time.Now()
	second := f.listens("b")
	defer second.close()
	in := f.now
	in.mu.Lock()
	in.alive, in.asked = map[string]struct{}{f.path("a"): {}}, asked // which comes late
	in.mu.Unlock()
	if !first.alive() || !second.alive() {
		t.Errorf("alive: %v and %v", first.alive(), second.alive())
	}
	in.mu.Lock()
	in.asked = time.Now()
	in.mu.Unlock()
	if !first.alive() || second.alive() {
		t.Errorf("alive, by a newer answer: %v and %v", first.alive(), second.alive())
	}
}
