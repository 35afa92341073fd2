package watcher

import (
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// stamp tells one state of a file from another. Two files that follow each other under one name differ in it, and so
// does one file before and after a write, unless the file system's clock stood still and the size is the same: that is
// why nothing is read before it was left alone for a while.
type stamp struct {
	size    int64
	mtime   time.Time
	inode   uint64 // 0 where the system has none to offer
	regular bool
}

func stampOf(s vfs.Status) stamp {
	return stamp{s.Size, s.ModTime, s.Inode, s.Mode.IsRegular()}
}

func stampOfInfo(info fs.FileInfo) stamp {
	return stamp{info.Size(), info.ModTime(), inode(info), info.Mode().IsRegular()}
}

func (s stamp) same(o stamp) bool {
	return s.size == o.size && s.mtime.Equal(o.mtime) && s.inode == o.inode && s.regular == o.regular
}

// sight is what several looks at a name amount to.
type sight struct {
	stamp
	first      time.Time // of all looks
	since      time.Time // first look that showed this stamp
	unfinished bool      // with this stamp it was read, and ended inside a value
	content    *Content  // what was read with this stamp
}

// then is what is known after one more look.
func (s sight) then(seen stamp, now time.Time) sight {
	switch {
	case s.first.IsZero():
		return sight{stamp: seen, first: now, since: now}
	case !s.same(seen):
		return sight{stamp: seen, first: s.first, since: now}
	}
	return s
}

// age is how long the file was left alone. The file's own time counts, as it was there before the first look; so does
// ours, as the file's may be in the future for good (a clock set back, another machine, touch -d).
func (s sight) age(now time.Time) time.Duration {
	return max(now.Sub(s.mtime), now.Sub(s.since))
}

// verdict is what to do with a file.
type verdict int

const (
	wait verdict = iota
	read         // find out whether it is whole
	send         // nothing more is to be found out here
)

// rules decide from what was seen, and touch nothing.
type rules struct {
	settle, incompleteAfter time.Duration
	maxBytes                int64
}

const (
	// An unfinished file is looked at again whenever it has become twice as old, so that neither an event nor a rescan
	// is needed to see its end, and waiting for it costs a handful of looks.
	shortestWait = 10 * time.Millisecond
	longestWait  = time.Second
)

// judge says what to do with the file now, and, if that is to wait, for how long.
func (r rules) judge(s sight, now time.Time) (verdict, time.Duration) {
	age := s.age(now)
	settles := r.settle - age
	tooLarge := s.size > r.maxBytes
	if tooLarge { // a writer that never pauses must not be waited for for ever
		settles = min(settles, r.incompleteAfter-now.Sub(s.first))
	}
	switch {
	case !s.regular:
		return send, 0 // it is not going to become one
	case settles > 0:
		return wait, settles
	case tooLarge:
		return send, 0
	case !s.unfinished:
		return read, 0
	case age >= r.incompleteAfter:
		return send, 0
	}
	return wait, min(max(age, shortestWait), longestWait, r.incompleteAfter-age)
}

// stumble says what to do with a file that could not be looked at for a reason that may pass. One that lasts is for
// the claim to judge.
func (r rules) stumble(failures int, lasted time.Duration) (verdict, time.Duration) {
	if lasted >= r.incompleteAfter {
		return send, 0
	}
	return wait, min(backoff(failures), r.incompleteAfter-lasted)
}

const (
	firstDelay = 100 * time.Millisecond
	lastDelay  = 5 * time.Second
)

// backoff is how long to wait after so many failures in a row, from 1: 100 ms doubling to 5 s.
func backoff(failures int) time.Duration {
	if failures > 6 {
		return lastDelay
	}
	return min(firstDelay<<max(failures-1, 0), lastDelay)
}
