package status

import (
	"bytes"
	"context"
	"encoding/json"
	"time"
)

// Every is how often somebody who follows looks: a person sees no delay, and a look at what has not changed costs next to
// nothing.
const Every = 250 * time.Millisecond

// Follow calls yield with what it sees at once, and then with whatever says something else, until ctx is done, which is no
// error, or yield returns one.
func (l *Looker) Follow(ctx context.Context, yield func(Report) error) error {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	var last []byte
	for {
		r := l.Look()
		said, err := substance(r)
		if err != nil {
			return err
		}
		if !bytes.Equal(said, last) {
			last = said
			if err := yield(r); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// substance is what a report says, but for when it was made.
func substance(r Report) ([]byte, error) {
	r.Time, r.Agent.Updated = time.Time{}, time.Time{}
	return json.Marshal(r)
}
