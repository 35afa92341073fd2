package watcher

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

var errDropped = errors.New("the system has dropped the watch (the file system was unmounted, or the directory removed)")

// hearing is whether events are heard, and when it is tried again where they are not.
type hearing struct {
	log      *slog.Logger
	trace    Trace     // its Deaf
	ears     *listener // nil: none, so what is watched is polled
	listenAt time.Time // when to try, while there are none and there should be
	deaf     bool      // as it was told
	deafness int       // failures in a row
	heardAt  time.Time // since when there are ears

	// Ears may be there and yet hear nothing, or not all: then there is polling as well.
	kind    string // of the file system, where it is one that does not tell of what others change; "" where it may
	said    string // the kind, as it was told last
	doubted bool   // something was not heard that should have been
}

// polls says whether what is watched must be looked at every second, as events do not tell of all.
func (h *hearing) polls() bool { return h.ears == nil || h.doubted || h.kind != "" }

// begin takes over the ears of an attempt that succeeded. Where there is doubt, that they are there proves nothing.
func (h *hearing) begin(ears *listener, now time.Time) {
	h.ears, h.heardAt, h.listenAt = ears, now, time.Time{}
	if !h.doubted {
		h.hears()
	}
}

// lose ends a listening that is of no use any more. That a directory was moved is no trouble with listening.
func (h *hearing) lose(cause error, now time.Time) {
	h.deafen()
	if errors.Is(cause, errMoved) {
		h.listenAt = now
		return
	}
	h.cannotHear(cause, now)
}

// cannotHear tells of it when it is news. Until an attempt succeeds there is polling.
func (h *hearing) cannotHear(cause error, now time.Time) {
	h.isDeaf(cause)
	h.again(now)
}

// doubt keeps the ears, and polls, until there is trust again.
func (h *hearing) doubt(cause error) {
	h.doubted = true
	h.isDeaf(cause)
}

func (h *hearing) trust() {
	h.doubted = false
	h.hears()
}

func (h *hearing) isDeaf(cause error) {
	if h.deaf {
		return
	}
	h.deaf = true
	h.log.Warn("no file system events, looking every second instead", "error", cause, "remedy", hearingAid(cause))
	if h.trace.Deaf != nil {
		h.trace.Deaf(fmt.Errorf("%w; %s", cause, hearingAid(cause)))
	}
}

func (h *hearing) hears() {
	if !h.deaf {
		return
	}
	h.deaf = false
	h.log.Info("file system events are back")
	if h.trace.Deaf != nil {
		h.trace.Deaf(nil)
	}
}

// again puts off the next attempt, the longer the more have failed.
func (h *hearing) again(now time.Time) {
	if h.deafness++; now.Sub(h.heardAt) > 2*lastDelay && !h.heardAt.IsZero() {
		h.deafness = 1 // they had been of use for a while
	}
	h.heardAt = time.Time{}
	h.listenAt = now.Add(backoff(h.deafness))
}

// deafen ends the listening.
func (h *hearing) deafen() {
	if h.ears != nil {
		h.ears.close()
		h.ears = nil
	}
}

// hints is where the next hint comes from, nil where there are none.
func (h *hearing) hints() <-chan hint {
	if h.ears == nil {
		return nil
	}
	return h.ears.hints
}

// asked takes note of the kind of file system, and tells of it when it is news. With Notify the user knows better.
func (h *hearing) asked(kind string, m Mode) {
	if m != Notify {
		h.kind = kind
	}
	if kind == h.said {
		return
	}
	switch h.said = kind; {
	case kind == "":
	case m == Notify:
		h.log.Warn("this file system does not tell of what other machines change",
			"kind", kind, "remedy", "watch.mode auto looks every second as well")
	default:
		h.log.Info("this file system does not tell of what other machines change, looking every second as well", "kind", kind)
	}
}

// hearingAid says what a person can do about it.
func hearingAid(cause error) string {
	switch {
	case errors.Is(cause, errUnnamed):
		return "nothing is lost, it takes a second; watch.mode poll does without events"
	case limited(cause) != "":
		return limited(cause)
	}
	return "it is tried again; watch.mode poll does without"
}
