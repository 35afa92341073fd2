// Package heap keeps this process quick at work and small at rest.
//
// Go collects garbage whenever the heap has grown by a share of what is in use. An agent that holds 5 MB would do so after
// each batch, which takes a tenth of its time; one that holds 100 MB needs a share as small as that, lest it take twice as
// much. So the share depends on what is in use ([Tune]), and when there was nothing to do for a while all that is free goes
// back to the system ([Busy]).
package heap

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// leastShare is in percent. With a tasks file of 100 MB, of which the agent holds one copy, it is the difference between 160
	// and 350 MB.
	leastShare = 50

	// room is what the heap may grow by in any case.
	room = 16 << 20

	// restAfter is how long after the last work the process counts as being at rest. A collection takes a millisecond, and 20
	// with a document of 100 MB.
	restAfter = 2 * time.Second
)

// Tune sets how much the heap may grow until it is collected, from now on and after each collection. Where GOGC is set, that
// counts.
func Tune() {
	if os.Getenv("GOGC") == "" {
		tune(0, func(int) {})
	}
}

// tune comes round once a collection: what has a finalizer and is not referred to is found by the next one. It tells the share.
func tune(before int, tell func(share int)) {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	share := shareOf(live[0].Value.Uint64())
	if share != before { // it stops the world
		debug.SetGCPercent(share)
	}
	runtime.SetFinalizer(new([16]byte), func(*[16]byte) { tune(share, tell) })
	tell(share)
}

// shareOf is how much a heap may grow, in percent of what of it is in use.
func shareOf(live uint64) int {
	const (
		steps = 10      // a small difference is not worth a change
		least = 4 << 20 // a heap counts as no smaller: https://go.dev/doc/gc-guide#GOGC
	)
	share := room * 100 / max(live, least)
	return int(max(share/steps*steps, leastShare))
}

var rest = newRest(debug.FreeOSMemory)

// Busy says that there has been work. When nobody has said so for a while, the memory that is free goes back to the system.
func Busy() { rest.Reset(restAfter) }

func newRest(free func()) *time.Timer {
	t := time.AfterFunc(time.Hour, free)
	t.Stop() // until there has been work
	return t
}
