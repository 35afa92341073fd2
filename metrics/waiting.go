package metrics

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sessionsync/sessionsync/spool"
)

var (
	waitingFragments = prometheus.NewDesc(namespace+"_waiting_fragments", "Fragments that lie in the drop directory.", nil, nil)
	oldestWaiting    = prometheus.NewDesc(namespace+"_oldest_waiting_seconds",
		"Age of the oldest fragment in the drop directory, by its modification time; 0: none waits.", nil, nil)
)

// What a look may cost; see the package's doc.
const (
	mostLooked    = 10_000
	mostNames     = 10 * mostLooked // whatever they are: others may have put a million there
	freshFor      = time.Second
	restAfterLook = 50 // times of what the look took
	answerWithin  = 2 * time.Second
)

// waiting is what lies in a drop directory.
type waiting struct {
	drop string
	scan atomic.Int64 // fragments at the agent's last scan; without the lock, which a file system that hangs may hold

	mu     sync.Mutex    // never held while the file system is asked, which may never answer
	asking chan struct{} // closed when the look under way has ended; nil: there is none
	took   time.Duration
	looked time.Time // when; zero: never
	found  int
	oldest time.Time // zero: none
	ok     bool      // the directory could be listed

	list func(drop string, most spool.Most) (spool.Pile, error) // nil: spool.Waiting; for tests
}

// look returns how many fragments wait, and how old the oldest one is. Not ok: the directory cannot be listed, or not in time:
// then only these are missing in a scrape, and what is known of other sessions is not.
func (w *waiting) look() (fragments int, oldest time.Duration, ok bool) {
	w.mu.Lock()
	if w.asking == nil && (w.looked.IsZero() || time.Since(w.looked) >= max(freshFor, restAfterLook*w.took)) {
		w.asking = make(chan struct{})
		go w.ask(w.asking)
	}
	asking := w.asking
	w.mu.Unlock()
	if asking != nil {
		late := time.NewTimer(answerWithin)
		defer late.Stop()
		select {
		case <-asking:
		case <-late.C:
			return 0, 0, false
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.oldest.IsZero() {
		oldest = max(0, time.Since(w.oldest))
	}
	return w.found, oldest, w.ok
}

// ask takes a look, and closes done behind it.
func (w *waiting) ask(done chan struct{}) {
	list := w.list
	if list == nil {
		list = spool.Waiting
	}
	begin := time.Now()
	pile, err := list(w.drop, spool.Most{Names: mostNames, Fragments: mostLooked, Times: mostLooked})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = time.Now()
	w.took = w.looked.Sub(begin)
	w.found, w.oldest, w.ok = pile.Fragments, pile.Oldest, err == nil
	if pile.More {
		w.found = max(w.found, int(w.scan.Load()))
	}
	w.asking = nil
	close(done)
}
