package document

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// create puts a new item behind the last child of its parent.
func (d *Document) create(u *fragment.Update, id, scope string, scoped bool, schema *Schema) (*node, *fragment.Error) {
	parent, err := d.parentFor(u, id, scope, scoped)
	if err != nil {
		return nil, err
	}
	if parent != d.root {
		scope, scoped = parent.scope, true
	}
	if !scoped {
		return nil, &fragment.Error{Code: fragment.AmbiguousID, Message: fmt.Sprintf("item %q is in none of the scopes %s", id, list(d.scopes)), Remedy: "name with $scope the one that is to get it"}
	}
	pointer, err := d.listFor(parent, id, scope)
	if err != nil {
		return nil, err
	}
	p, err := d.placeIn(parent, pointer)
	if err != nil {
		return nil, err
	}
	local := d.layout.local(parent, id)
	if local == "" {
		return nil, &fragment.Error{Code: fragment.MissingID, Pointer: "/id", Message: fmt.Sprintf("the id %q names no item below %q: nothing stands behind its last dot", id, parent.id), Remedy: fmt.Sprintf("write an id such as %q", id+"1")}
	}
	members, err := d.withoutID(u.Members, local)
	if err != nil {
		return nil, err
	}
	style, numeric := p.style, u.IDValue.Kind() == '0'
	switch {
	case p.sibling != nil:
		text, _ := p.sibling.ownText()
		style, numeric = jsonedit.StyleOf(text, style), p.sibling.numeric
	case d.layout.LocalIDs && parent != d.root:
		numeric = parent.numeric
	}
	text := newItem(members, u.IDIndex, d.layout.ID, idLiteral(local, numeric))
	kid, err := d.parseItem(jsonedit.AppendFormat(nil, text, style, p.indent), parent, scope, pointer)
	if err != nil {
		return nil, err
	}
	if err := tooDeep(kid.enclosing(), nil, kid.src); err != nil {
		return nil, err
	}
	d.splice(parent, p.first, p.last, p.gaps, slices.Insert(slices.Clone(parent.kids[p.first:p.last]), p.at, kid))
	if err := d.addItems(kid, nil); err != nil {
		return nil, err
	}
	d.effects.created(kid)
	return kid, schema.judgeAll(d, kid, known{})
}

// newPlace is a hole for a new child: which children and gaps of the parent it concerns, and what is to become of the gaps.
type newPlace struct {
	first, last int
	gaps        [][]byte
	at          int    // which of the children there it becomes
	indent      string // of its lines
	style       jsonedit.Style
	sibling     *node // the one before it, which it is to look like; nil where there is none
}

// placeIn makes a hole behind the last child in a list of parent, with the list if there is none.
func (d *Document) placeIn(parent *node, pointer jsontext.Pointer) (p newPlace, err *fragment.Error) {
	if last := lastIn(parent, pointer); last >= 0 {
		first := last
		if first > 0 && parent.kids[first-1].list == pointer {
			first--
		}
		w := parent.window(first, last)
		t := w.edit(d.style)
		at, indent, _ := t.AppendHole("") // the window is an array
		return newPlace{first, last + 1, w.gaps(t), at, indent, d.style, parent.kids[last]}, nil
	}
	own, holes := parent.ownText()
	t := jsonedit.New(own, holes, d.style, parent.indent())
	if value, err := t.Get(pointer); err != nil || value.Kind() == 'n' {
		t.Merge(func(yield func(string, jsontext.Value) bool) { yield(pointer.LastToken(), jsontext.Value("[]")) })
	}
	at, indent, failed := t.AppendHole(pointer)
	if failed != nil {
		return p, &fragment.Error{Code: fragment.SchemaViolation, Pointer: string(pointer), Message: failed.Error(), Remedy: "make it one, or remove it"}
	}
	return newPlace{0, len(parent.kids), split(t.Bytes(), t.Marks()), at, indent, jsonedit.StyleOf(own, d.style), nil}, nil
}

// parentFor finds the item that is to get the new child; the root where it comes to stand at the top.
func (d *Document) parentFor(u *fragment.Update, id, scope string, scoped bool) (*node, *fragment.Error) {
	name, pointer := u.Parent, "/$parent"
	if name == "" {
		name, pointer = d.layout.parentOf(id), ""
	}
	if name == "" {
		return d.root, nil
	}
	parent, err := d.lookup(name, scope, scoped)
	if err != nil {
		err.Pointer, err.Message = pointer, fmt.Sprintf("item %q has no parent: %s", id, err.Message)
		if err.Code == fragment.UnknownID {
			err.Remedy = "create the parent first, or name another one with $parent"
			if d.layout.parentOf(id) != "" {
				err.Remedy = "create the parent first, or correct the id"
			}
		}
	}
	return parent, err
}

// listFor returns which list of the parent gets the new child of that id.
func (d *Document) listFor(parent *node, id, scope string) (jsontext.Pointer, *fragment.Error) {
	if parent == d.root {
		return d.layout.listPointer(scope), nil
	}
	name, ok := d.layout.childrenAt(int(parent.depth))
	if !ok {
		remedy := "name another item with $parent"
		switch {
		case len(d.layout.Children) == 0:
			remedy = "leave $parent out"
		case d.layout.parentOf(id) != "":
			remedy = "choose the id of a child of another item"
		}
		return "", &fragment.Error{Code: fragment.SchemaViolation, Pointer: "", Message: fmt.Sprintf("item %q can have no children: %s goes no deeper", parent.id, d.layout.title()), Remedy: remedy}
	}
	return jsontext.Pointer("").AppendToken(name), nil
}

// lastIn returns the last child in a list, -1 where there is none.
func lastIn(parent *node, list jsontext.Pointer) int {
	for i, kid := range slices.Backward(parent.kids) {
		if kid.list == list {
			return i
		}
	}
	return -1
}

// idLiteral writes an id the way its siblings do.
func idLiteral(id string, numeric bool) []byte {
	if number := jsontext.Value(id); numeric && number.IsValid() {
		if canonical, err := fragment.CanonicalID(number); err == nil && canonical == id {
			return number
		}
	}
	quoted, _ := jsontext.AppendQuote(nil, id) // ids have been strings before: valid UTF-8
	return quoted
}

// newItem is the text of an item that an update creates: what a merge patch makes of nothing (RFC 7396), with the id
// before the member of that index.
func newItem(members []fragment.Member, index int, idMember string, id []byte) []byte {
	members = slices.Insert(slices.Clone(members), min(index, len(members)), fragment.Member{Name: idMember, Value: id})
	text := []byte{'{'}
	for _, m := range members {
		if m.Value.Kind() == 'n' {
			continue
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text, _ = jsontext.AppendQuote(text, m.Name) // names have been strings before
		text = append(append(text, ':'), jsonedit.WithoutNulls(m.Value)...)
	}
	return append(text, '}')
}

// remove takes an item out of its parent, with all that hangs below it.
func (d *Document) remove(n *node) {
	d.effects.removed(n)
	parent := n.parent
	at := slices.Index(parent.kids, n)
	first, last := at, at
	if at > 0 && parent.kids[at-1].list == n.list {
		first--
	}
	if at+1 < len(parent.kids) && parent.kids[at+1].list == n.list {
		last++
	}
	w := parent.window(first, last)
	t := w.edit(d.style)
	t.RemoveHole("", at-first) // the window is an array
	d.dropItems(n, map[key]int{})
	kids := slices.Delete(slices.Clone(parent.kids[first:last+1]), at-first, at-first+1)
	d.splice(parent, first, last+1, w.gaps(t), kids)
}
