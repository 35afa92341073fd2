package document

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// Value returns what stands at a place now: in the one item of that id, with its children; "" is the item itself. It is
// false where there is no such item or nothing at that place. The value may be a slice of the document's text, comments
// included: not to be written to, and to be cloned by whoever keeps it.
func (d *Document) Value(scope, id string, path jsontext.Pointer) (jsontext.Value, bool) {
	n, _ := d.find(scope, id)
	if n == nil {
		return nil, false
	}
	return d.valueIn(n, path)
}

// find returns the item that an update with that scope and id means, nothing being configured; nil where there is none.
// It is free where nothing has that id in the one scope that is meant.
func (d *Document) find(scope, id string) (n *node, free bool) {
	scope, scoped, err := d.scopeOf(&fragment.Update{Scope: scope}, Options{})
	if err != nil {
		return nil, false
	}
	n, err = d.lookup(id, scope, scoped)
	return n, scoped && err != nil && err.Code == fragment.UnknownID
}

func (d *Document) valueIn(n *node, path jsontext.Pointer) (jsontext.Value, bool) {
	if path == "" {
		return n.text(), true
	}
	text, _ := n.ownText()
	if d.reachesChildren(path) {
		text = n.text()
	}
	return valueOf(text, path)
}

func valueOf(text []byte, path jsontext.Pointer) (jsontext.Value, bool) {
	value, err := jsonedit.New(text, nil, jsonedit.DefaultStyle, "").Get(path)
	return value, err == nil
}

// Undone reports whether what the effect replaced stands in its place again. Where the item or the member that the place
// is in, or the parent of an item that was created, is not there itself, it is not.
func (d *Document) Undone(e Effect) bool {
	n, free := d.find(e.Scope, e.ID)
	switch {
	case e.Created():
		return free && (e.Parent == "" || d.parentOf(e) != nil)
	case n == nil:
		return false
	}
	value, there := d.valueIn(n, e.Path)
	if e.Old != nil {
		return there && jsonedit.Equal(value, e.Old)
	}
	if there || e.Path.Parent() == "" {
		return !there
	}
	outer, there := d.valueIn(n, e.Path.Parent())
	return there && outer.Kind() == '{'
}

// parentOf returns the parent of an item that was created, nil where there is none.
func (d *Document) parentOf(e Effect) *node {
	n, _ := d.find(e.Scope, e.Parent)
	return n
}

// Reassertion is an effect that was undone, and what brought it back.
type Reassertion struct {
	Effect   int    // its index
	Fragment []byte // see Effect.Reassert
}

// Reassert applies again what is undone of effects, which are in the order in which they came about, whatever fragments
// they are of. Each is looked at in what those before it left, so that a member that was changed twice, or in an item that
// was created, gets where it was. One whose place a later effect has taken, and still holds, is not undone. What is
// rejected, because something else is in the way now, stays undone.
//
// The document has changed afterwards by the fragments that are returned, in their order, and by nothing else.
func (d *Document) Reassert(effects []Effect, o Options) []Reassertion {
	return d.reassert(effects, o, func(Effect) bool { return true })
}

// Reinstate is Reassert where all but what is suspect is known to stand: all effects that are remembered were looked at in this
// document before, or came about in it since; see [Document.Suspect].
func (d *Document) Reinstate(effects []Effect, o Options) []Reassertion {
	done := d.reassert(effects, o, func(e Effect) bool { return d.Suspect(e.Scope, e.ID) })
	d.trust()
	return done
}

func (d *Document) reassert(effects []Effect, o Options, doubtful func(Effect) bool) []Reassertion {
	o.Effects = false
	later := map[key][]int{}
	for i, e := range effects {
		k := key{e.Scope, e.ID}
		later[k] = append(later[k], i)
	}
	var done []Reassertion
	for i, e := range effects {
		if !doubtful(e) || !d.Undone(e) || d.superseded(effects, i, later) {
			continue
		}
		now, _ := d.Value(e.Scope, e.ID, e.Path)
		text := e.Reassert(now)
		updates, err := fragment.Parse("reassert.json", text, fragment.Limits{})
		if err != nil {
			continue
		}
		if out, err := d.Apply(updates, o); err == nil && out.Applied > 0 {
			done = append(done, Reassertion{i, text})
		}
	}
	return done
}

// superseded reports whether what stands in the place of an effect is what the last of those behind it left there: one on
// the place or on what it is in, or one that brought a whole item or list in which the place is.
func (d *Document) superseded(effects []Effect, i int, byItem map[key][]int) bool {
	e := effects[i]
	n, _ := d.find(e.Scope, e.ID)
	last := func(id string, covers func(jsontext.Pointer) bool) (Effect, bool) {
		for _, k := range slices.Backward(byItem[key{e.Scope, id}]) {
			if k <= i {
				break
			}
			if covers(effects[k].Path) {
				return effects[k], true
			}
		}
		return Effect{}, false
	}
	covers := func(path jsontext.Pointer) bool { return path.Contains(e.Path) }
	if f, ok := last(e.ID, covers); ok && d.leftIn(f, n, e.Path) {
		return true
	}
	outer := d.parentOf(e)
	if n != nil {
		outer = n.parent
	}
	for ; outer != nil && outer != d.root; outer = outer.parent {
		if f, ok := last(outer.id, d.reachesChildren); ok && d.leftBelow(f, outer, n, e) {
			return true
		}
	}
	return false
}

// leftIn reports whether an effect on an item, which is nil where it is not there, left in it what stands at path now.
func (d *Document) leftIn(f Effect, n *node, path jsontext.Pointer) bool {
	if n == nil || f.Created() && n.parent.id != f.Parent {
		return n == nil && f.Removed()
	}
	var value jsontext.Value
	was := f.New != nil
	if was {
		value, was = valueOf(f.New, path[len(f.Path):])
	}
	now, there := d.valueIn(n, path)
	return there == was && (!there || jsonedit.Equal(now, value))
}

// leftBelow reports whether an effect on the item outer, with its children, left what stands in the place of e, of the item
// n somewhere below it or of none.
func (d *Document) leftBelow(f Effect, outer, n *node, e Effect) bool {
	text := f.New
	switch {
	case f.Created() && outer.parent.id != f.Parent:
		return false
	case text != nil && f.Path != "":
		text = newItem([]fragment.Member{{Name: f.Path.LastToken(), Value: text}}, 0, d.layout.ID,
			idLiteral(d.layout.local(outer.parent, outer.id), outer.numeric))
	}
	var left *node
	if text != nil {
		whole, err := d.parseItem(text, outer.parent, outer.scope, outer.list)
		if err != nil {
			return false
		}
		whole.descendants(func(m *node) {
			if m.id == e.ID {
				left = m
			}
		})
	}
	if left == nil || n == nil {
		return left == nil && n == nil
	}
	value, was := d.valueIn(left, e.Path)
	now, there := d.valueIn(n, e.Path)
	return there == was && (!there || jsonedit.Equal(now, value))
}
