package dashboard

import "time"

// window is the time over which a rate is taken: long enough to be steady, short enough to be news.
const window = 10 * time.Second

// rate tells how fast a count grows.
type rate struct {
	since   time.Time // whose count it is: that of another agent begins anew
	samples []sample  // one that is older than the window, if there is one, and those within it
}

type sample struct {
	at    time.Time
	count int
}

// add takes a count.
func (r *rate) add(at, since time.Time, count int) {
	if n := len(r.samples); !since.Equal(r.since) || n > 0 && count < r.samples[n-1].count {
		*r = rate{since: since}
	}
	r.samples = append(r.samples, sample{at, count})
	for len(r.samples) > 1 && at.Sub(r.samples[1].at) >= window {
		r.samples = r.samples[1:]
	}
}

// perSecond is the rate as of the last count; 0 until there are two.
func (r *rate) perSecond() float64 {
	if len(r.samples) < 2 {
		return 0
	}
	first, last := r.samples[0], r.samples[len(r.samples)-1]
	return float64(last.count-first.count) / max(last.at.Sub(first.at), time.Second).Seconds()
}
