package fragment

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Raw returns the updates of a fragment as written, as far as they parse, whether or not they could be applied: the
// objects of a .jsonl whose lines are whole, the elements of an array, one object. It is for showing what a rejected
// fragment holds. The values may be slices of src.
func Raw(name string, src []byte) []jsontext.Value {
	src = bytes.TrimPrefix(src, bom)
	if holdsLines(name) {
		var values []jsontext.Value
		for line := range bytes.Lines(src) {
			if v := whole(line); v.Kind() == '{' {
				values = append(values, v)
			}
		}
		return values
	}
	switch v := whole(src); v.Kind() {
	case '{':
		return []jsontext.Value{v}
	case '[':
		return elements(v)
	}
	return nil
}

// lenient lets pass what Parse lets pass: lone surrogates.
var lenient = jsontext.AllowInvalidUTF8(true)

// whole returns text without white space around it; nil if it is not a JSON value.
func whole(text []byte) jsontext.Value {
	if v := jsontext.Value(bytes.TrimSpace(text)); v.IsValid(lenient) {
		return v
	}
	return nil
}

// elements returns the elements of an array that is known to be valid.
func elements(array jsontext.Value) []jsontext.Value {
	var values []jsontext.Value
	decoder := jsontext.NewDecoder(bytes.NewReader(array), lenient)
	for _, err := decoder.ReadToken(); err == nil && decoder.PeekKind() != ']'; {
		var v jsontext.Value
		if v, err = decoder.ReadValue(); err == nil {
			values = append(values, v.Clone()) // the decoder's buffer is its own
		}
	}
	return values
}
