package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/writer"
)

// Between two tries while the agent holds. The delay doubles, and goes back only when a batch is settled or nothing is left
// to try: what only a commit can see must not be met every 100 ms.
const (
	shortestHold = 100 * time.Millisecond
	longestHold  = 30 * time.Second
)

// hold keeps the agent from going on while it cannot, and says so once.
type hold struct {
	log     *slog.Logger
	once    bool // holding ends the run
	trace   Trace
	pulse   <-chan struct{}
	cause   string // the kind of trouble that was told; "" while there is none
	delay   time.Duration
	skipped int // fragments that were left where they are
	bell    <-chan struct{}
	rung    func()     // called when it rings: somebody wants it tried at once
	quiet   func(bool) // called when the trouble was told, and when it is over: what repeats it need not be logged
}

// until calls f until it succeeds, holding after each failure. It returns nil when ctx is done meanwhile.
func (h *hold) until(ctx context.Context, f func(context.Context) error) error {
	for {
		err := f(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err == nil {
			h.end()
			return nil
		}
		if err := h.wait(ctx, err); err != nil {
			return err
		}
	}
}

// wait holds for a while because of an error. An error that no waiting helps against is returned.
func (h *hold) wait(ctx context.Context, cause error) error {
	var inUse *spool.InUseError
	if errors.As(cause, &inUse) {
		return cause
	}
	cause = withRemedy(cause)
	if h.once {
		return &HeldError{cause}
	}
	if k := kind(cause); !h.on() || !strings.Contains(h.cause, k) { // a part of what was told is nothing new
		h.cause = k
		h.log.Error("held: nothing is claimed until this is over; what is dropped waits", "error", cause)
		h.quiet(true)
		call(h.trace.Held, cause)
	}
	h.delay = min(max(2*h.delay, shortestHold), longestHold)
	timer := time.NewTimer(h.delay)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return nil
		case <-h.bell:
			h.rung()
			return nil
		case <-h.pulse:
		}
	}
}

// end says that the trouble is over, if there was any.
func (h *hold) end() {
	if h.on() {
		h.quiet(false)
		h.log.Info("going on")
		callPlain(h.trace.Resumed)
	}
	h.cause, h.delay = "", 0
}

// on reports whether the trouble that it holds for was told.
func (h *hold) on() bool { return h.cause != "" }

// level is that of a message about a step of what is tried while it holds: every try says the same.
func (h *hold) level(told slog.Level) slog.Level {
	if h.on() {
		return slog.LevelDebug
	}
	return told
}

// left is the error of a run with Options.Once that ends although some fragments could not be handled.
func (h *hold) left() error {
	if h.once && h.skipped > 0 {
		return &HeldError{errors.New("some fragments could not be claimed or read and are still in the drop directory")}
	}
	return nil
}

// kind is what the errors of one trouble have in common: their texts hold the names of temporary files, which are others
// at each try.
func kind(err error) string {
	var stuck *stuckError
	var trouble *writer.Trouble
	var number syscall.Errno
	switch {
	case errors.As(err, &stuck):
		return kind(stuck.trouble) + ", " + kind(stuck.recovery)
	case errors.As(err, &trouble):
		return trouble.Code
	case errors.As(err, &number):
		return number.Error()
	}
	return err.Error()
}

// withRemedy adds to an error about a folder what a person can do. Trouble with the tasks file says so itself.
func withRemedy(err error) error {
	var trouble *writer.Trouble
	var stuck *stuckError
	if errors.As(err, &trouble) || errors.As(err, &stuck) {
		return err
	}
	for _, r := range []struct {
		number syscall.Errno
		remedy string
	}{
		{syscall.ENOSPC, "free space on its file system"},
		{syscall.EDQUOT, "free space in the quota of the agent's user"},
		{syscall.EROFS, "mount its file system writable"},
		{syscall.EACCES, "give the agent's user the permission to read and write there"},
		{syscall.EPERM, "give the agent's user the permission to read and write there"},
		{syscall.ENOTDIR, "remove what is in the folder's place, or correct the path in the configuration"},
	} {
		if errors.Is(err, r.number) {
			return fmt.Errorf("%w; %s", err, r.remedy)
		}
	}
	return err
}

// stuckError is trouble with the tasks file and with the recovery folder at the same time.
type stuckError struct{ trouble, recovery error }

func (e *stuckError) Error() string {
	return fmt.Sprintf("%v; the batch stays claimed, because it cannot be moved to the recovery folder either: %v", e.trouble, withRemedy(e.recovery))
}
func (e *stuckError) Unwrap() []error { return []error{e.trouble, e.recovery} }
