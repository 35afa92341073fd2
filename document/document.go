package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

var byteOrderMark = []byte("\xef\xbb\xbf")

// Document is a tasks file in memory. It is not safe for use by several goroutines at once.
type Document struct {
	layout   Layout
	prefix   []byte // a byte order mark, or nothing
	comments bool   // the text is JSON with comments or trailing commas
	style    jsonedit.Style
	root     *node
	scopes   []string
	items    map[key][]*node // more than one where the file holds an id twice
	undo     []func()        // what takes the running transaction back, to be run from the last to the first
	effects  *recorder       // of the running transaction; nil where nobody asks
	modified bool

	// What other programs may have changed; see Suspect.
	strange bool    // anything
	foreign []*node // else these
}

// key is an id within its scope.
type key struct{ scope, id string }

// SyntaxError says why a text is not a tasks file, and where.
type SyntaxError struct {
	Line, Column int    // from 1; 0 where it is about the whole
	Message      string // what is wrong
	Cause        error
}

// Error names the place first.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// Unwrap returns the tokenizer's own error, io.ErrUnexpectedEOF where the text ends too early.
func (e *SyntaxError) Unwrap() error { return e.Cause }

// Parse reads a tasks file. The document keeps src and never writes to it; nobody else may write to it either.
// An error is always a *SyntaxError: the text is not JSON (with or without comments), is not UTF-8, or has no list of
// items where the layout looks for one. To try again makes sense only with other bytes.
func Parse(src []byte, layout Layout) (*Document, error) {
	text := bytes.TrimPrefix(src, byteOrderMark)
	d := &Document{
		layout:  layout,
		prefix:  src[:len(src)-len(text)],
		root:    &node{depth: -1, src: text, end: len(text)},
		strange: true,
	}
	whole, err := index(text, &d.layout, d.root, false)
	if err != nil {
		return nil, explain(text, err)
	}
	if !utf8.Valid(text) {
		line, column := fragment.Position(text, int64(invalidUTF8(text)))
		return nil, &SyntaxError{Line: line, Column: column, Message: "the text is not UTF-8 here"}
	}
	d.comments, d.scopes = whole.comments, whole.scopes
	found := make([]*node, 0, whole.items)
	settle(d.root, &d.layout, func(n *node) {
		if n.id != "" {
			found = append(found, n)
		}
	})
	d.items = make(map[key][]*node, len(found))
	for i, n := range found {
		k := key{n.scope, n.id}
		if same := d.items[k]; same != nil {
			d.items[k] = append(same, n)
		} else {
			d.items[k] = found[i : i+1 : i+1] // most ids stand once
		}
	}
	d.style = d.sampleStyle()
	return d, nil
}

// explain turns a tokenizer's error into one for people.
func explain(text []byte, err error) *SyntaxError {
	e := &SyntaxError{Message: err.Error(), Cause: err}
	if syntax := (*jsontext.SyntacticError)(nil); errors.As(err, &syntax) {
		e.Line, e.Column = fragment.Position(text, syntax.ByteOffset)
		e.Message, e.Cause = syntax.Err.Error(), syntax.Err
	}
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		e.Message = "the text is UTF-16: save it as UTF-8"
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		e.Line, e.Column = fragment.Position(text, int64(len(text)))
		e.Message, e.Cause = "the text ends before the document does", io.ErrUnexpectedEOF
	}
	return e
}

func invalidUTF8(b []byte) int {
	i := 0
	for i < len(b) {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		i += size
	}
	return i
}

// styleSample is how many items are looked at for the style of the document: enough to find a list that is not empty, few
// enough to cost nothing.
const styleSample = 64

// sampleStyle takes the document's style from its first items that have no children and, what they do not show, from
// what stands around all items. The first example counts, so they are asked from the last to the first.
func (d *Document) sampleStyle() jsonedit.Style {
	around, _ := d.root.ownText()
	style := jsonedit.StyleOf(around, jsonedit.DefaultStyle)
	leaves := d.root.leaves(nil, styleSample)
	for _, n := range slices.Backward(leaves) {
		style = jsonedit.StyleOf(n.src, style)
	}
	return style
}

// Modified reports whether an update has changed anything since Parse or Written.
func (d *Document) Modified() bool { return d.modified }

// Written says that the document has been written as it is: from now on Modified tells of what comes behind.
func (d *Document) Written() { d.modified = false }

// Bytes returns the document as it is now, in a slice of its own.
func (d *Document) Bytes() []byte { return bytes.Join(d.Pieces(), nil) }

// Pieces returns the text of the document as it is now, in order and in as few pieces as its changes allow. They are the
// document's: not to be written to.
func (d *Document) Pieces() [][]byte { return d.root.pieces([][]byte{d.prefix}) }

// Len returns how many items can be addressed.
func (d *Document) Len() int {
	n := 0
	for _, nodes := range d.items {
		n += len(nodes)
	}
	return n
}

// Duplicate is an id that stands more than once in its scope: every update of it is rejected as ambiguous.
type Duplicate struct {
	Scope, ID string // Scope is "" where the document has none
	Count     int
}

// Duplicates returns the ids that stand more than once in their scope, in the order of the document.
func (d *Document) Duplicates() []Duplicate {
	var found []Duplicate
	d.root.descendants(func(n *node) {
		k := key{n.scope, n.id}
		if nodes := d.items[k]; len(nodes) > 1 && nodes[0] == n {
			found = append(found, Duplicate{n.scope, n.id, len(nodes)})
		}
	})
	return found
}
