package watcher

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sessionsync/sessionsync/vfs"
)

// vigil is a Changes in a synctest bubble: real files, fake time, injected hints.
type vigil struct {
	*testing.T
	ChangesConfig
	system
	base    string
	dirs    []string // that were listened to last
	out     chan struct{}
	err     chan error
	logs    *logs
	kinds   map[string]string // of file systems, if they are silent ones
	looks   atomic.Int64
	working time.Duration // how long each operation takes
}

// inVigil prepares a folder "at" with a tasks file. Nothing runs before v.run.
func inVigil(t *testing.T, play func(v *vigil)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		base, err := filepath.EvalSymlinks(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		v := &vigil{T: t, base: base, out: make(chan struct{}), err: make(chan error, 1), logs: &logs{}}
		v.start, v.hints = time.Now(), make(chan hint)
		v.ChangesConfig = ChangesConfig{
			Path: v.path("at/tasks.json"), Mode: Auto, Rescan: 30 * time.Second, Log: slog.New(v.logs), Hook: v.count,
		}
		v.must(os.Mkdir(v.path("at"), 0o755))
		v.write("at/tasks.json", "{}")
		play(v)
	})
}

func (v *vigil) count(op vfs.Op, path string) error {
	if op == vfs.OpOpen {
		v.looks.Add(1) // at one folder; with a link there are two
	}
	time.Sleep(v.working)
	return nil
}

// run starts it; its end with the bubble is part of each test.
func (v *vigil) run() {
	ctx, cancel := context.WithCancel(v.Context())
	l := newLookout(v.ChangesConfig)
	l.kindOf = func(path string) string { return v.kinds[path] }
	l.listen = func(dirs []string, _ ear) (*listener, error) {
		ears, err := v.listen()
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.dirs = nil; err == nil {
			v.dirs = dirs
		}
		return ears, err
	}
	v.start = time.Now()
	go func() { v.err <- l.run(ctx, v.out) }()
	v.Cleanup(func() {
		cancel()
		if err := <-v.err; err != context.Canceled || v.listening() != 0 {
			v.Errorf("ended with %v; %d are listening", err, v.listening())
		}
	})
}

func (v *vigil) path(name string) string { return filepath.Join(v.base, filepath.FromSlash(name)) }

func (v *vigil) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

// write writes in place.
func (v *vigil) write(name, text string) {
	v.Helper()
	v.must(os.WriteFile(v.path(name), []byte(text), 0o644))
}

// replace is what most programs do.
func (v *vigil) replace(name, text string) {
	v.Helper()
	v.write(name+".tmp", text)
	v.must(os.Rename(v.path(name+".tmp"), v.path(name)))
}

func (v *vigil) move(from, to string) {
	v.Helper()
	v.must(os.Rename(v.path(from), v.path(to)))
}

// link makes name, or what it is, a link to target.
func (v *vigil) link(name, target string) {
	v.Helper()
	if err := os.Symlink(target, v.path(name+".tmp")); err != nil {
		v.Skip("no links here: ", err)
	}
	v.must(os.Rename(v.path(name+".tmp"), v.path(name)))
}

// event hints at the tasks file.
func (v *vigil) event() { v.hints <- hint{names: map[string]struct{}{"tasks.json": {}}} }

// told waits for a hint, which must come at that time.
func (v *vigil) told(at time.Duration) {
	v.Helper()
	select {
	case <-v.out:
		if took := time.Since(v.start); took != at {
			v.Fatalf("told after %v, want %v", took, at)
		}
	case <-time.After(time.Hour):
		v.Fatalf("told nothing for an hour, want it after %v\n%s", at, v.logs)
	}
	synctest.Wait()
}

// silent lets that much time pass, in which nothing may be told.
func (v *vigil) silent(d time.Duration) {
	v.Helper()
	select {
	case <-v.out:
		v.Fatalf("told after %v", time.Since(v.start))
	case <-time.After(d):
		synctest.Wait()
	}
}

// hears checks which folders are listened to.
func (v *vigil) hears(names ...string) {
	v.Helper()
	for i, name := range names {
		names[i] = v.path(name)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Equal(v.dirs, names) {
		v.Errorf("listened to %q, want %q", v.dirs, names)
	}
}

// changes of the tasks file; each is one that a look shows.
var changes = []struct {
	name string
	do   func(v *vigil)
}{
	{"replaced", func(v *vigil) { v.replace("at/tasks.json", "[]") }},
	{"replaced by one of the same size and time", func(v *vigil) {
		info, err := os.Stat(v.Path)
		v.must(err)
		if inode(info) == 0 {
			v.Skip("no inodes here")
		}
		v.write("at/other", "[]")
		v.must(os.Chtimes(v.path("at/other"), info.ModTime(), info.ModTime()))
		v.move("at/other", "at/tasks.json")
	}},
	{"written in place", func(v *vigil) { v.write("at/tasks.json", `{"backlog":[]}`) }},
	{"written in place with the same size, and its time set back", func(v *vigil) {
		before, err := os.Stat(v.Path)
		v.must(err)
		if changeTime(before).IsZero() {
			v.Skip("nothing else tells it here")
		}
		for after := before; changeTime(after).Equal(changeTime(before)); { // until the file system's clock has moved
			v.write("at/tasks.json", "[]")
			v.must(os.Chtimes(v.Path, before.ModTime(), before.ModTime()))
			after, err = os.Stat(v.Path)
			v.must(err)
		}
	}},
	{"deleted", func(v *vigil) { v.must(os.Remove(v.Path)) }},
	{"moved away", func(v *vigil) { v.move("at/tasks.json", "elsewhere") }},
	{"deleted and made again", func(v *vigil) { v.must(os.Remove(v.Path)); v.write("at/tasks.json", "[1]") }},
	{"replaced by a folder", func(v *vigil) { v.must(os.Remove(v.Path)); v.must(os.Mkdir(v.Path, 0o755)) }},
	{"replaced by a link", func(v *vigil) {
		v.write("other", "[2]")
		v.link("at/tasks.json", "../other")
	}},
	{"replaced by a link that leads nowhere", func(v *vigil) { v.link("at/tasks.json", "nowhere") }},
	{"replaced by a link to itself", func(v *vigil) { v.link("at/tasks.json", "tasks.json") }},
	{"its folder was removed", func(v *vigil) { v.must(os.RemoveAll(v.path("at"))) }},
	{"its folder was moved, and another is in its place", func(v *vigil) {
		v.move("at", "away")
		v.must(os.Mkdir(v.path("at"), 0o755))
		v.write("at/tasks.json", "[3]")
	}},
	{"its folder was moved, and a link to it is in its place", func(v *vigil) {
		v.move("at", "away")
		v.link("at", "away")
	}},
}

func TestAChangeIsToldOfOnce(t *testing.T) {
	for _, c := range changes {
		for _, how := range []struct {
			name string
			mode Mode
			tell func(v *vigil)
			at   time.Duration
		}{
			{"heard", Auto, (*vigil).event, 10500 * ms},
			{"by polling", Poll, func(*vigil) {}, 11 * time.Second},
			{"unheard, by the rescan", Auto, func(*vigil) {}, 30 * time.Second},
		} {
			t.Run(c.name+", "+how.name, func(t *testing.T) {
				inVigil(t, func(v *vigil) {
					v.Mode = how.mode
					v.run()
					v.told(0)
					v.silent(10500 * ms)
					c.do(v)
					how.tell(v)
					v.told(how.at)
					v.silent(2 * time.Minute)
					if v.Mode == Auto && how.at == 30*time.Second && len(v.logs.String()) > 0 {
						v.logs.said(t, isDeaf) // it was seen that no event told of it
						return
					}
					v.logs.said(t)
				})
			})
		}
	}
}

func TestWhatEventsOfTheTasksFileComeDownTo(t *testing.T) {
	const none = `[] all=false gone=false failed=<nil>`
	for _, c := range []struct {
		name, path string
		op         fsnotify.Op
		want       string
	}{
		{"replaced", "/d/tasks.json", fsnotify.Create, `["tasks.json"] all=false gone=false failed=<nil>`},
		{"written", "/d/tasks.json", fsnotify.Write, `["tasks.json"] all=false gone=false failed=<nil>`},
		{"truncated, as kqueue says", "/d/tasks.json", fsnotify.Chmod, `["tasks.json"] all=false gone=false failed=<nil>`},
		{"moved away", "/d/tasks.json", fsnotify.Rename, `["tasks.json"] all=false gone=false failed=<nil>`},
		{"deleted", "/d/tasks.json", fsnotify.Remove, `["tasks.json"] all=false gone=true failed=<nil>`},
		{"in another case", "/d/Tasks.JSON", fsnotify.Write, `["Tasks.JSON"] all=false gone=false failed=<nil>`},
		{"the link's target", "/e/target.json", fsnotify.Write, `["target.json"] all=false gone=false failed=<nil>`},
		{"the agent's temporary file", "/d/.tasks.json123000000000000", fsnotify.Create, none},
		{"the agent's temporary file, removed", "/d/.tasks.json123000000000000", fsnotify.Remove, none},
		{"the drop directory", "/d/drop", fsnotify.Write | fsnotify.Chmod, none},
		{"a fragment", "/d/x.json", fsnotify.Create, none},
		{"the other folder, moved", "/e", fsnotify.Rename, `[] all=true gone=false failed=the directory was moved or removed`},
		{"the other folder, written to", "/e", fsnotify.Write, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := way{folders: []folder{{path: "/d", name: "tasks.json"}, {path: "/e", name: "target.json"}}}
				p := pumpFor(w.hear, w.paths()...)
				p.event(c.op, c.path)
				if got := p.hint().String(); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				close(p.stop)
			})
		})
	}
}

func TestEventsWithoutAChangeAreNotToldOf(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.run()
		v.told(0)
		v.silent(10 * time.Second)
		for range 100 {
			v.event()
			v.silent(100 * ms)
		}
	})
}

// Two writes can have the same time.
func TestEventsShortlyAfterAChangeAreToldOfAlthoughALookShowsNothing(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.run()
		v.told(0)
		v.silent(10 * time.Second)
		v.replace("at/tasks.json", "[]")
		v.event()
		v.told(10 * time.Second)
		v.silent(coarsest - 1)
		v.event()
		v.told(12*time.Second - 1)
		v.silent(1)
		v.event()
		v.silent(time.Hour)
	})
}

func TestLostEventsAreToldOfAlthoughALookShowsNothing(t *testing.T) {
	for _, c := range []struct {
		name     string
		hint     hint
		listened []time.Duration
		said     []string
	}{
		{"the queue overflowed", hint{all: true}, []time.Duration{0}, nil},
		{"the folder was moved and is back", hint{all: true, failed: errMoved},
			[]time.Duration{0, time.Minute}, nil},
		{"an error", hint{all: true, failed: errors.New("read inotify: input/output error")},
			[]time.Duration{0, time.Minute + 100*ms}, []string{isDeaf + ` error="read inotify: input/output error"`, isHearing}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inVigil(t, func(v *vigil) {
				v.run()
				v.told(0)
				v.silent(time.Minute)
				v.hints <- c.hint
				v.told(time.Minute)
				v.silent(time.Minute)
				v.write("at/tasks.json", "[1,2,3]")
				v.event() // it is heard again
				v.told(2 * time.Minute)
				v.logs.said(t, c.said...)
				if got := v.listened(); !slices.Equal(got, c.listened) || v.listening() != 1 {
					t.Errorf("listened at %v, want %v; %d are listening", got, c.listened, v.listening())
				}
			})
		})
	}
}

func TestAHintThatIsNotTakenStaysOneWhateverHappens(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.run()
		v.told(0)
		for range 10000 {
			v.event() // is taken at once, so the pump never waits
		}
		for range 100 {
			v.replace("at/tasks.json", "[]")
			v.event()
			time.Sleep(time.Minute)
		}
		v.told(100 * time.Minute)
		v.silent(time.Hour)
		v.replace("at/tasks.json", "{}")
		v.event()
		v.told(160 * time.Minute)
	})
}

// The listening begins before the first hint, so what comes after that is heard.
func TestListeningComesBeforeTheFirstHint(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.working = ms
		v.run()
		<-v.out
		if v.listening() != 1 || v.looks.Load() != 2 {
			t.Errorf("%d are listening after %d looks", v.listening(), v.looks.Load())
		}
		v.silent(time.Hour)
	})
}

func TestIdleIsALookARescanAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name   string
		rescan time.Duration
		want   int64
	}{
		{"every 30 s", 30 * time.Second, 120},
		{"never", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inVigil(t, func(v *vigil) {
				v.Rescan = c.rescan
				v.run()
				v.told(0)
				before := v.looks.Load()
				v.silent(time.Hour)
				if got := v.looks.Load() - before; got != c.want {
					t.Errorf("%d looks in an hour, want %d", got, c.want)
				}
				if len(v.listened()) != 1 {
					t.Errorf("listened at %v", v.listened())
				}
			})
		})
	}
}

func TestAFileThatIsWrittenToWithoutAPauseIsLookedAtWithPauses(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.working = 10 * ms // 20 a look and more
		v.run()
		<-v.out
		go func() {
			for {
				select {
				case <-v.out:
				case <-v.Context().Done():
					return
				}
			}
		}()
		before, began := v.looks.Load(), time.Now()
		for time.Since(began) < time.Minute {
			v.event()
			time.Sleep(ms)
		}
		if got := v.looks.Load() - before; got > 600 || got < 200 {
			t.Errorf("%d looks in a minute", got)
		}
	})
}

func TestAChangeThatNoEventTellsOfIsAReasonToPoll(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.run()
		v.told(0)
		v.silent(10 * time.Second)
		v.replace("at/tasks.json", "[]")
		v.told(30 * time.Second)
		v.silent(2*time.Second - 1)
		v.logs.said(t)
		v.silent(time.Second)
		v.logs.said(t, isDeaf+` error="a change came without an event`)
		v.silent(500 * ms)
		v.replace("at/tasks.json", "[1]")
		v.told(34 * time.Second)
		v.silent(35 * time.Second) // not long enough to be trusted
		v.replace("at/tasks.json", "[2]")
		v.event()
		v.told(69 * time.Second)
		v.logs.said(t, isDeaf)
		v.silent(60 * time.Second)
		v.replace("at/tasks.json", "[3]")
		v.event()
		v.told(129 * time.Second)
		v.logs.said(t, isDeaf, isHearing)
		v.silent(20*time.Second + 500*ms)
		v.replace("at/tasks.json", "[4]")
		v.told(159 * time.Second) // the rescan, from the last look
	})
}

func TestAnEventThatIsLateIsAnEvent(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.run()
		v.told(0)
		v.silent(10 * time.Second)
		v.replace("at/tasks.json", "[]")
		v.told(30 * time.Second)
		v.silent(1999 * ms)
		v.event()
		v.told(31999 * ms) // it may be another change, at the same time
		v.silent(time.Hour)
		v.logs.said(t)
	})
}

func TestOnFileSystemsThatDoNotTellTheTasksFileIsPolledAsWell(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.kinds = map[string]string{v.path("at"): "nfs"}
		v.run()
		v.told(0)
		v.silent(9500 * ms)
		v.replace("at/tasks.json", "[]")
		v.told(10 * time.Second)
		v.silent(300 * ms)
		v.replace("at/tasks.json", "[1]")
		v.event()
		v.told(10300 * ms)
		v.silent(time.Minute)
		v.logs.said(t, isSilent+` kind="nfs"`)
		v.hears("at")
	})
}

func TestWithoutEventsTheTasksFileIsPolled(t *testing.T) {
	for _, mode := range []Mode{Auto, Notify} {
		t.Run(string(mode), func(t *testing.T) {
			inVigil(t, func(v *vigil) {
				v.Mode, v.deaf = mode, syscall.ENOSPC
				v.run()
				v.told(0)
				v.silent(9500 * ms)
				v.replace("at/tasks.json", "[]")
				v.silent(799 * ms)
				v.told(10300 * ms) // a second after the look before, which came with the attempt at 6300 ms
				v.logs.said(t, isDeaf+` error="no space left on device" remedy="`+limited(syscall.ENOSPC)+`"`)
				v.set(nil, false)
				v.silent(2 * time.Second)
				v.logs.said(t, isDeaf, isHearing)
				want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 3100 * ms, 6300 * ms, 11300 * ms}
				if got := v.listened(); !slices.Equal(got, want) {
					t.Errorf("listened at %v, want %v", got, want)
				}
				v.replace("at/tasks.json", "{}")
				v.event()
				v.told(12300 * ms)
			})
		})
	}
	t.Run("poll never listens", func(t *testing.T) {
		inVigil(t, func(v *vigil) {
			v.Mode = Poll
			v.run()
			v.told(0)
			v.silent(time.Hour)
			if len(v.listened()) > 0 || v.looks.Load() != 3601 {
				t.Errorf("listened at %v, %d looks", v.listened(), v.looks.Load())
			}
			v.logs.said(t)
		})
	})
}

func TestAWatchOfTheTasksFileThatTheSystemDropsWithoutAWordIsRenewedByTheRescan(t *testing.T) {
	inVigil(t, func(v *vigil) {
		v.run()
		v.told(0)
		v.set(nil, true)
		v.told(30 * time.Second)
		v.set(nil, false)
		v.silent(time.Second)
		v.logs.said(t, isDeaf, isHearing)
		if got := v.listened(); len(got) != 2 || v.listening() != 1 {
			t.Errorf("listened at %v, %d are listening", got, v.listening())
		}
	})
}

func TestWhichFoldersAreListenedTo(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(v *vigil)
	}{
		{"that of the file", func(v *vigil) {
			v.run()
			v.told(0)
			v.hears("at")
		}},
		{"those of each link and of the file, each once", func(v *vigil) {
			v.must(os.MkdirAll(v.path("a/b"), 0o755))
			v.link("link.json", "a/b/link.json")
			v.link("a/b/link.json", "../../at/link.json")
			v.link("at/link.json", v.Path)
			v.Path = v.path("link.json")
			v.run()
			v.told(0)
			v.hears(".", "a/b", "at")
		}},
		{"that of a file that is not there", func(v *vigil) {
			v.must(os.Remove(v.Path))
			v.run()
			v.told(0)
			v.hears("at")
		}},
		{"that to which a link leads nowhere", func(v *vigil) {
			v.link("link.json", "at/later.json")
			v.Path = v.path("link.json")
			v.run()
			v.told(0)
			v.hears(".", "at")
		}},
		{"without links among them", func(v *vigil) {
			v.link("to", "at")
			v.must(os.Mkdir(v.path("at/sub"), 0o755))
			v.link("up", "at/sub")
			v.Path = v.base + "/up/../../to/tasks.json"
			v.run()
			v.told(0)
			v.hears("at")
		}},
		{"a link that comes to lead to another folder", func(v *vigil) {
			v.must(os.Mkdir(v.path("other"), 0o755))
			v.write("other/tasks.json", "[]")
			v.link("link.json", "at/tasks.json")
			v.Path = v.path("link.json")
			v.run()
			v.told(0)
			v.hears(".", "at")
			v.silent(10 * time.Second)
			v.link("link.json", "other/tasks.json")
			v.event()
			v.told(10 * time.Second)
			v.hears(".", "other")
		}},
		{"another one in the place of the old", func(v *vigil) {
			v.run()
			v.told(0)
			v.silent(10 * time.Second)
			v.move("at", "away")
			v.must(os.Mkdir(v.path("at"), 0o755))
			v.move("away/tasks.json", "at/tasks.json")
			v.hints <- hint{all: true, failed: errMoved}
			v.told(10 * time.Second)
			v.hears("at")
			if got := v.listened(); !slices.Equal(got, []time.Duration{0, 10 * time.Second}) {
				v.Errorf("listened at %v", got)
			}
		}},
		{"another one in the place of the old, unheard", func(v *vigil) {
			v.run()
			v.told(0)
			v.silent(10 * time.Second)
			v.move("at", "away")
			v.must(os.Mkdir(v.path("at"), 0o755))
			v.must(os.Link(v.path("away/tasks.json"), v.Path))
			v.told(30 * time.Second)
			if got := v.listened(); !slices.Equal(got, []time.Duration{0, 30 * time.Second}) || v.listening() != 1 {
				v.Errorf("listened at %v, %d are listening", got, v.listening())
			}
		}},
		{"one that comes later", func(v *vigil) {
			v.move("at", "away")
			v.run()
			v.told(0)
			v.silent(10 * time.Second)
			if n := v.looks.Load(); n != 0 || len(v.listened()) > 0 {
				v.Errorf("%d folders were opened, listened at %v", n, v.listened())
			}
			v.move("away", "at")
			v.told(10300 * ms) // looks at 6300 ms, and every second until the next attempt
			v.hears("at")
		}},
		{"one that is gone for a moment", func(v *vigil) {
			v.run()
			v.told(0)
			v.silent(20 * time.Second)
			v.move("at", "away")
			v.hints <- hint{all: true, failed: errMoved}
			v.told(20 * time.Second)
			v.hears("at")
			v.silent(50 * ms)
			v.move("away", "at")
			v.told(20100 * ms)
			v.hears("at")
		}},
		{"one that goes after the file, of which the system says nothing", func(v *vigil) {
			v.run()
			v.told(0)
			v.silent(20 * time.Second)
			v.must(os.Remove(v.Path))
			v.hints <- hint{names: map[string]struct{}{"tasks.json": {}}, gone: true}
			v.told(20 * time.Second)
			v.silent(50 * ms)
			v.must(os.Remove(v.path("at")))
			v.told(20100 * ms)
			v.must(os.Mkdir(v.path("at"), 0o755))
			v.told(20200 * ms)
			v.hears("at")
		}},
		{"one that goes while listening begins", func(v *vigil) {
			v.deaf = &fs.PathError{Op: "inotify_add_watch", Path: v.path("at"), Err: syscall.ENOENT}
			v.run()
			v.told(0)
			v.silent(3 * time.Second)
			if n := len(v.listened()); n > 5 {
				v.Errorf("tried %d times", n)
			}
			v.set(nil, false)
			v.silent(5 * time.Second)
			v.hears("at")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inVigil(t, func(v *vigil) {
				c.play(v)
				v.silent(time.Minute)
				v.logs.said(t)
			})
		})
	}
}

func TestALookThatFailsIsTriedAgain(t *testing.T) {
	inVigil(t, func(v *vigil) {
		var failing atomic.Bool
		v.Hook = func(op vfs.Op, path string) error {
			if failing.Load() {
				return syscall.EIO
			}
			return nil
		}
		v.run()
		v.told(0)
		failing.Store(true)
		v.told(30 * time.Second)
		v.silent(5 * time.Second)
		failing.Store(false)
		v.told(35100 * ms)
		v.hears("at")
		v.logs.said(t)
	})
}
