package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Whether the drop directory is there, and whether we hear what happens in it (see hearing.go).

var errReplaced = errors.New("another directory has taken its place")

const (
	// How often a directory without events is scanned.
	pollEvery = time.Second

	// How long after the last removal it is looked whether the directory itself was removed: rm -r does that next.
	removalTakes = 100 * time.Millisecond

	// Scanning again and again, for whatever reason, takes at most a fifth of the time.
	restAfterScan = 4
)

// attach looks for the directory. The handle is not kept: Linux tells of its removal only when nobody has it open.
func (r *run) attach(now time.Time) error {
	dir, err := vfs.Open(r.Dir, r.Hook)
	if err != nil {
		return r.missing(err, now)
	}
	defer dir.Close()
	here, err := dir.Stat()
	if err != nil {
		return r.missing(err, now)
	}
	r.here, r.scanAt, r.listed = here, now, listed{}
	if !r.Once && r.Mode != Poll {
		r.listenAt = now
		r.asked(r.kindOf(r.Dir), r.Mode)
	}
	return nil
}

// recovered ends the trouble with the directory. That it can be opened is not enough: it was listed.
func (r *run) recovered() {
	if r.trouble != "" {
		r.log.Info("the drop directory is there, going on")
		r.tellMissing(nil)
	}
	r.trouble, r.failures = "", 0
}

// open opens the directory for the looks of one step, and sees to it that it is still the one that is watched.
func (r *run) open() (*vfs.Dir, error) {
	dir, err := vfs.Open(r.Dir, r.Hook)
	if err != nil {
		return nil, err
	}
	now, err := dir.Stat()
	if err == nil && !os.SameFile(now, r.here) {
		err = errReplaced
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

// detach ends the watching of a directory that is not there any more. What was seen in it need not be forgotten: the
// next looks, and the claims, tell what is true of the names.
func (r *run) detach(cause error, now time.Time) error {
	r.deafen()
	r.ended()
	r.here = nil
	r.scanAt, r.checkAt, r.listenAt = time.Time{}, time.Time{}, time.Time{}
	if errors.Is(cause, errReplaced) {
		r.trouble = "the drop directory was replaced"
		r.log.Warn(r.trouble)
		r.attachAt = now
		return nil
	}
	return r.missing(cause, now)
}

// missing tells of trouble with the directory when it is news, and looks again later. Once does not wait, unless the
// trouble may be about to pass.
func (r *run) missing(cause error, now time.Time) error {
	trouble, remedy, passing := diagnose(cause)
	if r.failures++; r.failures == 1 {
		r.missedAt = now
	}
	if r.Once && !(passing && now.Sub(r.missedAt) < r.IncompleteAfter) {
		if p := (*fs.PathError)(nil); errors.As(cause, &p) {
			cause = p.Err // the whole path is there already
		}
		return fmt.Errorf("watch drop directory %q: %w; %s", r.Dir, cause, remedy)
	}
	if trouble != r.trouble {
		r.trouble = trouble
		r.log.Warn(trouble, "error", cause, "remedy", remedy)
		r.tellMissing(fmt.Errorf("%s: %w; %s", trouble, cause, remedy))
	}
	r.attachAt = now.Add(backoff(r.failures))
	return nil
}

func (r *run) tellMissing(cause error) {
	if r.Trace.Missing != nil {
		r.Trace.Missing(cause)
	}
}

// diagnose says what a person should know about trouble with the directory.
func diagnose(cause error) (trouble, remedy string, passing bool) {
	switch {
	case errors.Is(cause, fs.ErrNotExist):
		return "the drop directory is missing", "make it, or correct the setting drop", false
	case errors.Is(cause, syscall.ENOTDIR):
		return "the drop directory is no directory", "move the file away, or correct the setting drop", false
	case errors.Is(cause, fs.ErrPermission):
		return "the drop directory cannot be read", "let the agent's user read and enter it (chmod u+rwx, or chown)", false
	}
	return "the drop directory cannot be looked at", "it is tried again", true
}

// tryToListen begins to listen when that is due, which is never while there are ears. Whatever came before is for the scan
// that follows.
func (r *run) tryToListen(now time.Time) error {
	if !due(r.listenAt, now) {
		return nil
	}
	ears, err := r.listen(r.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		r.checkAt, r.listenAt = now, now.Add(firstDelay) // that is trouble of another kind: opening will tell
		return nil
	}
	if err != nil {
		if r.Mode == Notify && !r.everHeard {
			return fmt.Errorf("listen to drop directory %q: %w; %s", r.Dir, err, hearingAid(err))
		}
		r.cannotHear(err, now)
		return nil
	}
	r.begin(ears, now)
	r.begun(now)
	r.everHeard = true
	r.scanAt = now
	return nil
}

// hear takes note of a hint; step follows it up.
func (r *run) hear(h hint) {
	now := time.Now()
	for name := range h.names {
		r.hinted[name] = struct{}{}
	}
	r.heard(h, now)
	if h.gone {
		r.checkAt = now.Add(removalTakes)
	}
	switch {
	case h.failed == nil && h.all:
		r.lost()
		r.listed.believed = false
		r.log.Debug("events were lost, scanning")
		if r.Trace.Overflowed != nil {
			r.Trace.Overflowed()
		}
		r.scanAt = earliest(r.scanAt, r.restedBy(now))
	case h.failed != nil:
		r.lose(h.failed, now)
		r.ended()
		r.listed.believed = false
		r.scanAt = now
	}
}

// restedBy is the first moment from at on when the last scan is long enough ago, measured by what it cost.
func (r *run) restedBy(at time.Time) time.Time {
	if rested := r.scanned.Add(restAfterScan * r.took); rested.After(at) {
		return rested
	}
	return at
}
