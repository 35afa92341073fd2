package fleet

import (
	"context"
	"errors"
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

	"github.com/sessionsync/sessionsync/config"
)

// yard is a folder with a config file, and a fleet whose sessions only say that they begin and end.
type yard struct {
	*testing.T
	dir    string
	said   chan string // begins x, ends x, reloaded, refused: …
	reload chan os.Signal
	stop   context.CancelFunc
	ended  chan error
	logs   *lines

	mu   sync.Mutex
	fail map[string]error // by session: what its start comes to
}

func newYard(t *testing.T, text string) *yard {
	y := &yard{
		T: t, dir: t.TempDir(), said: make(chan string, 100), reload: make(chan os.Signal), ended: make(chan error, 1),
		fail: map[string]error{}, logs: &lines{}, stop: func() {},
	}
	y.write(config.FileName, text)
	return y
}

func (y *yard) write(path, text string) {
	y.Helper()
	path = filepath.Join(y.dir, path)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		y.Fatal(err)
	}
}

func (y *yard) load() (config.Config, error) { return config.Load(config.Options{Dir: y.dir}) }

func (y *yard) fails(session string, err error) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.fail[session] = err
}

// run starts the fleet.
func (y *yard) run() {
	y.Helper()
	c, err := y.load()
	if err != nil {
		y.Fatal(err)
	}
	ctx, stop := context.WithCancel(y.Context())
	y.stop = stop
	go func() {
		y.ended <- Run(ctx, Options{
			Config: c, Load: y.load, Reload: y.reload, Log: slog.New(slog.NewTextHandler(y.logs, nil)),
			Start: func(ctx context.Context, c config.Config) error {
				y.mu.Lock()
				err := y.fail[c.Session]
				y.mu.Unlock()
				if err != nil {
					return err
				}
				y.said <- fmt.Sprintf("begins %s %v", c.Session, c.Batch.Quiet)
				<-ctx.Done()
				y.said <- "ends " + c.Session
				return nil
			},
			Reloaded: func(c config.Config, err error) {
				if err != nil {
					y.said <- "refused"
				} else {
					y.said <- "reloaded"
				}
			},
		})
	}()
}

// hears waits for these things to be said, in whatever order.
func (y *yard) hears(want ...string) {
	y.Helper()
	var got []string
	for range want {
		select {
		case s := <-y.said:
			got = append(got, s)
		case <-y.Context().Done():
			y.Fatalf("heard %q and then nothing, want %q\n%s", got, want, y.logs)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		y.Fatalf("heard %q, want %q", got, want)
	}
}

func (y *yard) ends(want error) {
	y.Helper()
	y.stop()
	if err := <-y.ended; !errors.Is(err, want) {
		y.Errorf("Run returned %v, want %v", err, want)
	}
	if len(y.said) > 0 {
		y.Errorf("still said: %q", <-y.said)
	}
}

type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestOneSessionEndsRunWithItsError(t *testing.T) {
	y := newYard(t, "")
	broken := errors.New("broken")
	y.fails("", broken)
	y.run()
	if err := <-y.ended; !errors.Is(err, broken) {
		t.Errorf("Run returned %v", err)
	}
}

func TestEverySessionRunsUntilTheEnd(t *testing.T) {
	y := newYard(t, "sessions: [{tasks: a/t.json}, {tasks: b/t.json}]\n")
	y.run()
	y.hears("begins a 100ms", "begins b 100ms")
	y.stop()
	y.hears("ends a", "ends b")
	y.ends(nil)
}

func TestASessionInTroubleIsTriedAgainAndStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, "sessions: [{tasks: a/t.json}, {tasks: b/t.json}]\n")
		y.fails("a", errors.New("its disk is gone"))
		began := time.Now()
		c, err := y.load()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var tries []time.Duration
		f := &fleet{ended: make(chan *member), gone: make(chan struct{}), Options: Options{
			Config: c, Log: slog.New(slog.NewTextHandler(y.logs, nil)),
			Start: func(ctx context.Context, c config.Config) error {
				if tries = append(tries, time.Since(began)); len(tries) < 8 {
					return errors.New("its disk is gone")
				}
				<-ctx.Done()
				return nil
			},
		}}
		f.start(ctx, c)
		time.Sleep(10 * time.Minute)
		stop()
		<-f.ended
		want := []time.Duration{0, 1, 3, 7, 15, 31, 61, 91}
		for i := range want {
			want[i] *= time.Second
		}
		if !slices.Equal(tries, want) {
			t.Errorf("tried at %v, want %v", tries, want)
		}
		if text := y.logs.String(); strings.Count(text, "its disk is gone") != 7 {
			t.Errorf("logged %s", text)
		}
	})
	y := newYard(t, "sessions: [{tasks: a/t.json}, {tasks: b/t.json}]\n")
	y.fails("a", errors.New("its disk is gone"))
	y.run()
	y.hears("begins b 100ms")
	y.stop()
	y.hears("ends b")
	y.ends(nil)
}

func TestAReloadChangesWhatIsOtherThanBefore(t *testing.T) {
	y := newYard(t, "sessions: [{tasks: a/t.json}, {tasks: b/t.json}]\n")
	y.run()
	y.hears("begins a 100ms", "begins b 100ms")

	y.write(config.FileName, "# nothing that matters\nsessions: [{tasks: a/t.json}, {tasks: c/t.json}]\n")
	y.reload <- os.Interrupt
	y.hears("reloaded", "ends b", "begins c 100ms")

	y.write(config.FileName, "batch: {quiet: 7ms}\nsessions: [{tasks: a/t.json}]\n")
	y.reload <- os.Interrupt
	y.hears("reloaded", "ends a", "ends c", "begins a 7ms")

	y.write(config.FileName, "batch: {quiet: soon}\n")
	y.reload <- os.Interrupt
	y.hears("refused")
	y.write(config.FileName, "drop: ./other\n")
	y.reload <- os.Interrupt
	y.hears("refused")

	y.stop()
	y.hears("ends a")
	y.ends(nil)
}

func TestAReloadOfTheOneSession(t *testing.T) {
	y := newYard(t, "")
	y.run()
	y.hears("begins  100ms")
	y.write(config.FileName, "batch: {quiet: 7ms}\n")
	y.reload <- os.Interrupt
	y.hears("reloaded", "ends ", "begins  7ms")
	y.stop()
	y.hears("ends ")
	y.ends(nil)
}

func TestSessionsOfAPatternComeAndGo(t *testing.T) {
	for _, rescan := range []string{"1h", "20ms"} { // by events, and without
		y := newYard(t, "watch: {rescan: "+rescan+"}\nsessions: [{glob: 'plan/*/tasks.json'}]\n")
		if err := os.Mkdir(filepath.Join(y.dir, "plan"), 0o755); err != nil {
			t.Fatal(err)
		}
		y.run()
		y.write("plan/one/tasks.json", "[]")
		y.hears("begins one 100ms")
		y.write("plan/two/other.json", "[]")
		y.write("plan/two/tasks.json", "[]")
		y.hears("begins two 100ms")
		if err := os.Rename(filepath.Join(y.dir, "plan/two"), filepath.Join(y.dir, "away")); err != nil {
			t.Fatal(err)
		}
		y.hears("ends two")
		if err := os.Remove(filepath.Join(y.dir, "plan/one/tasks.json")); err != nil {
			t.Fatal(err)
		}
		y.hears("ends one")
		y.write("plan/one/tasks.json", "[]")
		y.hears("begins one 100ms")
		y.stop()
		y.hears("ends one")
		y.ends(nil)
	}
}

func TestASessionThatLeavesItsDropDirectoryBehindIsToldOf(t *testing.T) {
	y := newYard(t, "watch: {rescan: 20ms}\nsessions: [{glob: 'plan/*/tasks.json'}]\n")
	y.write("plan/one/tasks.json", "[]")
	y.write("plan/two/tasks.json", "[]")
	y.write("plan/two/drop/a.json", "{}")
	y.run()
	y.hears("begins one 100ms", "begins two 100ms")
	for _, name := range []string{"one", "two"} {
		if err := os.Remove(filepath.Join(y.dir, "plan", name, "tasks.json")); err != nil {
			t.Fatal(err)
		}
	}
	y.hears("ends one", "ends two")
	y.ends(nil)
	if text := y.logs.String(); strings.Count(text, "what is dropped waits") != 1 || !strings.Contains(text, "session=two") {
		t.Errorf("logged %s", text)
	}
}

func TestTheFolderOfAPatternMayComeLaterAndGo(t *testing.T) {
	y := newYard(t, "watch: {rescan: 1h}\nsessions: [{glob: 'far/plan/*/tasks.json'}]\n")
	y.run()
	y.write("far/plan/one/tasks.json", "[]")
	y.hears("begins one 100ms")
	if err := os.Rename(filepath.Join(y.dir, "far/plan"), filepath.Join(y.dir, "away")); err != nil {
		t.Fatal(err)
	}
	y.hears("ends one")
	if err := os.Rename(filepath.Join(y.dir, "away"), filepath.Join(y.dir, "far/plan")); err != nil {
		t.Fatal(err)
	}
	y.hears("begins one 100ms")
	y.stop()
	y.hears("ends one")
	y.ends(nil)
}

func TestAReplacedTasksFileConcernsNobody(t *testing.T) {
	y := newYard(t, "sessions: [{glob: '*/plan/*/t.json'}, {tasks: x/t.json}]\n")
	y.write("a/plan/1/t.json", "[]")
	c, err := y.load()
	if err != nil {
		t.Fatal(err)
	}
	at := func(path string) string { return filepath.Join(y.dir, filepath.FromSlash(path)) }
	f := &fleet{Options: Options{Config: c}, members: map[string]*member{"a/1": {config: config.Config{Tasks: at("a/plan/1/t.json")}}}}
	for path, want := range map[string]bool{
		"a/plan/1/t.json": false, "a/plan/1/.t.json123": false, "a/plan/2/t.json": false, "b": true, "b/plan": true, "b/other": false,
		"b/plan/3": true, "a/plan/1/deep/t.json": false, "x/t.json": false,
	} {
		if got := f.concerns(at(path)); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	y.write("a/plan/2/t.json", "[]")
	if err := os.Remove(at("a/plan/1/t.json")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a/plan/2/t.json", "a/plan/1/t.json"} {
		if !f.concerns(at(path)) {
			t.Errorf("%s came or went, and concerns nobody", path)
		}
	}
	if !f.concerns("") {
		t.Error("lost events concern nobody")
	}
}

func TestWhatCollidesIsToldOnce(t *testing.T) {
	y := newYard(t, "watch: {rescan: 1h}\nsessions: [{glob: 'a/*/t.json'}, {glob: 'b/*/t.json'}]\n")
	y.write("a/x/t.json", "[]")
	y.write("b/x/t.json", "[]")
	y.run()
	y.hears("begins x 100ms")
	y.reload <- os.Interrupt
	y.hears("reloaded")
	y.stop()
	y.hears("ends x")
	y.ends(nil)
	if text := y.logs.String(); strings.Count(text, "some sessions are not served") != 1 || !strings.Contains(text, "is left out") {
		t.Errorf("logged %s", text)
	}
}

func TestASessionThatIsStuckDoesNotKeepTheOthersFromEnding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t, "sessions: [{tasks: a/t.json}, {tasks: b/t.json}]\n")
		c, err := y.load()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stuck := make(chan struct{})
		f := &fleet{ended: make(chan *member), gone: make(chan struct{}), members: map[string]*member{}, Options: Options{
			Config: c, Log: slog.New(slog.DiscardHandler),
			Start: func(ctx context.Context, c config.Config) error {
				<-ctx.Done()
				if c.Session == "b" {
					<-stuck
				}
				return nil
			},
		}}
		each, err := c.Each()
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range each {
			f.members[one.Session] = f.start(ctx, one)
		}
		stop()
		began := time.Now()
		if err := f.end(); err == nil || !strings.Contains(err.Error(), `"b"`) || time.Since(began) != endWithin {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(f.gone)
		close(stuck)
	})
}
