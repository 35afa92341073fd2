package jsonedit

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Operation is one operation of a JSON Patch (RFC 6902) whose form has been checked. Its value begins and ends without
// white space.
type Operation struct {
	Op         string
	Path, From jsontext.Pointer
	Value      jsontext.Value
}

// Patch applies one operation to the text, to the letter of RFC 6902. After an error the text is as it was before.
func (t *Text) Patch(op Operation) error {
	switch op.Op {
	case "add":
		return t.add(op.Path, source{value: op.Value})
	case "remove":
		return t.remove(op.Path)
	case "replace":
		p, err := t.resolve(op.Path)
		if err != nil {
			return err
		}
		t.apply(t.become(p.at, op.Value, p.style))
		return nil
	case "move":
		return t.move(op.From, op.Path)
	case "copy":
		value, err := t.take(op.From)
		if err != nil {
			return err
		}
		return t.add(op.Path, value)
	case "test":
		value, err := t.Get(op.Path)
		if err == nil && !Equal(value, op.Value) {
			err = fmt.Errorf("the value is %s, not %s", shorten(value), shorten(op.Value))
		}
		return err
	}
	return fmt.Errorf("unknown operation %q", op.Op)
}

// Get returns the value at a pointer, a sub-slice of the text.
func (t *Text) Get(pointer jsontext.Pointer) (jsontext.Value, error) {
	p, err := t.resolve(pointer)
	if err != nil {
		return nil, err
	}
	return jsontext.Value(t.b[p.at:t.end(p.at)]), nil
}

// take returns the value at a pointer as a source for another place.
func (t *Text) take(pointer jsontext.Pointer) (source, error) {
	p, err := t.resolve(pointer)
	if err != nil {
		return source{}, fmt.Errorf("from: %w", err)
	}
	return source{t.b[p.at:t.end(p.at)], true, t.indentAt(p.at)}, nil
}

func (t *Text) move(from, to jsontext.Pointer) error {
	value, err := t.take(from)
	switch {
	case err != nil:
		return err
	case from == to:
		return nil
	case from.Contains(to):
		return errors.New("a value cannot be moved into itself")
	}
	before, marks := t.b, t.marks
	if err := t.remove(from); err != nil {
		return err
	}
	if err := t.add(to, value); err != nil {
		t.b, t.marks, t.line = before, marks, line{}
		return err
	}
	return nil
}

func (t *Text) add(pointer jsontext.Pointer, v source) error {
	if pointer == "" {
		t.apply(t.become(skipTrivia(t.b, 0), v.value, t.styleNow()))
		return nil
	}
	p, err := t.resolve(pointer.Parent())
	if err != nil {
		return err
	}
	token := pointer.LastToken()
	if err := t.holds(p.at, token); err != nil {
		return err
	}
	s := t.slotIn(t.scan(p.at), p.style)
	var ch change
	if t.b[s.open] == '{' {
		for _, e := range slices.Backward(s.elements) {
			if nameIs(t.b[e.start:e.nameEnd], token) {
				t.apply(t.become(e.value, v.value, s.style))
				return nil
			}
		}
		ch.add(len(s.elements), s.member(token, v), v.value)
	} else {
		at := len(s.elements)
		if token != "-" {
			if at, err = arrayIndex(token); err != nil {
				return err
			}
			if at > len(s.elements) {
				return beyond(at, len(s.elements))
			}
		}
		ch.add(at, s.element(v), v.value)
	}
	t.apply(t.restructure(s, ch))
	return nil
}

func (t *Text) remove(pointer jsontext.Pointer) error {
	if pointer == "" {
		return errors.New("the whole value cannot be removed")
	}
	p, err := t.resolve(pointer.Parent())
	if err != nil {
		return err
	}
	index, e, err := t.child(p.at, pointer.LastToken())
	if err != nil {
		return err
	}
	s := t.slotIn(t.scan(p.at), p.style)
	gone := func(i int) bool { return i == index }
	if t.b[s.open] == '{' {
		name := nameOf(t.b, e)
		gone = func(i int) bool { return nameIs(t.b[s.elements[i].start:s.elements[i].nameEnd], name) }
	}
	t.apply(t.restructure(s, change{removed: gone}))
	return nil
}

// shorten is how a value appears in a message.
func shorten(value []byte) []byte {
	const most = 60
	if len(value) <= most {
		return value
	}
	return append(bytes.ToValidUTF8(value[:most], nil), "…"...)
}
