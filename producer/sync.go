package producer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// Barrier is what had no fate yet when it was made.
type Barrier struct {
	config  Config
	waiting []waiting        // by modification time: the last one gets its fate last
	held    map[string]entry // those that the agent tries again by itself
	known   map[string]bool  // those that it does not
}

// waiting is one fragment. Names may be used again, and so may inodes: together they may be taken for an older file as well,
// so that a barrier falls too late, but never too early.
type waiting struct {
	name    string
	inode   uint64 // 0: a copy from another file system, or a system without inodes; the name has to do
	modTime time.Time
}

// entry is a recovery entry that the agent tries again by itself.
type entry struct {
	why   string
	names []string // of its fragments
}

// Barrier lists what was dropped and has no fate yet: in the drop directory, in the agent's claims, and in recovery entries
// that the agent tries again by itself. The agent's folder must be readable: fs.ErrPermission says that it is not.
func (p *Producer) Barrier() (*Barrier, error) {
	b := &Barrier{config: p.config, held: map[string]entry{}, known: map[string]bool{}}
	if err := b.list(); err != nil {
		return nil, fmt.Errorf("list what was dropped: %w", err)
	}
	slices.SortFunc(b.waiting, func(x, y waiting) int { return x.modTime.Compare(y.modTime) })
	return b, nil
}

// list goes the way of a fragment, so that what moves on meanwhile is seen twice and not passed over.
func (b *Barrier) list() error {
	drop, err := vfs.Open(b.config.Drop, b.config.Hook)
	if err != nil {
		return err
	}
	defer drop.Close()
	seen := map[waiting]bool{}
	listed := func(dir *vfs.Dir) error {
		var names []string
		err := dir.List(func(e fs.DirEntry) bool {
			if fragment.IsName(e.Name()) && !e.IsDir() {
				names = append(names, e.Name())
			}
			return true
		})
		for _, name := range names {
			status, err := dir.Status(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue // it moves on
			}
			if err != nil {
				return err
			}
			if w := (waiting{name, status.Inode, status.ModTime}); !seen[w] {
				seen[w] = true
				b.waiting = append(b.waiting, w)
			}
		}
		return err
	}
	if err := listed(drop); err != nil {
		return err
	}
	if err := spool.InClaims(drop, func(_ string, batch *vfs.Dir) (bool, error) { return false, listed(batch) }); err != nil {
		return err
	}
	entries, err := b.store().Entries()
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.Retryable {
			b.known[e.Name] = true
			continue
		}
		b.keep(e, true)
	}
	// One that was claimed before the claims were read, and left them after the drop directory was, was not seen at all.
	return spool.InClaims(drop, func(_ string, batch *vfs.Dir) (bool, error) { return false, listed(batch) })
}

func (b *Barrier) store() *recovery.Store {
	return recovery.New(recovery.Config{Dir: b.config.Recovery, Hook: b.config.Hook})
}

// keep remembers an entry that will be tried again. Its fragments come back by name: they may be copies.
func (b *Barrier) keep(e recovery.Entry, awaited bool) {
	kept := entry{why: e.Error.Code + ": " + e.Error.Message}
	for _, f := range e.Fragments {
		name := f.OwnName()
		kept.names = append(kept.names, name)
		i := slices.IndexFunc(b.waiting, func(w waiting) bool { return w.name == name })
		switch {
		case name == "":
		case i >= 0:
			b.waiting[i].inode = 0
		case awaited:
			b.waiting = append(b.waiting, waiting{name: name})
		}
	}
	b.held[e.Name] = kept
}

// Waiting is how many fragments had no fate at the last look.
func (b *Barrier) Waiting() int { return len(b.waiting) }

// Held says why the agent holds some of what it has taken; "" where it holds nothing.
func (b *Barrier) Held() string {
	for _, e := range b.held {
		return e.why
	}
	return ""
}

// Wait looks until all that the barrier has listed has its fate, or ctx is done: then Waiting is more than 0. After an error
// nothing is known; Wait may be called again.
func (b *Barrier) Wait(ctx context.Context) error {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		begin := time.Now()
		if err := b.look(false); err != nil {
			return fmt.Errorf("look for what was dropped: %w", err)
		}
		if len(b.waiting) == 0 {
			return nil
		}
		// A long list must not keep a processor busy.
		if !sleep(ctx, max(pause, 4*time.Since(begin))) {
			if err := b.look(true); err != nil {
				return fmt.Errorf("look for what was dropped: %w", err)
			}
			return nil
		}
	}
}
