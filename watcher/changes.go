package watcher

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// ChangesConfig says which file Changes watches, and how.
type ChangesConfig struct {
	Path   string        // links are followed
	Mode   Mode          // Notify is as Auto: the file can be used without events
	Rescan time.Duration // between looks although nothing was heard; 0: never
	Log    *slog.Logger
	Hook   vfs.Hook // nil but in tests

	Notifier *Notifier // shared with other watchers; nil: one of its own
}

// A file system may date changes so far apart alike: FAT does. Ext4 did within a tick of the kernel, some milliseconds.
const coarsest = 2 * time.Second

// Changes says on out whenever the file at a path may be another one than before, or have other content, until ctx is
// done; then it returns ctx.Err(). It says so at its start as well. That there is no file is a state like any other.
//
// It is a hint and says no more than "look": who made the change, and whether there was one, is for the receiver to find
// out. Changes up to the moment in which a hint is taken are one hint, whatever time that takes, and what comes later is
// another; so the receiver looks after it has taken the hint. It does not close out, as that would be a hint without end.
//
// Events are hints here as well; the file is the truth. Listened to are the folder of the file and, where links lead
// there, that of each link: whoever replaces a file puts another one into the folder. Other names in them cause no look.
// Told of is what a look shows: another inode, size or time. There are two exceptions: after lost events it is told in any
// case, and so is an event of a file that was just seen to change, as its time may not have moved. A rescan finds what
// events cannot tell: that a link among the folders of the path was turned, or a folder further up moved.
//
// Where events cannot be had, which is said once, or where the folder is missing, which is for others to say, there is a
// look every second, and listening is tried again after 100 ms, doubling to 5 s. So there is on file systems that do not tell
// of what other machines change, and for a while after a change that was seen and that no event has told of. Looking takes at
// most a fifth of the time, and nothing runs between events but the ticker of the rescan.
func Changes(ctx context.Context, c ChangesConfig, out chan<- struct{}) error {
	return newLookout(c).run(ctx, out)
}

// lookout is the state of one Changes; only its goroutine touches it. Times are zero where nothing is due.
type lookout struct {
	ChangesConfig
	listen func(dirs []string, hear ear) (*listener, error)
	kindOf func(dir string) string
	hearing

	lookAt  time.Time
	checkAt time.Time // when to look once more whether the folder is still there
	ended   time.Time // the last look, and what followed from it
	took    time.Duration

	seen  way       // by the last look
	since time.Time // first look that showed the file so
	named bool      // since the last look there were events of it
	lost  bool      // since then there may have been changes that no look shows
	news  bool      // something is to be said

	lateAt   time.Time // when an event is late, of a change that a look has shown
	trustAt  time.Time // when a doubt may end
	patience time.Duration
}

func newLookout(c ChangesConfig) *lookout {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Notifier == nil {
		c.Notifier = new(Notifier)
	}
	return &lookout{
		ChangesConfig: c, listen: c.Notifier.listen, kindOf: kindOf, hearing: hearing{log: c.Log.With("tasks", c.Path)},
	}
}

func (l *lookout) run(ctx context.Context, out chan<- struct{}) error {
	defer l.deafen()
	l.lookAt, l.lost = time.Now(), true
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		l.step(time.Now())
		var (
			ready chan<- struct{}
			rings <-chan time.Time
		)
		if l.news && !due(l.wish(), time.Now()) { // a look that is due belongs to the same hint
			ready = out
		}
		if next := l.next(); !next.IsZero() {
			alarm.Reset(time.Until(next))
			rings = alarm.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rings:
		case ready <- struct{}{}:
			l.news = false
		case h := <-l.hints():
			l.hear(h, time.Now())
		}
	}
}

// wish is when there is something to do if nothing is heard until then.
func (l *lookout) wish() time.Time { return earliest(l.lookAt, l.checkAt, l.listenAt, l.lateAt) }

// next is when that is done: a file that is written to without a pause is no reason to look at it without one.
func (l *lookout) next() time.Time {
	at := l.wish()
	if rested := l.ended.Add(restAfterScan * l.took); !at.IsZero() && at.Before(rested) {
		return rested
	}
	return at
}

// step does what is due.
func (l *lookout) step(now time.Time) {
	if !due(l.next(), now) {
		return
	}
	l.look(now)
	if due(l.listenAt, now) {
		l.tryToListen(now)
	}
	l.ended = time.Now()
	l.took = l.ended.Sub(now)
}

func (l *lookout) look(now time.Time) {
	if l.ears != nil && !l.ears.alive() {
		l.lost = true
		l.lose(errDropped, now)
	}
	if due(l.lateAt, now) {
		l.unheard(now)
	}
	seen := follow(l.Path, l.Hook)
	if !seen.along(l.seen) {
		l.lost, l.lateAt = true, time.Time{}
		l.deafen()
		if l.Mode != Poll {
			l.listenAt = now
		}
		l.ask(seen)
	}
	// The status time does not count: it moves when another name is given to the file, elsewhere.
	if l.ears != nil && l.kind == "" && !l.named && !l.lost && l.lateAt.IsZero() && !seen.file.same(l.seen.file) {
		l.lateAt = now.Add(grace)
	}
	if !seen.ends(l.seen) {
		l.since, l.news = now, true
	}
	if l.lost || l.named && now.Sub(l.since) < coarsest {
		l.news = true
	}
	l.seen, l.named, l.lost = seen, false, false
	if due(l.checkAt, now) {
		l.checkAt = time.Time{}
	}
	l.schedule(now)
}

// schedule says when the next look is due.
func (l *lookout) schedule(now time.Time) {
	every := l.Rescan
	if l.polls() && (every <= 0 || every > pollEvery) {
		every = pollEvery
	}
	l.lookAt = time.Time{}
	if every > 0 {
		l.lookAt = now.Add(every)
	}
}

// ask asks for the kinds of file systems that the folders on the way are on.
func (l *lookout) ask(seen way) {
	kind := ""
	for _, path := range seen.paths() {
		kind = cmp.Or(kind, l.kindOf(path))
	}
	if l.Mode != Poll && seen.err == nil {
		l.asked(kind, l.Mode)
	}
}

// unheard is a change that no event has told of although it had the time. Where a program writes through a mapping of the
// file there never is one.
func (l *lookout) unheard(now time.Time) {
	l.lateAt = time.Time{}
	if !l.doubted {
		l.patience = min(max(2*l.patience, firstDoubt, l.Rescan), lastDoubt)
	}
	l.trustAt = now.Add(l.patience)
	l.doubt(errUnnamed)
}

// tryToListen begins to listen on the way that the last look has shown. What came before is for the next look, at once.
func (l *lookout) tryToListen(now time.Time) {
	if l.seen.err != nil { // no trouble with listening
		l.again(now)
		return
	}
	ears, err := l.listen(l.seen.paths(), l.seen.hear)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		l.again(now)
	case err != nil:
		l.cannotHear(err, now)
	default:
		l.begin(ears, now)
		l.lookAt = now
	}
}

// hear takes note of a hint; step follows it up.
func (l *lookout) hear(h hint, now time.Time) {
	l.lookAt = now
	if len(h.names) > 0 {
		l.named, l.lateAt = true, time.Time{}
		if l.doubted && due(l.trustAt, now) {
			l.trust()
		}
	}
	if h.gone {
		l.checkAt = now.Add(removalTakes)
	}
	if h.all {
		l.lost, l.lateAt = true, time.Time{}
	}
	switch {
	case h.failed != nil:
		l.lose(h.failed, now)
	case h.all:
		l.log.Debug("events were lost, looking")
	}
}
