package fragment

import "github.com/go-json-experiment/json/jsontext"

// Op is what an update does with its item.
type Op string

// The operations of format version 1.
const (
	Merge  Op = "merge"
	Create Op = "create"
	Upsert Op = "upsert"
	Remove Op = "remove"
	Patch  Op = "patch"
)

// Member is one member of a JSON object; its value is the text as written.
type Member struct {
	Name  string
	Value jsontext.Value
}

// Operation is one operation of an RFC 6902 JSON Patch, checked for its form.
type Operation struct {
	Op    string           // add, remove, replace, move, copy or test
	Path  jsontext.Pointer // within the item; "" is the item itself
	From  jsontext.Pointer // of move and copy
	Value jsontext.Value   // of add, replace and test, the text as written (null is a value); nil for the others
}

// Update is one change of one item. Its raw values are slices of the source that Parse was given.
type Update struct {
	ID      string         // canonical, see CanonicalID: 5 and "5" are both "5"
	IDValue jsontext.Value // as written
	IDIndex int            // how many ordinary members stand before it: a created item keeps that place
	Op      Op
	Parent  string      // canonical like ID; "" where it is not given
	Scope   string      // "" where it is not given
	Members []Member    // the ordinary ones in their order: without id and control members
	If      []Member    // the members of $if, in their order
	HasIf   bool        // tells an empty $if from none
	Patch   []Operation // with Op patch; may be empty
	Raw     jsontext.Value
	Line    int // where it begins in its file, from 1
}
