package document

import (
	"fmt"
	"slices"

	"github.com/sessionsync/sessionsync/fragment"
)

// Every change of the tree and of its index goes through one of the functions here, each of which notes how to take it
// back. They are taken back in the opposite order, so each finds what it left.

// splice replaces the children from first up to last, the latter excluded, and the gaps around them.
func (d *Document) splice(n *node, first, last int, gaps [][]byte, kids []*node) {
	if n.gaps == nil {
		all := make([][]byte, len(n.kids)+1)
		for i := range all {
			all[i] = n.gap(i)
		}
		n.gaps = all
	}
	oldGaps, oldKids := slices.Clone(n.gaps[first:last+1]), slices.Clone(n.kids[first:last])
	end := first + len(kids)
	d.undo = append(d.undo, func() {
		n.gaps, n.kids = slices.Replace(n.gaps, first, end+1, oldGaps...), slices.Replace(n.kids, first, end, oldKids...)
	})
	n.gaps, n.kids = slices.Replace(n.gaps, first, last+1, gaps...), slices.Replace(n.kids, first, last, kids...)
	markDirty(n)
}

// replace gives a node the text and the children of fresh.
func (d *Document) replace(n, fresh *node) {
	src, gaps, kids := n.src, n.gaps, n.kids
	d.undo = append(d.undo, func() { n.src, n.gaps, n.kids = src, gaps, kids })
	n.src, n.gaps, n.kids = fresh.src, nil, fresh.kids
	for _, kid := range n.kids {
		kid.parent = n
	}
	markDirty(n)
}

// markDirty is not taken back: a node that is dirty without need only costs time.
func markDirty(n *node) {
	for ; n != nil && !n.dirty; n = n.parent {
		n.dirty = true
	}
}

// know sets which nodes have an id.
func (d *Document) know(k key, nodes []*node) {
	set := func(nodes []*node) {
		if d.items[k] = nodes; len(nodes) == 0 {
			delete(d.items, k)
		}
	}
	old := d.items[k]
	d.undo = append(d.undo, func() { set(old) })
	set(nodes)
}

// addItems makes the items of a subtree known by their ids. Nothing else in their scope may have one of them, unless that
// many had it before.
func (d *Document) addItems(n *node, before map[key]int) *fragment.Error {
	if n.id != "" {
		k := key{n.scope, n.id}
		nodes := append(slices.Clone(d.items[k]), n)
		if len(nodes) > max(1, before[k]) {
			return &fragment.Error{Code: fragment.AlreadyExists, Message: fmt.Sprintf("the id %q would stand twice", n.id), Remedy: "give each item an id of its own"}
		}
		d.know(k, nodes)
	}
	for _, kid := range n.kids {
		if err := d.addItems(kid, before); err != nil {
			return err
		}
	}
	return nil
}

// dropItems forgets the items of a subtree, and counts for each of their ids how many had it.
func (d *Document) dropItems(n *node, count map[key]int) {
	n.descendants(func(n *node) {
		if n.id == "" {
			return
		}
		k := key{n.scope, n.id}
		nodes := d.items[k]
		count[k] = max(count[k], len(nodes))
		d.know(k, slices.DeleteFunc(slices.Clone(nodes), func(m *node) bool { return m == n }))
	})
}
