package status

import (
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/spool"
)

// pause is the least time between two writes of the state.
const pause = time.Second

// Keeper keeps the state file of one run of an agent.
type Keeper struct {
	drop    string
	log     *slog.Logger
	changed chan struct{} // holds one while there is something to write

	mu      sync.Mutex
	state   State
	serving bool // the lock is ours, or was: until then the file is somebody else's

	failed bool // that it cannot be written was said; the writing goroutine's
}

// NewKeeper makes a Keeper for the agent of a drop directory. It does nothing before Around. log may be nil.
func NewKeeper(drop string, log *slog.Logger) *Keeper {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Keeper{drop: drop, log: log, changed: make(chan struct{}, 1), state: State{
		Version: version, Counters: Counters{Rejected: map[string]int{}},
	}}
}

// Trace is what the agent is to call. Its members take no time, but for the first one, which looks at a small file.
func (k *Keeper) Trace() agent.Trace {
	return agent.Trace{
		Serving: func(string) { k.begin() },
		Committed: func(c agent.Commit) {
			if c.Own || !c.Written && c.Fragments == 0 { // counted before; nothing came of it
				return
			}
			k.change(func(s *State) { s.committed(c) })
		},
		Rejected: func(r agent.Rejection) { k.change(func(s *State) { s.Counters.Rejected[r.Code] += r.Fragments }) },
		Held: func(cause error) {
			k.change(func(s *State) {
				since := now()
				if s.Held != nil {
					since = s.Held.Since // another reason, but the same hold
				}
				s.Held = &Held{since, cause.Error()}
			})
		},
		Resumed:       func() { k.change(func(s *State) { s.Held = nil }) },
		ForeignWrites: func(more int) { k.change(func(s *State) { s.Counters.ForeignWrites += more }) },
		Reasserted:    func(updates int) { k.change(func(s *State) { s.Counters.Reasserted += updates }) },
	}
}

func (s *State) committed(c agent.Commit) {
	s.Counters.Fragments += c.Fragments
	s.Counters.Applied += c.Updates
	s.Counters.Unchanged += c.Unchanged
	if !c.Written {
		return
	}
	s.Counters.Commits++
	s.LastCommit = &Commit{Time: now(), Batch: c.Batch, Fragments: c.Fragments, Updates: c.Updates, Bytes: c.Bytes,
		Took: Duration(c.Took)}
}

func now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }

func (k *Keeper) change(f func(*State)) {
	k.mu.Lock()
	f(&k.state)
	k.mu.Unlock()
	select {
	case k.changed <- struct{}{}:
	default: // it is told already
	}
}

// Around runs an agent that calls the Trace, keeps its state meanwhile and writes the end down. It returns what the
// agent returns: trouble with the state file is a matter of the log.
func (k *Keeper) Around(run func() error) error {
	ended, written := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(written)
		k.keep(ended)
	}()
	err := run()
	close(ended)
	<-written
	k.change(func(s *State) {
		s.Ended = now()
		s.Held = nil
		if held := (*agent.HeldError)(nil); errors.As(err, &held) {
			s.Held = &Held{s.Ended, held.Cause.Error()}
		}
	})
	k.save()
	return err
}

// keep writes the state when it has changed, and waits in between.
func (k *Keeper) keep(ended <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ended:
			return
		case <-k.changed:
		}
		k.save()
		timer.Reset(pause)
		select {
		case <-ended:
			return
		case <-timer.C:
		}
	}
}

// save writes the state as it is now, if the lock is ours.
func (k *Keeper) save() {
	k.mu.Lock()
	s, serving := k.state.clone(), k.serving
	k.mu.Unlock()
	if !serving {
		return
	}
	err := k.write(s)
	if err != nil && !k.failed {
		k.log.Warn("state file cannot be written: status does not know what the agent does", "error", err)
	}
	k.failed = err != nil
}

func (k *Keeper) write(s State) (err error) {
	own, err := spool.OpenOwn(k.drop)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the drop directory was taken away; there will be another one
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	who, err := spool.HolderIn(own)
	if err != nil {
		return err
	}
	switch {
	case who == nil && s.Ended.IsZero():
		return nil // the path leads to another drop directory by now, which is not ours yet
	case who != nil && !s.by(who):
		return nil // another agent has begun
	case who != nil:
		s.Since = who.Since // another one, where the drop directory was replaced
	}
	s.Updated = now()
	return writeState(own, s)
}

// begin takes over from the run before: its last commit is still the last one, and its temporary files are nobody's.
func (k *Keeper) begin() {
	who, before, err := inherit(k.drop)
	if err != nil {
		k.log.Warn("state file of the run before is of no use", "error", err)
	}
	k.change(func(s *State) {
		k.serving = who != nil
		if who == nil {
			return
		}
		s.PID, s.Host, s.Since = who.PID, who.Host, who.Since
		if before != nil && s.LastCommit == nil {
			s.LastCommit = before.LastCommit
		}
	})
}

// inherit tells who holds the lock, and what a run before has left.
func inherit(drop string) (who *spool.LockHolder, before *State, err error) {
	own, err := spool.OpenOwn(drop)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	if who, err = spool.HolderIn(own); err != nil {
		return nil, nil, err
	}
	before, err = readState(own)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return who, before, errors.Join(err, sweep(own))
}
