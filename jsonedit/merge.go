package jsonedit

import (
	"bytes"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// Merge applies the members of a merge patch (RFC 7396) to the text, which must be an object. A member that has the
// value already, by Equal, keeps its bytes; a changed one keeps its place; new ones come last, laid out like their
// neighbours. It reports whether anything changed. The patch must not name a member twice, and its values begin and end
// without white space.
func (t *Text) Merge(patch iter.Seq2[string, jsontext.Value]) bool {
	edits := t.mergeObject(skipTrivia(t.b, 0), patch, t.styleNow())
	t.apply(edits)
	return len(edits) > 0
}

func (t *Text) mergeObject(open int, patch iter.Seq2[string, jsontext.Value], outer Style) []edit {
	s := t.slotIn(scanComposite(t.b, open), outer)
	byName := membersByName(t.b, s.composite)
	removed := map[string]bool{}
	var edits []edit
	var ch change
	for name, value := range patch {
		e, exists := byName[name]
		switch {
		case value[0] == 'n':
			if exists {
				removed[name] = true
			}
		case !exists:
			value = WithoutNulls(value)
			ch.add(len(s.elements), s.member(name, source{value: value}), value)
		case value[0] == '{' && t.b[e.value] == '{':
			edits = append(edits, t.mergeObject(e.value, Members(value), s.style)...)
		default:
			edits = append(edits, t.become(e.value, WithoutNulls(value), s.style)...)
		}
	}
	if len(removed) > 0 {
		// All of that name go: were an earlier twin left, it would take the place of the one that went.
		ch.removed = func(i int) bool { return removed[nameOf(t.b, s.elements[i])] }
	}
	return append(edits, t.restructure(s, ch)...)
}

// WithoutNulls returns what a merge patch makes of a value where there was none: the objects in it lose the members that
// are null, the arrays keep theirs (RFC 7396, section 2).
func WithoutNulls(value []byte) []byte {
	if value[0] != '{' || !bytes.Contains(value, []byte("null")) {
		return value
	}
	out := []byte{'{'}
	c := scanComposite(value, 0)
	for _, e := range c.elements {
		if value[e.value] == 'n' {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, value[e.start:e.nameEnd]...), ':')
		out = append(out, WithoutNulls(value[e.value:e.end])...)
	}
	return append(out, '}')
}
