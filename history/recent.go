package history

import (
	"bytes"

	"github.com/zeebo/xxh3"
)

// step is how far a batch is.
type step int

const (
	seen step = iota
	merged
	committed
	steps
)

// recentMax is how many batches are remembered: more than are ever at work at once, those that wait for an item included.
const recentMax = 1000

// recent remembers what was said of the batches last.
type recent struct {
	batches map[string]*[steps]uint64
	order   []string // of the batches, the oldest first
}

// news reports whether a block says something else than what was said of that step of the batch before. What is new takes back
// what was said of the later steps.
func (r *recent) news(batch string, s step, block []byte) bool {
	said := r.batches[batch]
	if said == nil {
		if r.batches == nil {
			r.batches = map[string]*[steps]uint64{}
		}
		if len(r.order) == recentMax {
			delete(r.batches, r.order[0])
			r.order = r.order[1:]
		}
		said = &[steps]uint64{}
		r.batches[batch], r.order = said, append(r.order, batch)
	}
	sum := hashWithoutTimes(block)
	if said[s] == sum {
		return false
	}
	said[s] = sum
	clear(said[s+1:])
	return true
}

// forget makes everything that is said of a batch news.
func (r *recent) forget(batch string) {
	if said := r.batches[batch]; said != nil {
		*said = [steps]uint64{}
	}
}

func hashWithoutTimes(block []byte) uint64 {
	h := xxh3.New()
	for line := range bytes.Lines(block) {
		h.Write(line[atWidth:]) // a hash takes everything
	}
	return h.Sum64()
}
