package watcher

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// aviary is a bench whose watcher can let canaries fly.
type aviary struct {
	*bench
	mu    sync.Mutex
	flown []time.Duration // when each flew
	deaf  bool            // nobody hears them
	fails error           // what touching answers
	told  []string        // by Deaf
}

func inAviary(t *testing.T, play func(a *aviary)) {
	t.Helper()
	inBubble(t, func(b *bench) {
		a := &aviary{bench: b}
		a.must(os.Mkdir(a.path(canaryName), 0o700))
		a.Hook = func(op vfs.Op, path string) error {
			if op != vfs.OpChmod || path != a.path(canaryName) {
				return nil
			}
			a.mu.Lock()
			defer a.mu.Unlock()
			a.flown = append(a.flown, time.Since(a.start))
			if !a.deaf && a.fails == nil {
				go func() {
					select {
					case a.hints <- hint{canary: true}:
					case <-a.Context().Done():
					}
				}()
			}
			return a.fails
		}
		a.Trace.Deaf = func(cause error) {
			if cause == nil {
				a.note("hears")
			} else {
				a.note("deaf: " + cause.Error())
			}
		}
		play(a)
	})
}

// deafen lets nobody hear the canaries any more, or everybody again.
func (a *aviary) deafen(yes bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.deaf = yes
}

func (a *aviary) note(what string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, what)
}

func (a *aviary) flights() []time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.flown)
}

func (a *aviary) flew(want ...time.Duration) {
	a.Helper()
	if flown := a.flights(); !slices.Equal(flown, want) {
		a.Errorf("canaries flew at %v, want %v", flown, want)
	}
}

func (a *aviary) tells(beginnings ...string) {
	a.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.EqualFunc(a.told, beginnings, strings.HasPrefix) {
		a.Errorf("told %q, want %q", a.told, beginnings)
	}
}

// comes puts a fragment there of which no event tells, when no listing is under way: one that saw the directory change would
// soon be followed by another.
func (a *aviary) comes(name string) {
	synctest.Wait()
	a.old(name, whole, time.Hour)
}

// heard puts one there of which an event tells, and takes it away again.
func (a *aviary) heard(name string) {
	a.Helper()
	a.comes(name)
	a.tell(name)
	a.sends(time.Since(a.start), name)
	a.claim(name)
}

func TestCanariesThatAreHeardFlySeldom(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.run()
		a.silent(time.Hour + time.Second)
		a.said()
		a.flew(0, 10*time.Minute, 20*time.Minute, 30*time.Minute, 40*time.Minute, 50*time.Minute, time.Hour)
		a.tells()
	})
}

func TestWhereEventsComeNoCanaryIsNeeded(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.run()
		for range 60 {
			a.silent(time.Minute)
			a.heard("x.json")
		}
		a.flew(0)
		a.said()
	})
}

func TestAWatchThatNeverTellsIsFoundOutAndPollingTakesOver(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.deafen(true)
		a.run()
		a.silent(4*time.Second - 1)
		a.said() // the first may not have been heard because this process stood still
		a.silent(6500*ms + 1)
		a.said(isDeaf + ` error="a change that the agent made itself was not told of" remedy="it is tried again; watch.mode poll`)
		a.tells("deaf: a change that the agent made itself")
		a.flew(0, 2*time.Second)
		a.comes("x.json")
		a.sends(11*time.Second, "x.json")
		a.claim("x.json")

		// Every rescan another watch is tried, and says nothing.
		a.silent(4 * time.Minute)
		a.said(isDeaf)
		flown := a.flights()
		for i, at := range flown[2:] {
			if want := 34*time.Second + time.Duration(i)*32*time.Second; at != want {
				t.Errorf("a canary flew at %v, want %v", at, want)
			}
		}
		if n := a.listening(); n != 1 || len(a.listened()) != len(flown)-1 {
			t.Errorf("%d are listening, tried at %v", n, a.listened())
		}
		a.deafen(false)
		a.silent(40 * time.Second)
		a.said(isDeaf, isHearing)
		a.tells("deaf", "hears")
		a.silent(500 * ms)
		a.comes("y.json")
		a.silent(5 * time.Second) // nobody polls any more
		a.tell("y.json")
		a.sends(time.Since(a.start), "y.json")
	})
}

func TestAWatchThatTellsOfFragmentsAfterAllIsOfUse(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.deafen(true)
		a.run()
		a.silent(10 * time.Second)
		a.said(isDeaf)
		a.heard("x.json")
		a.said(isDeaf, isHearing)
		a.tells("deaf", "hears")
	})
}

func TestAWatchThatFallsSilentIsFoundOut(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.run()
		a.heard("x.json")
		a.deafen(true)
		a.silent(9 * time.Minute)
		a.said()
		a.silent(2 * time.Minute) // no fragment came, so only a canary can tell
		a.said(isDeaf)
	})
	inAviary(t, func(a *aviary) {
		a.run()
		a.heard("x.json")
		a.deafen(true)
		a.comes("y.json")
		a.sends(30*time.Second, "y.json")
		a.claim("y.json")
		a.silent(4 * time.Second)
		a.said(isDeaf)
		a.flew(0, 30*time.Second, 32*time.Second)
	})
}

func TestFragmentsThatNoEventNamesAreAReasonToPoll(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.run()
		a.silent(time.Second)
		a.comes("x.json")
		a.sends(30*time.Second, "x.json")
		a.claim("x.json")
		a.silent(2*time.Second - 1)
		a.said()
		a.silent(1)
		a.said(isDeaf + ` error="a change came without an event, as it does where another machine writes" remedy="nothing is lost`)
		a.tells("deaf: a change came")
		a.flew(0, 30*time.Second)
		a.silent(500 * ms)
		a.comes("y.json")
		a.sends(33*time.Second, "y.json")
		a.claim("y.json")

		// Events that do come are not enough for a while: this machine's own are always told of.
		a.silent(30 * time.Second)
		a.heard("z.json")
		a.said(isDeaf)
		a.silent(2 * time.Second)
		a.said(isDeaf)
		a.silent(32 * time.Second)
		a.said(isDeaf, isHearing)
		a.tells("deaf", "hears")

		// The second time it takes longer.
		a.comes("x.json")
		a.sends(2*time.Minute+5*time.Second, "x.json")
		a.claim("x.json")
		a.silent(2 * time.Second)
		a.said(isDeaf, isHearing, isDeaf)
		a.heard("z.json")
		a.silent(119 * time.Second)
		a.said(isDeaf, isHearing, isDeaf)
		a.silent(2 * time.Second)
		a.said(isDeaf, isHearing, isDeaf, isHearing)
	})
}

func TestWhoIsNoSuspect(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(a *aviary)
	}{
		{"who was there before the listening began", func(a *aviary) {
			a.comes("x.json")
			a.run()
			a.sends(0, "x.json")
		}},
		{"whose event comes a little later", func(a *aviary) {
			a.run()
			a.silent(time.Second)
			a.comes("x.json")
			a.sends(30*time.Second, "x.json")
			a.silent(1999 * ms)
			a.tell("x.json")
		}},
		{"whom nobody could claim", func(a *aviary) {
			a.comes("x.json")
			a.run()
			a.sends(0, "x.json")
			a.done <- Done{Others: []string{"x.json"}}
			a.sends(30*time.Second, "x.json")
			a.done <- Done{Others: []string{"x.json"}}
			a.sends(time.Minute, "x.json")
			a.done <- Done{Others: []string{"x.json"}}
		}},
		{"for whom there was no room", func(a *aviary) {
			a.Candidates = 1
			a.comes("x.json")
			a.comes("y.json")
			a.run()
			a.sends(0, "x.json")
			a.claim("x.json")
			a.sends(0, "y.json")
			a.claim("y.json")
		}},
		{"for whom there was no room when an event named it", func(a *aviary) {
			a.Candidates = 1
			a.run()
			a.silent(time.Second)
			a.comes("x.json")
			a.comes("y.json")
			a.tell("x.json", "y.json")
			first := namesOf(<-a.out)
			a.claim(first...)
			second := namesOf(<-a.out)
			a.claim(second...)
		}},
		{"who came while events were lost", func(a *aviary) {
			a.run()
			a.silent(time.Second)
			a.comes("x.json")
			a.hints <- hint{all: true}
			a.sends(time.Second, "x.json")
			a.claim("x.json")
		}},
		{"who came while there was no watch", func(a *aviary) {
			a.run()
			a.silent(time.Second)
			a.comes("x.json")
			a.hints <- hint{all: true, failed: errMoved}
			a.sends(time.Second, "x.json")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAviary(t, func(a *aviary) {
				c.play(a)
				a.silent(20 * time.Second)
				a.said()
				a.tells()
			})
		})
	}
}

func TestWhereNoCanaryCanFlyTheScansTell(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(a *aviary)
		said []string
	}{
		{"there is no folder of the agent", func(a *aviary) { a.must(os.Remove(a.path(canaryName))) }, []string{isDeaf}},
		{"it is another user's", func(a *aviary) { a.fails = syscall.EPERM },
			[]string{"INFO cannot touch the agent's folder to show that events arrive; the scans find out", isDeaf}},
		{"it is a link", func(a *aviary) {
			a.must(os.Remove(a.path(canaryName)))
			a.must(os.Symlink(filepath.Dir(a.Dir), a.path(canaryName)))
		}, []string{"INFO cannot touch", isDeaf}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inAviary(t, func(a *aviary) {
				c.set(a)
				a.run()
				a.silent(30 * time.Second)
				a.hints <- hint{all: true, failed: errMoved} // it is tried again, and not said
				a.silent(time.Hour - 30*time.Second)
				a.comes("x.json")
				a.sends(time.Hour+30*time.Second, "x.json")
				a.claim("x.json")
				a.silent(5 * time.Second)
				a.said(c.said...)
				if flown := a.flights(); len(flown) > 2 {
					t.Errorf("tried at %v", flown)
				}
			})
		})
	}
}

func TestModeNotifyEndsWhereNothingIsToldOf(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.deaf, a.Mode = true, Notify
		a.run()
		if err := a.ends(4 * time.Second); !errors.Is(err, errUnheard) || !strings.Contains(err.Error(), "watch.mode auto or poll") {
			t.Errorf("Run returned %v", err)
		}
	})
	inAviary(t, func(a *aviary) { // but not when it was of use
		a.Mode = Notify
		a.run()
		a.silent(time.Second)
		a.deafen(true)
		a.silent(time.Hour)
		a.said(isDeaf)
	})
}

func TestOnFileSystemsThatDoNotTellThereIsPollingAsWell(t *testing.T) {
	inAviary(t, func(a *aviary) {
		a.kind = "nfs"
		a.run()
		a.silent(500 * ms)
		a.comes("x.json")
		a.sends(time.Second, "x.json")
		a.claim("x.json")
		a.silent(500 * ms)
		a.heard("y.json") // at once
		a.silent(time.Minute)
		a.said(isSilent + ` kind="nfs"`)
		a.tells()
		a.flew()
	})
	inAviary(t, func(a *aviary) {
		a.kind, a.Mode = "nfs", Notify
		a.run()
		a.silent(10 * time.Second)
		a.said("WARN this file system does not tell of what other machines change")
		a.flew(0)
	})
	inAviary(t, func(a *aviary) {
		a.kind, a.Mode = "nfs", Poll
		a.run()
		a.silent(10 * time.Second)
		a.said()
	})
}
