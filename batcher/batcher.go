// Package batcher decides when a batch closes. It is pure time logic over items that it knows nothing about but
// their size and since when they are there.
//
// Items gather from the moment the first one arrives. An item counts from when it was there, as since says of it (nil: when
// it arrived), so that what took time on the way here is not waited for once more. A batch may leave as soon as one of
// these holds:
//
//   - nothing has arrived for Config.Quiet;
//   - its first item arrived Config.MaxWait ago, so a trickle that never pauses cannot hold it back;
//   - it is full, by number or by bytes;
//   - an empty slice arrives: who sends knows of nothing more to wait for.
//
// A batch that may leave stays that way and leaves in one piece once the receiver takes it. Until then, while a
// commit is under way, it goes on gathering; when it is full nothing more is received, and whoever sends has to
// wait. So at most one batch and one slice that did not fit are in memory.
//
// Items leave in the order in which they came, each exactly once, unless the context ends first: then what was
// gathered is dropped. That is safe only for items whose truth is elsewhere (here: files in the drop directory).
package batcher

import (
	"context"
	"time"
)

// Config says when a batch closes. Its zero value passes everything on at once.
type Config struct {
	Quiet        time.Duration // a pause this long closes; 0: every arrival does
	MaxWait      time.Duration // from the arrival of the first item; 0: at once
	MaxFragments int           // items in a batch; 0: no limit
	MaxBytes     int64         // bytes in a batch, except that one larger item is a batch of its own; 0: no limit
	Leading      bool          // the first arrival after a silence of at least Quiet, or ever, closes at once

	Pulse <-chan struct{} // received from whenever Run comes round, by which one may tell that it does; may be nil
}

// Run gathers what arrives on in and sends it on out in batches, which are never empty and belong to the receiver.
// Slices sent on in belong to Run. When in is closed, what was gathered is flushed and Run returns nil; when ctx
// ends, it returns ctx.Err().
func Run[T any](ctx context.Context, c Config, size func(T) int64, since func(T) time.Time, in <-chan []T, out chan<- []T) error {
	defer close(out)
	b := batch[T]{Config: c, size: size, since: since}
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		// Asked first: a sender that ends with the same context closes in, and that is not a wish to flush.
		if err := ctx.Err(); err != nil {
			return err
		}
		var (
			receive = in
			send    chan<- []T
			due     <-chan time.Time
		)
		if b.full() || b.flushing {
			receive = nil
		}
		switch wait, closable := b.closable(time.Now()); {
		case closable:
			send = out
		case len(b.items) > 0:
			alarm.Reset(wait)
			due = alarm.C
		case b.flushing:
			return nil
		}
		select {
		case <-ctx.Done():
		case <-due:
		case <-c.Pulse:
		case items, open := <-receive:
			b.flushing = !open
			b.add(items, time.Now())
		case send <- b.items:
			b.next()
		}
	}
}
