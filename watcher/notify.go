package watcher

import (
	"errors"

	"github.com/fsnotify/fsnotify"

	"github.com/sessionsync/sessionsync/fragment"
)

// hint is what the system's events come down to. Hints that were not taken yet are merged into one.
type hint struct {
	names  map[string]struct{} // what came or changed; nil when all is set
	all    bool                // events were lost: anything may have changed
	gone   bool                // something was removed, and the directory may be next
	failed error               // these events are of no use any more: why
	canary bool                // the attributes of the folder were touched that canaries touch
}

const (
	// Beyond so many names one listing is cheaper than looking at each, and memory stays bounded.
	maxHinted = 16384

	// A burst of events waits here rather than in the kernel, whose queue overflows (16,384 events on Linux); on
	// Windows there is next to no queue but this one.
	eventBuffer = 1024
)

var errMoved = errors.New("the directory was moved or removed")

// ear takes from an event in a directory what is of interest.
type ear func(h *hint, name string, op fsnotify.Op)

// listener has the events of directories while they stay where they are.
type listener struct {
	hints <-chan hint
	alive func() bool // false: the system dropped a watch without a word, as it does on unmounting
	close func()      // ends the listening and waits for its end
}

func (h *hint) worth() bool {
	return len(h.names) > 0 || h.all || h.gone || h.canary || h.failed != nil
}

func (h *hint) everything() { h.all, h.names = true, nil }

func (h *hint) fail(err error) {
	h.everything()
	h.failed = err
}

func hearFragment(h *hint, name string, op fsnotify.Op) {
	switch {
	case op.Has(fsnotify.Create) || op.Has(fsnotify.Write):
		if fragment.IsName(name) {
			h.name(name)
		}
	case op.Has(fsnotify.Remove):
		// Linux tells that the directory itself was removed only when nobody has it open any more, and the claims'
		// owner has. That its contents go is the sign of it. A rename out of it is no sign: every claim is one.
		h.gone = true
	case op.Has(fsnotify.Chmod) && name == canaryName:
		h.canary = true
	}
}

func (h *hint) name(name string) {
	if h.all {
		return
	}
	if _, known := h.names[name]; known {
		return
	}
	if len(h.names) >= maxHinted {
		h.everything()
		return
	}
	if h.names == nil {
		h.names = make(map[string]struct{})
	}
	h.names[name] = struct{}{}
}
