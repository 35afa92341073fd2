package document

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// Follow returns what Parse returns for src, which is what another program has made of this document, as it was read or
// written. Where all that differs lies within one item, the rest is not read again: that is a tenth of the time, and what
// [Document.Reinstate] has to look at is known. After an error the document is as it was; else it is over, unless it is what
// is returned.
func (d *Document) Follow(src []byte) (*Document, error) {
	if d.follow(src) {
		return d, nil
	}
	return Parse(src, d.layout)
}

// follow takes over the one item that differs. It reports false, with nothing changed, where that cannot be done.
func (d *Document) follow(src []byte) bool {
	text := bytes.TrimPrefix(src, byteOrderMark)
	if d.comments || d.modified || len(src)-len(text) != len(d.prefix) {
		return false
	}
	before, after, old := d.root.common(text)
	if same := before == old && old == len(text); !same && !d.reread(text, before, old-after, len(text)-old) {
		return false
	}
	d.prefix = src[:len(d.prefix)]
	d.root.relay(text, 0)
	d.root.end = len(text)
	d.style = d.sampleStyle()
	return true
}

// reread reads the innermost item again in which all lies that differs: what stood between from and to before, and is longer
// now by moved bytes.
func (d *Document) reread(text []byte, from, to, moved int) bool {
	around := d.root.around(nil, 0, from, to)
	for _, p := range slices.Backward(around) { // the innermost may have become two
		n, end := p.n, p.at+p.n.length()+moved
		if d.rereadOwn(n, text[p.at:end:end], from-p.at, to-p.at) || d.rereadAll(n, text[p.at:end:end]) {
			return true
		}
	}
	return false
}

// common returns how many bytes of the node's text stand at the beginning and at the end of another one as well, none of them
// counted twice, and how many there are.
func (n *node) common(text []byte) (before, after, all int) {
	pieces, rest := n.pieces(nil), text
	for _, piece := range pieces {
		all += len(piece)
	}
	for _, piece := range pieces {
		same := commonPrefix(piece, rest)
		before, rest = before+same, rest[same:]
		if same < len(piece) {
			break
		}
	}
	most := min(all, len(text)) - before
	for i := len(pieces) - 1; i >= 0 && after < most; i-- {
		same := min(commonSuffix(pieces[i], text[:len(text)-after]), most-after)
		after += same
		if same < len(pieces[i]) {
			break
		}
	}
	return before, after, all
}

// compareAtOnce is how many bytes are compared before it is asked which of them differ.
const compareAtOnce = 4 << 10

func commonPrefix(a, b []byte) (n int) {
	most := min(len(a), len(b))
	for n+compareAtOnce <= most && bytes.Equal(a[n:n+compareAtOnce], b[n:n+compareAtOnce]) {
		n += compareAtOnce
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b []byte) (n int) {
	most := min(len(a), len(b))
	a, b = a[len(a)-most:], b[len(b)-most:]
	for n+compareAtOnce <= most && bytes.Equal(a[most-n-compareAtOnce:most-n], b[most-n-compareAtOnce:most-n]) {
		n += compareAtOnce
	}
	for n < most && a[most-n-1] == b[most-n-1] {
		n++
	}
	return n
}

// length is that of the text of a node as it is now.
func (n *node) length() (length int) {
	if !n.dirty {
		return len(n.src)
	}
	for _, piece := range n.pieces(nil) {
		length += len(piece)
	}
	return length
}

// placed is an item, and where its text begins.
type placed struct {
	n  *node
	at int
}

// around appends the items below n between whose braces a stretch of text lies, the innermost last. The text of n begins at at.
func (n *node) around(found []placed, at, from, to int) []placed {
	for i, kid := range n.kids {
		if at += len(n.gap(i)); at >= from {
			break
		}
		end := at + kid.length()
		if to < end {
			return kid.around(append(found, placed{kid, at}), at, from, to)
		}
		at = end
	}
	return found
}

// rereadOwn reads an item again apart from its children, whose texts are as they were: of its text, what stood between from and
// to has changed. It reports false where that concerns them.
func (d *Document) rereadOwn(n *node, text []byte, from, to int) bool {
	changed := n.gapAround(from, to)
	if changed < 0 {
		return false
	}
	moved := len(text) - n.length()
	var own []byte
	var holes []int
	for i := range len(n.kids) + 1 {
		gap := len(n.gap(i))
		if i == changed {
			gap += moved
		}
		own, text = append(own, text[:gap]...), text[gap:]
		if i < len(n.kids) {
			holes = append(holes, len(own))
			own, text = append(own, jsonedit.Hole...), text[n.kids[i].length():]
		}
	}
	fresh, ok := d.readAgain(n, own)
	if !ok || fresh.id != n.id || len(fresh.kids) != len(n.kids) {
		return false
	}
	for i, kid := range fresh.kids {
		if kid.at != holes[i] || kid.list != n.kids[i].list {
			return false
		}
	}
	n.gaps, n.numeric = split(own, holes), fresh.numeric
	markDirty(n)
	d.suspectOwn(n)
	return true
}

// gapAround returns the gap in which a stretch of the text of an item lies, -1 where there is none.
func (n *node) gapAround(from, to int) int {
	at := 0
	for i := range len(n.kids) + 1 {
		end := at + len(n.gap(i))
		if at <= from && to <= end {
			return i
		}
		if at = end; i < len(n.kids) {
			at += n.kids[i].length()
		}
	}
	return -1
}

// rereadAll reads an item again with all that hangs below it.
func (d *Document) rereadAll(n *node, text []byte) bool {
	fresh, ok := d.readAgain(n, text)
	if !ok {
		return false
	}
	before := n.keys()
	n.id, n.numeric = fresh.id, fresh.numeric
	n.src, n.gaps, n.kids = fresh.src, nil, fresh.kids
	for _, kid := range n.kids {
		kid.parent = n
	}
	markDirty(n)
	d.found(before, n.keys())
	d.suspectOwn(n)
	n.descendants(d.suspect)
	return true
}

// readAgain reads the text of an item that another program has changed.
func (d *Document) readAgain(n *node, text []byte) (*node, bool) {
	fresh := &node{scope: n.scope, parent: n.parent, depth: n.depth, list: n.list}
	whole, err := index(text, &d.layout, fresh, false)
	if err != nil || whole.comments || !utf8.Valid(text) {
		return nil, false
	}
	settle(fresh, &d.layout, func(*node) {})
	return fresh, true
}

// addressed is an item that can be addressed.
type addressed struct {
	key
	n *node
}

// keys returns the items from n on downwards that can be addressed, in the order of the document.
func (n *node) keys() (all []addressed) {
	n.descendants(func(n *node) {
		if n.id != "" {
			all = append(all, addressed{key{n.scope, n.id}, n})
		}
	})
	return all
}

// found takes note of the items that stand where others stood before.
func (d *Document) found(before, now []addressed) {
	same := len(before) == len(now)
	for i := 0; same && i < len(now); i++ {
		same = before[i].key == now[i].key
	}
	if !same { // their order among those of one id counts
		d.items = make(map[key][]*node, len(d.items))
		for _, kid := range d.root.kids {
			for _, a := range kid.keys() {
				d.items[a.key] = append(d.items[a.key], a.n)
			}
		}
		return
	}
	for i, a := range before {
		for k, n := range d.items[a.key] {
			if n == a.n {
				d.items[a.key][k] = now[i].n
			}
		}
	}
}

// relay makes the texts of n and all below it stretches of the one in which they stand now, that of n from at on.
func (n *node) relay(text []byte, at int) (end int) {
	last := 0 // where the child before ended
	end = at
	for i, kid := range n.kids {
		gap := kid.at - last
		if last = kid.end; n.gaps != nil {
			gap = len(n.gaps[i])
		}
		begin := end + gap
		end = kid.relay(text, begin)
		kid.at, kid.end = begin-at, end-at
	}
	if n.gaps != nil {
		end += len(n.gaps[len(n.kids)])
	} else {
		end += len(n.src) - last
	}
	n.src, n.gaps, n.dirty = text[at:end:end], nil, false
	return end
}

// suspectOwn notes that others have changed an item, and with it what those above it hold.
func (d *Document) suspectOwn(n *node) {
	for ; n != d.root; n = n.parent {
		d.suspect(n)
	}
}

func (d *Document) suspect(n *node) {
	if !n.foreign {
		n.foreign = true
		d.foreign = append(d.foreign, n)
	}
}

// Suspect reports whether an item, or what hangs below it, may be other than [Document.Reinstate] has left it, because another
// program has changed it since, or has taken it away.
func (d *Document) Suspect(scope, id string) bool {
	n, _ := d.find(scope, id)
	return d.strange || n == nil || n.foreign
}

// trust ends all suspicion.
func (d *Document) trust() {
	for _, n := range d.foreign {
		n.foreign = false
	}
	d.foreign, d.strange = nil, false
}
