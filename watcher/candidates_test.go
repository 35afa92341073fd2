package watcher

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// drain pops and forgets all that is queued.
func (cs *candidates) drain() (names []string) {
	for c := cs.pop(); c != nil; c = cs.pop() {
		names = append(names, c.name)
		cs.forget(c)
	}
	return names
}

func TestTheQueueIsOrderedByTimeThenName(t *testing.T) {
	now := time.Now()
	cs := newCandidates(10, now)
	for name, age := range map[string]time.Duration{"young": 1, "b": 5, "a": 5, "c": 5, "old": 9} {
		cs.admit(name, stamp{mtime: now.Add(-age)}, now, now)
	}
	if got := cs.drain(); !slices.Equal(got, []string{"old", "a", "b", "c", "young"}) {
		t.Error(got)
	}
	if !cs.empty() || cs.more {
		t.Error("something is left")
	}
}

func TestWhenThereAreTooManyTheOldestAreKept(t *testing.T) {
	now := time.Now()
	cs := newCandidates(3, now)
	for _, age := range []int{2, 8, 4, 6, 1, 9, 3} {
		cs.admit(fmt.Sprint(age), stamp{mtime: now.Add(time.Duration(-age))}, now, now)
	}
	if got := cs.drain(); !slices.Equal(got, []string{"9", "8", "6"}) || !cs.more {
		t.Errorf("kept %v, more %v", got, cs.more)
	}
}

// Whatever their order; and how many are kept is within a quarter of the limit.
func TestOfManyTheOldestAreKept(t *testing.T) {
	const limit, many = 100, 2000
	now := time.Now()
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, age := range map[string]func(i int) int{
		"by chance":            func(int) int { return rnd.IntN(many / 10) }, // several of each age
		"the oldest first":     func(i int) int { return many - i },
		"the youngest first":   func(i int) int { return i },
		"all of them as old":   func(int) int { return 1 },
		"the oldest come last": func(i int) int { return i / (many - 10) * i },
	} {
		t.Run(name, func(t *testing.T) {
			cs := newCandidates(limit, now)
			var all []*candidate
			for i := range many {
				c := &candidate{name: fmt.Sprint(rnd.Uint32(), i), stamp: stamp{mtime: now.Add(time.Duration(-age(i)))}}
				all = append(all, c)
				cs.admit(c.name, c.stamp, now, now)
				if len(cs.byName) > limit {
					t.Fatalf("%d in memory", len(cs.byName))
				}
			}
			slices.SortFunc(all, func(a, b *candidate) int {
				if older(a, b) {
					return -1
				}
				return 1
			})
			got := cs.drain()
			for i, name := range got {
				if name != all[i].name {
					t.Fatalf("%d. is %s, want %s", i, name, all[i].name)
				}
			}
			if len(got) < limit-limit/4 || !cs.more {
				t.Errorf("%d are kept, more %v", len(got), cs.more)
			}
			cs.begin()
			if cs.admit(all[many-1].name, all[many-1].stamp, now, now); cs.queued() != 1 || cs.more {
				t.Errorf("%d in the queue, more %v, though all are looked at again", cs.queued(), cs.more)
			}
		})
	}
}

func TestThoseThatWaitAreNotLeftOutForOthers(t *testing.T) {
	now := time.Now()
	cs := newCandidates(2, now)
	cs.admit("young", stamp{mtime: now}, now, now)
	cs.delay(cs.pop(), now.Add(time.Second))
	cs.admit("old", stamp{mtime: now.Add(-9)}, now, now)
	cs.admit("older", stamp{mtime: now.Add(-10)}, now, now)
	if got := cs.drain(); !slices.Equal(got, []string{"older"}) || !cs.more || cs.crowded() {
		t.Errorf("queued %v, more %v, crowded %v", got, cs.more, cs.crowded())
	}
	cs.wake(now.Add(time.Second - 1))
	if cs.queued() != 0 || !cs.due().Equal(now.Add(time.Second)) {
		t.Error("woken too early")
	}
	cs.wake(now.Add(time.Second))
	if got := cs.drain(); !slices.Equal(got, []string{"young"}) || !cs.due().IsZero() {
		t.Errorf("woken: %v", got)
	}
}

func TestNobodyIsLeftOutWhileAllWait(t *testing.T) {
	now := time.Now()
	cs := newCandidates(1, now)
	cs.admit("waits", stamp{mtime: now}, now, now)
	cs.delay(cs.pop(), now.Add(time.Second))
	cs.admit("older", stamp{mtime: now.Add(-9)}, now, now)
	if cs.queued() != 0 || !cs.more || !cs.crowded() {
		t.Errorf("queued %d, more %v, crowded %v", cs.queued(), cs.more, cs.crowded())
	}
}

func TestAChangeBringsAWaitingCandidateBack(t *testing.T) {
	now := time.Now()
	cs := newCandidates(9, now)
	cs.admit("a", stamp{size: 1, mtime: now}, now, now)
	c := cs.pop()
	c.unfinished = true
	cs.delay(c, now.Add(time.Second))
	cs.admit("a", stamp{size: 1, mtime: now}, now, now)
	if cs.queued() != 0 {
		t.Error("it came back unchanged")
	}
	cs.admit("a", stamp{size: 2, mtime: now}, now, now)
	if c := cs.pop(); c == nil || c.unfinished || c.size != 2 || !cs.due().IsZero() {
		t.Errorf("after a change: %+v, due %v", c, cs.due())
	}
}

// The heaps against a plain model: any sequence of steps, the same oldest name.
func TestCandidatesAgainstAModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	start := time.Now()
	cs := newCandidates(1<<20, start)
	queued, waiting := map[string]time.Time{}, map[string]time.Time{}
	mtimes := map[string]time.Time{}
	now := start
	for i := range 50_000 {
		now = now.Add(ms)
		name := fmt.Sprint("n", rnd.IntN(300))
		switch rnd.IntN(4) {
		case 0, 1:
			mtime := start.Add(time.Duration(rnd.IntN(1000)))
			if old, known := mtimes[name]; !known || !old.Equal(mtime) {
				queued[name] = mtime
				delete(waiting, name)
				mtimes[name] = mtime
			}
			cs.admit(name, stamp{mtime: mtime}, now, now)
		case 2:
			var want string
			for name, mtime := range queued {
				if want == "" || mtime.Before(queued[want]) || mtime.Equal(queued[want]) && name < want {
					want = name
				}
			}
			c := cs.pop()
			if c == nil && want == "" {
				continue
			}
			if c == nil || c.name != want {
				t.Fatalf("step %d: popped %+v, want %q", i, c, want)
			}
			delete(queued, want)
			if rnd.IntN(2) == 0 {
				cs.forget(c)
				delete(mtimes, want)
			} else {
				waiting[want] = now.Add(time.Duration(rnd.IntN(100)) * ms)
				cs.delay(c, waiting[want])
			}
		case 3:
			cs.wake(now)
			for _, name := range slices.Collect(maps.Keys(waiting)) {
				if !waiting[name].After(now) {
					queued[name] = mtimes[name]
					delete(waiting, name)
				}
			}
		}
		if cs.queued() != len(queued) || len(cs.waiting.all) != len(waiting) || len(cs.byName) != len(mtimes) {
			t.Fatalf("step %d: %d queued, %d waiting; want %d, %d", i, cs.queued(), len(cs.waiting.all), len(queued), len(waiting))
		}
	}
}
