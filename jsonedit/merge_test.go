package jsonedit

import (
	"bytes"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// merged applies a merge patch and holds the result against the reference: the value is what RFC 7396 asks for, and the
// same patch again changes nothing.
func merged(t *testing.T, before, patch string) string {
	t.Helper()
	text := New([]byte(before), nil, DefaultStyle, "")
	changed := text.Merge(Members([]byte(patch)))
	after := string(text.Bytes())
	want := referenceMerge(decode(t, []byte(before)), decode(t, []byte(patch)))
	if got := decode(t, []byte(after)); !reflect.DeepEqual(got, want) {
		t.Errorf("the value is %v, want %v, in\n%s", got, want, after)
	}
	if changed != (after != before) {
		t.Errorf("Merge reports %v", changed)
	}
	replacesAlike(t, []byte(before), []byte(patch), []byte(after))
	if text.Merge(Members([]byte(patch))); string(text.Bytes()) != after {
		t.Errorf("the same patch again changes the text to\n%s", text.Bytes())
	}
	return after
}

// replacesAlike holds Replace against what Merge has made of a text, and reports whether it was for Replace.
func replacesAlike(t *testing.T, before, patch, after []byte) bool {
	t.Helper()
	text := New(before, nil, DefaultStyle, "")
	replaced, ok := text.Replace(Members(patch))
	if !ok && !bytes.Equal(text.Bytes(), before) || ok && !bytes.Equal(text.Bytes(), after) {
		t.Errorf("Replace (%v) of %q in %q makes\n%s\nand Merge\n%s", ok, patch, before, text.Bytes(), after)
	}
	was, is := maps.Collect(Members(before)), maps.Collect(Members(after))
	for _, r := range replaced {
		if !bytes.Equal(r.Old, was[r.Name]) || !bytes.Equal(r.New, is[r.Name]) || bytes.Equal(r.Old, r.New) {
			t.Errorf("%q is said to have become %s from %s", r.Name, r.New, r.Old)
		}
		delete(was, r.Name)
		delete(is, r.Name)
	}
	for name, value := range is {
		if ok && !bytes.Equal(value, was[name]) {
			t.Errorf("nothing is said of %q", name)
		}
	}
	return ok
}

func TestScalarsInThePlaceOfScalarsAreReplaced(t *testing.T) {
	many := "{" + strings.Repeat(`"x":1,`, mostCompared) + `"a":1}`
	for before, patches := range map[string]map[string]bool{
		`{"a": 1, "b": "x", "c": [1], "d": null}`: {
			`{"a":2}`: true, `{"b":"y","a":2}`: true, `{"a":1.0}`: true, `{"d":true}`: true, `{}`: true,
			`{"a":null}`: false, `{"c":1}`: false, `{"a":[1]}`: false, `{"e":1}`: false, `{"a":2,"e":1}`: false,
		},
		`{"a": 1, "\u0061": 2}`:       {`{"a":3}`: false},
		`/*x*/ {"\u0061": 1 /*y*/, }`: {`{"a":3}`: true},
		many:                          {`{"a":2}`: false},
	} {
		for patch, want := range patches {
			text := New([]byte(before), nil, DefaultStyle, "")
			text.Merge(Members([]byte(patch)))
			if got := replacesAlike(t, []byte(before), []byte(patch), text.Bytes()); got != want {
				t.Errorf("%s in %.50s: %v", patch, before, got)
			}
		}
	}
}

type mergeCase struct{ name, before, patch, after string }

func testMerges(t *testing.T, cases []mergeCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if after := merged(t, c.before, c.patch); after != c.after {
				t.Errorf("before\n%s\npatch %s\nafter\n%s\nwant\n%s", c.before, c.patch, after, c.after)
			}
		})
	}
}

// The examples of RFC 7396, Appendix A, each as the value of a member, because Merge takes objects; those that are
// objects are merged as such too.
func TestMergeDoesWhatAppendixASays(t *testing.T) {
	for _, c := range [][3]string{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, ``},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, "{\n  \"a\": {\n    \"bb\": {}\n  }\n}"}, // nothing shows that it is all on one line
	} {
		before, patch, after := c[0], c[1], c[2]
		t.Run(before+" and "+patch, func(t *testing.T) {
			want := `{"x":` + after + `}`
			if after == "" {
				want = `{}`
			}
			if got := merged(t, `{"x":`+before+`}`, `{"x":`+patch+`}`); got != strings.NewReplacer(" ", "", "\n", "").Replace(want) {
				t.Errorf("as a member: got %s, want %s", got, want)
			}
			if before[0] != '{' || patch[0] != '{' {
				return
			}
			if got := merged(t, before, patch); got != after {
				t.Errorf("as the whole: got %s, want %s", got, after)
			}
		})
	}
}

func TestMergeChangesNoMoreThanItMust(t *testing.T) {
	testMerges(t, []mergeCase{
		{"a number of the same value keeps its literal", `{"a": 1.0, "b": 1e3}`, `{"a":1,"b":1000}`, `{"a": 1.0, "b": 1e3}`},
		{"a string of the same meaning keeps its escapes", `{"a": "\u0061\/"}`, `{"a":"a/"}`, `{"a": "\u0061\/"}`},
		{"an object in another order keeps its order", `{"a": {"x": 1, "y": 2}}`, `{"a":{"y":2,"x":1}}`, `{"a": {"x": 1, "y": 2}}`},
		{"an equal array keeps its layout", "{\"a\": [1,\n 2]}", `{"a":[1,2]}`, "{\"a\": [1,\n 2]}"},
		{"a changed member keeps its place and its name's escapes", `{"\u0061": 1, "b": 2}`, `{"a":3}`, `{"\u0061": 3, "b": 2}`},
		{"an unknown member that is removed is no change", `{"a":1}`, `{"b":null}`, `{"a":1}`},
		{"an empty patch is no change", `{ }`, `{}`, `{ }`},
		{"a long integer is not rounded", `{"a":12345678901234567890}`, `{"a":12345678901234567891}`, `{"a":12345678901234567891}`},
		{"one element of an array changes, the others keep their bytes",
			`{"a":[1.0 ,2,3e0]}`, `{"a":[1,5,3]}`, `{"a":[1.0 ,5,3e0]}`},
		{"an element that goes takes no other with it",
			`{"a":[{"x": 1.0},{"y":2},{"z" :3}]}`, `{"a":[{"x":1},{"z":3}]}`, `{"a":[{"x": 1.0},{"z" :3}]}`},
		{"elements that come in between leave the others alone",
			`{"a":[1.0,2.0,3.0]}`, `{"a":[0,1,9,2,3,4]}`, `{"a":[0,1.0,9,2.0,3.0,4]}`},
		{"what moves to the front leaves the rest alone",
			`{"a":[1.0,2.0,3.0]}`, `{"a":[3,1,2]}`, `{"a":[3,1.0,2.0]}`},
		{"an element twice and then once", `{"a":[1.0,1.00,2]}`, `{"a":[1,2]}`, `{"a":[1.0,2]}`},
		{"within an array the elements are replaced whole: null stays", `{"a":[{"b":1}]}`, `{"a":[{"b":null}]}`, `{"a":[{"b":null}]}`},
		{"within an element of an array members come, change and go",
			`{"a":[{"b":1,"c":2.0,"d":3}]}`, `{"a":[{"c":2,"d":4,"e":5}]}`, `{"a":[{"c":2.0,"d":4,"e":5}]}`},
		{"an object becomes an array and the other way round", `{"a":{},"b":[]}`, `{"a":[],"b":{}}`, `{"a":[],"b":{}}`},
		{"null can become something", `{"a": null}`, `{"a":1}`, `{"a": 1}`},
		{"a new object loses its nulls, its arrays keep theirs",
			`{"z":0}`, `{"a":{"b":null,"c":[null,{"d":null}],"e":{"f":null}}}`, `{"z":0,"a":{"c":[null,{"d":null}],"e":{}}}`},
		{"an object in place of a scalar loses its nulls too", `{"a":1}`, `{"a":{"b":null,"c":2}}`, `{"a":{"c":2}}`},
		{"the word null in a string is a word", `{"z":0}`, `{"a":{"b":"null"}}`, `{"z":0,"a":{"b":"null"}}`},
		{"an empty name is a name", `{"":1}`, `{"":2}`, `{"":2}`},
		{"halves of surrogate pairs are told apart", `{"a":{"\ud83d":1}}`, `{"a":{"\uD83E":2}}`, `{"a":{"\ud83d":1,"\ud83e":2}}`},
		{"a half of a surrogate pair is found in other letters", `{"a":{"x\ud83d":1}}`, `{"a":{"x\uD83D":2}}`, `{"a":{"x\ud83d":2}}`},
	})
}

func TestMergeOfANameThatStandsTwice(t *testing.T) {
	testMerges(t, []mergeCase{
		{"the last one is changed", `{"a":1,"b":2,"a":3}`, `{"a":4}`, `{"a":1,"b":2,"a":4}`},
		{"both are removed", `{"a":1,"b":2,"a":3}`, `{"a":null}`, `{"b":2}`},
		{"the last one decides whether there is a change", `{"a":1,"a":2}`, `{"a":2}`, `{"a":1,"a":2}`},
		{"in other letters", `{"a":1,"\u0061":2}`, `{"a":null}`, `{}`},
		{"below an array", `{"x":[{"a":1,"a":2}]}`, `{"x":[{"a":3}]}`, `{"x":[{"a":1,"a":3}]}`},
	})
}

func TestMergeFollowsTheLayout(t *testing.T) {
	testMerges(t, []mergeCase{
		{"JSON.stringify(…, null, 2) gets a member",
			"{\n  \"a\": 1\n}", `{"b":[1],"c":{"d":{}}}`, "{\n  \"a\": 1,\n  \"b\": [\n    1\n  ],\n  \"c\": {\n    \"d\": {}\n  }\n}"},
		{"json.dumps(…, indent=2) looks the same and gets the same",
			"{\n  \"a\": [],\n  \"b\": {}\n}", `{"a":[1],"b":{"c":2}}`, "{\n  \"a\": [\n    1\n  ],\n  \"b\": {\n    \"c\": 2\n  }\n}"},
		{"json.dumps(…) on one line keeps a space behind comma and colon",
			`{"a": 1, "b": [1, 2]}`, `{"b":[1,2,3],"c":{"d":[4,5]}}`, `{"a": 1, "b": [1, 2, 3], "c": {"d": [4, 5]}}`},
		{"compact stays compact", `{"a":1}`, `{"b":{"c":[1,2]}}`, `{"a":1,"b":{"c":[1,2]}}`},
		{"compact with one member: no space behind the colon, none behind the comma", `{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		{"a space behind the colon: one behind the comma", `{"a": 1}`, `{"b":2}`, `{"a": 1, "b": 2}`},
		{"padded braces", `{ "a": 1, "b": {} }`, `{"b":{"c":1},"d":{"e":[]}}`, `{ "a": 1, "b": { "c": 1 }, "d": { "e": [] } }`},
		{"padded brackets", `{"a": [ 1 ], "b": []}`, `{"a":[1,2],"b":[3],"c":[4,5]}`, `{"a": [ 1, 2 ], "b": [ 3 ], "c": [ 4, 5 ]}`},
		{"tabs", "{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}", `{"a":{"c":[1]},"d":{"e":2}}`,
			"{\n\t\"a\": {\n\t\t\"b\": 1,\n\t\t\"c\": [\n\t\t\t1\n\t\t]\n\t},\n\t\"d\": {\n\t\t\"e\": 2\n\t}\n}"},
		{"CRLF", "{\r\n  \"a\": []\r\n}", `{"a":[1],"b":{"c":2}}`,
			"{\r\n  \"a\": [\r\n    1\r\n  ],\r\n  \"b\": {\r\n    \"c\": 2\r\n  }\r\n}"},
		{"lists on one line in a document of many lines", "{\n  \"a\": [1, 2],\n  \"b\": []\n}", `{"b":[3,4],"c":["x","y"],"d":[[1,2]]}`,
			"{\n  \"a\": [1, 2],\n  \"b\": [3, 4],\n  \"c\": [\"x\", \"y\"],\n  \"d\": [\n    [1, 2]\n  ]\n}"},
		{"objects of scalars on one line in a document of many lines", "{\n  \"a\": { \"x\": 1 },\n  \"b\": {}\n}", `{"b":{"y":2},"c":{"z":3}}`,
			"{\n  \"a\": { \"x\": 1 },\n  \"b\": { \"y\": 2 },\n  \"c\": { \"z\": 3 }\n}"},
		{"what is on one line stays on one line", "{\n  \"a\": {\"x\": [], \"y\": {}}\n}", `{"a":{"x":[{"p":1}],"y":{"q":{"r":2}},"z":{"s":[[3]]}}}`,
			"{\n  \"a\": {\"x\": [{\"p\": 1}], \"y\": {\"q\": {\"r\": 2}}, \"z\": {\"s\": [[3]]}}\n}"},
		{"a scalar on a shared line becomes an object on that line", "{\n  \"a\": {\"x\": 1, \"y\": 2}\n}", `{"a":{"x":{"p":[1]}}}`,
			"{\n  \"a\": {\"x\": {\"p\": [1]}, \"y\": 2}\n}"},
		{"no space behind the colon", "{\n  \"a\":1\n}", `{"b":{"c":2}}`, "{\n  \"a\":1,\n  \"b\":{\n    \"c\":2\n  }\n}"},
		{"a space before the colon too", "{\n  \"a\" : 1\n}", `{"b":{"c":2}}`, "{\n  \"a\" : 1,\n  \"b\" : {\n    \"c\" : 2\n  }\n}"},
		{"commas first", "{ \"a\": 1\n, \"b\": 2\n}", `{"c":3,"d":4}`, "{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n, \"d\": 4\n}"},
		{"commas first: the last one goes", "{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}", `{"c":null}`, "{ \"a\": 1\n, \"b\": 2\n}"},
		{"commas first: the first one goes", "{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}", `{"a":null}`, "{ \"b\": 2\n, \"c\": 3\n}"},
		{"commas first: one in the middle goes", "{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}", `{"b":null}`, "{ \"a\": 1\n, \"c\": 3\n}"},
		{"commas first: one goes and one comes", "{ \"a\": 1\n, \"b\": 2\n, \"c\": 3\n}", `{"c":null,"d":4}`, "{ \"a\": 1\n, \"b\": 2\n, \"d\": 4\n}"},
		{"values in a column behind the colon", "{\n  \"id\":     1,\n  \"title\":  2,\n  \"x\":      3\n}", `{"status":4,"description":5}`,
			"{\n  \"id\":     1,\n  \"title\":  2,\n  \"x\":      3,\n  \"status\": 4,\n  \"description\": 5\n}"},
		{"colons in a column", "{\n  \"id\"    : 1,\n  \"title\" : 2\n}", `{"x":3,"status":{"y":4}}`,
			"{\n  \"id\"    : 1,\n  \"title\" : 2,\n  \"x\"     : 3,\n  \"status\" : {\n    \"y\" : 4\n  }\n}"},
		{"members that happen to be of one width are in no column", "{\n  \"ab\": 1,\n  \"cd\": 2\n}", `{"e":3}`, "{\n  \"ab\": 1,\n  \"cd\": 2,\n  \"e\": 3\n}"},
		{"a list that is wrapped by hand goes on behind its last number", "{\n  \"a\": [\n    1, 2, 3,\n    4, 5\n  ]\n}", `{"a":[1,2,3,4,5,6]}`,
			"{\n  \"a\": [\n    1, 2, 3,\n    4, 5, 6\n  ]\n}"},
		{"a list that is wrapped by hand loses one", "{\n  \"a\": [\n    1, 2, 3,\n    4, 5\n  ]\n}", `{"a":[1,2,4,5]}`,
			"{\n  \"a\": [\n    1, 2, 4, 5\n  ]\n}"},
		{"objects that begin on the line of the bracket", "{\n  \"a\": [{\n    \"x\": 1\n  }, {\n    \"x\": 2\n  }]\n}", `{"a":[{"x":1},{"x":2},{"x":3}]}`,
			"{\n  \"a\": [{\n    \"x\": 1\n  }, {\n    \"x\": 2\n  }, {\n    \"x\": 3\n  }]\n}"},
		{"objects on one line each", "{\n  \"a\": [\n    {\"x\": 1},\n    {\"x\": 2}\n  ]\n}", `{"a":[{"x":1},{"x":2},{"x":3}]}`,
			"{\n  \"a\": [\n    {\"x\": 1},\n    {\"x\": 2},\n    {\"x\": 3}\n  ]\n}"},
		{"objects of many lines where another member is an object on one line", "{\n  \"m\": {\"n\": 1},\n  \"a\": [\n    {\n      \"x\": 1\n    }\n  ]\n}",
			`{"a":[{"x":1},{"x":2}]}`,
			"{\n  \"m\": {\"n\": 1},\n  \"a\": [\n    {\n      \"x\": 1\n    },\n    {\n      \"x\": 2\n    }\n  ]\n}"},
		{"the first one on the line of the brace", "{\"a\": 1,\n \"b\": 2}", `{"c":3}`, "{\"a\": 1,\n \"b\": 2,\n \"c\": 3}"},
		{"blank lines between members", "{\n  \"a\": 1,\n\n  \"b\": 2\n}", `{"c":3}`, "{\n  \"a\": 1,\n\n  \"b\": 2,\n\n  \"c\": 3\n}"},
		{"an empty object of two lines", "{\n}", `{"a":1}`, "{\n  \"a\": 1\n}"},
		{"an empty object with a space", `{"x":{ }}`, `{"x":{"a":1}}`, `{"x":{"a":1}}`},
		{"an empty array of two lines gets its first", "{\n  \"a\": [\n  ]\n}", `{"a":[1]}`, "{\n  \"a\": [\n    1\n  ]\n}"},
		{"an empty document of many lines elsewhere", "{\n\t\"x\": {},\n\t\"y\": 1\n}", `{"x":{"a":{"b":[]}}}`, "{\n\t\"x\": {\n\t\t\"a\": {\n\t\t\t\"b\": []\n\t\t}\n\t},\n\t\"y\": 1\n}"},
		{"the last one goes", "{\n  \"a\": 1,\n  \"b\": 2\n}", `{"b":null}`, "{\n  \"a\": 1\n}"},
		{"the first one goes", "{\n  \"a\": 1,\n  \"b\": 2\n}", `{"a":null}`, "{\n  \"b\": 2\n}"},
		{"one in the middle goes", "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}", `{"b":null}`, "{\n  \"a\": 1,\n  \"c\": 3\n}"},
		{"all go", "{\n  \"a\": 1,\n  \"b\": 2\n}", `{"a":null,"b":null}`, "{}"},
		{"the only one goes", "{ \"a\": 1 }", `{"a":null}`, "{}"},
		{"all go and others come", "{\n  \"a\": 1,\n  \"b\": 2\n}", `{"a":null,"b":null,"c":3,"d":4}`, "{\n  \"c\": 3,\n  \"d\": 4\n}"},
		{"the last two go and one comes", `{"a": 1, "b": 2, "c": 3}`, `{"b":null,"c":null,"d":4}`, `{"a": 1, "d": 4}`},
		{"the first two go", `{"a": 1, "b": 2, "c": 3}`, `{"a":null,"b":null}`, `{"c": 3}`},
		{"on one line the first one goes", `{ "a": 1, "b": 2 }`, `{"a":null}`, `{ "b": 2 }`},
		{"on one line the last one goes", `{ "a": 1, "b": 2 }`, `{"b":null}`, `{ "a": 1 }`},
		{"the last one goes, with CRLF", "{\r\n  \"a\": 1,\r\n  \"b\": 2\r\n}", `{"b":null}`, "{\r\n  \"a\": 1\r\n}"},
		{"spaces around commas stay around those that stay", `{"a":1 , "b":2 , "c":3}`, `{"b":null}`, `{"a":1 , "c":3}`},
		{"all elements of a list go", "{\n  \"a\": [\n    1,\n    2\n  ]\n}", `{"a":[]}`, "{\n  \"a\": []\n}"},
		{"all elements of a list are others", "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  ]\n}", `{"a":[1,2,3]}`, "{\n  \"a\": [\n    1,\n    2,\n    3\n  ]\n}"},
	})
}

func TestMergeTakesWhatTheTextDoesNotShowFromTheFallback(t *testing.T) {
	style := Style{Newline: "\r\n", Unit: "\t", Colon: ":", Comma: ",", FlatArrays: true}
	text := New([]byte("{}"), nil, style, "\t\t")
	text.Merge(Members([]byte(`{"a":[1,2],"b":{"c":1}}`)))
	want := "{\r\n\t\t\t\"a\":[1,2],\r\n\t\t\t\"b\":{\r\n\t\t\t\t\"c\":1\r\n\t\t\t}\r\n\t\t}"
	if got := string(text.Bytes()); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

func TestArraysKeepTheObjectsThatAreIdentified(t *testing.T) {
	before := "{\n  \"list\": [\n    {\"id\": 1, \"x\": 1.0},\n    {\"id\": 2, \"x\": 2.0},\n    {\"id\": 3,   \"x\": 3.0}\n  ]\n}"
	for _, c := range []struct{ name, patch, after string }{
		{"one goes and the next one changes", `{"list":[{"id":1,"x":1},{"id":3,"x":4}]}`,
			"{\n  \"list\": [\n    {\"id\": 1, \"x\": 1.0},\n    {\"id\": 3,   \"x\": 4}\n  ]\n}"},
		{"another takes its place and has a text of its own", `{"list":[{"id":1,"x":1},{"id":4,"x":2},{"id":3,"x":3}]}`,
			"{\n  \"list\": [\n    {\"id\": 1, \"x\": 1.0},\n    {\"id\": 4, \"x\": 2},\n    {\"id\": 3,   \"x\": 3.0}\n  ]\n}"},
		{"the first one goes, a new one comes at the end", `{"list":[{"id":2,"x":2},{"id":3,"x":3},{"id":"new","y":[]}]}`,
			"{\n  \"list\": [\n    {\"id\": 2, \"x\": 2.0},\n    {\"id\": 3,   \"x\": 3.0},\n    {\"id\": \"new\", \"y\": []}\n  ]\n}"},
		{"something that is no object comes in between", `{"list":[{"id":1,"x":1},null,{"id":2,"x":2},{"id":3,"x":3}]}`,
			"{\n  \"list\": [\n    {\"id\": 1, \"x\": 1.0},\n    null,\n    {\"id\": 2, \"x\": 2.0},\n    {\"id\": 3,   \"x\": 3.0}\n  ]\n}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := New([]byte(before), nil, DefaultStyle, "")
			text.Identify("id")
			text.Merge(Members([]byte(c.patch)))
			if got := string(text.Bytes()); got != c.after {
				t.Errorf("got\n%s\nwant\n%s", got, c.after)
			}
		})
	}
}

func TestNewLinesAreNotIndentedWithoutBound(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000)
	after := merged(t, "{\n  \"x\": 1\n}", `{"y":`+deep+`}`)
	if most := len(deep) + 2*maxIndent*maxIndent; len(after) > most {
		t.Errorf("%d bytes became %d, want at most %d", len(deep), len(after), most)
	}
}
