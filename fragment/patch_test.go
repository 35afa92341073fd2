package fragment

import (
	"reflect"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestParseReadsPatches(t *testing.T) {
	const src = `{"id":"P1","$op":"patch","$patch":[
		{"op":"add","path":"/tags/-","value":{"a": 1.0}},
		{"op":"remove","path":"/a~1b/~0c","value":"of no meaning"},
		{"value":null,"path":"","op":"replace","from":"of no meaning"},
		{"op":"move","from":"/a","path":"/b"},
		{"op":"move","from":"/a","path":"/ab"},
		{"op":"move","from":"/a","path":"/a"},
		{"op":"move","from":"/a/b","path":"/a"},
		{"op":"copy","from":"","path":"/a/b","note":["others","are","ignored"],"\ud800":1},
		{"\u006fp":"test","path":"/\u00e9/","value":"\ud800"}
	]}`
	want := []Operation{
		{Op: "add", Path: "/tags/-", Value: jsontext.Value(`{"a": 1.0}`)},
		{Op: "remove", Path: "/a~1b/~0c"},
		{Op: "replace", Path: "", Value: jsontext.Value("null")},
		{Op: "move", From: "/a", Path: "/b"},
		{Op: "move", From: "/a", Path: "/ab"},
		{Op: "move", From: "/a", Path: "/a"},
		{Op: "move", From: "/a/b", Path: "/a"},
		{Op: "copy", From: "", Path: "/a/b"},
		{Op: "test", Path: "/é/", Value: jsontext.Value(`"\ud800"`)},
	}
	got := accepted(t, "a.json", src)[0].Patch
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestParseRefusesPatchesOfTheWrongForm(t *testing.T) {
	const names = `add, remove, replace, move, copy, test`
	for _, c := range []struct{ sentence, operation, want string }{
		{"a text", `"add"`, `at /$patch/1, line 2, column 1: operation 2 of $patch: "add" is no operation; write an object with "op" and "path"`},
		{"an array", `[]`, `at /$patch/1, line 2, column 1: operation 2 of $patch: an array is no operation; write an object with "op" and "path"`},
		{"no op", `{"path":"/a"}`, `at /$patch/1, line 2, column 1: operation 2 of $patch: it has no "op"; add one of ` + names},
		{"an op like none", `{"op":"nope","path":"/a"}`, `at /$patch/1/op, line 2, column 7: operation 2 of $patch: "op" is "nope"; write one of ` + names},
		{"an op in capitals", `{"op":"Add","path":"/a","value":1}`, `at /$patch/1/op, line 2, column 7: operation 2 of $patch: "op" is "Add"; did you mean "add"?`},
		{"an op of another kind", `{"op":"increment","path":"/a"}`, `at /$patch/1/op, line 2, column 7: operation 2 of $patch: "op" is "increment"; write one of ` + names},
		{"an op that is null", `{"op":null,"path":"/a"}`, `at /$patch/1/op, line 2, column 7: operation 2 of $patch: "op" is null; write one of ` + names},
		{"no path", `{"op":"remove"}`, `at /$patch/1, line 2, column 1: operation 2 of $patch: it has no "path"; add it, such as "/status"`},
		{"a path without its slash", `{"op":"remove","path":"a"}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" is "a", which does not begin with /; write "/a", or "" for the whole item`},
		{"a path of another language", `{"op":"remove","path":"$.a"}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" is "$.a", which does not begin with /; write "/$.a", or "" for the whole item`},
		{"a tilde at the end", `{"op":"remove","path":"/a~"}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" is "/a~", where a ~ stands alone; write ~0 for ~ and ~1 for /`},
		{"a tilde for something else", `{"op":"remove","path":"/~2"}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" is "/~2", where a ~ stands alone; write ~0 for ~ and ~1 for /`},
		{"a path that is an array", `{"op":"remove","path":["a"]}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" is an array; write a string such as "/status"`},
		{"a path that is null", `{"op":"remove","path":null}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" is null; write a string such as "/status"`},
		{"a path that is no text", `{"op":"remove","path":"/\ud800"}`, `at /$patch/1/path, line 2, column 23: operation 2 of $patch: "path" holds half of a surrogate pair (such as "\ud83d" alone); name the member otherwise`},
		{"add without a value", `{"op":"add","path":"/a"}`, `at /$patch/1, line 2, column 1: operation 2 of $patch: add needs a "value"; add it ("value": null is one)`},
		{"replace without a value", `{"op":"replace","path":"/a"}`, `at /$patch/1, line 2, column 1: operation 2 of $patch: replace needs a "value"; add it ("value": null is one)`},
		{"test without a value", `{"op":"test","path":"/a"}`, `at /$patch/1, line 2, column 1: operation 2 of $patch: test needs a "value"; add it ("value": null is one)`},
		{"move from nowhere", `{"op":"move","path":"/a"}`, `at /$patch/1, line 2, column 1: operation 2 of $patch: it has no "from"; add it, such as "/status"`},
		{"copy from no pointer", `{"op":"copy","path":"/a","from":"b"}`, `at /$patch/1/from, line 2, column 33: operation 2 of $patch: "from" is "b", which does not begin with /; write "/b", or "" for the whole item`},
		{"move into itself", `{"op":"move","from":"/a","path":"/a/b"}`, `at /$patch/1/from, line 2, column 21: operation 2 of $patch: a value cannot be moved into itself; move it elsewhere, or copy it`},
		{"move the item into itself", `{"op":"move","from":"","path":"/a"}`, `at /$patch/1/from, line 2, column 21: operation 2 of $patch: a value cannot be moved into itself; move it elsewhere, or copy it`},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			e := rejected(t, "a.json", `{"id":"P1","$op":"patch","$patch":[{"op":"remove","path":"/x"},`+"\n"+c.operation+`,{"op":0}]}`, limits)
			if want := "update 1 (P1), " + c.want; e.Code != PatchFailed || e.Error() != want {
				t.Errorf("\n got %s: %v\nwant %v", e.Code, e, want)
			}
		})
	}
}
