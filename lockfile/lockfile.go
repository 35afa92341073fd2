package lockfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/sessionsync/sessionsync/vfs"
)

// Kind is how the programs of a tasks file keep out of each other's way.
type Kind string

// The kinds, by their names in the configuration.
const (
	None           Kind = "none" // they don't; this lock is always free
	ProperLockfile Kind = "proper-lockfile"
	Flock          Kind = "flock"
)

// Patience is how long Acquire waits for a holder. It is longer than what a dead one leaves can look alive: 10 s from a
// time that the npm package puts up to one second into the future.
const Patience = 12 * time.Second

// The waiting between two looks: short at first, because a lock is held for milliseconds; never so long that a program
// that locks all the time is met at the wrong moment again and again.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 100 * time.Millisecond
	jitter     = 50 // percent
)

// suffix makes the lock's name of the file's.
const suffix = ".lock"

// Lock is a lock that is held, until Release.
type Lock struct{ holding holding }

// holding is one kind of lock that was taken. After release it is not used any more.
type holding interface {
	// held returns nil, a *LostError, or why it cannot be told.
	held() error
	release() error
}

// Acquire takes the lock of the file called name in dir; links must be resolved, as the other programs do it. While another
// program has it, it waits, with short pauses, for at most Patience or until ctx is done. dir must stay open until Release.
//
// After nil the lock is held and stays so, however long, until Release. After an error nothing is held: a *BusyError if
// others have it, which passes; the context's cause; what is wrong with the folder otherwise. An error between taking the
// lock and knowing it for ours gives it back, at the worst by leaving it to go stale.
func Acquire(ctx context.Context, kind Kind, dir *vfs.Dir, name string) (*Lock, error) {
	var take func(dir *vfs.Dir, name string) (holding, error)
	switch kind {
	case None:
		return &Lock{free{}}, nil
	case ProperLockfile:
		take = takeFolder
	case Flock:
		take = takeFile
	default:
		return nil, fmt.Errorf("lock %s: there is no kind of lock called %q", dir.Join(name), kind)
	}
	begun := time.Now()
	pauses := retry.WithCappedDuration(lastPause, retry.NewExponential(firstPause))
	pauses = retry.WithMaxDuration(Patience, retry.WithJitterPercent(jitter, pauses))
	h, err := retry.DoValue(ctx, pauses, func(context.Context) (holding, error) {
		h, err := take(dir, name+suffix)
		var busy *BusyError
		if errors.As(err, &busy) {
			busy.Waited = time.Since(begun)
			err = retry.RetryableError(err)
		}
		return h, err
	})
	if err != nil {
		return nil, err
	}
	return &Lock{h}, nil
}

// Held reports whether the lock is still ours. Ask it as late as possible: right before the replacement that the lock is
// for. A *LostError says that somebody has taken it for stale, or may at any moment; what was read under the lock may be
// old then. After any other error it is not known. Whatever it says, Release is still due.
func (l *Lock) Held() error { return l.holding.held() }

// Release gives the lock back and ends what keeps it fresh. It is called once. After nil others can take it. After an error
// we do not have it any more either: a *LostError says that it was not ours any longer, and that what the others have was
// left alone; after any other one they get it once it is stale.
func (l *Lock) Release() error { return l.holding.release() }

// free is the lock of those who take none.
type free struct{}

func (free) held() error    { return nil }
func (free) release() error { return nil }

// stillThere returns nil if name in dir is the one that info describes, else a *LostError. What info describes must be
// open, or its number might be another one's by now.
func stillThere(dir *vfs.Dir, name string, info fs.FileInfo) error {
	there, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(there, info) {
		return &LostError{Path: dir.Join(name)}
	}
	return err
}
