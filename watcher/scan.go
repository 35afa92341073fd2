package watcher

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// scan looks at every fragment in the directory, or, while that is polled, only at what may have changed. When ctx ends it
// stops in the middle.
func (r *run) scan(ctx context.Context, dir *vfs.Dir) error {
	if r.ears != nil && !r.ears.alive() {
		r.hear(hint{all: true, failed: errDropped})
	}
	began := time.Now()
	r.cleared(began)
	before, err := dir.Stat()
	if err != nil {
		return err
	}
	full := r.known.more || len(r.refused) >= r.Candidates // a name may have been there and been left out
	if r.polls() && !r.Once && !full && r.listed.unchanged(before, began) {
		r.poll(dir)
		return nil
	}
	r.known.begin()
	names, news := 0, 0
	see := func(some []string) {
		looks := lookAt(dir, some)
		for i, name := range some {
			if !full && !r.known.more && !r.knows(name) {
				news++
				r.suspect(name, time.Now())
			}
			r.saw(name, looks[i], r.cutoff)
		}
		names += len(some)
	}
	some := make([]string, 0, atOnce)
	err = dir.List(func(e fs.DirEntry) bool {
		if name := e.Name(); !e.IsDir() && fragment.IsName(name) {
			some = append(some, name)
		}
		if len(some) == atOnce {
			see(some)
			some = some[:0]
		}
		select {
		case <-r.Pulse: // a million names take a while
		default:
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	if ctx.Err() == nil {
		see(some)
	}
	after, err := dir.Stat()
	if err != nil {
		return err
	}
	for name, refused := range r.refused {
		if !refused.until.After(began) {
			delete(r.refused, name)
		}
	}
	r.recovered()
	r.scanned = time.Now()
	r.took = r.scanned.Sub(began)
	moved := !before.ModTime().Equal(after.ModTime())
	r.remember(before, after, began, news > 0, moved)
	r.schedule(moved)
	r.log.Debug("scanned", "fragments", names, "took", r.took)
	if r.Trace.Scanned != nil {
		r.Trace.Scanned(names)
	}
	return nil
}

// poll is a scan of a directory whose times say that no name came. What is done with may still have changed.
func (r *run) poll(dir *vfs.Dir) {
	for name := range r.refused {
		r.see(dir, name, time.Time{})
	}
	r.schedule(false)
}

// knows says whether a name was there before, as far as that matters: what it has forgotten went or was heard of.
func (r *run) knows(name string) bool {
	_, inFlight := r.flight[name]
	_, refused := r.refused[name]
	return inFlight || refused || r.known.byName[name] != nil
}

// remember takes note of what a listing shows of the directory itself.
func (r *run) remember(before, after fs.FileInfo, began time.Time, news, moved bool) {
	if l := &r.listed; news && !moved && l.whole && l.believed && l.are(after.ModTime(), changeTime(after)) {
		l.lies = true
		r.log.Debug("names come although the directory's times stay, listing it at each look")
	}
	r.listed.take(before, after, began, r.scanned)
	r.listed.fullAt = began.Add(r.fullEvery())
	if !moved && !r.known.more {
		r.listed.whole = true
		r.baseline = r.baseline || r.ears != nil
	}
	r.rescanned(began)
}

// fullEvery is how often a directory is listed although its times say that nothing came.
func (r *run) fullEvery() time.Duration {
	if r.Rescan <= 0 {
		return time.Minute
	}
	return r.Rescan
}

// schedule says when the next scan is due. When names came or went during this one it may have missed some that were
// there all the time, and that nobody will tell of: then it is soon.
func (r *run) schedule(moved bool) {
	r.scanAt = time.Time{}
	if r.Once {
		return // the last listing comes when everything else is done
	}
	every := r.Rescan
	if (r.polls() || moved) && (every <= 0 || every > pollEvery) {
		every = pollEvery
	}
	if every > 0 {
		r.scanAt = r.restedBy(time.Now().Add(every))
	}
}

const (
	atOnce = 256 // names of a listing that are looked at before anything is made of it
	few    = 128 // names that are not worth a second goroutine
)

// look is what a look at a name has shown.
type look struct {
	at     time.Time
	status vfs.Status
	err    error
}

func lookOnce(dir *vfs.Dir, name string) look {
	now := time.Now()
	status, err := dir.Status(name)
	return look{now, status, err}
}

// lookAt looks at each of some names; where there are many, at two at a time, which takes a listing half the time.
func lookAt(dir *vfs.Dir, names []string) []look {
	looks := make([]look, len(names))
	from := func(first, end int) {
		for i := first; i < end; i++ {
			looks[i] = lookOnce(dir, names[i])
		}
	}
	if len(names) < few {
		from(0, len(names))
		return looks
	}
	var other sync.WaitGroup
	other.Go(func() { from(0, len(names)/2) })
	from(len(names)/2, len(names))
	other.Wait()
	return looks
}

// see takes one look at a name; see saw.
func (r *run) see(dir *vfs.Dir, name string, cutoff time.Time) {
	r.saw(name, lookOnce(dir, name), cutoff)
}

// saw admits a name where a look has shown something new. With a cutoff, what was written after it is not meant; times in the
// future say nothing about that.
func (r *run) saw(name string, l look, cutoff time.Time) {
	now, status, err := l.at, l.status, l.err
	sent, inFlight := r.flight[name]
	if err != nil {
		if !gone(err) && !inFlight && r.known.byName[name] == nil {
			r.known.admit(name, stamp{}, now, now) // the next look may tell more
		}
		return
	}
	seen := stampOf(status)
	late := !cutoff.IsZero() && seen.mtime.After(cutoff) && !seen.mtime.After(now)
	no, refused := r.refused[name]
	switch {
	case late, inFlight && sent.same(seen), refused && no.same(seen) && now.Before(no.until):
		return
	}
	r.known.admit(name, seen, arrival(status, now), now)
}

// noticedWithin is how long it takes to notice what arrives, as a rule. A clock that is off by more is another one's.
const noticedWithin = 10 * time.Millisecond

// arrival is when a file that is looked at now came to be so: the file system's time, where that is just before. Linux dates by
// the last tick of its clock, so it may be earlier than it was by 4 ms, and the pause that closes a batch as much shorter.
func arrival(status vfs.Status, now time.Time) time.Time {
	if late := now.Sub(status.Changed); late > 0 && late <= noticedWithin {
		return now.Add(-late) // by our clock, which nobody sets
	}
	return now
}

// gone says that a name is not there (any more), or cannot be one on this system.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) }

// landed takes note of names that are done.
func (r *run) landed(done Done) {
	for _, name := range done.Claimed {
		delete(r.flight, name)
	}
	for _, name := range done.Others {
		if sent, ok := r.flight[name]; ok {
			delete(r.flight, name)
			r.answers[name] = sent
		}
	}
}

// followUp looks at what hints and answers have named.
func (r *run) followUp(dir *vfs.Dir) {
	for name, sent := range r.answers {
		status, err := dir.Status(name)
		switch {
		case gone(err) || err == nil && status.Mode.IsDir():
		case err == nil && sent.same(stampOf(status)):
			r.refuse(name, sent)
		case err == nil && r.Once && status.Inode != sent.inode:
			// A new file of that name: the last listing decides whether it is of this run.
		default: // given back because it was still being written, or new
			r.see(dir, name, time.Time{})
		}
	}
	clear(r.answers)
	for name := range r.hinted {
		r.see(dir, name, time.Time{})
	}
	clear(r.hinted)
}

// refuse leaves a file alone that is done with and yet still there: nobody could claim it, and trying that at every
// look would be a spin. A run with Once does not try again.
func (r *run) refuse(name string, sent stamp) {
	if len(r.refused) >= r.Candidates {
		return // the next scan will send it again: more work, nothing worse
	}
	pause := r.Rescan
	if pause <= 0 {
		pause = time.Minute
	}
	if r.Once {
		pause = 100 * 365 * 24 * time.Hour
	}
	r.refused[name] = refusal{sent, time.Now().Add(pause)}
}
