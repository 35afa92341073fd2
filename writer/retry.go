package writer

import (
	"time"

	"github.com/sethvargo/go-retry"
)

// Retry is how passing trouble is tried again.
type Retry struct {
	Attempts int           // at least 1
	Base     time.Duration // the delay before the second attempt, more than 0; it doubles from there
	Max      time.Duration // no delay is longer
	Jitter   int           // percent by which a delay may be shorter or longer, 0 to 100
}

// backoff gives the delays of one commit.
func (r Retry) backoff() retry.Backoff { return retry.WithMaxRetries(uint64(r.Attempts-1), r.Delays()) }

// Delays gives the delays between attempts, without an end. The cap stands inside the jitter, so that capped delays vary too,
// and outside, so that none is longer than Max.
func (r Retry) Delays() retry.Backoff {
	b := retry.WithCappedDuration(r.Max, retry.NewExponential(r.Base))
	b = retry.WithJitterPercent(uint64(r.Jitter), b)
	return retry.WithCappedDuration(r.Max, b)
}
