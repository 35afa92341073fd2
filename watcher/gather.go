package watcher

import (
	"errors"
	"io/fs"
	"slices"
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
		slices.SortFunc(r.slice, File.Compare)
	}()
	for budget := stepBudget; budget > 0 && len(r.slice) < maxSlice; {
		c := r.known.pop()
		if c == nil {
			return
		}
		budget -= lookCosts + r.decide(dir, c, time.Now())
	}
}

// decide looks at a popped candidate and sends it, forgets it, or lets it wait. It returns how many bytes it read.
func (r *run) decide(dir *vfs.Dir, c *candidate, now time.Time) (n int) {
	s, looked := r.known.sight(c), r.known.time(c.looked)
	v, pause := r.rules.judge(s, now)
	// What was ready already when it was last looked at is read without another look: the read tells what it has read.
	if seen, _ := r.rules.judge(s, looked); v != read || seen != read {
		status, err := dir.Status(c.name)
		switch {
		case gone(err) || err == nil && status.Mode.IsDir():
			r.known.forget(c)
			return 0
		case err != nil:
			r.stumble(c, err, now)
			return 0
		}
		s = s.then(stampOf(status), now)
		r.known.note(c, s, now)
		v, pause = r.rules.judge(s, now)
	}
	if v == read {
		var err error
		v, pause, n, err = r.examine(dir, c.name, &s, now)
		r.known.note(c, s, r.known.time(c.looked))
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

// examine reads a settled file to see whether it is whole, and adds to the sight of it what it finds. What has become a FIFO or
// a link meanwhile is not waited for or followed.
func (r *run) examine(dir *vfs.Dir, name string, s *sight, now time.Time) (v verdict, pause time.Duration, n int, err error) {
	text, status, err := dir.ReadFile(name, s.size)
	n = len(text)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return send, 0, n, nil
	case err != nil:
		return wait, 0, n, err
	case !stampOf(status).same(s.stamp): // it became longer or shorter: its last change is just now, whatever its time says
		*s = s.then(stampOf(status), now)
		return wait, max(r.rules.settle, shortestWait), n, nil
	}
	updates, err := fragment.Parse(name, text, r.Limits)
	if e := (*fragment.Error)(nil); errors.As(err, &e) && e.Code == fragment.Incomplete {
		s.unfinished = true
	}
	if s.unfinished {
		if v, pause = r.rules.judge(*s, now); v != send {
			return v, pause, n, nil
		}
	}
	if r.kept += int64(n); r.kept <= mostContent {
		s.content = &Content{status, updates, err}
	}
	return send, 0, n, nil
}

// stumble lets a candidate wait whose look failed for a reason that may pass, and sends it when that lasts.
func (r *run) stumble(c *candidate, cause error, now time.Time) {
	if c.failures++; c.failures == 1 {
		c.failing = r.known.moment(now)
	}
	v, pause := r.rules.stumble(int(c.failures), now.Sub(r.known.time(c.failing)))
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
	file := File{c.name, c.size, c.mtime, r.known.time(c.since), c.content}
	if _, ok := r.flight[c.name]; ok {
		for i := range r.slice {
			if r.slice[i].Name == c.name { // it changed since, and was not sent yet
				r.slice = append(r.slice[:i], r.slice[i+1:]...)
				break
			}
		}
	}
	r.flight[c.name] = c.stamp
	if r.slice == nil {
		r.slice = make([]File, 0, min(1+r.known.queued(), maxSlice))
	}
	r.slice = append(r.slice, file)
}
