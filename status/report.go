package status

import (
	"time"

	"github.com/sessionsync/sessionsync/recovery"
)

// Report is how a session is at one moment. What is hostile in it is so as it was found.
type Report struct {
	Time     time.Time `json:"time"`
	Drop     Drop      `json:"drop"`
	Agent    Agent     `json:"agent"`
	Recovery Recovery  `json:"recovery"`
	Tasks    Tasks     `json:"tasks"`
	Next     []Advice  `json:"next"` // never nil
}

// Drop is the drop directory. With a Problem nothing else is known of it, nor of the agent.
type Drop struct {
	Path    string `json:"path"`
	Waiting Pile   `json:"waiting"`
	Claimed Pile   `json:"claimed"`
	Batches int    `json:"claimedBatches"`
	Problem string `json:"problem,omitempty"`
	Missing bool   `json:"missing,omitempty"` // that is the problem
}

// Pile is a number of fragments.
type Pile struct {
	Fragments int       `json:"fragments"`
	More      bool      `json:"more,omitempty"` // than were counted
	Oldest    time.Time `json:"oldest,omitzero"`
	Sampled   bool      `json:"oldestOfSome,omitempty"` // there are too many to look at each
}

// Agent is who serves the drop directory, and what it has done.
type Agent struct {
	Running    bool      `json:"running"`
	PID        int       `json:"pid,omitempty"` // 0 where the lock does not tell
	Host       string    `json:"host,omitempty"`
	Since      time.Time `json:"since,omitzero"`
	Held       *Held     `json:"held,omitempty"`       // of a running agent: it holds; of none: how its last run ended
	LastCommit *Commit   `json:"lastCommit,omitempty"` // by whichever agent
	Counters   *Counters `json:"sinceStart,omitempty"` // nil where that is not known
	Ended      time.Time `json:"ended,omitzero"`       // when the last one ended by itself; where none runs
	Updated    time.Time `json:"updated,omitzero"`     // when it wrote the above
	Problem    string    `json:"problem,omitempty"`    // why (some of) this cannot be seen
	Hidden     bool      `json:"hidden,omitempty"`     // because of it nothing is known of agent and claims, not even whether there are any
}

// Holds reports whether a running agent holds.
func (a Agent) Holds() bool { return a.Running && a.Held != nil }

// Recovery is what could not be applied.
type Recovery struct {
	Path      string            `json:"path"`
	Entries   int               `json:"entries"`
	More      bool              `json:"more,omitempty"` // than were counted
	Read      int               `json:"entriesRead"`    // the newest ones: what follows is about those
	Rejected  map[string]int    `json:"rejected"`       // fragments by code
	Retryable map[string]int    `json:"retryable"`      // fragments that the agent gives back by itself
	Newest    []recovery.Reject `json:"-"`
	Problem   string            `json:"problem,omitempty"`
}

// Rejects is how many fragments wait for a person.
func (r Recovery) Rejects() int { return sum(r.Rejected) }

// Retries is how many fragments wait for the agent.
func (r Recovery) Retries() int { return sum(r.Retryable) }

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// Tasks is the tasks file.
type Tasks struct {
	Path     string    `json:"path"`
	Valid    bool      `json:"valid"`
	Modified time.Time `json:"modified,omitzero"`
	Bytes    int64     `json:"bytes,omitempty"`
	Items    int       `json:"items"`
	Statuses []Count   `json:"statuses,omitempty"` // of all items
	Groups   []Group   `json:"groups,omitempty"`
	Omitted  int       `json:"groupsOmitted,omitempty"` // groups beyond the limit
	Problem  string    `json:"problem,omitempty"`
}

// Count is how many items have a status. The first ones are those that occur first in the document.
type Count struct {
	Status string `json:"status"` // "" for items without one
	Items  int    `json:"items"`
}

// Group is what hangs below a top-level item, or is in a scope.
type Group struct {
	ID       string  `json:"id"`
	Title    string  `json:"title,omitempty"`
	Items    int     `json:"items"` // below it; where nothing is, the item itself
	Statuses []Count `json:"statuses"`
}

// Advice is what a person can do next.
type Advice struct {
	Problem string `json:"problem"`
	Do      string `json:"do"` // a command, or a sentence where there is none
	Command bool   `json:"command"`
}
