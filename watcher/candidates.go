package watcher

import (
	"container/heap"
	"math/rand/v2"
	"strings"
	"time"
)

// candidate is a name that may be sent. It is in the queue (to be judged) or waits (until due). There are hundreds of
// thousands of them at times: what is in it is as small as it can be, with few pointers for the garbage collector to follow.
type candidate struct {
	name string
	stamp
	content              *Content // of its sight, as are the following
	first, since, looked moment   // looked: when it was last seen to be so
	due                  moment   // while it waits
	failing              moment   // first of the looks in a row that went wrong
	failures             int32    // number of them
	at                   int32    // its index in the queue or among those who wait; -1: it is in neither
	waits                bool
	unfinished           bool
}

// moment is a time as a time.Duration since the candidates were made, by the clock that nobody sets.
type moment int64

// candidates holds a bounded number of names: when there are more, the oldest. It asks no file and no clock.
type candidates struct {
	limit   int
	began   time.Time
	byName  map[string]*candidate
	queue   order
	waiting order
	more    bool       // a name was left out since the last call of begin
	bound   *candidate // what is younger is left out at once; nil: nothing was left out yet
}

func newCandidates(limit int, now time.Time) *candidates {
	return &candidates{
		limit:   limit,
		began:   now,
		byName:  make(map[string]*candidate),
		queue:   order{before: older},
		waiting: order{before: func(a, b *candidate) bool { return a.due < b.due }},
	}
}

func (cs *candidates) moment(t time.Time) moment { return moment(t.Sub(cs.began)) }

func (cs *candidates) time(m moment) time.Time { return cs.began.Add(time.Duration(m)) }

// sight is what is known of a candidate.
func (cs *candidates) sight(c *candidate) sight {
	return sight{stamp: c.stamp, first: cs.time(c.first), since: cs.time(c.since), unfinished: c.unfinished, content: c.content}
}

// note takes note of what the last look amounts to.
func (cs *candidates) note(c *candidate, s sight, looked time.Time) {
	c.stamp, c.first, c.since, c.unfinished, c.content = s.stamp, cs.moment(s.first), cs.moment(s.since), s.unfinished, s.content
	c.looked = cs.moment(looked)
}

// older is the order of fragments: modification time, then name.
func older(a, b *candidate) bool {
	if c := a.mtime.Compare(b.mtime); c != 0 {
		return c < 0
	}
	return strings.Compare(a.name, b.name) < 0
}

// begin forgets that a name was left out: all of them are about to be admitted again.
func (cs *candidates) begin() { cs.more, cs.bound = false, nil }

// admit takes note of what a look showed, and since when it is so. A name that is new or has changed goes to the queue; one
// that waits and has not changed goes on waiting.
func (cs *candidates) admit(name string, seen stamp, since, looked time.Time) {
	c := cs.byName[name]
	if c == nil {
		c = &candidate{name: name, stamp: seen, at: -1}
		if cs.bound != nil && older(cs.bound, c) {
			return
		}
		cs.note(c, sight{}.then(seen, since), looked)
		cs.byName[name] = c
		cs.put(c, false)
		if len(cs.byName) > cs.limit {
			cs.leaveOut()
		}
		return
	}
	if c.same(seen) {
		c.looked = cs.moment(looked)
		return
	}
	cs.note(c, cs.sight(c).then(seen, since), looked)
	cs.put(c, false)
}

// leaveOut leaves out the youngest of the queue: a quarter of the limit at once, which costs a fraction of one at a time.
func (cs *candidates) leaveOut() {
	cs.more = true
	all := cs.queue.all
	waiting := len(cs.byName) - len(all)
	keep := max(cs.limit-cs.limit/4-waiting, 0)
	oldestFirst(all, keep)
	for i, c := range all[keep:] {
		c.at = -1
		delete(cs.byName, c.name)
		all[keep+i] = nil
	}
	if cs.queue.all = all[:keep]; keep > 0 {
		cs.bound = all[0]
	}
	for i, c := range cs.queue.all {
		c.at = int32(i)
		if older(cs.bound, c) {
			cs.bound = c
		}
	}
	heap.Init(&cs.queue)
}

// oldestFirst moves the n oldest to the front, in any order (Hoare, Algorithm 65: Find, 1961). Which one divides the others is
// left to chance: who drops decides on their order.
func oldestFirst(all []*candidate, n int) {
	for low, high := 0, len(all); low < n && n < high; {
		last := high - 1
		chosen := low + rand.IntN(high-low)
		all[chosen], all[last] = all[last], all[chosen]
		middle := low
		for i := low; i < last; i++ {
			if older(all[i], all[last]) {
				all[i], all[middle] = all[middle], all[i]
				middle++
			}
		}
		all[middle], all[last] = all[last], all[middle]
		if n <= middle {
			high = middle
		} else {
			low = middle + 1
		}
	}
}

// put moves a candidate into the queue, or among those who wait.
func (cs *candidates) put(c *candidate, waits bool) {
	cs.remove(c)
	c.waits = waits
	heap.Push(cs.of(c), c)
}

func (cs *candidates) remove(c *candidate) {
	if c.at >= 0 {
		heap.Remove(cs.of(c), int(c.at))
	}
}

func (cs *candidates) of(c *candidate) *order {
	if c.waits {
		return &cs.waiting
	}
	return &cs.queue
}

// pop takes the oldest out of the queue, nil when it is empty. The caller forgets it or delays it.
func (cs *candidates) pop() *candidate {
	c := cs.queue.first()
	if c != nil {
		cs.remove(c)
	}
	return c
}

func (cs *candidates) forget(c *candidate) {
	cs.remove(c)
	delete(cs.byName, c.name)
}

// delay lets a popped candidate wait.
func (cs *candidates) delay(c *candidate, due time.Time) {
	c.due = cs.moment(due)
	cs.put(c, true)
}

// wake moves what is due into the queue.
func (cs *candidates) wake(now time.Time) {
	for c := cs.waiting.first(); c != nil && c.due <= cs.moment(now); c = cs.waiting.first() {
		cs.put(c, false)
	}
}

// due is when the next one wakes, zero for never.
func (cs *candidates) due() (at time.Time) {
	if c := cs.waiting.first(); c != nil {
		at = cs.time(c.due)
	}
	return at
}

func (cs *candidates) queued() int { return len(cs.queue.all) }

// crowded says that those who wait leave too little room to scan again for more.
func (cs *candidates) crowded() bool { return len(cs.byName) > cs.limit/2 }

func (cs *candidates) empty() bool { return len(cs.byName) == 0 }

// order is a heap of candidates; its methods with capital letters are container/heap's.
type order struct {
	before func(a, b *candidate) bool
	all    []*candidate
}

func (o *order) first() *candidate {
	if len(o.all) == 0 {
		return nil
	}
	return o.all[0]
}

func (o *order) Len() int           { return len(o.all) }
func (o *order) Less(i, j int) bool { return o.before(o.all[i], o.all[j]) }

func (o *order) Swap(i, j int) {
	o.all[i], o.all[j] = o.all[j], o.all[i]
	o.all[i].at, o.all[j].at = int32(i), int32(j)
}

func (o *order) Push(x any) {
	c := x.(*candidate)
	c.at = int32(len(o.all))
	o.all = append(o.all, c)
}

func (o *order) Pop() any {
	last := len(o.all) - 1
	c := o.all[last]
	o.all[last] = nil
	o.all = o.all[:last]
	c.at = -1
	return c
}
