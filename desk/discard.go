package desk

import (
	"context"
	"time"
)

// OlderThan names the entries that are older than that, but for those that an agent is to try again by itself: what is in
// them is not rejected.
func (d *Desk) OlderThan(age time.Duration) ([]string, error) {
	entries, err := d.store.Entries()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.Retryable && time.Since(e.Timestamp) > age {
			names = append(names, e.Name)
		}
	}
	return names, nil
}

// Discard deletes entries for good, in their order, and says of how many that is true. After an error the others are as they
// were.
func (d *Desk) Discard(ctx context.Context, names []string, progress Progress) (int, error) {
	for i, name := range names {
		if err := d.turn(ctx, func() error { return d.store.Discard(name) }); err != nil {
			return i, err
		}
		progress.tell("discarding", i+1, len(names))
	}
	return len(names), nil
}
