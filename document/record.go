package document

import (
	"bytes"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// recorder collects the effects of a transaction. A nil one collects nothing.
type recorder struct {
	layout *Layout
	update int // the one that is being applied
	list   []Effect
}

// add notes that a value in an item became another one; nil is none.
func (r *recorder) add(n *node, path jsontext.Pointer, before, after []byte) {
	e := Effect{Update: r.update, Scope: n.scope, ID: n.id, Path: path}
	if before != nil {
		e.Old = strict(before)
	}
	if after != nil {
		e.New = strict(after)
	}
	if e.Created() {
		e.Parent, e.IDMember = n.parent.id, r.layout.ID
	}
	r.list = append(r.list, e)
}

// created notes an item that is new.
func (r *recorder) created(n *node) {
	if r != nil {
		r.add(n, "", nil, n.text())
	}
}

// removed notes an item that goes.
func (r *recorder) removed(n *node) {
	if r != nil {
		r.add(n, "", n.text(), nil)
	}
}

// edited notes what changed in an item's own text, its children apart.
func (r *recorder) edited(n *node, before, after []byte) {
	if r != nil {
		r.object(n, "", before, after, r.layout.holdsChildren) // an update can name what it changes in an item
	}
}

// replaced notes which of an item's own members have another value.
func (r *recorder) replaced(n *node, members []jsonedit.Replaced) {
	if r == nil {
		return
	}
	for _, m := range members {
		r.add(n, jsontext.Pointer("").AppendToken(m.Name), m.Old, m.New)
	}
}

// rewritten notes what changed in an item and below it. It was as before says, and below it so many items had each id.
func (r *recorder) rewritten(d *Document, n, before *node, count map[key]int) {
	if r == nil {
		return
	}
	mark := len(r.list)
	if !r.items(d, before, n, count) {
		r.list = r.list[:mark]
		r.value(n, "", before.text(), n.text())
	}
}

// value compares what stood at a place with what stands there now.
func (r *recorder) value(n *node, path jsontext.Pointer, before, after jsontext.Value) {
	if bytes.Equal(before, after) {
		return
	}
	mark := len(r.list)
	if before.Kind() == '{' && after.Kind() == '{' {
		if r.object(n, path, before, after, func(string) bool { return false }) {
			return
		}
		r.list = r.list[:mark]
	}
	if !jsonedit.Equal(before, after) {
		r.add(n, path, before, after)
	}
}

// object compares the members of two objects but those to be skipped. It reports whether what differs has names that a
// fragment can tell: none with half of a surrogate pair.
func (r *recorder) object(n *node, path jsontext.Pointer, before, after []byte, skip func(name string) bool) bool {
	if bytes.Equal(before, after) {
		return true
	}
	if names, old, values, ok := sameMembers(before, after); ok {
		for i, name := range names {
			if bytes.Equal(old[i], values[i]) || skip(name) {
				continue
			}
			if !utf8.ValidString(name) {
				return false
			}
			r.value(n, path.AppendToken(name), old[i], values[i])
		}
		return true
	}
	was, is := maps.Collect(jsonedit.Members(before)), maps.Collect(jsonedit.Members(after))
	for _, text := range [][]byte{before, after} {
		for name := range jsonedit.Members(text) {
			old, wasThere := was[name]
			value, isThere := is[name]
			delete(was, name) // each name once, with the value of its last member
			delete(is, name)
			switch {
			case !wasThere && !isThere || skip(name) || wasThere && isThere && bytes.Equal(old, value):
			case !utf8.ValidString(name):
				return false
			case wasThere && isThere:
				r.value(n, path.AppendToken(name), old, value)
			default:
				r.add(n, path.AppendToken(name), old, value)
			}
		}
	}
	return true
}

// sameMembers returns the members of two objects that have the same names in the same order, each once: so it is when only
// values have changed, and then there is no need of maps. Of objects with very many members it does not say so.
func sameMembers(before, after []byte) (names []string, old, values []jsontext.Value, ok bool) {
	const most, usual = 32, 16
	names, old = make([]string, 0, usual), make([]jsontext.Value, 0, usual)
	for name, value := range jsonedit.Members(before) {
		if len(names) == most || slices.Contains(names, name) {
			return nil, nil, nil, false
		}
		names, old = append(names, name), append(old, value)
	}
	values = make([]jsontext.Value, 0, len(names))
	for name, value := range jsonedit.Members(after) {
		if i := len(values); i == len(names) || names[i] != name {
			return nil, nil, nil, false
		}
		values = append(values, value)
	}
	return names, old, values, len(values) == len(names)
}

// items compares an item, and all below it, with what it was before. It reports whether the differences are no others
// than those that updates of the items one by one could bring about, and bring about again.
func (r *recorder) items(d *Document, before, after *node, count map[key]int) bool {
	if !r.own(before, after) {
		return false
	}
	was, is := kidsByID(before), kidsByID(after)
	if was == nil || is == nil {
		return false
	}
	stays := func(kid *node, in map[string]*node) bool {
		twin := in[kid.id]
		return twin != nil && twin.list == kid.list
	}
	var order []string
	for _, kid := range before.kids {
		if stays(kid, is) {
			order = append(order, kid.id)
			continue
		}
		if !gone(d, kid, count) {
			return false
		}
		r.removed(kid)
	}
	for _, kid := range after.kids {
		if stays(kid, was) {
			if order[0] != kid.id || count[key{kid.scope, kid.id}] != 1 || !r.items(d, was[kid.id], kid, count) {
				return false
			}
			order = order[1:]
			continue
		}
		if !r.creatable(before, after, kid) {
			return false
		}
		r.created(kid)
	}
	return true
}

// own compares an item's own members, and reports whether its lists of children and its id are what they were but for the
// items in them.
func (r *recorder) own(before, after *node) bool {
	old, _ := before.ownText()
	text, _ := after.ownText()
	was, is := maps.Collect(jsonedit.Members(old)), maps.Collect(jsonedit.Members(text))
	if id := is[r.layout.ID]; was[r.layout.ID] == nil || id == nil || !jsonedit.Equal(was[r.layout.ID], id) {
		return false
	}
	held := map[string]bool{}
	for _, n := range []*node{before, after} {
		for _, kid := range n.kids {
			held[kid.list.LastToken()] = true
		}
	}
	for name := range held {
		made := was[name] == nil || was[name].Kind() == 'n' // a create makes the list
		if !made && !onlyItems(was[name]) || !onlyItems(is[name]) {
			return false
		}
	}
	return r.object(after, "", old, text, func(name string) bool { return held[name] })
}

func onlyItems(list jsontext.Value) bool {
	if list.Kind() != '[' {
		return false
	}
	for element := range jsonedit.Elements(list) {
		if element.Kind() != '{' {
			return false
		}
	}
	return true
}

// kidsByID returns the children by their ids, nil where those do not tell them apart.
func kidsByID(n *node) map[string]*node {
	byID := make(map[string]*node, len(n.kids))
	for _, kid := range n.kids {
		if kid.id == "" || byID[kid.id] != nil {
			return nil
		}
		byID[kid.id] = kid
	}
	return byID
}

// gone reports whether no item of a subtree is still there, somewhere else.
func gone(d *Document, n *node, count map[key]int) bool {
	all := true
	n.descendants(func(n *node) {
		k := key{n.scope, n.id}
		all = all && (n.id == "" || count[k] == 1 && len(d.items[k]) == 0)
	})
	return all
}

// creatable reports whether a create makes the same of a new child: in the same list, and with the id written alike. No
// create puts an item below another one than its id tells of.
func (r *recorder) creatable(before, after, kid *node) bool {
	name, ok := r.layout.childrenAt(int(after.depth))
	if !ok || kid.list != jsontext.Pointer("").AppendToken(name) {
		return false
	}
	if derived := r.layout.parentOf(kid.id); derived != "" && derived != after.id {
		return false
	}
	siblings := slices.Concat(before.kids, after.kids)
	if lastIn(before, kid.list) < 0 && r.layout.LocalIDs {
		siblings = append(siblings, after) // children without an example write it like their parent
	}
	return !slices.ContainsFunc(siblings, func(n *node) bool {
		return n.numeric != kid.numeric && (n == after || n.list == kid.list)
	})
}
