package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
)

var errBehindEnd = errors.New("something follows the end of the document")

// misfit says why a text that is JSON does not fit the layout.
type misfit string

func (m misfit) Error() string { return string(m) }

// indexer walks a text once: it checks the syntax and finds the items.
type indexer struct {
	layout  *Layout
	text    []byte
	decoder *jsontext.Decoder
	scopes  []string // those that have a list
	spare   []node   // made in advance, ever more at a time
	made    int
}

// mostNodes bounds how many are made in advance.
const mostNodes = 256

// node returns a new one.
func (ix *indexer) node() *node {
	if len(ix.spare) == 0 {
		ix.spare = make([]node, min(ix.made+1, mostNodes))
	}
	n := &ix.spare[0]
	ix.spare = ix.spare[1:]
	ix.made++
	return n
}

// indexed is what index found out about the text as a whole.
type indexed struct {
	comments bool // it holds comments or trailing commas
	scopes   []string
	items    int // at least so many as there are
}

// index checks text and hangs the items that it finds below root. The text may hold comments and trailing commas: where
// the strict walk stumbles, or comments says that it would, the text is walked in its standard form, which has the same
// offsets.
func index(text []byte, layout *Layout, root *node, comments bool) (indexed, error) {
	ix := indexer{layout: layout, text: text}
	var strict *jsontext.SyntacticError
	if !comments {
		if err := ix.walk(text, root); !errors.As(err, &strict) {
			return indexed{scopes: ix.scopes, items: ix.made}, err
		}
	}
	standard, err := standardize(text)
	if err != nil {
		// Where both stumble the one that came further knows better: comments are nothing to complain about.
		if strict != nil && strict.ByteOffset >= err.ByteOffset && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, errBehindEnd) {
			err = strict
		}
		return indexed{}, err
	}
	root.kids, ix.scopes = nil, nil
	walkErr := ix.walk(standard, root)
	return indexed{true, ix.scopes, ix.made}, walkErr
}

func (ix *indexer) walk(tokens []byte, root *node) error {
	ix.decoder = jsontext.NewDecoder(bytes.NewBuffer(tokens), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	walk := ix.item
	if root.parent == nil {
		walk = ix.root
	}
	if err := walk(root); err != nil {
		return err
	}
	if _, err := ix.decoder.ReadToken(); err == nil {
		return &jsontext.SyntacticError{ByteOffset: ix.decoder.InputOffset() - 1, Err: errBehindEnd}
	} else if err != io.EOF {
		return err
	}
	return nil
}

// begin enters the object or array that comes next and returns where in the text it begins.
func (ix *indexer) begin() (int, error) {
	if _, err := ix.decoder.ReadToken(); err != nil {
		return 0, err
	}
	return ix.offset() - 1, nil
}

func (ix *indexer) offset() int { return int(ix.decoder.InputOffset()) }

// members calls visit for each member of the object that has been entered, the decoder standing before its value, and
// leaves the object. What visit does not read is skipped.
func (ix *indexer) members(visit func(name []byte) (read bool, err error)) error {
	for ix.decoder.PeekKind() != '}' {
		name, err := ix.decoder.ReadValue()
		if err != nil {
			return err
		}
		read, err := visit(name)
		if err != nil {
			return err
		}
		if !read {
			if _, err := ix.decoder.ReadValue(); err != nil {
				return err
			}
		}
	}
	_, err := ix.decoder.ReadToken()
	return err
}

// root walks the whole document and finds the lists of top items.
func (ix *indexer) root(root *node) error {
	kind := ix.decoder.PeekKind()
	if ix.layout.Items == "" && !ix.layout.Scoped {
		if kind != '[' {
			return ix.misfit(kind, "the document", "an array of items")
		}
		return ix.topList(root, "")
	}
	if kind != '{' {
		return ix.misfit(kind, "the document", "an object")
	}
	if _, err := ix.begin(); err != nil {
		return err
	}
	err := ix.members(func(quoted []byte) (bool, error) {
		name := unquote(quoted)
		if ix.layout.Scoped {
			ix.forget(root, name)
		}
		if name == ix.layout.Items {
			ix.forget(root, "")
		}
		switch next := ix.decoder.PeekKind(); {
		case name == ix.layout.Items && next == '[':
			return true, ix.topList(root, "")
		case !ix.layout.Scoped || name == "":
		case next == '{' && ix.layout.Items != "":
			return true, ix.scope(root, name)
		case next == '[' && ix.layout.Items == "":
			return true, ix.topList(root, name)
		}
		return false, nil
	})
	if err != nil || len(ix.scopes) > 0 {
		return err
	}
	what := fmt.Sprintf("an array %q", ix.layout.Items)
	if ix.layout.Scoped && ix.layout.Items != "" {
		what += ", in itself or in a member"
	} else if ix.layout.Scoped {
		what = "an array in a member"
	}
	return misfit(fmt.Sprintf("%s needs %s, which the document does not have", ix.layout.title(), what))
}

// forget drops a list that was found before a later member of the same name took its place: the last one counts, as in
// every common parser. What is in the earlier one is kept, as text.
func (ix *indexer) forget(root *node, scope string) {
	if i := slices.Index(ix.scopes, scope); i >= 0 {
		ix.scopes = slices.Delete(ix.scopes, i, i+1)
		root.kids = slices.DeleteFunc(root.kids, func(kid *node) bool { return kid.scope == scope })
	}
}

// misfit is what is said of a value of the wrong kind; broken text comes first.
func (ix *indexer) misfit(kind jsontext.Kind, what, wanted string) error {
	if _, err := ix.decoder.ReadValue(); err != nil {
		return err
	}
	return misfit(fmt.Sprintf("%s needs %s, but %s is %s", ix.layout.title(), wanted, what, kindName(kind)))
}

func (ix *indexer) scope(root *node, scope string) error {
	if _, err := ix.begin(); err != nil {
		return err
	}
	return ix.members(func(quoted []byte) (bool, error) {
		if !nameIs(quoted, ix.layout.Items) {
			return false, nil
		}
		ix.forget(root, scope)
		if ix.decoder.PeekKind() != '[' {
			return false, nil
		}
		return true, ix.topList(root, scope)
	})
}

func (ix *indexer) topList(root *node, scope string) error {
	ix.scopes = append(ix.scopes, scope)
	return ix.list(root, scope, ix.layout.listPointer(scope))
}

// list walks an array of items.
func (ix *indexer) list(parent *node, scope string, pointer jsontext.Pointer) error {
	if _, err := ix.begin(); err != nil {
		return err
	}
	for ix.decoder.PeekKind() != ']' {
		if ix.decoder.PeekKind() != '{' {
			if _, err := ix.decoder.ReadValue(); err != nil {
				return err
			}
			continue
		}
		kid := ix.node()
		kid.scope, kid.parent, kid.depth, kid.list = scope, parent, parent.depth+1, pointer
		parent.kids = append(parent.kids, kid)
		if err := ix.item(kid); err != nil {
			return err
		}
	}
	_, err := ix.decoder.ReadToken()
	return err
}

// item walks one item, its children included.
func (ix *indexer) item(n *node) error {
	if kind := ix.decoder.PeekKind(); kind != '{' {
		return ix.misfit(kind, "the item", "an object")
	}
	start, err := ix.begin()
	if err != nil {
		return err
	}
	local := ""
	err = ix.members(func(quoted []byte) (bool, error) {
		switch next := ix.decoder.PeekKind(); {
		case next == '[' || len(n.kids) > 0:
			list, ok := ix.childrenMember(quoted)
			if ok && len(n.kids) > 0 { // an earlier member of that name does not count
				n.kids = slices.DeleteFunc(n.kids, func(kid *node) bool { return kid.list == list })
			}
			if ok && next == '[' {
				return true, ix.list(n, n.scope, list)
			}
		}
		if nameIs(quoted, ix.layout.ID) {
			value, err := ix.decoder.ReadValue()
			if err != nil {
				return true, err
			}
			local, _ = fragment.CanonicalID(value) // an item whose id is none cannot be addressed
			n.numeric = value.Kind() == '0'
			return true, nil
		}
		return false, nil
	})
	if err != nil {
		return err
	}
	n.id = local // settle makes it an address
	n.at, n.end = start, ix.offset()
	n.src = ix.text[n.at:n.end:n.end]
	for _, kid := range n.kids {
		kid.at, kid.end = kid.at-n.at, kid.end-n.at
	}
	return nil
}

// settle turns local ids into addresses and tells of each item, parents first.
func settle(n *node, layout *Layout, found func(*node)) {
	if n.parent != nil {
		n.id = layout.address(n.parent, n.id)
		found(n)
	}
	for _, kid := range n.kids {
		settle(kid, layout, found)
	}
}

// childrenMember returns the pointer of a member that holds children.
func (ix *indexer) childrenMember(quoted []byte) (jsontext.Pointer, bool) {
	for _, name := range ix.layout.Children {
		if nameIs(quoted, name) {
			return jsontext.Pointer("").AppendToken(name), true
		}
	}
	return "", false
}

func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	s, _ := jsontext.AppendUnquote(nil, quoted) // accepted before: the error can only be a lone surrogate
	return string(s)
}

func nameIs(quoted []byte, name string) bool {
	if len(quoted) == len(name)+2 && string(quoted[1:len(quoted)-1]) == name {
		return true
	}
	return bytes.IndexByte(quoted, '\\') >= 0 && unquote(quoted) == name
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	}
	return "an array"
}
