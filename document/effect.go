package document

import (
	"bytes"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// Effect is one value that a fragment has replaced, the smallest that can be undone on its own: a member that is not an
// object, or an item that came or went with all that hangs below it. A list of children that was replaced through its item
// counts as the items that differ, unless it was ordered anew, holds what cannot be told apart, or got an item that no
// update could create there: then it is one value.
//
// The values are strict JSON without white space and without comments, in slices of their own.
type Effect struct {
	Update    int              // index of the update within the fragment that did it, from 0
	Scope, ID string           // the item
	Path      jsontext.Pointer // in the item; "" is the item itself
	Old, New  jsontext.Value   // nil: absent
	Parent    string           // of an item that was created; "" where it stands at the top
	IDMember  string           // of an item that was created: the member of New that holds its id
}

// Created reports whether the effect is a new item, New being the whole of it.
func (e Effect) Created() bool { return e.Path == "" && e.Old == nil }

// Removed reports whether the effect is that an item went, Old being the whole of it.
func (e Effect) Removed() bool { return e.Path == "" && e.New == nil }

// Size returns how many bytes the two values hold, which is what remembering the effect costs; less where it shares them
// with another one.
func (e Effect) Size() int { return len(e.Old) + len(e.New) }

// Reassert returns a fragment that brings the effect back where now stands in its place; nil is nothing. It
// is nil where there is nothing to do. Applied where another value than now stands the fragment is rejected, as far as the
// format has a test for it. There is none for a member inside another one that is to be absent, nor, in an item that is to
// be removed again, for members that are null and for those that now does not have.
//
// An item that was created is created again, with its children, at the end of its parent's list; one that cannot be told as
// a merge patch is replaced by a second update in the fragment.
//
// A fragment cannot hold an object with two names that only halves of surrogate pairs tell apart. Where New or now has one,
// what is returned is refused by fragment.Parse, and the effect cannot be brought back.
func (e Effect) Reassert(now jsontext.Value) []byte {
	if now != nil {
		now = strict(now)
	}
	switch {
	case e.Created():
		return e.create()
	case e.Removed():
		return e.remove(now)
	case now == nil && e.New == nil:
		return nil
	}
	text := append(e.head(fragment.Patch), `,"$patch":[`...)
	op := "add"
	switch {
	case now != nil:
		text = append(appendOperation(text, "test", e.Path, now), ',')
		if op = "replace"; e.New == nil {
			op = "remove"
		}
	case e.Path.Parent() == "":
		guard := appendName([]byte(`,"$if":{`), e.Path.LastToken())
		text = append(e.head(fragment.Patch), append(guard, `null},"$patch":[`...)...)
	}
	return append(appendOperation(text, op, e.Path, e.New), "]}"...)
}

// head begins an update of the effect's item.
func (e Effect) head(op fragment.Op) []byte {
	text, _ := jsontext.AppendQuote([]byte(`{"id":`), e.ID) // ids have been strings before: valid UTF-8
	return e.appendControls(append(text, ','), op)
}

func (e Effect) appendControls(text []byte, op fragment.Op) []byte {
	text = append(append(append(text, `"$op":"`...), op...), '"')
	if e.Scope != "" {
		text, _ = jsontext.AppendQuote(append(text, `,"$scope":`...), e.Scope)
	}
	if op == fragment.Create && e.Parent != "" {
		text, _ = jsontext.AppendQuote(append(text, `,"$parent":`...), e.Parent)
	}
	return text
}

func appendOperation(text []byte, op string, path jsontext.Pointer, value jsontext.Value) []byte {
	text = append(append(append(text, `{"op":"`...), op...), `","path":`...)
	text, _ = jsontext.AppendQuote(text, path) // an effect's path is valid UTF-8
	if value != nil {
		text = append(append(text, `,"value":`...), value...)
	}
	return append(text, '}')
}

// appendName appends the name of a member, with the colon.
func appendName(text []byte, name string) []byte {
	return append(append(text, jsonedit.Quote(name)...), ':')
}

// create returns the fragment that creates the item again, its id in its place. What a merge patch has no words for (a
// null, a name that means something else there) is the business of a second update, which replaces the item.
func (e Effect) create() []byte {
	text, whole, named := e.appendControls([]byte{'{'}, fragment.Create), false, false
	for name, value := range jsonedit.Members(e.New) {
		switch {
		case name == e.IDMember:
			text, named = appendName(append(text, ','), "id"), true
			if id, err := fragment.CanonicalID(value); err == nil && id == e.ID {
				text = append(text, value...)
			} else { // it is known by another one than stands in it
				text, _ = jsontext.AppendQuote(text, e.ID)
			}
			continue
		case value.Kind() == 'n' || name == "id" || strings.HasPrefix(name, "$") || !utf8.ValidString(name):
			whole = true
			continue
		}
		whole = whole || len(jsonedit.WithoutNulls(value)) != len(value)
		text = append(appendName(append(text, ','), name), value...)
	}
	if !named {
		text, _ = jsontext.AppendQuote(append(text, `,"id":`...), e.ID)
	}
	text = append(text, '}')
	if !whole {
		return text
	}
	again := append(e.head(fragment.Patch), `,"$patch":[`...)
	again = append(appendOperation(again, "replace", "", e.New), "]}"...)
	return append(append(append(append([]byte{'['}, text...), ','), again...), ']')
}

// remove returns the fragment that removes the item again if it still has the members of now.
func (e Effect) remove(now jsontext.Value) []byte {
	text := e.head(fragment.Remove)
	if now == nil {
		return nil
	}
	text = append(text, `,"$if":{`...)
	for name, value := range jsonedit.Members(now) {
		if value.Kind() == 'n' || !utf8.ValidString(name) { // $if takes the one for absent, and knows no such name
			continue
		}
		if text[len(text)-1] != '{' {
			text = append(text, ',')
		}
		text = append(appendName(text, name), value...)
	}
	return append(text, "}}"...)
}

// strict returns a value as a fragment can hold it: without comments, each name once. It is a slice of its own.
func strict(value []byte) jsontext.Value {
	if value[0] != '{' && value[0] != '[' && value[0] != '/' {
		return bytes.Clone(value)
	}
	text := jsontext.Value(jsonedit.AppendFormat(nil, value, jsonedit.Style{Colon: ":", Comma: ","}, ""))
	if text.IsValid(jsontext.AllowInvalidUTF8(true)) {
		return text
	}
	return appendOnce(nil, text)
}

// appendOnce appends a value with the last member of each name, which is the one that counts.
func appendOnce(dst []byte, value jsontext.Value) []byte {
	first := true
	separate := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	switch value.Kind() {
	case '{':
		last := maps.Collect(jsonedit.Members(value))
		dst = append(dst, '{')
		for name := range jsonedit.Members(value) {
			if member, ok := last[name]; ok {
				delete(last, name)
				separate()
				dst = appendOnce(appendName(dst, name), member)
			}
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for element := range jsonedit.Elements(value) {
			separate()
			dst = appendOnce(dst, element)
		}
		return append(dst, ']')
	}
	return append(dst, bytes.TrimSpace(value)...)
}
