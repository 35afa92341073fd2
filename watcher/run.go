package watcher

import (
	"context"
	"os"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// run is the state of one Run; only its goroutine touches it. Times are zero where nothing is due.
type run struct {
	Config
	rules  rules
	listen func(dir string) (*listener, error)

	// The directory; see presence.go.
	here     os.FileInfo // the one that is watched, nil: none
	attachAt time.Time   // when to look for it, while there is none
	failures int         // looks in a row that found none
	missedAt time.Time   // first of them
	trouble  string      // as it was told last, "" for none
	checkAt  time.Time   // when to look whether it is still the one

	hearing
	everHeard bool
	proof     // whether what is heard is all; see canary.go
	kindOf    func(dir string) string

	// What is in it; see scan.go and gather.go.
	scanAt   time.Time
	scanned  time.Time     // end of the last scan
	took     time.Duration // by the last scan
	listed   listed        // see poll.go
	known    *candidates
	hinted   map[string]struct{}
	flight   map[string]stamp // sent, or in the slice, and not done yet
	answers  map[string]stamp // done, and to be looked at whether they are gone
	kept     int64            // bytes of the contents that were read for the slice
	flushed  bool             // it was said that nothing more is known of; see handedOver
	refused  map[string]refusal
	slice    []File
	answered bool // somebody says what is done

	// With Once.
	cutoff time.Time // what was written after it is left for the next run; zero until all that was there is handled
}

// What is larger is not read here even where fragments may have any size, as it is read into memory; the claim judges.
const maxRead = 64 << 20

// refusal is a file that is still there although it was done with.
type refusal struct {
	stamp
	until time.Time // when it may be tried again
}

func newRun(w *Watcher) *run {
	c := w.config
	limit := c.Limits.MaxBytes
	if limit <= 0 {
		limit = maxRead
	}
	return &run{
		Config:  c,
		rules:   rules{c.Settle, c.IncompleteAfter, limit},
		listen:  w.listen,
		hearing: hearing{log: c.Log.With("dir", c.Dir), trace: c.Trace},
		kindOf:  w.kindOf,
		known:   newCandidates(c.Candidates, time.Now()),
		hinted:  make(map[string]struct{}),
		flight:  make(map[string]stamp),
		answers: make(map[string]stamp),
		refused: make(map[string]refusal),
	}
}

// step does what is due, a bounded amount of it, and waits for nothing.
func (r *run) step(ctx context.Context) (finished bool, err error) {
	now := time.Now()
	if r.here == nil {
		if now.Before(r.attachAt) {
			return false, nil
		}
		if err := r.attach(now); err != nil || r.here == nil {
			return false, err
		}
	}
	if err := r.tryToListen(now); err != nil {
		return false, err
	}
	r.known.wake(now)
	if r.known.queued() == 0 && len(r.slice) == 0 && r.known.more && !r.known.crowded() {
		r.scanAt = now // what was left out has room now
	}
	if !r.drained() && !r.busy(now) {
		return false, nil
	}
	dir, err := r.open()
	if err != nil {
		return false, r.detach(err, now)
	}
	defer dir.Close()
	if err := r.look(ctx, dir, now); err != nil {
		return false, r.detach(err, now)
	}
	if err := r.prove(dir, now); err != nil {
		return false, err
	}
	if r.drained() {
		return r.listedEmpty(ctx, dir)
	}
	return false, nil
}

// busy says whether there is anything to look at in the directory.
func (r *run) busy(now time.Time) bool {
	return len(r.hinted) > 0 || len(r.answers) > 0 || r.known.queued() > 0 && len(r.slice) < maxSlice ||
		due(r.scanAt, now) || due(r.checkAt, now) || due(r.dueAt(), now)
}

// look follows up the hints, scans when that is due, and gathers what is ready.
func (r *run) look(ctx context.Context, dir *vfs.Dir, now time.Time) error {
	if due(r.checkAt, now) {
		r.checkAt = time.Time{} // opening it was the check
	}
	r.followUp(dir)
	if due(r.scanAt, now) {
		if err := r.scan(ctx, dir); err != nil {
			return err
		}
	}
	r.gather(dir)
	return nil
}

// drained says whether a run with Once has nothing left to do but to make sure.
func (r *run) drained() bool {
	return r.Once && r.here != nil && r.known.empty() && !r.known.more && len(r.slice) == 0 &&
		(len(r.flight) == 0 || !r.answered)
}

// handedOver says whether a run with Once has sent all that it knows of, and waits to hear of it.
func (r *run) handedOver() bool {
	return r.Once && r.here != nil && r.known.empty() && !r.known.more && len(r.slice) == 0 && len(r.flight) > 0
}

// listedEmpty lists once more: only an empty listing is the end.
func (r *run) listedEmpty(ctx context.Context, dir *vfs.Dir) (bool, error) {
	if r.cutoff.IsZero() {
		r.cutoff = time.Now()
	}
	if err := r.scan(ctx, dir); err != nil {
		return false, r.detach(err, time.Now())
	}
	return r.known.empty(), nil
}

// next is when step has something to do again if nothing is heard until then.
func (r *run) next() time.Time {
	if r.here == nil {
		return r.attachAt
	}
	if r.known.queued() > 0 && len(r.slice) < maxSlice {
		return time.Now()
	}
	return earliest(r.known.due(), r.scanAt, r.checkAt, r.listenAt, r.dueAt())
}

// due says whether a time was set and has come.
func due(at, now time.Time) bool { return !at.IsZero() && !at.After(now) }

// earliest of the times that are set.
func earliest(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if first.IsZero() || !t.IsZero() && t.Before(first) {
			first = t
		}
	}
	return first
}
