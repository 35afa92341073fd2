// Package books holds what the history says of the fragments against what lies on the disk:
//
//	seen = applied + unchanged + rejected + waiting
//
// What was seen, and what became of it, is in the history; what waits lies in the drop directory, among the claims, or in the
// recovery folder until the tasks file can be written. What was seen and has neither an end nor a place is missing: that is a
// loss, and the only thing that makes the books not balance. Nothing is written, and no lock is taken.
//
// It is right while an agent works, too. A fragment moves on between two looks, so one look may miss it; what is missing is
// looked for again, for as long as [Config.Patience] says, and counts only if every look has missed that very fragment.
//
// What it does not fail for, and tells: rejects that are not in the recovery folder any more, because a person may discard them
// or move them back; fragments that were at work when the machine lost its power or when the history could not be written, of
// which the lines that tell their end are lost; lines that are none.
package books

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
)

// Config says where to look.
type Config struct {
	Drop, Recovery string
	Patience       time.Duration // for what is on its way; 0: three seconds
}

// Report is what the books say.
type Report struct {
	Since time.Time `json:"since,omitzero"` // since when they are kept; zero: nothing was ever claimed

	Seen      int `json:"seen"`
	Applied   int `json:"applied"`
	Unchanged int `json:"unchanged"`
	Rejected  int `json:"rejected"`
	Waiting   int `json:"waiting"` // the sum of the next three

	Dropped   int `json:"dropped"`
	Claimed   int `json:"claimed"`
	Recovered int `json:"recovered"` // until the tasks file can be written

	Missing []Fragment `json:"missing,omitempty"` // seen, and left no trace
	Damaged []Fragment `json:"damaged,omitempty"` // their recovery entry is there, and their file is not

	Gone       []Fragment `json:"gone,omitempty"`       // rejected, and no longer in the recovery folder
	Untold     []Fragment `json:"untold,omitempty"`     // what became of them is in a part of the history that was lost
	Unreadable int        `json:"unreadable,omitempty"` // lines of the history
}

// Fragment is one of those that a report speaks of. The name may hold any byte.
type Fragment struct {
	Batch string `json:"batch"`
	File  string `json:"file"`
	Entry string `json:"entry,omitempty"` // in the recovery folder
}

// Balanced reports whether nothing is lost.
func (r Report) Balanced() bool {
	return len(r.Missing) == 0 && len(r.Damaged) == 0 && r.Seen == r.Applied+r.Unchanged+r.Rejected+r.Waiting
}

const (
	patience  = 3 * time.Second
	lookAgain = 100 * time.Millisecond
)

// Check makes a report. An error is trouble with the disk, a permission, or that of ctx.
func Check(ctx context.Context, c Config) (Report, error) {
	if c.Patience == 0 {
		c.Patience = patience
	}
	report, err := look(c)
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for looks, end := 1, time.Now().Add(c.Patience); err == nil && !report.settled(looks) && time.Now().Before(end); looks++ {
		select {
		case <-ctx.Done():
			return Report{}, ctx.Err()
		case <-ticker.C:
		}
		before := report
		if report, err = look(c); err == nil {
			report.keep(before)
		}
	}
	report.Waiting = report.Dropped + report.Claimed + report.Recovered
	return report, err
}

// settled reports whether another look is of no use: what is only told, and fails nothing, need not be looked for that long.
func (r *Report) settled(looks int) bool {
	const enough = 5
	return len(r.Missing)+len(r.Damaged) == 0 && (looks >= enough || len(r.Gone)+len(r.Untold) == 0)
}

// keep leaves in the report what an earlier one has not found either. What it has found, and this one has not, is on its way.
func (r *Report) keep(before Report) {
	missing := len(r.Missing)
	r.Missing = both(r.Missing, before.Missing)
	r.Claimed += missing - len(r.Missing)
	r.Damaged = both(r.Damaged, before.Damaged)
	r.Gone = both(r.Gone, before.Gone)
	r.Untold = both(r.Untold, before.Untold)
}

func both(a, b []Fragment) []Fragment {
	in := make(map[Fragment]bool, len(b))
	for _, f := range b {
		in[f] = true
	}
	return slices.DeleteFunc(a, func(f Fragment) bool { return !in[f] })
}

// look holds what is on the disk now against the history. The disk comes first: what it shows is in the history by then.
func look(c Config) (Report, error) {
	waits, err := spool.Look(c.Drop)
	if err != nil {
		return Report{}, err
	}
	recovered, err := recovery.New(recovery.Config{Dir: c.Recovery}).Inventory()
	if err != nil {
		return Report{}, err
	}
	b, err := history.ReadBooks(c.Drop)
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Since: b.Since, Seen: b.Seen, Applied: b.Applied, Unchanged: b.Unchanged, Rejected: b.Rejected,
		Unreadable: b.Unreadable,
	}
	r.Seen += waits.Dropped
	r.Dropped = waits.Dropped
	places := placesOf(waits, recovered)
	for k, p := range places {
		_, ended := b.Ended[k]
		switch {
		case b.Open[k] && p.kept: // its reject is not in the history yet
			r.Rejected++
		case b.Open[k] || !ended && (p.claimed || p.retryable && !p.rejected):
			if !b.Open[k] {
				r.Seen++ // claimed before the history was kept, or right now
			}
			if p.claimed {
				r.Claimed++
			} else {
				r.Recovered++
			}
		}
		if p.missing {
			r.Damaged = append(r.Damaged, Fragment{k.Batch, k.File, p.entry})
		}
	}
	for _, k := range sorted(b.Open) {
		if _, there := places[k]; !there {
			r.Missing = append(r.Missing, Fragment{Batch: k.Batch, File: k.File})
		}
	}
	for _, k := range sorted(b.Untold) {
		if _, there := places[k]; !there {
			r.Untold = append(r.Untold, Fragment{Batch: k.Batch, File: k.File})
		}
	}
	for _, k := range sorted(b.Ended) {
		if _, there := places[k]; !there && b.Ended[k] == history.Rejected {
			r.Gone = append(r.Gone, Fragment{Batch: k.Batch, File: k.File})
		}
	}
	slices.SortFunc(r.Damaged, func(a, b Fragment) int { return strings.Compare(a.Entry+a.File, b.Entry+b.File) })
	return r, nil
}

// place is where a fragment lies.
type place struct {
	claimed   bool // in the queue, or on the way between there and the recovery folder
	retryable bool // in the recovery folder until it is given back
	rejected  bool // and it has been counted as a reject
	kept      bool // in the recovery folder, or set aside, for a person
	missing   bool // the recovery folder speaks of it, and does not have it
	entry     string
}

func placesOf(waits spool.Inventory, recovered []recovery.Held) map[history.Key]place {
	places := make(map[history.Key]place, len(waits.Claimed)+len(recovered))
	for _, h := range recovered {
		places[history.Key{Batch: h.Batch, File: h.Name}] = place{
			claimed: h.Half, retryable: h.Retryable && !h.Half, rejected: h.Rejected, kept: !h.Retryable && !h.Half,
			missing: h.Missing, entry: h.Entry,
		}
	}
	for _, h := range waits.Aside {
		batch, _, _ := strings.Cut(h.Batch, "-") // the folder has a number if it was not the first one
		places[history.Key{Batch: batch, File: h.Name}] = place{kept: true}
	}
	for _, h := range waits.Claimed {
		k := history.Key{Batch: h.Batch, File: h.Name}
		p := places[k]
		p.claimed, p.kept = true, false
		places[k] = p
	}
	return places
}

func sorted[V any](m map[history.Key]V) []history.Key {
	return slices.SortedFunc(maps.Keys(m), func(a, b history.Key) int {
		return strings.Compare(a.Batch+"/"+a.File, b.Batch+"/"+b.File)
	})
}
