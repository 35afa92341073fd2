// Package watcher finds out which fragments in the drop directory are ready to be claimed, and, with [Changes], when the
// tasks file may have been changed by others.
//
// Events are hints; the directory is the truth. The watcher listens first and scans then, scans again on a slow
// ticker, whenever events were lost and after every error of the listening, and where there are no events it looks
// every second. So a lost event, a missed start or a file system without events costs latency, never a fragment.
//
// That a watch is there proves nothing. Where events do not arrive, or not those of what others do, that is found out by
// canaries and by fragments that no event has named, said once, and made up for by a look every second until they do (see
// canary.go); on file systems that are known not to tell of what other machines do there is such a look from the beginning. A
// look at a directory whose times have not moved costs no listing (see poll.go).
//
// A fragment is ready when it was left alone for Config.Settle and is whole: it does not end inside a JSON value. One
// that stays unfinished for Config.IncompleteAfter is sent nevertheless, for the claim to reject. So is, unread, what
// the claim will reject anyhow: files that are too large or unreadable, links, FIFOs, sockets and devices, which are
// never opened or followed. What it has read it hands on (Content), so that a claim need not read it again. Folders, dot
// files and other endings are left alone.
//
// The watcher reads and changes nothing, with one exception: a canary gives the agent's own folder, .sessionsync in the drop
// directory, the permissions that it has, which moves the time of its status. It does so when the listening begins, when there
// is a suspicion, and after ten minutes in which nothing was heard; not with Once, and not with Poll.
//
// What it says may be out of date by the time it is heard: a claim finds out what is true by taking the file. It tells of each
// state of a file once, until that was said to be done; a file of the same name that differs in size, time or inode is told of
// again.
//
// When the drop directory is missing, replaced, moved or unreadable, that is said once, and looked at again after
// 100 ms, doubling to 5 s, until it is there.
//
// Memory is bounded by Candidates names (the oldest ones; the others are found by the next scan), what is in flight,
// and 8 MiB of contents for each slice that is not done with. Nothing runs between events but the ticker and the looks at
// files that are not ready.
//
// What is said here of fragments is the work of [Watcher]; what Changes promises stands there.
package watcher

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Mode says where hints come from.
type Mode string

// The modes. Any other is Auto.
const (
	Auto   Mode = "auto"   // events; where they cannot be had or do not tell of all, polling as well
	Notify Mode = "notify" // as Auto, but Run fails if events cannot be had at its start, and no file system is known to be silent
	Poll   Mode = "poll"   // a look every second, and no events
)

// Config says what is watched and when a file is ready.
type Config struct {
	Dir             string
	Mode            Mode
	Rescan          time.Duration // between scans although nothing was heard; 0: never
	Settle          time.Duration // a file that changed within it is left where it is
	IncompleteAfter time.Duration // an unfinished file is sent when it has not changed for so long
	Limits          fragment.Limits
	Once            bool      // end when everything was handled; see Run
	Candidates      int       // names kept in memory; 0: 400,000
	Notifier        *Notifier // shared with other watchers; nil: one of its own
	Trace           Trace
	Pulse           <-chan struct{} // received from whenever Run comes round, by which one may tell that it does; may be nil
	Log             *slog.Logger
	Hook            vfs.Hook // nil but in tests
}

// Trace is called with what the watching comes to, for whoever counts or shows it: by Run's goroutine, which waits for the
// return. Each member may be nil.
type Trace struct {
	Scanned    func(fragments int) // the drop directory was listed; so many lay there
	Overflowed func()              // events were lost

	// Deaf says that there are no events, or not all, although there should be, and why, with the remedy; there is a look
	// every second then. With nil they are back. That polling was chosen is no reason for it.
	Deaf func(cause error)

	Missing func(cause error) // the drop directory cannot be watched, with the remedy; nil: it can be
}

// File is a file as it was when it was found to be ready.
type File struct {
	Name    string
	Size    int64
	ModTime time.Time
	Since   time.Time // when it was first seen to be so, or, where that is known, came to be so just before; by the clock of this process
	Content *Content  // what was found in it; nil where it was not read, or where there is no room to keep that
}

// Compare tells which of two files comes first: the older one by modification time, then by name.
func (f File) Compare(o File) int {
	return cmp.Or(f.ModTime.Compare(o.ModTime), strings.Compare(f.Name, o.Name))
}

// Content is what was in a file when it was read, and what it was like then: who claims it need not read it again if it
// still is.
type Content struct {
	vfs.Status
	Updates []fragment.Update
	Err     error // of fragment.Parse
}

// Done says of files that were sent that they are no longer in flight.
type Done struct {
	Claimed []string // what was sent does not lie in the directory any more
	Others  []string // gone, refused or given back: these are looked at
}

const (
	// So many names of 24 bytes take 74 MiB, and a scan for more is rare.
	defaultCandidates = 400_000

	// A slice is short enough that what is in it is fresh, and long enough that sending costs nothing.
	maxSlice = 1024
)

// Watcher watches one drop directory.
type Watcher struct {
	config Config
	listen func(dir string) (*listener, error)
	kindOf func(dir string) string
}

// New does nothing; Run does.
func New(c Config) *Watcher {
	if c.Candidates <= 0 {
		c.Candidates = defaultCandidates
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Notifier == nil {
		c.Notifier = new(Notifier)
	}
	return &Watcher{config: c, kindOf: kindOf, listen: func(dir string) (*listener, error) {
		return c.Notifier.listen([]string{dir}, hearFragment)
	}}
}

// Run sends files that are ready to be claimed, at most 1024 in a slice, oldest first in each by modification time,
// then name. The slices belong to the receiver. It closes out at its end, and returns ctx.Err() soon after ctx ended.
//
// Whoever receives says on done which of the names are no longer in flight. One that is still there unchanged is told of
// again, but only at the next rescan, so that a file which nobody can claim costs next to nothing. One Run owns done while it lasts; senders must also heed its end.
//
// With Config.Once it returns nil when what was there is handled: everything ready was sent, what was not ready has
// become so or waited its time, every sent name is done (unless done is nil), and one more listing shows nothing new
// (one taken while names move can skip some). When all that it knows of is sent, it sends an empty slice: nobody need
// wait for more. What comes later than the first such moment is left for the next run. A drop directory that is missing,
// or cannot be read, is an error then.
func (w *Watcher) Run(ctx context.Context, out chan<- []File, done <-chan Done) error {
	defer close(out)
	r := newRun(w)
	defer r.deafen()
	r.answered = done != nil
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		finished, err := r.step(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil || finished:
			return err
		}
		var (
			ready chan<- []File
			rings <-chan time.Time
		)
		if len(r.slice) > 0 || r.handedOver() && !r.flushed {
			ready = out
		}
		if next := r.next(); !next.IsZero() {
			alarm.Reset(time.Until(next))
			rings = alarm.C
		}
		select {
		case <-ctx.Done():
		case <-rings:
		case ready <- r.slice:
			r.flushed = len(r.slice) == 0
			r.slice, r.kept = nil, 0
		case <-r.Pulse:
		case h := <-r.hints():
			r.hear(h)
		case landed, open := <-done:
			if !open {
				done, r.answered = nil, false
			}
			r.landed(landed)
		}
	}
}
