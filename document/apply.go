package document

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// Options are what the configuration says of the items.
type Options struct {
	Scope   string  // the scope of updates that name none; "" where each has to find its own
	Schema  *Schema // nil: everything is allowed
	Effects bool    // tell what changed, at the price of the changed items' own texts
}

// Outcome tells what a fragment did.
type Outcome struct {
	Applied   int      // updates that changed something
	Unchanged int      // updates that found everything as they wanted it
	Items     []string // the ids of the items that changed, each item once
	Effects   []Effect // what changed, in the order in which it did; nil without Options.Effects
}

// Apply carries out the updates of one fragment, in their order, each seeing what those before it did. It is a
// transaction: after an error, which is a *fragment.Error that tells of the items named, the document is as it was before.
// The same updates may be tried again when the document has changed.
func (d *Document) Apply(updates []fragment.Update, o Options) (Outcome, error) {
	defer func() { d.undo, d.effects = nil, nil }()
	if o.Effects {
		d.effects = &recorder{layout: &d.layout}
	}
	var out Outcome
	changed := map[key]bool{}
	for i := range updates {
		u := &updates[i]
		if d.effects != nil {
			d.effects.update = i
		}
		n, err := d.update(u, o)
		if err != nil {
			for _, undo := range slices.Backward(d.undo) {
				undo()
			}
			err.Update, err.ID, err.Items = i+1, u.ID, d.Named(updates, o)
			return Outcome{}, err
		}
		if n == nil {
			out.Unchanged++
			continue
		}
		out.Applied++
		if k := (key{n.scope, n.id}); !changed[k] {
			changed[k] = true
			out.Items = append(out.Items, n.id)
		}
	}
	if d.effects != nil {
		out.Effects = d.effects.list
	}
	d.modified = d.modified || out.Applied > 0
	return out, nil
}

// update carries out one update and returns the item that it changed, if it did.
func (d *Document) update(u *fragment.Update, o Options) (*node, *fragment.Error) {
	scope, scoped, err := d.scopeOf(u, o)
	if err != nil {
		return nil, err
	}
	id, err := d.addressOf(u)
	if err != nil {
		return nil, err
	}
	n, err := d.lookup(id, scope, scoped)
	unknown := err != nil && err.Code == fragment.UnknownID
	switch {
	case unknown && (u.Op == fragment.Create || u.Op == fragment.Upsert):
	case unknown && u.Op == fragment.Merge:
		err.Remedy += `, or use "$op": "upsert" to create it`
		return nil, err
	case err != nil && (u.Op != fragment.Create || !scoped):
		return nil, err
	case u.Op == fragment.Create:
		return nil, &fragment.Error{Code: fragment.AlreadyExists, Message: fmt.Sprintf("item %q exists already", id), Remedy: `use "$op": "merge" to change it, "upsert" to do either`}
	}
	if err := d.checkParent(u, n, scope, scoped); err != nil {
		return nil, err
	}
	if err := d.checkIf(u, n); err != nil {
		return nil, err
	}
	changed := true
	switch {
	case n == nil:
		n, err = d.create(u, id, scope, scoped, o.Schema)
	case u.Op == fragment.Remove:
		d.remove(n)
	case u.Op == fragment.Patch:
		changed, err = d.patch(n, u.Patch, o.Schema)
	default:
		changed, err = d.merge(n, u.Members, o.Schema)
	}
	if err != nil || !changed {
		return nil, err
	}
	return n, nil
}

// addressOf returns the id by which the document is to know the item of an update. Where an id tells of a parent, $parent
// must not name another one: the item would come to have another id than the update says, or another parent than its id.
func (d *Document) addressOf(u *fragment.Update) (string, *fragment.Error) {
	id, derived := u.ID, d.layout.parentOf(u.ID)
	if u.Parent != "" && derived == "" && d.layout.LocalIDs && !strings.HasPrefix(id, u.Parent+".") {
		id = u.Parent + "." + id // named by its parent and the id that it has there
		derived = d.layout.parentOf(id)
	}
	if u.Parent == "" || derived == "" || derived == u.Parent {
		return id, nil
	}
	return "", &fragment.Error{
		Code: fragment.NotAnUpdate, Pointer: "/$parent",
		Message: fmt.Sprintf("$parent is %s, but the id %s tells of the parent %s", fragment.Quote(u.Parent), fragment.Quote(id), fragment.Quote(derived)),
		Remedy:  fmt.Sprintf("leave $parent out: %s derives it from the id; or correct the id", d.layout.title()),
	}
}

// checkParent holds an update's $parent against the parent that the item has; n is nil where there is no item.
func (d *Document) checkParent(u *fragment.Update, n *node, scope string, scoped bool) *fragment.Error {
	if n == nil || u.Parent == "" || n.parent.id == u.Parent {
		return nil
	}
	if _, err := d.lookup(u.Parent, scope, scoped); err != nil {
		err.Pointer = "/$parent"
		return err
	}
	where := "at the top"
	if n.parent != d.root {
		where = "below " + fragment.Quote(n.parent.id)
	}
	return &fragment.Error{
		Code: fragment.AlreadyExists, Pointer: "/$parent",
		Message: fmt.Sprintf("item %q exists already, %s and not below %s", n.id, where, fragment.Quote(u.Parent)),
		Remedy:  "leave $parent out to change it where it is; no update moves an item",
	}
}

// scopeOf returns the scope that an update means, and whether it means one at all.
func (d *Document) scopeOf(u *fragment.Update, o Options) (string, bool, *fragment.Error) {
	scope, pointer, source := u.Scope, "/$scope", "$scope"
	if !d.layout.Scoped {
		if scope != "" {
			return "", false, &fragment.Error{Code: fragment.UnknownID, Pointer: pointer, Message: fmt.Sprintf("%s has no scopes", d.layout.title()), Remedy: "leave $scope out"}
		}
		return "", true, nil
	}
	if scope == "" {
		scope, pointer, source = o.Scope, "", "the configured scope"
	}
	legacy := slices.Equal(d.scopes, []string{""})
	switch {
	case scope == "" && len(d.scopes) == 1:
		return d.scopes[0], true, nil
	case scope == "":
		return "", false, nil
	case slices.Contains(d.scopes, scope):
		return scope, true, nil
	case scope == legacyScope && legacy:
		return "", true, nil
	}
	remedy := "it has " + list(d.scopes)
	if legacy {
		remedy = fmt.Sprintf("it has one list only: leave the scope out, or name it %q", legacyScope)
	}
	return "", false, &fragment.Error{Code: fragment.UnknownID, Pointer: pointer, Message: fmt.Sprintf("%s is %q, which the tasks file does not have", source, scope), Remedy: remedy}
}

// legacyScope is what taskmaster calls the one list of a file from before it had tags.
const legacyScope = "master"

// list names things in a message, so many of them as can be read.
func list(names []string) string {
	const most = 8
	var quoted []string
	for _, name := range names[:min(len(names), most)] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	if rest := len(names) - most; rest > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", rest))
	}
	return strings.Join(quoted, ", ")
}

// lookup finds the one item of that id.
func (d *Document) lookup(id, scope string, scoped bool) (*node, *fragment.Error) {
	scopes := d.scopes
	if scoped {
		scopes = []string{scope}
	}
	var found []*node
	var in []string
	for _, scope := range scopes {
		if nodes := d.items[key{scope, id}]; len(nodes) > 0 {
			found, in = append(found, nodes...), append(in, scope)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(in) > 1:
		return nil, &fragment.Error{Code: fragment.AmbiguousID, Message: fmt.Sprintf("item %q exists in the scopes %s", id, list(in)), Remedy: "name one of them with $scope"}
	case len(found) > 1:
		return nil, &fragment.Error{Code: fragment.AmbiguousID, Message: fmt.Sprintf("the tasks file holds the id %q %d times", id, len(found)), Remedy: "give each item in it an id of its own"}
	}
	return nil, &fragment.Error{Code: fragment.UnknownID, Message: fmt.Sprintf("there is no item %q", id), Remedy: "check the id"}
}

// checkIf holds an update's $if against the item, which is nil where there is none.
func (d *Document) checkIf(u *fragment.Update, n *node) *fragment.Error {
	if len(u.If) == 0 {
		return nil
	}
	current := map[string]jsontext.Value{}
	if n != nil {
		text, _ := n.ownText()
		if slices.ContainsFunc(u.If, func(m fragment.Member) bool { return d.holdsChildren(m.Name) }) {
			text = n.text()
		}
		maps.Insert(current, jsonedit.Members(text))
	}
	for _, want := range u.If {
		have, there := current[want.Name]
		absent := want.Value.Kind() == 'n'
		if absent && !there || !absent && there && jsonedit.Equal(have, want.Value) {
			continue
		}
		wanted := excerpt(want.Value)
		if absent {
			wanted = excerpt(nil)
		}
		return &fragment.Error{
			Code: fragment.PreconditionFailed, Pointer: string(jsontext.Pointer("/$if").AppendToken(want.Name)),
			Message: fmt.Sprintf("%q is %s, not %s", want.Name, excerpt(have), wanted), Remedy: "read the item again and decide anew",
		}
	}
	return nil
}

// excerpt is how a value appears in a message; nil is none.
func excerpt(value []byte) string {
	if value == nil {
		return "absent"
	}
	const most = 60
	s := string(bytes.ToValidUTF8(value[:min(len(value), most)], nil))
	if len(value) > most {
		s += "…"
	}
	return s
}

func (d *Document) holdsChildren(member string) bool { return d.layout.holdsChildren(member) }
