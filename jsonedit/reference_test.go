package jsonedit

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"
)

// The reference is as naive as can be: decode, do what the RFC's pseudo-code says, compare.

// decode reads JSON with comments into Go values, numbers as fractions.
func decode(tb testing.TB, text []byte) any {
	tb.Helper()
	standard, err := hujson.Standardize(append(slices.Clone(text), '\n'))
	if err != nil {
		tb.Fatalf("%v in\n%s", err, text)
	}
	d := json.NewDecoder(strings.NewReader(string(standard)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		tb.Fatalf("%v in\n%s", err, text)
	}
	if _, err := d.Token(); err != io.EOF {
		tb.Fatalf("more than one value in\n%s", text)
	}
	return byValue(v)
}

func byValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		r, ok := new(big.Rat).SetString(string(v))
		if !ok {
			panic("no fraction: " + v)
		}
		return r.RatString()
	case []any:
		for i := range v {
			v[i] = byValue(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = byValue(v[name])
		}
	case string:
		return "s:" + v // not to be taken for a number
	}
	return v
}

// referenceMerge is the function MergePatch of RFC 7396, section 2.
func referenceMerge(target, patch any) any {
	members, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range members {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = referenceMerge(object[name], value)
		}
	}
	return object
}

// referenceAdopt merges three values that hold no lists.
func referenceAdopt(ours, base, theirs any) any {
	theirObject, ok := theirs.(map[string]any)
	if ourObject, both := ours.(map[string]any); ok && both {
		baseObject, _ := base.(map[string]any)
		merged := map[string]any{}
		for name, value := range ourObject {
			_, was := baseObject[name]
			if _, is := theirObject[name]; is || !was {
				merged[name] = value
			}
		}
		for name, value := range theirObject {
			old, was := baseObject[name]
			own, have := ourObject[name]
			switch {
			case have && was:
				merged[name] = referenceAdopt(own, old, value)
			case have:
				merged[name] = referenceAdopt(own, errReference, value) // nothing is equal to it
			case !was || !reflect.DeepEqual(old, value):
				merged[name] = value
			}
		}
		return merged
	}
	if reflect.DeepEqual(base, theirs) {
		return ours
	}
	return theirs
}

var errReference = errors.New("does not apply")

// referencePatch carries out one operation of RFC 6902, section 4.
func referencePatch(doc any, op Operation, value any) (any, error) {
	switch op.Op {
	case "add":
		return referenceAdd(doc, tokens(op.Path), value)
	case "remove":
		if op.Path == "" {
			return nil, errReference
		}
		return referenceRemove(doc, tokens(op.Path))
	case "replace":
		if op.Path == "" {
			return value, nil
		}
		path := tokens(op.Path)
		if _, err := referenceGet(doc, path); err != nil {
			return nil, err
		}
		return referenceSet(doc, path, value)
	case "move":
		from, to := tokens(op.From), tokens(op.Path)
		moved, err := referenceGet(doc, from)
		if err != nil || len(from) < len(to) && slices.Equal(from, to[:len(from)]) {
			return nil, errReference
		}
		if slices.Equal(from, to) {
			return doc, nil
		}
		if doc, err = referenceRemove(doc, from); err != nil {
			return nil, err
		}
		return referenceAdd(doc, to, moved)
	case "copy":
		copied, err := referenceGet(doc, tokens(op.From))
		if err != nil {
			return nil, err
		}
		return referenceAdd(doc, tokens(op.Path), clone(copied))
	}
	have, err := referenceGet(doc, tokens(op.Path))
	if err == nil && !reflect.DeepEqual(have, value) {
		err = errReference
	}
	return doc, err
}

func tokens(p jsontext.Pointer) []string {
	list := []string{}
	for token := range p.Tokens() {
		list = append(list, token)
	}
	return list
}

func clone(v any) any {
	switch v := v.(type) {
	case []any:
		c := []any{}
		for _, e := range v {
			c = append(c, clone(e))
		}
		return c
	case map[string]any:
		c := map[string]any{}
		for name, e := range v {
			c[name] = clone(e)
		}
		return c
	}
	return v
}

func referenceIndex(token string, most int) (int, error) {
	i, err := strconv.Atoi(token)
	if err != nil || strconv.Itoa(i) != token || i < 0 || i > most {
		return 0, errReference
	}
	return i, nil
}

func referenceGet(v any, path []string) (any, error) {
	for _, token := range path {
		switch holder := v.(type) {
		case map[string]any:
			member, ok := holder[token]
			if !ok {
				return nil, errReference
			}
			v = member
		case []any:
			i, err := referenceIndex(token, len(holder)-1)
			if err != nil {
				return nil, err
			}
			v = holder[i]
		default:
			return nil, errReference
		}
	}
	return v, nil
}

// at replaces what holds the last token of a path by what change makes of it.
func at(v any, path []string, change func(holder any, token string) (any, error)) (any, error) {
	if len(path) == 1 {
		return change(v, path[0])
	}
	inner, err := referenceGet(v, path[:1])
	if err != nil {
		return nil, err
	}
	if inner, err = at(inner, path[1:], change); err != nil {
		return nil, err
	}
	return set(v, path[0], inner)
}

func set(holder any, token string, value any) (any, error) {
	switch h := holder.(type) {
	case map[string]any:
		h[token] = value
	case []any:
		i, err := referenceIndex(token, len(h)-1)
		if err != nil {
			return nil, err
		}
		h[i] = value
	}
	return holder, nil
}

func referenceSet(v any, path []string, value any) (any, error) {
	return at(v, path, func(holder any, token string) (any, error) { return set(holder, token, value) })
}

func referenceAdd(v any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	return at(v, path, func(holder any, token string) (any, error) {
		switch h := holder.(type) {
		case map[string]any:
			h[token] = value
			return h, nil
		case []any:
			i := len(h)
			if token != "-" {
				var err error
				if i, err = referenceIndex(token, len(h)); err != nil {
					return nil, err
				}
			}
			return slices.Insert(slices.Clone(h), i, value), nil
		}
		return nil, errReference
	})
}

func referenceRemove(v any, path []string) (any, error) {
	if _, err := referenceGet(v, path); err != nil {
		return nil, err
	}
	return at(v, path, func(holder any, token string) (any, error) {
		if h, ok := holder.(map[string]any); ok {
			delete(h, token)
			return h, nil
		}
		h := holder.([]any)
		i, _ := strconv.Atoi(token)
		return slices.Delete(slices.Clone(h), i, i+1), nil
	})
}

// operations reads a JSON Patch.
func operations(tb testing.TB, text string) []Operation {
	tb.Helper()
	var list []struct {
		Op         string
		Path, From jsontext.Pointer
		Value      json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	ops := make([]Operation, len(list))
	for i, o := range list {
		ops[i] = Operation{o.Op, o.Path, o.From, jsontext.Value(o.Value)}
		if o.Value == nil && (o.Op == "add" || o.Op == "replace" || o.Op == "test") {
			ops[i].Value = jsontext.Value("null") // what RawMessage makes of null
		}
	}
	return ops
}
