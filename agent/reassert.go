package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sethvargo/go-retry"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/writer"
)

// What is remembered is bounded: with a window of a day a busy agent would remember millions of updates, and each that appends
// to a list remembers the whole list. The oldest ones are forgotten first.
const (
	mostRemembered      = 100_000
	mostRememberedBytes = 64 << 20
)

// memory is what was applied within document.reassert, the oldest first. It lives as long as the process does.
type memory struct {
	window   time.Duration // 0: nothing is remembered
	applied  []applied
	suspect  bool          // somebody else has written since it was last held against the tasks file
	again    time.Time     // when undone updates are applied again; zero: nothing is known to be undone
	delays   retry.Backoff // until then; nil: the last look found nothing undone
	bytes    int           // of the values that are remembered
	cramped  bool          // some had to be forgotten, which was said
	attempts int           // of applying again, since the last look that found nothing undone
}

// applied is one effect, and where it came from.
type applied struct {
	document.Effect
	batch, fragment string
	update          json.RawMessage
	until           time.Time
	bytes           int             // of its values, less what it shares with the one before
	items           []fragment.Item // its item where it is over: as it is then
}

// remember takes note of what a batch has replaced.
func (c *committer) remember(batch *spool.Batch, fragments []writer.Fragment, effects []writer.Effect) {
	m := &c.memory
	if m.window == 0 || batch.Own {
		return
	}
	now := time.Now()
	m.expire(now)
	texts := map[[2]int]json.RawMessage{} // one for all effects of an update, and none that keeps its whole file alive
	for _, e := range effects {
		at := [2]int{e.Fragment, e.Update}
		if texts[at] == nil {
			texts[at] = json.RawMessage(slices.Clone(fragments[e.Fragment].Updates[e.Update].Raw))
		}
		m.add(applied{Effect: e.Effect, batch: batch.ID, fragment: fragments[e.Fragment].Name, update: texts[at], until: now.Add(m.window)})
	}
	if m.shrink() && !m.cramped {
		m.cramped = true
		c.log.Warn("more updates than can be remembered: the oldest ones are not defended against being undone any more", "remembered", len(m.applied))
	}
}

// add remembers an effect. One that goes on where the one before has ended shares its value: so it is where a list grows.
func (m *memory) add(a applied) {
	if n := len(m.applied); n > 0 && m.applied[n-1].place() == a.place() && bytes.Equal(m.applied[n-1].New, a.Old) {
		a.Old = m.applied[n-1].New
		a.bytes = len(a.New)
	} else {
		a.bytes = a.Size()
	}
	m.bytes += a.bytes
	m.applied = append(m.applied, a)
}

// shrink forgets the oldest effects where there are too many, with some room for the next ones, and reports whether it did.
func (m *memory) shrink() bool {
	if len(m.applied) <= mostRemembered && m.bytes <= mostRememberedBytes {
		return false
	}
	n := 0
	for ; len(m.applied)-n > mostRemembered*3/4 || m.bytes > mostRememberedBytes*3/4; n++ {
		m.bytes -= m.applied[n].bytes
	}
	m.applied = slices.Clone(m.applied[n:])
	return true
}

// drop forgets what is not to be kept.
func (m *memory) drop(gone func(applied) bool) {
	m.applied = slices.DeleteFunc(m.applied, func(a applied) bool {
		if !gone(a) {
			return false
		}
		m.bytes -= a.bytes
		return true
	})
}

// recall holds what is remembered against the tasks file once more, after the next delay.
func (c *committer) recall() {
	m := &c.memory
	if m.suspect = len(m.applied) > 0; m.suspect && m.again.IsZero() {
		if m.delays == nil {
			m.delays = retryOf(c.agent.config).Delays()
		}
		delay, _ := m.delays.Next() // it has no end
		m.again = time.Now().Add(delay)
	}
}

// expire forgets what cannot have been undone within its time, because nobody else has written.
func (m *memory) expire(now time.Time) {
	if m.suspect {
		return
	}
	m.drop(func(a applied) bool { return !a.until.After(now) })
}

// lookAround takes note of what other programs have written since the last time.
func (c *committer) lookAround() {
	c.writer.Look()
	seen := c.writer.ForeignWrites()
	if seen == c.report.ForeignWrites {
		return
	}
	call(c.trace.ForeignWrites, seen-c.report.ForeignWrites)
	c.report.ForeignWrites = seen
	c.stirred = true
	c.memory.expire(time.Now())
	c.recall()
}

// due is when the memory has something to do.
func (m *memory) due() time.Time {
	if !m.again.IsZero() {
		return m.again
	}
	if len(m.applied) > 0 {
		return m.applied[len(m.applied)-1].until // forget it, rather than keep it until something happens
	}
	return time.Time{}
}

// reassert looks for updates that another program has undone, by bringing back a value that they replaced. Those whose time
// has not run out are put into the queue again; the others are reported, with an entry in the recovery folder. After an
// error it is called again.
func (c *committer) reassert(ctx context.Context) error {
	m := &c.memory
	now := time.Now()
	if due := m.due(); due.IsZero() || due.After(now) || c.spool == nil {
		return nil
	}
	if !m.suspect {
		m.expire(now)
		m.again = time.Time{}
		return nil
	}
	until := m.deadlines()
	effects := make([]document.Effect, len(m.applied))
	items := map[int][]fragment.Item{} // of those that may be over, as they are before they are applied again
	var undone []document.Reassertion
	err := c.writer.Lend(ctx, func(doc *document.Document) {
		for i, a := range m.applied {
			effects[i] = a.Effect
			if !until[a.place()].After(now) {
				sum, _ := doc.Digest(a.Scope, a.ID)
				items[i] = []fragment.Item{{Scope: a.Scope, ID: a.ID, SHA256: sum}}
			}
		}
		undone = doc.Reassert(effects, c.agent.document)
	})
	if err != nil {
		return err
	}
	var again []spool.Fragment
	var over []applied
	for _, r := range undone {
		if a := m.applied[r.Effect]; until[a.place()].After(now) {
			again = append(again, spool.Fragment{Name: fmt.Sprintf("reassert-%06d.json", len(again)+1), Text: r.Fragment})
		} else {
			a.items = items[r.Effect]
			over = append(over, a)
		}
	}
	if err := c.overwritten(over); err != nil {
		return err
	}
	m.again, m.suspect = time.Time{}, false
	m.drop(func(a applied) bool { return !until[a.place()].After(now) })
	if len(again) == 0 {
		m.delays, m.attempts = nil, 0
		return nil
	}
	batch, err := c.spool.Put(again)
	if err != nil {
		m.again, m.suspect = now, true
		return err
	}
	m.attempts++
	c.batches = append(c.batches, batch)
	c.report.Reasserted += len(again)
	call(c.trace.Reasserted, len(again))
	c.log.Info("another program has undone updates; they are applied again", "updates", len(again), "attempt", m.attempts, "batch", batch.ID)
	return nil
}

// reinstate applies again, in a document that fragments are about to be merged into, what another program has undone. Without
// that a batch would be merged into what the undo has left: an element that was appended to a list would be lost for good,
// because the list is neither what it was nor what the agent has made of it.
func (c *committer) reinstate(doc *document.Document) {
	m := &c.memory
	if len(m.applied) == 0 || !m.suspect && c.writer.ForeignWrites() == c.report.ForeignWrites {
		return
	}
	if !slices.ContainsFunc(m.applied, func(a applied) bool { return doc.Suspect(a.Scope, a.ID) }) {
		return
	}
	now := time.Now()
	until := m.deadlines()
	effects := make([]document.Effect, 0, len(m.applied))
	for _, a := range m.applied {
		if until[a.place()].After(now) {
			effects = append(effects, a.Effect)
		}
	}
	if again := doc.Reinstate(effects, c.agent.document); len(again) > 0 {
		c.log.Debug("another program has undone updates; they are applied again with the next batch", "updates", len(again))
	}
}

// deadlines are the times until which places are defended: that of the last update of each.
func (m *memory) deadlines() map[place]time.Time {
	until := make(map[place]time.Time, len(m.applied))
	for _, a := range m.applied {
		if p := a.place(); a.until.After(until[p]) {
			until[p] = a.until
		}
	}
	return until
}

// forget drops all effects of an update.
func (m *memory) forget(update json.RawMessage) {
	m.drop(func(a applied) bool { return &a.update[0] == &update[0] })
}

// place is what an effect has changed.
type place struct{ scope, id, path string }

func (a applied) place() place { return place{a.Scope, a.ID, string(a.Path)} }

// overwritten makes recovery entries of updates that are undone at the end of their time, each update once.
func (c *committer) overwritten(over []applied) error {
	for i, a := range over {
		if i > 0 && &over[i-1].update[0] == &a.update[0] {
			continue // another effect of the same update
		}
		reason := &fragment.Error{
			Code: fragment.Overwritten, ID: a.ID, Pointer: string(a.Path),
			Message: fmt.Sprintf("the update was applied, but another program has written the old value back, and did so again until %s were over", c.memory.window),
			Remedy:  "let that program read the file before it writes it, raise document.reassert, and drop the update again",
		}
		entry, err := c.recovery.AddUpdate(recovery.Entry{
			Batch:     a.batch,
			Error:     recovery.Failure{Code: string(reason.Code), Message: reason.Error(), Attempts: c.memory.attempts + 1},
			Fragments: []recovery.Fragment{{Name: a.fragment, Items: a.items}},
		}, a.update)
		if err != nil {
			return err
		}
		c.noteOverwritten(a)
		c.memory.forget(a.update)
		c.report.Overwritten++
		call(c.trace.Overwritten, 1)
		c.log.Warn("overwritten by another program", "fragment", a.fragment, "id", a.ID, "at", string(a.Path), "reason", reason.Error(), "entry", entry)
	}
	return nil
}
