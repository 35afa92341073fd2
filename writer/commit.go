package writer

import (
	"bytes"
	"context"
	"errors"
	"runtime"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
)

// mostMerges bounds how often one attempt merges again because another program was faster. A neighbour that saves 50
// times a second leaves 20 ms for a merge; one that never leaves time is trouble.
const mostMerges = 100

// commit is one call of Commit under way.
type commit struct {
	fragments []Fragment
	merged    func(Result)
	record    func(Intent) error
	result    Result
	replacing *Intent  // from the replacement on, unless that is known to have failed: what the tasks file holds or may hold
	displaced *pending // what an exchange has brought out and is not in the tasks file yet
	lock      *lock
}

// replaced reports whether the tasks file holds the fragments, or may.
func (c *commit) replaced() bool { return c.replacing != nil || c.displaced != nil }

// target is a document that is to be written, and what it takes the place of.
type target struct {
	doc    *document.Document
	stands *version // the tasks file as it is now
	like   *version // whose mode and owner are kept
}

// once is one attempt, under the lock.
func (w *Writer) once(ctx context.Context, c *commit) error {
	lock, err := w.lock(ctx)
	if err != nil {
		return err
	}
	c.lock = lock
	err = w.mergeUntilCurrent(c)
	if released := lock.release(); released != nil {
		w.config.Log.Warn("tasks file: its lock could not be given back", "tasks", w.config.Path, "error", released)
	}
	return err
}

// mergeUntilCurrent merges into the version that is there, as often as it takes to replace that very version.
func (w *Writer) mergeUntilCurrent(c *commit) error {
	if c.replacing != nil {
		replaced, err := w.settle(*c.replacing)
		if replaced || err != nil {
			c.result.Written = c.result.Written || replaced
			c.result.Temps = c.replacing.Temps()
			return err
		}
		if displaced := w.takeDisplaced(); displaced != nil {
			c.displaced = displaced
		} else {
			w.left = append(w.left, leftover{temp: c.replacing.Temp, instead: c.before(*c.replacing)})
		}
		c.replacing = nil
	}
	for range mostMerges {
		if c.displaced != nil {
			w.forget() // its bytes are needed
		}
		stands, err := w.current()
		if err != nil {
			return err
		}
		ours, err := c.lock.isOf(stands)
		if err == nil {
			err = w.clear(stands.dir, c.record)
		}
		if err == nil && ours {
			err = w.mergeInto(stands, c)
		}
		w.release(stands, c, err)
		if err == nil && !ours {
			break
		}
		if !errors.Is(err, errChanged) {
			return err
		}
	}
	return &pathError{path: w.config.Path, err: errChanged}
}

// release gives a version back after a merge, and remembers what stands now.
func (w *Writer) release(stands *version, c *commit, err error) {
	next := w.next
	w.next = nil
	switch {
	case err == nil && next != nil:
		next.doc.Written()
		next.dir, w.checked = nil, next
		w.keepOpen(stands.dir, c.result.Temps)
	case err == nil && !c.result.Written && c.displaced == nil && !stands.doc.Modified():
		w.remember(stands)
	case err == nil:
		w.keepOpen(stands.dir, c.result.Temps)
	default:
		stands.close()
	}
}

// largeDocument is a size from which on a document is collected before the next one is read, so that the one takes the
// memory of the other, and the next one has to be read as a whole.
const largeDocument = 16 << 20

// current returns the version that is there, parsed: the one that is remembered, if it still is. It is the caller's then.
func (w *Writer) current() (*version, error) {
	if v := w.checked; v != nil && w.reopen(v) {
		w.checked = nil
		return v, nil
	}
	if w.outdated(); w.garbage {
		w.garbage = false
		runtime.GC()
	}
	v, err := w.read()
	if err != nil {
		return nil, err
	}
	if w.checked != nil {
		v.doc, err = w.checked.doc.Follow(v.data)
	} else {
		v.doc, err = document.Parse(v.data, w.config.Layout)
	}
	if err != nil {
		v.close()
		return nil, &pathError{path: w.config.Path, err: err}
	}
	w.checked = nil
	return v, nil
}

// reopen opens the folder of a version that was remembered, if it is still the tasks file. What its times do not tell an
// exchange brings to light; where there is none, a young version is read again.
func (w *Writer) reopen(v *version) bool {
	dir, name, err := w.locate()
	if err != nil {
		return false
	}
	now, err := dir.Lstat(name)
	if err != nil || !sameVersion(v.info, now) || w.renames && v.young {
		dir.Close() // nothing was written through it
		return false
	}
	v.dir, v.name = dir, name
	return true
}

// mergeInto applies the fragments to a version, or to what was displaced, and replaces the version by the result.
func (w *Writer) mergeInto(stands *version, c *commit) error {
	t := target{doc: stands.doc, stands: stands, like: stands}
	var err error
	if c.displaced != nil {
		t, err = w.mergeDisplaced(stands, c)
	} else {
		err = w.apply(t.doc, c)
	}
	if err != nil {
		return err
	}
	if c.displaced == nil && !t.doc.Modified() {
		return nil
	}
	intent := Intent{Base: stands.digest, Rejects: c.result.Rejects, Exchange: !w.renames}
	if c.displaced != nil {
		intent.Displaced = c.displaced.files
	}
	if c.displaced != nil || c.result.Updates > c.result.Items { // may be undone within the batch, or stand already
		if digestOfAll(t.doc.Pieces()) == intent.Base {
			if err := w.identifyInPlace(stands, t.like.info); err != nil {
				return err
			}
			return w.conclude(stands.dir, c)
		}
	}
	return w.replace(t, intent, c)
}

// mergeDisplaced makes the document that has everything in it: what the displaced version holds, the fragments, and
// what somebody has written since over the document that stood meanwhile.
func (w *Writer) mergeDisplaced(stands *version, c *commit) (target, error) {
	p := c.displaced
	doc, err := document.Parse(p.version.data, w.config.Layout)
	if err != nil {
		return target{}, err // it was parsed before
	}
	if !p.merged {
		if err := w.apply(doc, c); err != nil {
			return target{}, err
		}
	}
	if !bytes.Equal(stands.data, p.ours) {
		if doc, err = doc.Adopt(p.ours, stands.data); err != nil {
			return target{}, err
		}
	}
	return target{doc: doc, stands: stands, like: p.version}, nil
}

// apply merges each fragment and counts what it did.
func (w *Writer) apply(doc *document.Document, c *commit) error {
	c.result = Result{Written: c.result.Written}
	if w.config.Restore != nil {
		w.config.Restore(doc)
	}
	items := make(map[string]bool, len(c.fragments))
	r := &c.result
	r.Changed = make([]int, 0, len(c.fragments))
	if w.config.Options.Effects {
		r.Effects = make([]Effect, 0, len(c.fragments))
	}
	for i, f := range c.fragments {
		out, err := doc.Apply(f.Updates, w.config.Options)
		var reject *fragment.Error
		if errors.As(err, &reject) {
			r.Rejects = append(r.Rejects, Reject{Index: i, Err: reject})
			continue
		}
		if err != nil {
			return err
		}
		r.Fragments++
		r.Updates += out.Applied
		r.Unchanged += out.Unchanged
		if out.Applied > 0 {
			r.Changed = append(r.Changed, i)
		}
		for _, e := range out.Effects {
			r.Effects = append(r.Effects, Effect{e, i})
		}
		for _, id := range out.Items {
			items[id] = true
		}
	}
	r.Items = len(items)
	if r.Updates > 1 {
		r.WritesSaved = r.Updates - 1
		r.Efficiency = 100 * float64(r.WritesSaved) / float64(r.Updates)
	}
	if c.merged != nil {
		c.merged(*r)
	}
	return nil
}
