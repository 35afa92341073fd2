package doctor

import (
	"errors"
	"syscall"

	"github.com/sessionsync/sessionsync/recovery"
)

// recoveryFolder looks at the folder, at the way into it, and at what waits there.
func (e *examination) recoveryFolder() {
	at := e.at("recovery")
	b, missing := e.enter(at, e.Recovery)
	if missing {
		above := nearest(e.Recovery)
		if err := mayWrite(above); err != nil {
			at.find("folder", Error, e.remedy(err, above), "missing, and it cannot be made: %v", err)
			return
		}
		at.ok("folder", "missing: the agent makes it in %s when it is needed", above)
		return
	}
	if b == nil {
		return
	}
	defer b.end(at)
	if info, err := b.dir.Stat(); err == nil {
		if who, _ := others(info); who != "" {
			at.find("company", Warning, "chmod go-w "+quoted(e.Recovery),
				"%s may add, change and remove what could not be applied", who)
		}
	}
	e.volume(at, e.Recovery, 0)
	b.tryCommon(e, at)
	if e.drop != nil {
		switch err := e.drop.tryMove(b); {
		case e.ctx.Err() != nil:
		case err == nil:
			at.ok("moves", "a fragment is moved into it by renaming")
		case errors.Is(err, syscall.EXDEV):
			at.find("moves", Note, "choose a folder on the drop directory's file system, unless it is meant so",
				"it is on another file system than the drop directory: a move is a copy, which needs room and the right to read the fragment")
		default:
			at.find("moves", Error, e.remedy(err, e.Recovery), "no fragment can be moved into it: %v", err)
		}
	}
	e.entries(at)
}

// entries counts what waits there.
func (e *examination) entries(at place) {
	entries, err := recovery.New(recovery.Config{Dir: e.Recovery, Hook: e.Hook}).Entries()
	if err != nil {
		at.find("entries", Warning, e.remedy(err, e.Recovery), "%v", err)
		return
	}
	rejected, retried := 0, 0
	for _, entry := range entries {
		if entry.Retryable {
			retried++
		} else {
			rejected++
		}
	}
	if rejected > 0 {
		at.find("entries", Warning, "read recovery.json in it, correct the fragment and move it back to the drop directory",
			"%s for a person", count(rejected, "entry waits", "entries wait"))
	}
	switch {
	case retried > 0 && e.served:
		at.find("entries", Note, "see what the agent holds for: its log says so", "%s applied when the agent goes on",
			count(retried, "entry is", "entries are"))
	case retried > 0:
		at.find("entries", Note, "start the agent: sessionsync run", "%s applied by the agent's next start",
			count(retried, "entry is", "entries are"))
	case rejected == 0:
		at.ok("entries", "none waits")
	}
}
