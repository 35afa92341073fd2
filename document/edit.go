package document

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// merge applies ordinary members as a merge patch.
func (d *Document) merge(n *node, members []fragment.Member, schema *Schema) (bool, *fragment.Error) {
	members, err := d.withoutID(members, d.layout.local(n.parent, n.id))
	if err != nil {
		return false, err
	}
	edit := func(t *jsonedit.Text) *fragment.Error { t.Merge(pairs(members)); return nil }
	for _, m := range members {
		if d.holdsChildren(m.Name) {
			return d.rewrite(n, edit, schema)
		}
	}
	if changed, done, err := d.replaceOwn(n, members, schema); done {
		return changed, err
	}
	return d.editOwn(n, edit, schema)
}

func pairs(members []fragment.Member) func(func(string, jsontext.Value) bool) {
	return func(yield func(string, jsontext.Value) bool) {
		for _, m := range members {
			if !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// withoutID leaves the member out that holds an item's id in a layout where it is not called id, and which an update can
// therefore name as an ordinary one. It must hold the id that the item has, or is to have.
func (d *Document) withoutID(members []fragment.Member, id string) ([]fragment.Member, *fragment.Error) {
	for i, m := range members {
		if m.Name != d.layout.ID {
			continue
		}
		if named, err := fragment.CanonicalID(m.Value); err != nil || named != id {
			return nil, errIDChanged(jsontext.Pointer("").AppendToken(m.Name))
		}
		return append(members[:i:i], members[i+1:]...), nil
	}
	return members, nil
}

// replaceOwn merges members whose values are scalars in the place of others, as nearly all updates do. What has changed is known
// then, so that this takes a third of the time of editOwn. It reports false, with nothing done, where it is not so.
func (d *Document) replaceOwn(n *node, members []fragment.Member, schema *Schema) (changed, done bool, _ *fragment.Error) {
	before, holes := n.ownText()
	t := jsonedit.New(before, holes, d.style, "")
	replaced, ok := t.Replace(pairs(members))
	if !ok || len(replaced) == 0 {
		return false, ok, nil
	}
	d.splice(n, 0, len(n.kids), split(t.Bytes(), t.Marks()), n.kids)
	d.effects.replaced(n, replaced)
	if schema.allowsReplaced(replaced) {
		return true, true, nil
	}
	return true, true, schema.judge(d, before, t.Bytes())
}

// editOwn edits an item's own members; the edit must not touch its children.
func (d *Document) editOwn(n *node, edit func(*jsonedit.Text) *fragment.Error, schema *Schema) (bool, *fragment.Error) {
	before, holes := n.ownText()
	t := jsonedit.New(before, holes, d.style, n.indent())
	if err := edit(t); err != nil {
		return false, err
	}
	if bytes.Equal(before, t.Bytes()) {
		return false, nil
	}
	if err := tooDeep(n.enclosing(), before, t.Bytes()); err != nil {
		return false, err
	}
	d.splice(n, 0, len(n.kids), split(t.Bytes(), t.Marks()), n.kids)
	d.effects.edited(n, before, t.Bytes())
	return true, schema.judge(d, before, t.Bytes())
}

// rewrite edits an item with all that hangs below it, and finds the items in the result anew.
func (d *Document) rewrite(n *node, edit func(*jsonedit.Text) *fragment.Error, schema *Schema) (bool, *fragment.Error) {
	before, id := n.text(), jsontext.Pointer("").AppendToken(d.layout.ID)
	t := jsonedit.New(before, nil, d.style, n.indent())
	t.Identify(d.layout.ID)
	oldID, _ := t.Get(id) // the item was found by it
	if err := edit(t); err != nil {
		return false, err
	}
	if bytes.Equal(before, t.Bytes()) {
		return false, nil
	}
	if err := tooDeep(n.enclosing(), before, t.Bytes()); err != nil {
		return false, err
	}
	fresh, err := d.parseItem(t.Bytes(), n.parent, n.scope, n.list)
	if err != nil {
		return false, err
	}
	if newID, err := t.Get(id); err != nil || !jsonedit.Equal(oldID, newID) {
		return false, errIDChanged("")
	}
	old := known{byKey: map[string][]byte{}, texts: map[string]bool{}}
	n.keyed(n.id, func(key string, n *node) {
		text, _ := n.ownText()
		old.byKey[key], old.texts[string(text)] = text, true
	})
	count := map[key]int{}
	for _, kid := range n.kids {
		d.dropItems(kid, count)
	}
	was := *n
	d.replace(n, fresh)
	for _, kid := range n.kids {
		if err := d.addItems(kid, count); err != nil {
			return false, err
		}
	}
	if err := d.checkLists(n, old); err != nil {
		return false, err
	}
	d.effects.rewritten(d, n, &was, count)
	return true, schema.judgeAll(d, n, old)
}

// checkLists refuses that a list of children becomes something else, which would drop all that hung below it by the way.
// Whoever wants that says null, or gives a list without them.
func (d *Document) checkLists(n *node, old known) *fragment.Error {
	var err *fragment.Error
	n.keyed(n.id, func(key string, m *node) {
		text, _ := m.ownText()
		before := old.byKey[key]
		if err != nil || before == nil || old.texts[string(text)] {
			return
		}
		was, is := maps.Collect(jsonedit.Members(before)), maps.Collect(jsonedit.Members(text))
		for _, name := range d.layout.Children {
			items, others := count(was[name])
			itemsNow, othersNow := count(is[name])
			if itemsNow >= items || othersNow <= others || err != nil {
				continue
			}
			err = &fragment.Error{
				Code: fragment.SchemaViolation, Pointer: string(jsontext.Pointer("").AppendToken(name)),
				Message: fmt.Sprintf("it holds items (%d) and would become %s, which drops them", items, excerpt(is[name])),
				Remedy:  "write an array of objects; to remove items, leave them out of it, or write null to remove all",
			}
			if m != n && m.id != "" {
				err.Message = fmt.Sprintf("item %q: %s", m.id, err.Message)
			}
		}
	})
	return err
}

// count tells how many items a member for children holds, and how much else. What is no list is something else itself,
// null and a missing member are nothing.
func count(list jsontext.Value) (items, others int) {
	switch {
	case list == nil || list.Kind() == 'n':
		return 0, 0
	case list.Kind() != '[':
		return 0, 1
	}
	for element := range jsonedit.Elements(list) {
		if element.Kind() == '{' {
			items++
		} else {
			others++
		}
	}
	return items, others
}

// known is what was in an item and below it before an update.
type known struct {
	byKey map[string][]byte // the items' own texts
	texts map[string]bool   // the same, whatever their keys
}

// keyed yields n and what hangs below it, each with a key by which it can be found again: its id, or else its place.
func (n *node) keyed(key string, yield func(key string, n *node)) {
	yield(key, n)
	for i, kid := range n.kids {
		name := kid.id
		if name == "" {
			name = key + string(kid.list) + "/" + strconv.Itoa(i)
		}
		kid.keyed(name, yield)
	}
}

func errIDChanged(pointer jsontext.Pointer) *fragment.Error {
	return &fragment.Error{Code: fragment.PatchFailed, Pointer: string(pointer), Message: "an item's id cannot be changed", Remedy: "leave it as it is, or remove the item and create it anew"}
}

// maxDepth is how many objects and arrays can be inside each other in the document where an update has added to them:
// readers of the file go no deeper (jq stops at 256). What is deeper already may stay so.
const maxDepth = 256

func tooDeep(enclosing int, before, after []byte) *fragment.Error {
	depth := jsonedit.Depth(after)
	if enclosing+depth <= maxDepth || depth <= jsonedit.Depth(before) {
		return nil
	}
	return &fragment.Error{
		Code:    fragment.TooDeep,
		Message: fmt.Sprintf("%d arrays and objects would be inside each other, the limit is %d", enclosing+depth, maxDepth),
		Remedy:  "nest less deeply",
	}
}

// parseItem indexes the text of an item that is to hang below parent.
func (d *Document) parseItem(text []byte, parent *node, scope string, list jsontext.Pointer) (*node, *fragment.Error) {
	n := &node{scope: scope, parent: parent, depth: parent.depth + 1, list: list}
	_, err := index(text, &d.layout, n, d.comments)
	if m := misfit(""); errors.As(err, &m) {
		return nil, &fragment.Error{Code: fragment.PatchFailed, Message: "what remains is no object, as an item must be", Remedy: "remove the item if it is to go"}
	}
	if err != nil {
		return nil, &fragment.Error{Code: fragment.PatchFailed, Message: "the result cannot be read: " + err.Error()}
	}
	settle(n, &d.layout, func(*node) {})
	return n, nil
}
