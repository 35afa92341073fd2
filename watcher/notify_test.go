package watcher

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/fsnotify/fsnotify"
)

// pumping is an instance in a bubble, fed by hand, and one who listens to /d.
type pumping struct {
	*instance
	events chan fsnotify.Event
	errs   chan error
	hints  chan hint
}

func inPump(t *testing.T, play func(p pumping)) {
	synctest.Test(t, func(t *testing.T) {
		p := pumpFor(hearFragment, "/d")
		play(p)
		close(p.stop)
	})
}

// pumpFor starts one for directories that need not be there.
func pumpFor(hear ear, dirs ...string) pumping {
	p := pumping{newInstance(), make(chan fsnotify.Event), make(chan error), nil}
	p.hints = p.listens(hear, dirs...).hints
	go p.dispatch(p.events, p.errs)
	return p
}

func (in *instance) listens(hear ear, dirs ...string) *subscription {
	s := &subscription{hear: hear, hints: make(chan hint, 1)}
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, path := range dirs {
		w := in.dirs[path]
		if w == nil {
			w = &watched{path: path}
			in.dirs[path] = w
		}
		w.by, s.dirs = append(w.by, s), append(s.dirs, w)
	}
	return s
}

func (p pumping) event(op fsnotify.Op, path string) { p.events <- fsnotify.Event{Name: path, Op: op} }

// hint is what has been merged so far; zero for nothing.
func (p pumping) hint() hint {
	synctest.Wait()
	select {
	case h := <-p.hints:
		return h
	default:
		return hint{}
	}
}

func (h hint) String() string {
	return fmt.Sprintf("%q all=%v gone=%v failed=%v", slices.Sorted(maps.Keys(h.names)), h.all, h.gone, h.failed)
}

func TestWhatEventsComeDownTo(t *testing.T) {
	const none = `[] all=false gone=false failed=<nil>`
	lost := errors.New("read: bad descriptor")
	for _, c := range []struct {
		name string
		feed func(p pumping)
		want string
	}{
		{"nothing", func(p pumping) {}, none},
		{"a file was created or moved in", func(p pumping) { p.event(fsnotify.Create, "/d/x.json") },
			`["x.json"] all=false gone=false failed=<nil>`},
		{"a file was written, many times", func(p pumping) {
			for range 1000 {
				p.event(fsnotify.Write, "/d/x.json")
			}
		}, `["x.json"] all=false gone=false failed=<nil>`},
		{"several files", func(p pumping) {
			p.event(fsnotify.Create, "/d/b.json")
			p.event(fsnotify.Create|fsnotify.Write, "/d/a.jsonl")
			p.event(fsnotify.Write, "/d/b.json")
		}, `["a.jsonl" "b.json"] all=false gone=false failed=<nil>`},
		{"names with any byte", func(p pumping) {
			p.event(fsnotify.Create, "/d/a\nb.json")
			p.event(fsnotify.Create, "/d/\xff\x1b.json")
		}, `["a\nb.json" "\xff\x1b.json"] all=false gone=false failed=<nil>`},
		{"files that are no fragments", func(p pumping) {
			p.event(fsnotify.Create, "/d/.x.json")
			p.event(fsnotify.Write, "/d/x.tmp")
			p.event(fsnotify.Create, "/d/folder")
		}, none},
		{"a fragment was claimed", func(p pumping) { p.event(fsnotify.Rename, "/d/x.json") }, none},
		{"attributes changed", func(p pumping) { p.event(fsnotify.Chmod, "/d/x.json") }, none},
		{"something was removed", func(p pumping) { p.event(fsnotify.Remove, "/d/.sessionsync") },
			`[] all=false gone=true failed=<nil>`},
		{"the directory was removed", func(p pumping) { p.event(fsnotify.Remove, "/d") },
			`[] all=true gone=false failed=the directory was moved or removed`},
		{"the directory was moved", func(p pumping) { p.event(fsnotify.Rename, "/d") },
			`[] all=true gone=false failed=the directory was moved or removed`},
		{"the directory was written to, as Windows and kqueue say", func(p pumping) { p.event(fsnotify.Write, "/d") }, none},
		{"the queue overflowed", func(p pumping) {
			p.event(fsnotify.Create, "/d/x.json")
			p.errs <- fsnotify.ErrEventOverflow
			p.event(fsnotify.Create, "/d/y.json")
		}, `[] all=true gone=false failed=<nil>`},
		{"the queue overflowed, said with more words", func(p pumping) {
			p.errs <- fmt.Errorf("%w: 4096 bytes", fsnotify.ErrEventOverflow)
		}, `[] all=true gone=false failed=<nil>`},
		{"an error", func(p pumping) {
			p.event(fsnotify.Create, "/d/x.json")
			p.errs <- lost
		}, `[] all=true gone=false failed=read: bad descriptor`},
		{"the errors end", func(p pumping) {
			close(p.errs)
			p.event(fsnotify.Create, "/d/x.json")
		}, `["x.json"] all=false gone=false failed=<nil>`},
		{"the events end", func(p pumping) { close(p.events) },
			`[] all=true gone=false failed=fsnotify: watcher already closed`},
		{"more names than are kept", func(p pumping) {
			for i := range maxHinted + 1 {
				p.event(fsnotify.Create, fmt.Sprintf("/d/%d.json", i))
			}
		}, `[] all=true gone=false failed=<nil>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			inPump(t, func(p pumping) {
				c.feed(p)
				if got := p.hint().String(); got != c.want {
					t.Errorf("got %s, want %s", got, c.want)
				}
				if again := p.hint().String(); again != none {
					t.Errorf("and again %s", again)
				}
			})
		})
	}
}

func TestAsManyNamesAsAreKeptAreKept(t *testing.T) {
	inPump(t, func(p pumping) {
		for i := range maxHinted {
			p.event(fsnotify.Create, fmt.Sprintf("/d/%d.json", i))
		}
		p.event(fsnotify.Write, "/d/0.json")
		if h := p.hint(); len(h.names) != maxHinted || h.all {
			t.Errorf("kept %d names, all is %v", len(h.names), h.all)
		}
	})
}

func TestAFailingWatcherIsNotListenedToAnyMore(t *testing.T) {
	inPump(t, func(p pumping) {
		p.errs <- errors.New("broken")
		synctest.Wait()
		select {
		case p.errs <- errors.New("broken again"):
			t.Error("a second error was taken")
		case p.events <- fsnotify.Event{}:
			t.Error("an event was taken")
		default:
		}
		if h := p.hint(); h.failed == nil {
			t.Errorf("the hint is %v", h)
		}
		synctest.Wait()
		select {
		case h := <-p.hints:
			t.Errorf("more hints: %v", h)
		default:
		}
	})
}
