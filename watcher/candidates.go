package watcher

import (
	"container/heap"
	"strings"
	"time"
)

// candidate is a name that may be sent. It is in the queue (to be judged) or waits (until due).
type candidate struct {
	name string
	sight
	looked   time.Time // when it was last seen to be so
	due      time.Time // while it waits
	failures int       // looks in a row that went wrong
	failing  time.Time // first of them
	at       [3]int    // its index in each heap, -1 where it is not in it
}

// The heaps a candidate can be in.
const (
	inOldest = iota
	inYoungest
	inWaiting
)

// candidates holds a bounded number of names: when there are more, the oldest. It asks no file and no clock.
type candidates struct {
	limit    int
	byName   map[string]*candidate
	oldest   order // the queue
	youngest order // the queue, the other way round
	waiting  order
	more     bool // a name was left out since this was last set to false
}

func newCandidates(limit int) *candidates {
	return &candidates{
		limit:    limit,
		byName:   make(map[string]*candidate),
		oldest:   order{slot: inOldest, before: older},
		youngest: order{slot: inYoungest, before: func(a, b *candidate) bool { return older(b, a) }},
		waiting:  order{slot: inWaiting, before: func(a, b *candidate) bool { return a.due.Before(b.due) }},
	}
}

// older is the order of fragments: modification time, then name.
func older(a, b *candidate) bool {
	if c := a.mtime.Compare(b.mtime); c != 0 {
		return c < 0
	}
	return strings.Compare(a.name, b.name) < 0
}

// admit takes note of what a look showed, and since when it is so. A name that is new or has changed goes to the queue; one
// that waits and has not changed goes on waiting.
func (cs *candidates) admit(name string, seen stamp, since, looked time.Time) {
	c := cs.byName[name]
	if c != nil && c.same(seen) {
		c.looked = looked
		return
	}
	if c == nil {
		c = &candidate{name: name, at: [...]int{-1, -1, -1}}
		if c.mtime = seen.mtime; len(cs.byName) >= cs.limit && !cs.makeRoom(c) {
			return
		}
		cs.byName[name] = c
	}
	cs.waiting.remove(c)
	c.sight, c.looked = c.then(seen, since), looked
	cs.enqueue(c)
}

// makeRoom leaves out the youngest of the queue, or says no where that is the newcomer.
func (cs *candidates) makeRoom(newcomer *candidate) bool {
	cs.more = true
	youngest := cs.youngest.first()
	if youngest == nil || older(youngest, newcomer) {
		return false
	}
	cs.forget(youngest)
	return true
}

func (cs *candidates) enqueue(c *candidate) {
	cs.oldest.put(c)
	cs.youngest.put(c)
}

// pop takes the oldest out of the queue, nil when it is empty. The caller forgets it or delays it.
func (cs *candidates) pop() *candidate {
	c := cs.oldest.first()
	if c != nil {
		cs.oldest.remove(c)
		cs.youngest.remove(c)
	}
	return c
}

func (cs *candidates) forget(c *candidate) {
	cs.oldest.remove(c)
	cs.youngest.remove(c)
	cs.waiting.remove(c)
	delete(cs.byName, c.name)
}

// delay lets a popped candidate wait.
func (cs *candidates) delay(c *candidate, due time.Time) {
	c.due = due
	cs.waiting.put(c)
}

// wake moves what is due into the queue.
func (cs *candidates) wake(now time.Time) {
	for c := cs.waiting.first(); c != nil && !c.due.After(now); c = cs.waiting.first() {
		cs.waiting.remove(c)
		cs.enqueue(c)
	}
}

// due is when the next one wakes, zero for never.
func (cs *candidates) due() (at time.Time) {
	if c := cs.waiting.first(); c != nil {
		at = c.due
	}
	return at
}

func (cs *candidates) queued() int { return len(cs.oldest.all) }

// crowded says that those who wait leave too little room to scan again for more.
func (cs *candidates) crowded() bool { return len(cs.byName) > cs.limit/2 }

func (cs *candidates) empty() bool { return len(cs.byName) == 0 }

// order is a heap of candidates; its methods with capital letters are container/heap's.
type order struct {
	slot   int
	before func(a, b *candidate) bool
	all    []*candidate
}

// put adds c, or finds its place again.
func (o *order) put(c *candidate) {
	if at := c.at[o.slot]; at >= 0 {
		heap.Fix(o, at)
		return
	}
	heap.Push(o, c)
}

func (o *order) remove(c *candidate) {
	if at := c.at[o.slot]; at >= 0 {
		heap.Remove(o, at)
	}
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
	o.all[i].at[o.slot], o.all[j].at[o.slot] = i, j
}

func (o *order) Push(x any) {
	c := x.(*candidate)
	c.at[o.slot] = len(o.all)
	o.all = append(o.all, c)
}

func (o *order) Pop() any {
	last := len(o.all) - 1
	c := o.all[last]
	o.all[last] = nil
	o.all = o.all[:last]
	c.at[o.slot] = -1
	return c
}
