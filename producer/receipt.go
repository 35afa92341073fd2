package producer

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Fate is what has become of a fragment.
type Fate int

// The fates. Only Applied and Rejected are final.
const (
	Waiting  Fate = iota // nobody has claimed it, or its batch is at work
	Held                 // in the recovery folder, from where the agent applies it by itself as soon as it can
	Applied              // in the tasks file, durably
	Rejected             // in the recovery folder, for a person to look at
)

// Reason is why a fragment is in the recovery folder.
type Reason struct {
	Entry         string // the name of its recovery entry
	Code, Message string

	retryable bool
}

// ErrNoReceipt says that somebody has removed the receipt, so that the fragment's fate cannot be told any more.
var ErrNoReceipt = errors.New("the receipt was removed by somebody, so the fragment's fate cannot be told")

// Receipt tells the fate of one fragment. It is used by one goroutine.
type Receipt struct {
	Name string // of the fragment

	config Config
	dir    *vfs.Dir
	hidden string
	shelf  *shelf
}

// Close gives the receipt back. The fragment stays what it is. After an error the hidden file may be there; a later drop of
// the same user removes it when it is a day old.
func (r *Receipt) Close() error {
	err := r.dir.Remove(r.hidden)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, r.dir.Close())
}

// The pauses between two looks. Nothing announces a link count, and the first look that can succeed is a batch's quiet time
// away; a look is a handful of system calls.
const (
	shortestPause = 5 * time.Millisecond
	longestPause  = 250 * time.Millisecond
)

// Wait looks until the fate is final or ctx is done, and returns what the last look has seen. The reason is that of Held and
// Rejected. An error says that one cannot look: nothing is known then, and trying again is of use only if it is mended.
func (r *Receipt) Wait(ctx context.Context) (Fate, Reason, error) {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		fate, reason, err := r.Look()
		if err != nil || fate >= Applied || !sleep(ctx, pause) {
			return fate, reason, err
		}
	}
}

// sleep is false when ctx is done first.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Look tells the fate as it is now.
func (r *Receipt) Look() (Fate, Reason, error) {
	fate, reason, err := r.look()
	if err != nil {
		return Waiting, Reason{}, fmt.Errorf("look for fragment %s: %w", r.Name, err)
	}
	return fate, reason, nil
}

func (r *Receipt) look() (Fate, Reason, error) {
	links, err := r.dir.Links(r.hidden)
	if errors.Is(err, fs.ErrNotExist) {
		return Waiting, Reason{}, ErrNoReceipt
	}
	if err != nil {
		return Waiting, Reason{}, err
	}
	if links.Count > 1 {
		if _, err := r.dir.Status(r.Name); err == nil {
			return Waiting, Reason{}, nil
		}
	}
	// What is copied to another file system and back may be passed over between the two places once, but not twice.
	for range 2 {
		if fate, reason, err := r.recovered(); err != nil || fate != Waiting {
			return fate, reason, err
		}
		if links.Count > 1 {
			return Waiting, Reason{}, nil
		}
		copied, err := isClaimed(r.dir, r.Name, 0)
		if err != nil && !errors.Is(err, fs.ErrPermission) { // without the permission: as far as can be seen
			return Waiting, Reason{}, err
		}
		if copied || r.shelf.moving {
			return Waiting, Reason{}, nil
		}
	}
	return Applied, Reason{}, nil
}

// recovered is Held or Rejected of a fragment in the recovery folder, else Waiting.
func (r *Receipt) recovered() (Fate, Reason, error) {
	for {
		entry, err := r.shelf.find(r.Name)
		if err != nil || entry == "" {
			return Waiting, Reason{}, err
		}
		reason, err := r.shelf.reason(entry, r.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist): // it has left in between
			continue
		case err != nil:
			return Waiting, Reason{}, err
		case reason.retryable:
			return Held, reason, nil
		}
		return Rejected, reason, nil
	}
}
