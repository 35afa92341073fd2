package jsonedit

import (
	"bytes"
	"hash/maphash"
	"slices"
)

// Adopt carries over into the text what another version changed: both were made from base, and what differs between base
// and theirs becomes so in the text. All else in it keeps its bytes; what comes in is laid out like its neighbours.
//
// Objects are merged member by member, arrays element by element, as deep as the text and theirs both hold an object or
// both an array; where base holds none there, it counts as an empty one. Elements are the same if they have the same
// identifier (Identify), those without one if they are equal. What theirs added, changed or moved is so in the text then,
// and what it removed is gone, even if the text had changed it. What the text had removed comes back only if theirs
// changed it. What both changed is as in theirs; what both added stands there once. What comes into an array comes behind
// the element that it follows in theirs, and behind what the text itself added there.
//
// If base and theirs are equal, no byte changes. If the text is base, byte for byte, it becomes equal to theirs; if it is
// equal to theirs, it stays so. If the text and theirs changed different members and elements, it becomes what both changes
// make of base. A strict tokenizer accepts the result, and no name stands twice in it that did not before.
//
// What it does not see: another order of members, white space and comments in theirs, and that an element went from one
// array to another; it is removed here and added there, without what the text had changed in it. Of equal elements without
// an identifier the first is taken for the first, the second for the second. Elements that differ only below the eighth
// level count as the same. Both texts must have been accepted by a strict tokenizer.
func (t *Text) Adopt(base, theirs []byte) {
	e := scanElement(t.b, skipTrivia(t.b, 0), false)
	b, o := scanElement(base, skipTrivia(base, 0), false), scanElement(theirs, skipTrivia(theirs, 0), false)
	t.apply(t.adopt(e, base[b.value:b.end], theirs[o.value:o.end], t.styleNow()))
}

// adopt plans the edits that carry over into the element e what has changed from base, empty where there was nothing, to
// theirs.
func (t *Text) adopt(e element, base, theirs []byte, style Style) []edit {
	ours := t.b[e.value:e.end]
	t.work += len(ours) + len(base) + len(theirs)
	switch {
	case bytes.Equal(theirs, base) || bytes.Equal(theirs, ours):
		return nil
	case bytes.Equal(ours, base):
		return t.become(e.value, theirs, style)
	case !isComposite(theirs[0]) || theirs[0] != ours[0]:
		if !differs(base, theirs) {
			return nil
		}
		return t.become(e.value, theirs, style)
	}
	if len(base) == 0 || base[0] != theirs[0] {
		base = []byte{theirs[0], theirs[len(theirs)-1]}
	}
	s := t.slotIn(scanComposite(t.b, e.value), style)
	if theirs[0] == '{' {
		return t.adoptObject(s, base, theirs)
	}
	return t.adoptArray(s, base, theirs)
}

// differs reports whether theirs is another value than base, which is empty where there was none.
func differs(base, theirs []byte) bool { return len(base) == 0 || !Equal(base, theirs) }

func (t *Text) adoptObject(s slot, base, theirs []byte) []edit {
	c := scanComposite(theirs, 0)
	ours, old, wanted := membersByName(t.b, s.composite), membersByName(base, scanComposite(base, 0)), membersByName(theirs, c)
	var edits []edit
	ch := change{removed: func(i int) bool {
		name := nameOf(t.b, s.elements[i])
		_, was := old[name]
		_, is := wanted[name]
		return was && !is
	}}
	for _, e := range c.elements {
		name, value := nameOf(theirs, e), theirs[e.value:e.end]
		if wanted[name] != e {
			continue // a later one of that name counts
		}
		before := base[old[name].value:old[name].end]
		if o, ok := ours[name]; ok {
			edits = append(edits, t.adopt(o, before, value, s.style)...)
		} else if differs(before, value) {
			ch.add(len(s.elements), s.member(name, source{value: value}), value)
		}
	}
	return append(edits, t.restructure(s, ch)...)
}

func (t *Text) adoptArray(s slot, base, theirs []byte) []edit {
	b, c := scanComposite(base, 0), scanComposite(theirs, 0)
	own, old, wanted := t.numbered(t.b, s.elements), t.numbered(base, b.elements), t.numbered(theirs, c.elements)
	inOurs, inBase, inTheirs := places(own), places(old), places(wanted)
	inOrder := make([]bool, len(wanted)) // what stands in base and theirs, and has not moved
	for _, p := range common(old, wanted) {
		inOrder[p.wanted] = true
	}
	removed, passed := make([]bool, len(own)), make([]bool, len(own)) // passed: what comes in comes behind it
	for i, id := range own {
		_, was := inBase[id]
		j, is := inTheirs[id]
		removed[i] = was && (!is || !inOrder[j])
		passed[i] = removed[i] || !was && !is
	}
	behind := func(at int) int {
		for at < len(own) && passed[at] {
			at++
		}
		return at
	}
	var edits []edit
	ch := change{removed: func(i int) bool { return removed[i] }}
	at := behind(0)
	for j, e := range c.elements {
		value, before := theirs[e.value:e.end], []byte(nil)
		if k, was := inBase[wanted[j]]; was {
			before = base[b.elements[k].value:b.elements[k].end]
		}
		i, ok := inOurs[wanted[j]]
		var inside []edit
		if ok {
			inside = t.adopt(s.elements[i], before, value, s.style)
		}
		switch {
		case ok && removed[i]:
			v := t.moved(s.elements[i], inside)
			ch.add(at, s.element(v), v.value)
		case ok:
			edits, at = append(edits, inside...), behind(i+1)
		case differs(before, value):
			ch.add(at, s.element(source{value: value}), value)
		}
	}
	slices.SortStableFunc(ch.added, func(a, b addition) int { return a.at - b.at }) // the text may have another order
	return append(edits, t.restructure(s, ch)...)
}

// moved returns an element that is to stand in another place, the edits inside it carried out.
func (t *Text) moved(e element, inside []edit) source {
	m := New(t.b[e.value:e.end], nil, t.fallback, "")
	for i := range inside {
		inside[i].start, inside[i].end = inside[i].start-e.value, inside[i].end-e.value
	}
	m.apply(inside)
	return source{m.b, true, t.indentAt(e.value)}
}

// numbered returns the identities of elements, of which no two are the same: the second of equal ones is another one than
// the first.
func (t *Text) numbered(b []byte, elements []element) []identity {
	ids, seen := t.identities(b, elements), map[identity]uint64{}
	for i, id := range ids {
		if n := seen[id]; n > 0 {
			ids[i].hash = maphash.Comparable(seed, [2]uint64{id.hash, n})
		}
		seen[id]++
	}
	return ids
}

func places(ids []identity) map[identity]int {
	m := make(map[identity]int, len(ids))
	for i, id := range ids {
		m[id] = i
	}
	return m
}
