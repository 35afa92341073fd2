package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// A system may take a watch and never tell of anything, or only of what this machine's programs do. Two things prove that
// events arrive. A canary: something is done in the directory of which the watch must tell (see touch). It flies when the
// listening begins, when there is a suspicion, and now and then. And the scans: a fragment that came since the listening
// began, and that no event has named although a canary that flew after it was heard, came without an event.
//
// Where no canary can fly (there is no folder of the agent, or it is another user's, or the file system is read-only, or the
// system does not tell of such things) time has to do: an event that is not there after grace does not come.

const (
	canaryName = ".sessionsync" // the agent's own folder in the drop directory, which it makes; it is never made here

	// How long an event is waited for. They take microseconds, where another program does not forward them from elsewhere.
	grace = 2 * time.Second

	// So many canaries in a row that are not heard are proof. One may go unheard when this process was stopped meanwhile.
	enoughUnheard = 2

	// After so long without an event one flies without a reason, along with a rescan. Seldom: it changes an inode, for
	// which a disk may have to wake up, and a fragment that no event has named is a reason.
	canaryEvery = 10 * time.Minute

	// A doubt about what others change lasts for that long at least, and twice as long each time that it was right.
	firstDoubt = time.Minute
	lastDoubt  = time.Hour

	// So many suspects are as good as more.
	maxSuspects = 64
)

var (
	errUnheard = errors.New("a change that the agent made itself was not told of")
	errUnnamed = errors.New("a change came without an event, as it does where another machine writes")
)

// proof is what is known of whether events arrive. Times are zero where nothing is due.
type proof struct {
	canaryAt time.Time // when to let the next one fly
	flying   bool      // one did, and is not heard yet
	flownAt  time.Time // the last one
	triedAt  time.Time // when one was to fly, or an event arrived
	unheard  int       // in a row
	proven   bool      // an event has arrived at some time
	mute     bool      // none can fly
	told     bool      // and that was said

	// There was a whole listing since the listening began, and since the last loss of events: what is unknown now came later.
	baseline bool
	suspects map[string]time.Time // fragments that came without an event so far, and when a scan found them

	wholly   bool          // the doubt is about all events
	named    bool          // since there is doubt, events have named fragments
	trustAt  time.Time     // when a doubt about some events may end
	patience time.Duration // how long the next one lasts
}

// verdictAt is when what is awaited is late.
func (p *proof) verdictAt() (at time.Time) {
	if p.flying {
		return p.flownAt.Add(grace) // what the suspects are depends on it
	}
	for _, found := range p.suspects {
		at = earliest(at, found.Add(grace))
	}
	return at
}

// dueAt is when prove has something to do.
func (p *proof) dueAt() time.Time { return earliest(p.canaryAt, p.verdictAt()) }

// begun is a new listening: nothing is proven of it. What a doubt knows stays.
func (p *proof) begun(now time.Time) {
	p.ended()
	p.canaryAt, p.mute = now, false
}

// ended is the end of a listening.
func (p *proof) ended() {
	p.canaryAt, p.flying = time.Time{}, false
	p.lost()
}

// lost is a loss of events: nobody can be suspected of having come without one.
func (p *proof) lost() { p.baseline, p.suspects = false, nil }

// suspect takes note of a fragment that a scan found and that was not known before.
func (r *run) suspect(name string, now time.Time) {
	if r.ears == nil || r.kind != "" || r.wholly || !r.baseline || len(r.suspects) >= maxSuspects {
		return
	}
	if r.suspects == nil {
		r.suspects = make(map[string]time.Time)
	}
	if _, known := r.suspects[name]; known {
		return
	}
	r.suspects[name] = now
	if !r.flying && !r.doubted && !r.mute {
		r.canaryAt = now
	}
}

// heard is a hint: whom it names is not suspected any more, and what it tells of has arrived.
func (r *run) heard(h hint, now time.Time) {
	for name := range h.names {
		delete(r.suspects, name)
	}
	if len(h.names) == 0 && !h.canary || r.kind != "" {
		return
	}
	r.named = r.named || len(h.names) > 0
	r.unheard, r.proven, r.triedAt = 0, true, now
	r.flying = r.flying && !h.canary
	if r.wholly {
		r.wholly = false
		r.trust()
	}
}

// prove lets a canary fly that is due, and judges what is late. A run without events proves nothing.
func (r *run) prove(dir *vfs.Dir, now time.Time) error {
	if r.ears == nil || r.kind != "" {
		r.ended()
		return nil
	}
	if due(r.verdictAt(), now) {
		if err := r.overdue(now); err != nil {
			return err
		}
	}
	if !due(r.canaryAt, now) {
		return nil
	}
	if r.wholly && r.unheard > 0 { // perhaps another watch has better ears
		r.unheard = 0
		r.deafen()
		r.ended()
		r.listenAt = now
		return nil
	}
	r.fly(dir, now)
	return nil
}

// rescanned is the end of a listing, which is when a canary may fly without a reason.
func (r *run) rescanned(now time.Time) {
	if r.ears != nil && !r.mute && !r.flying && r.canaryAt.IsZero() && now.Sub(r.triedAt) >= canaryEvery {
		r.canaryAt = now
	}
}

// fly does what a watch must tell of.
func (r *run) fly(dir *vfs.Dir, now time.Time) {
	r.canaryAt, r.triedAt = time.Time{}, now
	err := touch(dir)
	if err == nil {
		r.flying, r.flownAt = true, time.Now()
		return
	}
	r.mute = true
	switch {
	case r.told:
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, errors.ErrUnsupported):
		r.log.Debug("nothing can show that events arrive", "error", err)
	default:
		r.log.Info("cannot touch the agent's folder to show that events arrive; the scans find out", "error", err)
	}
	r.told = true
}

// overdue is the end of the patience with a canary, or with suspects.
func (r *run) overdue(now time.Time) error {
	if r.flying {
		r.flying = false
		if r.unheard++; r.unheard < enoughUnheard && !r.wholly {
			r.canaryAt = now
			return nil
		}
		if r.Mode == Notify && !r.proven {
			return fmt.Errorf("listen to drop directory %q: %w; use watch.mode auto or poll", r.Dir, errUnheard)
		}
		r.suspects = nil
		r.wholly, r.named = true, false
		r.canaryAt = now.Add(max(r.Rescan, pollEvery))
		r.mistrust(errUnheard, now)
		return nil
	}
	late := ""
	for name, found := range r.suspects {
		if due(found.Add(grace), now) && (late == "" || found.Before(r.suspects[late])) {
			late = name
		}
	}
	if !r.mute && !r.doubted && r.flownAt.Before(r.suspects[late]) {
		r.canaryAt = now // none flew since; only one that is heard makes the case
		r.suspects[late] = now
		return nil
	}
	for name, found := range r.suspects {
		if due(found.Add(grace), now) {
			delete(r.suspects, name)
		}
	}
	if !r.doubted {
		r.patience = min(max(2*r.patience, firstDoubt, r.Rescan), lastDoubt)
		r.log.Debug("no event has named a fragment", "fragment", late)
	}
	r.named, r.trustAt = false, now.Add(r.patience)
	r.mistrust(errUnnamed, now)
	return nil
}

// mistrust begins to poll.
func (r *run) mistrust(cause error, now time.Time) {
	if r.doubt(cause); r.scanAt.IsZero() || r.scanAt.After(now.Add(pollEvery)) {
		r.scanAt = now
	}
}

// cleared ends a doubt about some events: for long enough there was none that was missed, and some that were not.
func (r *run) cleared(now time.Time) {
	if r.doubted && !r.wholly && r.named && len(r.suspects) == 0 && due(r.trustAt, now) {
		r.trust()
	}
}
