package jsonedit

import (
	"bytes"
	"cmp"
	"iter"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Replaced is a member that got another value.
type Replaced struct {
	Name     string
	Old, New jsontext.Value // sub-slices of the text as it was, and of the patch

	at int // where the old value stood
}

// mostCompared is how many names Replace compares with each other.
const mostCompared = 4096

// Replace is Merge for what most patches are: each of their members is there and holds a scalar, and is to hold another one.
// It returns those that did not have an equal value, in the order of the text, so that nobody need look for what has changed. It
// reports false, with nothing done, where a patch asks for more, or a name stands twice: that is for Merge.
func (t *Text) Replace(patch iter.Seq2[string, jsontext.Value]) (changed []Replaced, ok bool) {
	object := t.scan(skipTrivia(t.b, 0))
	compared := 0
	for name, value := range patch {
		if value[0] == 'n' || isComposite(value[0]) {
			return nil, false
		}
		if compared += len(object.elements); compared > mostCompared {
			return nil, false
		}
		e, ok := only(t.b, object, name)
		if !ok || isComposite(t.b[e.value]) {
			return nil, false
		}
		if old := t.b[e.value:e.end]; !bytes.Equal(old, value) && !equalAt(old, 0, value, 0) {
			changed = append(changed, Replaced{name, old, value, e.value})
		}
	}
	slices.SortFunc(changed, func(a, b Replaced) int { return cmp.Compare(a.at, b.at) })
	edits := make([]edit, len(changed))
	for i, c := range changed {
		edits[i] = edit{c.at, c.at + len(c.Old), c.New}
	}
	t.apply(edits)
	return changed, true
}

// only finds the member of that name, if there is one and no more.
func only(b []byte, object composite, name string) (found element, ok bool) {
	for _, e := range object.elements {
		if !nameIs(b[e.start:e.nameEnd], name) {
			continue
		}
		if ok {
			return element{}, false
		}
		found, ok = e, true
	}
	return found, ok
}
