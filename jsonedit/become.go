package jsonedit

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sort"
)

// become plans the edits that make the value at i equal to the given one, and no others: what is equal in an object or
// array keeps its bytes. The style is that of what stands around the value.
func (t *Text) become(i int, value []byte, style Style) []edit {
	end := t.end(i)
	if bytes.Equal(t.b[i:end], value) {
		return nil
	}
	if isComposite(value[0]) && value[0] == t.b[i] {
		s := t.slotIn(scanComposite(t.b, i), style)
		if value[0] == '{' {
			return t.becomeObject(s, value)
		}
		return t.becomeArray(s, value)
	}
	if equalAt(t.b, i, value, 0) {
		return nil
	}
	return []edit{{i, end, appendFormat(nil, value, 0, style, t.indentAt(i), true)}}
}

func (t *Text) becomeObject(s slot, value []byte) []edit {
	c := scanComposite(value, 0)
	old, wanted := membersByName(t.b, s.composite), membersByName(value, c)
	var edits []edit
	var ch change
	ch.removed = func(i int) bool { _, ok := wanted[nameOf(t.b, s.elements[i])]; return !ok }
	for _, e := range c.elements {
		name, member := nameOf(value, e), value[e.value:e.end]
		if wanted[name] != e {
			continue // a later one of that name counts
		}
		if o, ok := old[name]; ok {
			edits = append(edits, t.become(o.value, member, s.style)...)
		} else {
			ch.add(len(s.elements), s.member(name, source{value: member}), member)
		}
	}
	return append(edits, t.restructure(s, ch)...)
}

// becomeArray keeps the elements that are in both arrays, in as long an order as they have in common. Between two of
// those what is in the same place becomes what is wanted there.
func (t *Text) becomeArray(s slot, value []byte) []edit {
	c := scanComposite(value, 0)
	t.work += (s.close - s.open + len(value)) * min(Depth(value), hashDepth) // what it takes to tell elements apart
	old, wanted := t.identities(t.b, s.elements), t.identities(value, c.elements)
	pairs := append(common(old, wanted), pair{len(old), len(wanted)})
	removed := make([]bool, len(old))
	var edits []edit
	ch := change{removed: func(i int) bool { return removed[i] }}
	update := func(i, j int) {
		e := c.elements[j]
		edits = append(edits, t.become(s.elements[i].value, value[e.value:e.end], s.style)...)
	}
	i, j := 0, 0
	for _, next := range pairs {
		for ; i < next.old && j < next.wanted && !old[i].named && !wanted[j].named; i, j = i+1, j+1 {
			update(i, j)
		}
		for ; i < next.old; i++ {
			removed[i] = true
		}
		for ; j < next.wanted; j++ {
			e := c.elements[j]
			ch.add(next.old, s.element(source{value: value[e.value:e.end]}), value[e.value:e.end])
		}
		if next.old < len(old) {
			update(i, j)
			i, j = i+1, j+1
		}
	}
	return append(edits, t.restructure(s, ch)...)
}

// identity tells which elements of two arrays are the same one: those that are equal, and objects that have the same
// identifier, whatever else is in them.
type identity struct {
	hash  uint64
	named bool // by its identifier
}

func (t *Text) identities(b []byte, elements []element) []identity {
	ids := make([]identity, len(elements))
	for i, e := range elements {
		ids[i] = t.identityOf(b, e)
	}
	return ids
}

func (t *Text) identityOf(b []byte, e element) identity {
	if t.identifier != "" && b[e.value] == '{' {
		if _, id, _, ok := find(b, e.value, t.identifier); ok {
			return identity{maphash.Comparable(seed, hash(b, id.value)), true}
		}
	}
	return identity{hash(b, e.value), false}
}

// pair is an element that two arrays have in common, by its index in each.
type pair struct{ old, wanted int }

// common returns elements that stand in both arrays in the same order, as many as there can be. Of those that stand
// several times the first is paired with the first, the second with the second.
func common(old, wanted []identity) []pair {
	places := map[identity][]int{}
	for i, id := range old {
		places[id] = append(places[id], i)
	}
	// The longest ascending sequence: heads[n] is the candidate with the smallest place that n+1 pairs can end with.
	type candidate struct {
		pair
		before *candidate
	}
	var heads []*candidate
	for j, id := range wanted {
		if len(places[id]) == 0 {
			continue
		}
		c := &candidate{pair: pair{places[id][0], j}}
		places[id] = places[id][1:]
		n := sort.Search(len(heads), func(n int) bool { return heads[n].old >= c.old })
		if n > 0 {
			c.before = heads[n-1]
		}
		if n == len(heads) {
			heads = append(heads, c)
		}
		heads[n] = c
	}
	var pairs []pair
	if len(heads) > 0 {
		for c := heads[len(heads)-1]; c != nil; c = c.before {
			pairs = append(pairs, c.pair)
		}
	}
	slices.Reverse(pairs)
	return pairs
}
