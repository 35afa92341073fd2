package document

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// A patch can ask for more work than its size tells: each operation walks through the item's text, and a few copies of
// copies make a text of any size. A fragment of 1 MiB can hold 30,000 operations; on an item of a few kilobytes they all
// fit.
const (
	maxPatchWork   = 512 << 20 // bytes that are walked: a second or two
	maxPatchGrowth = 16 << 20  // bytes that copies may add
)

// patch applies an RFC 6902 JSON Patch to an item.
func (d *Document) patch(n *node, ops []fragment.Operation, schema *Schema) (bool, *fragment.Error) {
	at := func(i int, err *fragment.Error) *fragment.Error {
		err.Message = fmt.Sprintf("operation %d (%s %s): %s", i+1, ops[i].Op, nameOf(ops[i].Path), err.Message)
		return err
	}
	edit := func(t *jsonedit.Text) *fragment.Error {
		before := t.Bytes()
		var ids touchedIDs
		for i, op := range ops {
			d.touch(&ids, t, op, i)
			err := patchOne(t, op)
			switch {
			case t.Work() > maxPatchWork:
				err = tooMuch("the operations up to here walk through more than 512 MiB of text", "address the items below it by their own ids, merge, or split the patch")
			case err == nil && op.Op == "copy" && len(t.Bytes())-len(before) > maxPatchGrowth:
				err = tooMuch("copies make the item grow by more than 16 MiB", "copy less")
			case err == nil && deepens(op):
				err = tooDeep(n.enclosing(), before, t.Bytes())
			}
			if err != nil {
				return at(i, err)
			}
		}
		if changed, i := ids.changed(t); i >= 0 {
			return at(i, errIDChanged(changed))
		}
		return nil
	}
	for _, op := range ops {
		if d.reachesChildren(op.Path) || (op.Op == "move" || op.Op == "copy") && d.reachesChildren(op.From) {
			return d.rewrite(n, edit, schema)
		}
	}
	return d.editOwn(n, edit, schema)
}

// deepens reports whether an operation can put more things inside each other.
func deepens(op fragment.Operation) bool {
	switch op.Op {
	case "test", "remove":
		return false
	case "add", "replace":
		return op.Value.Kind() == '{' || op.Value.Kind() == '['
	}
	return true
}

func tooMuch(message, remedy string) *fragment.Error {
	return &fragment.Error{Code: fragment.TooLarge, Message: message, Remedy: remedy}
}

// nameOf is how a message names what a pointer leads to.
func nameOf(pointer jsontext.Pointer) string {
	if pointer == "" {
		return "the item"
	}
	return fragment.Quote(string(pointer))
}

func patchOne(t *jsonedit.Text, op fragment.Operation) *fragment.Error {
	if err := t.Patch(jsonedit.Operation(op)); err != nil {
		return &fragment.Error{Code: fragment.PatchFailed, Pointer: string(op.Path), Message: err.Error(), Remedy: "look at the item as it is now, and correct the patch"}
	}
	return nil
}

// touchedIDs are the ids that operations of one patch have to do with, by their places. A patch is one change: an id may go
// away and come back in it, and is judged by what it is at the end.
type touchedIDs struct {
	order  []jsontext.Pointer
	before map[jsontext.Pointer]jsontext.Value // what was there at first; nil for nothing
	last   map[jsontext.Pointer]int            // which operation was the last one there
}

// touch remembers the ids that an operation, the one of that index, is about to change.
func (d *Document) touch(ids *touchedIDs, t *jsonedit.Text, op fragment.Operation, index int) {
	if op.Op == "test" {
		return
	}
	for _, pointer := range []jsontext.Pointer{op.From, op.Path} {
		if !d.isID(pointer) || pointer == op.From && op.Op != "move" {
			continue
		}
		if _, known := ids.last[pointer]; !known {
			if ids.last == nil {
				ids.before, ids.last = map[jsontext.Pointer]jsontext.Value{}, map[jsontext.Pointer]int{}
			}
			ids.order = append(ids.order, pointer)
			ids.before[pointer], _ = t.Get(pointer)
		}
		ids.last[pointer] = index
	}
}

// changed returns the first place whose id is no longer what it was, and the operation that left it so; -1 for none.
func (ids *touchedIDs) changed(t *jsonedit.Text) (jsontext.Pointer, int) {
	for _, pointer := range ids.order {
		before := ids.before[pointer]
		after, _ := t.Get(pointer)
		if (before == nil) != (after == nil) || before != nil && !jsonedit.Equal(before, after) {
			return pointer, ids.last[pointer]
		}
	}
	return "", -1
}

// reachesChildren reports whether a pointer leads to an item's children, into them or to the item itself.
func (d *Document) reachesChildren(pointer jsontext.Pointer) bool {
	for token := range pointer.Tokens() {
		return d.holdsChildren(token)
	}
	return true
}

// isID reports whether a pointer leads to the id of an item: this one or one below it.
func (d *Document) isID(pointer jsontext.Pointer) bool {
	var tokens []string
	for token := range pointer.Tokens() {
		tokens = append(tokens, token)
	}
	last := len(tokens) - 1
	if last < 0 || last%2 != 0 || tokens[last] != d.layout.ID {
		return false
	}
	for i := 0; i < last; i += 2 {
		if !d.holdsChildren(tokens[i]) {
			return false
		}
	}
	return true
}
