package document

import (
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// Item is one item, as a walk finds it. It is of use until the document changes.
type Item struct {
	Scope  string // "" where the document has none
	ID     string // by which an update names it; "" where it has none
	Parent string // the ID of the item that it hangs below; "" at the top
	Depth  int    // 0 at the top

	node *node
}

// Items yields all items in the order of the document, each before those that hang below it. The document must not change
// meanwhile.
func (d *Document) Items() iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for _, top := range d.root.kids {
			if !top.items("", yield) {
				return
			}
		}
	}
}

// items yields a node and what hangs below it, and reports whether more is wanted.
func (n *node) items(parent string, yield func(Item) bool) bool {
	if !yield(Item{Scope: n.scope, ID: n.id, Parent: parent, Depth: int(n.depth), node: n}) {
		return false
	}
	for _, kid := range n.kids {
		if !kid.items(n.id, yield) {
			return false
		}
	}
	return true
}

// Member returns the value of one of the item's own members; nil where it has none of that name. In a list of
// children an empty object stands for each. It costs what the item's own text costs, whatever hangs below it.
func (i Item) Member(name string) jsontext.Value {
	var found jsontext.Value
	own, _ := i.node.ownText()
	for member, value := range jsonedit.Members(own) {
		if member == name {
			found = value // the last one counts
		}
	}
	return found
}
