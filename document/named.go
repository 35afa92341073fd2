package document

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// mostNamed bounds the items that a reject tells of: they are kept with it, and a fragment can name thousands.
const mostNamed = 64

// Named returns the items that updates name, each once and at most 64 of them, with the digest that each has now; it is ""
// of one that is not there, or of which it cannot be told which one is meant.
func (d *Document) Named(updates []fragment.Update, o Options) []fragment.Item {
	var items []fragment.Item
	seen := map[key]bool{}
	for i := range updates {
		if len(items) == mostNamed {
			break
		}
		u := &updates[i]
		item := fragment.Item{Scope: u.Scope, ID: u.ID}
		scope, scoped, err := d.scopeOf(u, o)
		if err == nil {
			if id, err := d.addressOf(u); err == nil {
				item.ID = id
				if n, err := d.lookup(id, scope, scoped); err == nil {
					item = fragment.Item{Scope: n.scope, ID: n.id, SHA256: d.digest(n)}
				}
			}
		}
		if k := (key{item.Scope, item.ID}); !seen[k] {
			seen[k] = true
			items = append(items, item)
		}
	}
	return items
}

// Digest is that of an item as it is now; false where there is no such item, or more than one. It changes with the item's
// own members and with their order, not with its children and not with the white space between members.
func (d *Document) Digest(scope, id string) (string, bool) {
	n := d.one(scope, id)
	if n == nil {
		return "", false
	}
	return d.digest(n), true
}

// Own yields the members of an item without its lists of children, as they are written; none where there is no such item, or
// more than one.
func (d *Document) Own(scope, id string) iter.Seq2[string, jsontext.Value] {
	n := d.one(scope, id)
	return func(yield func(string, jsontext.Value) bool) {
		if n == nil {
			return
		}
		for name, value := range d.own(n) {
			if !yield(name, value) {
				return
			}
		}
	}
}

func (d *Document) one(scope, id string) *node {
	if nodes := d.items[key{scope, id}]; len(nodes) == 1 {
		return nodes[0]
	}
	return nil
}

func (d *Document) own(n *node) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		text, _ := n.ownText()
		for name, value := range jsonedit.Members(text) {
			if !d.holdsChildren(name) && !yield(name, value) {
				return
			}
		}
	}
}

func (d *Document) digest(n *node) string {
	hash := sha256.New()
	for name, value := range d.own(n) {
		hash.Write([]byte(name))
		hash.Write([]byte{0})
		hash.Write(value)
		hash.Write([]byte{0})
	}
	return hex.EncodeToString(hash.Sum(nil))
}
