package desk

import (
	"testing"

	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
)

// step is what one look at the way of a fragment shows.
type step struct {
	start, end recovery.Snapshot
	claims     map[string][]spool.Claim
}

func folder(entries ...string) recovery.Snapshot {
	s := recovery.Snapshot{Entries: map[string]bool{}}
	for _, e := range entries {
		s.Entries[e] = true
	}
	return s
}

func TestAFragmentIsGoneWhenTwoLooksInARowHaveNotMetIt(t *testing.T) {
	const batch, name = "18eb7cef06f1e007", "x.json"
	here, hidden, nothing := step{start: folder("old")}, step{start: recovery.Snapshot{Returning: map[string]bool{"old": true}}}, step{}
	claimed := step{claims: map[string][]spool.Claim{"/" + batch: {{Batch: batch, Name: "x-2.json"}}}}
	parked := step{claims: map[string][]spool.Claim{name: {{Batch: "18eb7cef06f1e008", Name: name}}}}
	adding := step{end: recovery.Snapshot{Adding: map[string]bool{"new": true}}}
	back, held := step{end: folder("new")}, step{end: folder("held")}
	for what, c := range map[string]struct {
		steps []step
		want  State
	}{
		"never missed":                {[]step{here, hidden, claimed, parked}, Waiting},
		"missed once":                 {[]step{here, nothing}, Waiting},
		"missed twice, not in a row":  {[]step{nothing, claimed, nothing, parked, nothing}, Waiting},
		"missed twice in a row":       {[]step{claimed, nothing, nothing}, Applied},
		"missed while one is added":   {[]step{claimed, adding, adding, adding}, Waiting},
		"added in the end":            {[]step{claimed, adding, back}, Rejected},
		"held":                        {[]step{claimed, held}, Held},
		"held, and then rejected":     {[]step{claimed, held, claimed, back}, Rejected},
		"held, and then applied":      {[]step{claimed, held, claimed, nothing, nothing}, Applied},
		"missed on the way from hold": {[]step{claimed, held, nothing, claimed, nothing}, Held},
	} {
		t.Run(what, func(t *testing.T) {
			o := newOffice(t)
			tr := &tracked{File: recovery.File{Own: name}, entry: "old", batch: batch, sha256: "1"}
			of := func(retryable bool) *news {
				e := recovery.Entry{Batch: batch, Retryable: retryable, Fragments: []recovery.Fragment{{File: "fragments/x.json", SHA256: "1"}}}
				return &news{e, make([]bool, 1)}
			}
			tracker := &tracker{desk: o.Desk, tracked: []*tracked{tr}, news: map[string]*news{"new": of(false), "held": of(true)}}
			for _, s := range c.steps {
				if !tr.known {
					must(t, tracker.find(tr, s.start, s.claims, s.end))
				}
			}
			if got := tracker.fates()[0].State; got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestANumberedNameIsKnown(t *testing.T) {
	for name, want := range map[string]bool{"x.json": true, "x-2.json": true, "x-y.json": false, "x-2.jsonl": false, "xx-2.json": false, "x-.json": false} {
		if isNumbered(name, "x.json") != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}
