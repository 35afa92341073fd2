package document

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// node is an item, or the root: the document apart from its items.
//
// As long as nothing in it has changed its text is that of the source. A changed one keeps the text around its children
// in pieces; so an edit costs what the item's own members cost, however much hangs below it.
type node struct {
	id      string // by which its scope knows it; "" where it has none
	scope   string
	list    jsontext.Pointer // the list that holds it, within the parent
	parent  *node            // nil for the root
	kids    []*node
	src     []byte   // its text when it was parsed, children included
	at, end int      // where that text stood in the parent's
	gaps    [][]byte // the text before each child and behind the last one; nil while all of it is as in src
	depth   int32    // 0 at the top, -1 for the root
	numeric bool     // the id is written as a number
	dirty   bool     // the text may differ from src, here or below
	foreign bool     // another program may have changed it, here or below
}

// gap returns the text before child i, or behind the last one.
func (n *node) gap(i int) []byte {
	if n.gaps != nil {
		return n.gaps[i]
	}
	start, end := 0, len(n.src)
	if i > 0 {
		start = n.kids[i-1].end
	}
	if i < len(n.kids) {
		end = n.kids[i].at
	}
	return n.src[start:end:end]
}

// pieces appends the text of a node in order, in as few pieces as its changes allow.
func (n *node) pieces(to [][]byte) [][]byte {
	if !n.dirty {
		return append(to, n.src)
	}
	from := 0
	for i, kid := range n.kids {
		before := []byte(nil)
		switch {
		case n.gaps != nil:
			before = n.gaps[i]
		case !kid.dirty:
			continue
		default:
			before, from = n.src[from:kid.at], kid.end
		}
		to = kid.pieces(append(to, before))
	}
	if n.gaps != nil {
		return append(to, n.gaps[len(n.kids)])
	}
	return append(to, n.src[from:])
}

// text returns the text of a node as it is now, children included.
func (n *node) text() []byte {
	if !n.dirty {
		return n.src
	}
	return bytes.Join(n.pieces(nil), nil)
}

// ownText returns the text of a node with a hole in place of each child, and where the holes are.
func (n *node) ownText() (text []byte, holes []int) {
	if len(n.kids) == 0 {
		return n.gap(0), nil
	}
	text = make([]byte, 0, 512)
	holes = make([]int, 0, len(n.kids)+1)
	for i := range n.kids {
		text = append(text, n.gap(i)...)
		holes = append(holes, len(text))
		text = append(text, jsonedit.Hole...)
	}
	return append(text, n.gap(len(n.kids))...), holes
}

// split is the opposite of ownText: it returns the text between the holes.
func split(text []byte, holes []int) [][]byte {
	gaps := make([][]byte, 0, len(holes)+1)
	from := 0
	for _, hole := range holes {
		gaps = append(gaps, text[from:hole:hole])
		from = hole + len(jsonedit.Hole)
	}
	return append(gaps, text[from:])
}

// indent returns the indentation of the line on which the item begins, as its last line shows it.
func (n *node) indent() string {
	last := n.gap(len(n.kids))
	_, line, ok := cutLastLine(last)
	if n.parent == nil || !ok || len(blanks(line)) != len(line)-1 { // it ends with the brace
		return ""
	}
	return blanks(line)
}

// lineIndent returns the indentation of the line on which child i begins. Where many share a line it looks at the nearest
// ones only.
func (n *node) lineIndent(i int) string {
	const most = 64
	for k := i; k > max(0, i-most); k-- {
		if _, line, ok := cutLastLine(n.gap(k)); ok {
			return blanks(line)
		}
	}
	_, line, ok := cutLastLine(n.gap(0))
	if !ok {
		return n.indent() + blanks(line)
	}
	return blanks(line)
}

// blanks returns the spaces and tabs that a line begins with.
func blanks(line []byte) string { return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))]) }

// cutLastLine cuts text before its last line break.
func cutLastLine(text []byte) (before, after []byte, ok bool) {
	i := bytes.LastIndexByte(text, '\n')
	return text[:i+1], text[i+1:], i >= 0
}

// descendants yields n and all items below it, parents first.
func (n *node) descendants(yield func(*node)) {
	yield(n)
	for _, kid := range n.kids {
		kid.descendants(yield)
	}
}

// enclosing returns how many objects and arrays the node is in.
func (n *node) enclosing() int {
	depth := 0
	for ; n.parent != nil; n = n.parent {
		depth++ // the list
		for range n.list.Tokens() {
			depth++
		}
	}
	return depth
}

// leaves appends the items below n that have no children, the node itself if it has none, until there are most of them.
func (n *node) leaves(found []*node, most int) []*node {
	if len(n.kids) == 0 {
		return append(found, n)
	}
	for _, kid := range n.kids {
		if len(found) == most {
			break
		}
		found = kid.leaves(found, most)
	}
	return found
}
