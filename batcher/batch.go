package batcher

import "time"

// batch is the one that gathers. It knows no channel and asks no clock.
type batch[T any] struct {
	Config
	size     func(T) int64
	since    func(T) time.Time
	items    []T
	bytes    int64
	rest     []T       // of the slice that made it full; the next batch begins with it
	first    time.Time // since when its first item has been there
	latest   time.Time // since when the latest of all has been there, whichever batch it went to; zero, ages ago: never
	ripe     bool      // it may leave, whatever arrives now
	flushing bool      // nothing more will arrive
}

// add takes items that arrived at now. Only a batch that is not full may be given any. None at all ask that what
// has gathered leaves.
func (b *batch[T]) add(items []T, now time.Time) {
	if len(items) == 0 {
		b.ripe = b.ripe || len(b.items) > 0
		return
	}
	oldest, latest := b.span(items, now)
	silent := latest.Sub(b.latest) >= b.Quiet
	if len(b.items) == 0 {
		b.first = oldest
		b.ripe = b.Leading && silent
	} else if silent {
		b.ripe = true // the timer was due at this very moment and the arrival was seen first
	}
	if b.latest.Before(latest) {
		b.latest = latest
	}
	b.fill(items)
}

// span returns since when the oldest and the latest of some items have been there.
func (b *batch[T]) span(items []T, now time.Time) (oldest, latest time.Time) {
	if b.since == nil {
		return now, now
	}
	oldest = now
	for _, item := range items {
		since := b.since(item)
		if since.After(now) {
			since = now
		}
		if since.Before(oldest) {
			oldest = since
		}
		if latest.Before(since) {
			latest = since
		}
	}
	return oldest, latest
}

// fill takes as many items as have room and keeps the rest, of which there is none before.
func (b *batch[T]) fill(items []T) {
	for i, item := range items {
		size := b.size(item)
		over := b.MaxBytes > 0 && len(b.items) > 0 && size > b.MaxBytes-b.bytes
		if over || b.crowded() {
			b.rest = items[i:]
			return
		}
		b.items = append(b.items, item)
		b.bytes += size
	}
}

// crowded says whether not even an empty item has room.
func (b *batch[T]) crowded() bool {
	return b.MaxFragments > 0 && len(b.items) >= b.MaxFragments || b.MaxBytes > 0 && b.bytes >= b.MaxBytes
}

func (b *batch[T]) full() bool { return len(b.rest) > 0 || b.crowded() }

// closable says whether the batch may leave at now, and otherwise after which time it may if nothing arrives.
func (b *batch[T]) closable(now time.Time) (wait time.Duration, ok bool) {
	if len(b.items) == 0 {
		return 0, false
	}
	wait = min(b.latest.Add(b.Quiet).Sub(now), b.first.Add(b.MaxWait).Sub(now))
	b.ripe = b.ripe || wait <= 0 || b.flushing || b.full()
	return wait, b.ripe
}

// next begins a new batch with what did not fit into the last. Its waiting began when that came.
func (b *batch[T]) next() {
	rest := b.rest
	b.items, b.bytes, b.rest, b.ripe = nil, 0, nil, false
	b.first = b.latest
	b.fill(rest)
}
