package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

// The laws of the package doc, for whatever text and fragment the fuzzer comes up with.
func FuzzApply(f *testing.F) {
	tree := `{"backlog": [{"id": "P1", "a": 1.0, "milestones": [{"id": "P1.M1", "b": [1, 2], "tasks": []}]}, {"id": "P2"}]}`
	for _, text := range []string{
		tree,
		"\xef\xbb\xbf{\r\n  \"backlog\": [\r\n    {\"id\": \"P1\", \"x\": {\"y\": null}}\r\n  ]\r\n}\r\n",
		`{"backlog":[]}`,
		"{ // c\n \"backlog\": [ {\"id\": \"P1\", /* d */ \"a\": 1,}, ],\n}",
		`{"backlog":[{"id":"P1"},{"id":"P1"},{"title":"none"}]}`,
	} {
		for _, update := range []string{
			`{"id":"P1","a":2,"b":{"c":null,"d":1}}`,
			`{"id":"P1","a":null}`,
			`[{"id":"P1.M2","$op":"create","n":[]},{"id":"P1.M2","n":[1]},{"id":"P2","$op":"remove"}]`,
			`{"id":"P1","$op":"patch","$patch":[{"op":"move","from":"/milestones/0","path":"/milestones/-"},{"op":"add","path":"/z","value":1e2}]}`,
			`{"id":"P1","milestones":[{"id":"P1.M1","b":[2]},{"id":"P1.M3"}]}`,
			`{"id":"P3","$op":"upsert","a":"é"}`,
		} {
			f.Add(text, update)
		}
	}
	f.Fuzz(func(t *testing.T, text, update string) {
		d, err := Parse([]byte(text), Backlog)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("the error is a %T", err)
			}
			return
		}
		if got := string(d.Bytes()); got != text {
			t.Fatalf("parsed and written again %q became %q", text, got)
		}
		updates, err := fragment.Parse("f.json", []byte(update), fragment.Limits{MaxBytes: 1 << 16, MaxDepth: 64})
		if err != nil {
			return
		}
		outcome, err := d.Apply(updates, Options{})
		if err != nil {
			var reject *fragment.Error
			if !errors.As(err, &reject) || reject.Code == "" || reject.Message == "" {
				t.Fatalf("the error is %#v", err)
			}
			if got := string(d.Bytes()); got != text {
				t.Fatalf("a rejected fragment has left %q of %q", got, text)
			}
			return
		}
		after := d.Bytes()
		if outcome.Applied == 0 && !bytes.Equal(after, []byte(text)) {
			t.Fatalf("nothing changed, and %q became %q", text, after)
		}
		again, err := Parse(after, Backlog)
		if err != nil {
			t.Fatalf("%q became %q, which cannot be read: %v", text, after, err)
		}
		if got, want := texts(d), texts(again); !reflect.DeepEqual(got, want) {
			t.Fatalf("the index of %q says %v, that of a fresh reading %v", after, got, want)
		}
		untouched(t, text, string(after), updates)
	})
}

// texts returns the text of each item by its id.
func texts(d *Document) map[string][]string {
	all := map[string][]string{}
	d.root.descendants(func(n *node) {
		if n != d.root && n.id != "" {
			all[n.id] = append(all[n.id], string(n.text()))
		}
	})
	return all
}

// untouched holds every item that no update named, and that hangs below and above none that is named, to its bytes.
func untouched(t *testing.T, before, after string, updates []fragment.Update) {
	t.Helper()
	a, err := Parse([]byte(before), Backlog)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse([]byte(after), Backlog)
	if err != nil {
		t.Fatal(err)
	}
	now := texts(b)
	a.root.descendants(func(n *node) {
		if n == a.root || n.id == "" || len(n.kids) > 0 || len(a.items[key{n.scope, n.id}]) > 1 {
			return
		}
		for m := n; m != nil; m = m.parent {
			for _, u := range updates {
				if m.id == u.ID || m.id == u.Parent || m.id == Backlog.parentOf(u.ID) { // itself, or as the parent of a new one
					return
				}
			}
		}
		if !reflect.DeepEqual(now[n.id], []string{string(n.text())}) {
			t.Fatalf("item %q was %q, is %q, and nobody asked", n.id, n.text(), now[n.id])
		}
	})
}

// FuzzMergeIsThatOfThePlainValue holds a merge through the document against one of decoded values (RFC 7396, section 2).
func FuzzMergeIsThatOfThePlainValue(f *testing.F) {
	f.Add(`{"a": [1, 2], "b": {"c": 1}}`, `{"a":[1,3],"b":{"c":null,"d":{"e":null}}}`)
	f.Add(`{ "x":null,"y":"\u0061" }`, `{"y":"a","x":null,"z":1e3}`)
	f.Fuzz(func(t *testing.T, members, patch string) {
		var item, change map[string]any
		if json.Unmarshal([]byte(members), &item) != nil || json.Unmarshal([]byte(patch), &change) != nil || item == nil || change == nil {
			return
		}
		for _, m := range []map[string]any{item, change} {
			for _, own := range []string{"id", "milestones", "tasks", "subtasks"} {
				if _, ok := m[own]; ok {
					return
				}
			}
		}
		text := `{"backlog":[{"id":"P1","own":` + members + `}]}`
		updates, err := fragment.Parse("f.json", []byte(`{"id":"P1","own":`+patch+`}`), fragment.Limits{MaxBytes: 1 << 16, MaxDepth: 64})
		if err != nil {
			return
		}
		d, err := Parse([]byte(text), Backlog)
		if err != nil {
			return
		}
		if _, err := d.Apply(updates, Options{}); err != nil {
			t.Fatal(err)
		}
		var got struct{ Backlog []struct{ Own any } }
		if err := json.Unmarshal(d.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if want := merged(item, change); !reflect.DeepEqual(got.Backlog[0].Own, want) {
			t.Fatalf("%s merged with %s is %v, not %v", members, patch, got.Backlog[0].Own, want)
		}
	})
}

// merged is the pseudocode of RFC 7396.
func merged(target, patch any) any {
	change, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range change {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = merged(object[name], value)
		}
	}
	return object
}
