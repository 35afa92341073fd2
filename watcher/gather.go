package watcher

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// What one step may cost before channels are served again: some ten milliseconds.
const (
	stepBudget = 4 << 20 // bytes read
	lookCosts  = 4 << 10 // a look counts as so many
)

// Contents are kept up to so many bytes a slice; those behind are read again by whoever claims them.
const mostContent = 8 << 20

// gather takes candidates from the queue, oldest first, and fills the slice with those that are ready.
func (r *run) gather(dir *vfs.Dir) {
	// While nobody takes the slice, older files may become ready than those that are in it.
	defer func() {
		slices.SortFunc(r.slice, func(a, b File) int {
			return cmp.Or(a.ModTime.Compare(b.ModTime), strings.Compare(a.Name, b.Name))
		})
	}()
	for budget := stepBudget; budget > 0 && len(r.slice) < maxSlice; {
		some := r.popSome(budget)
		if len(some) == 0 {
			return
		}
		r.readAhead(dir, some)
		for _, c := range some {
			budget -= lookCosts + r.decide(dir, c, time.Now())
		}
	}
}

// popSome takes as many candidates from the queue as the slice has room for and a step may read.
func (r *run) popSome(budget int) (some []*candidate) {
	for len(some) < min(atOnce, maxSlice-len(r.slice)) && budget > 0 {
		c := r.known.pop()
		if c == nil {
			break
		}
		some = append(some, c)
		budget -= lookCosts + int(min(c.size, r.rules.maxBytes))
	}
	return some
}

// reading is what reading a file has shown.
type reading struct {
	n       int // bytes
	status  vfs.Status
	updates []fragment.Update
	parse   error // of fragment.Parse
	err     error
}

func (r *run) read(dir *vfs.Dir, c *candidate) *reading {
	text, status, err := dir.ReadSeen(c.name, c.status()) // whoever claims it looks again
	is := &reading{n: len(text), status: status, err: err}
	if err == nil && stampOf(status).same(c.stamp) {
		is.updates, is.parse = fragment.Parse(c.name, text, r.Limits)
	}
	return is
}

// readAhead reads what is ready, where there is much of it: two at a time.
func (r *run) readAhead(dir *vfs.Dir, some []*candidate) {
	if len(some) < few {
		return
	}
	now := time.Now()
	inTwo(len(some), func(i int) {
		if c := some[i]; r.readable(c, now) {
			c.ahead = r.read(dir, c)
		}
	})
}

// readable says whether a file is to be read. What was ready already when it was last looked at is read without another look:
// whoever claims it looks again.
func (r *run) readable(c *candidate, now time.Time) bool {
	seen, _ := r.rules.judge(c.sight, c.looked)
	is, _ := r.rules.judge(c.sight, now)
	return seen == read && is == read
}

// decide looks at a popped candidate and sends it, forgets it, or lets it wait. It returns how many bytes it read.
func (r *run) decide(dir *vfs.Dir, c *candidate, now time.Time) (n int) {
	v, pause := r.rules.judge(c.sight, now)
	if c.ahead == nil && !r.readable(c, now) {
		status, err := dir.Status(c.name)
		switch {
		case gone(err) || err == nil && status.Mode.IsDir():
			r.known.forget(c)
			return 0
		case err != nil:
			r.stumble(c, err, now)
			return 0
		}
		c.sight, c.looked = c.then(stampOf(status), now), now
		v, pause = r.rules.judge(c.sight, now)
	}
	if v == read {
		var err error
		v, pause, n, err = r.examine(dir, c, now)
		switch {
		case gone(err):
			r.known.forget(c)
			return n
		case err != nil:
			r.stumble(c, err, now)
			return n
		}
	}
	if v == send {
		r.put(c)
		return n
	}
	c.failures = 0
	r.known.delay(c, now.Add(pause))
	return n
}

// examine reads a settled file to see whether it is whole. What has become a FIFO or a link meanwhile is not waited for or
// followed.
func (r *run) examine(dir *vfs.Dir, c *candidate, now time.Time) (v verdict, pause time.Duration, n int, err error) {
	is := c.ahead
	if c.ahead = nil; is == nil {
		is = r.read(dir, c)
	}
	switch {
	case errors.Is(is.err, fs.ErrPermission):
		return send, 0, is.n, nil
	case is.err != nil:
		return wait, 0, is.n, is.err
	case !stampOf(is.status).same(c.stamp): // it became longer or shorter: its last change is just now, whatever its time says
		c.sight = c.then(stampOf(is.status), now)
		return wait, max(r.rules.settle, shortestWait), is.n, nil
	}
	if e := (*fragment.Error)(nil); errors.As(is.parse, &e) && e.Code == fragment.Incomplete {
		c.unfinished = true
	}
	if c.unfinished {
		if v, pause = r.rules.judge(c.sight, now); v != send {
			return v, pause, is.n, nil
		}
	}
	if r.kept += int64(is.n); r.kept <= mostContent {
		c.content = &Content{is.status, is.updates, is.parse}
	}
	return send, 0, is.n, nil
}

// stumble lets a candidate wait whose look failed for a reason that may pass, and sends it when that lasts.
func (r *run) stumble(c *candidate, cause error, now time.Time) {
	if c.failures++; c.failures == 1 {
		c.failing = now
	}
	v, pause := r.rules.stumble(c.failures, now.Sub(c.failing))
	if v == send {
		r.put(c)
		return
	}
	if c.failures == 1 {
		r.log.Warn("cannot look at a fragment, trying again", "fragment", c.name, "error", cause)
	}
	r.known.delay(c, now.Add(pause))
}

// put adds a popped candidate to the slice. From now on it is in flight.
func (r *run) put(c *candidate) {
	r.known.forget(c)
	file := File{c.name, c.size, c.mtime, c.since, c.content}
	if _, ok := r.flight[c.name]; ok {
		for i := range r.slice {
			if r.slice[i].Name == c.name { // it changed since, and was not sent yet
				r.slice = append(r.slice[:i], r.slice[i+1:]...)
				break
			}
		}
	}
	r.flight[c.name] = c.stamp
	r.slice = append(r.slice, file)
}
