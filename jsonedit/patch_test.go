package jsonedit

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// patched applies a JSON Patch, and holds each step against the reference. After an error the text must be as it was.
func patched(t *testing.T, before, ops string) (string, error) {
	t.Helper()
	text := New([]byte(before), nil, DefaultStyle, "")
	for _, op := range operations(t, ops) {
		old := string(text.Bytes())
		var value any
		if op.Value != nil {
			value = decode(t, op.Value)
		}
		want, wantErr := referencePatch(decode(t, []byte(old)), op, value)
		err := text.Patch(op)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%+v on %s: %v, but the reference says %v", op, old, err, wantErr)
		}
		if err != nil {
			if string(text.Bytes()) != old {
				t.Errorf("after the error the text is %s, not %s", text.Bytes(), old)
			}
			return old, err
		}
		if got := decode(t, text.Bytes()); !reflect.DeepEqual(got, want) {
			t.Errorf("the value is %v, want %v, in\n%s", got, want, text.Bytes())
		}
	}
	return string(text.Bytes()), nil
}

// patchCase: after is the text or, where it begins with "error: ", the message.
type patchCase struct{ name, before, ops, after string }

func testPatches(t *testing.T, cases []patchCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			after, err := patched(t, c.before, c.ops)
			if err != nil {
				after = "error: " + err.Error()
			}
			if after != c.after {
				t.Errorf("before\n%s\npatch %s\nafter\n%s\nwant\n%s", c.before, c.ops, after, c.after)
			}
		})
	}
}

// The examples of RFC 6902, Appendix A. A.11 and A.13 are about the form of an operation, which package fragment judges.
func TestPatchDoesWhatAppendixASays(t *testing.T) {
	testPatches(t, []patchCase{
		{"A.1 adding an object member", `{ "foo": "bar"}`, `[{"op":"add","path":"/baz","value":"qux"}]`, `{ "foo": "bar", "baz": "qux"}`},
		{"A.2 adding an array element", `{ "foo": [ "bar", "baz" ] }`, `[{"op":"add","path":"/foo/1","value":"qux"}]`, `{ "foo": [ "bar", "qux", "baz" ] }`},
		{"A.3 removing an object member", "{\n  \"baz\": \"qux\",\n  \"foo\": \"bar\"\n}", `[{"op":"remove","path":"/baz"}]`, "{\n  \"foo\": \"bar\"\n}"},
		{"A.4 removing an array element", `{ "foo": [ "bar", "qux", "baz" ] }`, `[{"op":"remove","path":"/foo/1"}]`, `{ "foo": [ "bar", "baz" ] }`},
		{"A.5 replacing a value", "{\n  \"baz\": \"qux\",\n  \"foo\": \"bar\"\n}", `[{"op":"replace","path":"/baz","value":"boo"}]`, "{\n  \"baz\": \"boo\",\n  \"foo\": \"bar\"\n}"},
		{"A.6 moving a value", "{\n  \"foo\": {\n    \"bar\": \"baz\",\n    \"waldo\": \"fred\"\n  },\n  \"qux\": {\n    \"corge\": \"grault\"\n  }\n}",
			`[{"op":"move","from":"/foo/waldo","path":"/qux/thud"}]`,
			"{\n  \"foo\": {\n    \"bar\": \"baz\"\n  },\n  \"qux\": {\n    \"corge\": \"grault\",\n    \"thud\": \"fred\"\n  }\n}"},
		{"A.7 moving an array element", `{ "foo": [ "all", "grass", "cows", "eat" ] }`, `[{"op":"move","from":"/foo/1","path":"/foo/3"}]`, `{ "foo": [ "all", "cows", "eat", "grass" ] }`},
		{"A.8 testing a value: success", `{"baz":"qux","foo":["a",2,"c"]}`, `[{"op":"test","path":"/baz","value":"qux"},{"op":"test","path":"/foo/1","value":2}]`, `{"baz":"qux","foo":["a",2,"c"]}`},
		{"A.9 testing a value: error", `{ "baz": "qux" }`, `[{"op":"test","path":"/baz","value":"bar"}]`, `error: the value is "qux", not "bar"`},
		{"A.10 adding a nested member object", `{ "foo": "bar" }`, `[{"op":"add","path":"/child","value":{"grandchild":{}}}]`, `{ "foo": "bar", "child": { "grandchild": {} } }`},
		{"A.12 adding to a nonexistent target", `{ "foo": "bar" }`, `[{"op":"add","path":"/baz/bat","value":"qux"}]`, `error: no member "baz"`},
		{"A.14 ~ escape ordering", "{\n  \"/\": 9,\n  \"~1\": 10\n}", `[{"op":"test","path":"/~01","value":10}]`, "{\n  \"/\": 9,\n  \"~1\": 10\n}"},
		{"A.15 comparing strings and numbers", `{"/": 9, "~1": 10}`, `[{"op":"test","path":"/~01","value":"10"}]`, `error: the value is 10, not "10"`},
		{"A.16 adding an array value", `{ "foo": ["bar"] }`, `[{"op":"add","path":"/foo/-","value":["abc","def"]}]`, `{ "foo": ["bar", ["abc", "def"]] }`},
	})
}

func TestPatchAddressesAsRFC6901Says(t *testing.T) {
	document := `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}`
	text := New([]byte(document), nil, DefaultStyle, "")
	for pointer, want := range map[jsontext.Pointer]string{
		"": document, "/foo": `["bar","baz"]`, "/foo/0": `"bar"`, "/": "0", "/a~1b": "1", "/c%d": "2", "/e^f": "3", "/g|h": "4",
		`/i\j`: "5", `/k"l`: "6", "/ ": "7", "/m~0n": "8",
	} {
		if got, err := text.Get(pointer); err != nil || string(got) != want {
			t.Errorf("%q: got %s and %v, want %s", pointer, got, err, want)
		}
	}
	testPatches(t, []patchCase{
		{"~0 and ~1 stand for ~ and /", `{"~":1,"/":2}`, `[{"op":"replace","path":"/~0","value":3},{"op":"replace","path":"/~1","value":4}]`, `{"~":3,"/":4}`},
		{"~01 is ~1 and not /", `{"~1":1,"/":2}`, `[{"op":"remove","path":"/~01"}]`, `{"/":2}`},
		{"a new name is unescaped", `{"a":1}`, `[{"op":"add","path":"/~01~1\"","value":2}]`, `{"a":1,"~1/\"":2}`},
		{"an empty name inside an empty name", `{"":{"":1}}`, `[{"op":"replace","path":"//","value":2}]`, `{"":{"":2}}`},
		{"an empty name is added", `{"a":1}`, `[{"op":"add","path":"/","value":2}]`, `{"a":1,"":2}`},
		{"a name that is written with escapes is found", `{"\u0061\/":1}`, `[{"op":"remove","path":"/a~1"}]`, `{}`},
		{"digits name a member of an object", `{"0":1,"01":2,"-":3}`, `[{"op":"remove","path":"/01"},{"op":"replace","path":"/-","value":4}]`, `{"0":1,"-":4}`},
	})
	for token, why := range map[string]string{
		"01": `"01" is not an array index`, "+1": `"+1" is not an array index`, "-1": `"-1" is not an array index`,
		"1e0": `"1e0" is not an array index`, "1.0": `"1.0" is not an array index`, "": `"" is not an array index`,
		"a": `"a" is not an array index`, "0x1": `"0x1" is not an array index`, "1_0": `"1_0" is not an array index`,
		"٣": `"٣" is not an array index`, "99999999999999999999": `"99999999999999999999" is not an array index`,
	} {
		for _, op := range []string{"add", "remove", "replace", "test"} {
			err := New([]byte(`[1,2,3]`), nil, DefaultStyle, "").Patch(Operation{Op: op, Path: jsontext.Pointer("/" + token), Value: jsontext.Value("1")})
			if err == nil || err.Error() != why {
				t.Errorf("%s /%s: %v, want %s", op, token, err, why)
			}
		}
	}
}

func TestPatchRefusesWhatDoesNotApply(t *testing.T) {
	testPatches(t, []patchCase{
		{"remove of nothing", `{"a":1}`, `[{"op":"remove","path":"/b"}]`, `error: no member "b"`},
		{"replace of nothing", `{"a":1}`, `[{"op":"replace","path":"/b","value":1}]`, `error: no member "b"`},
		{"test of nothing", `{"a":1}`, `[{"op":"test","path":"/b","value":null}]`, `error: no member "b"`},
		{"copy of nothing", `{"a":1}`, `[{"op":"copy","from":"/b","path":"/c"}]`, `error: from: no member "b"`},
		{"move of nothing", `{"a":1}`, `[{"op":"move","from":"/b","path":"/c"}]`, `error: from: no member "b"`},
		{"move to nowhere", `{"a":1}`, `[{"op":"move","from":"/a","path":"/b/c"}]`, `error: no member "b"`},
		{"move into itself", `{"a":{"b":1}}`, `[{"op":"move","from":"/a","path":"/a/b"}]`, `error: a value cannot be moved into itself`},
		{"move of the whole into itself", `{"a":{"b":1}}`, `[{"op":"move","from":"","path":"/a"}]`, `error: a value cannot be moved into itself`},
		{"move of nothing into itself", `{"a":1}`, `[{"op":"move","from":"/b","path":"/b/c"}]`, `error: from: no member "b"`},
		{"move of nothing to itself", `{"a":1}`, `[{"op":"move","from":"/b","path":"/b"}]`, `error: from: no member "b"`},
		{"add into a scalar", `{"a":1}`, `[{"op":"add","path":"/a/b","value":1}]`, `error: no place for "b": what should hold it is neither an object nor an array`},
		{"replace in a scalar", `{"a":"x"}`, `[{"op":"replace","path":"/a/0","value":1}]`, `error: no place for "0": what should hold it is neither an object nor an array`},
		{"remove the whole", `{"a":1}`, `[{"op":"remove","path":""}]`, `error: the whole value cannot be removed`},
		{"remove in nothing", `{"a":1}`, `[{"op":"remove","path":"/b/c"}]`, `error: no member "b"`},
		{"add beyond the end", `[1,2]`, `[{"op":"add","path":"/3","value":1}]`, `error: index 3 is beyond the end of an array of 2`},
		{"replace at the end", `[1,2]`, `[{"op":"replace","path":"/2","value":1}]`, `error: index 2 is beyond the end of an array of 2`},
		{"replace behind the end", `[1,2]`, `[{"op":"replace","path":"/-","value":1}]`, `error: "-" names the element behind the last one, which does not exist`},
		{"remove behind the end", `[1,2]`, `[{"op":"remove","path":"/-"}]`, `error: "-" names the element behind the last one, which does not exist`},
		{"copy from behind the end", `[1,2]`, `[{"op":"copy","from":"/-","path":"/0"}]`, `error: from: "-" names the element behind the last one, which does not exist`},
		{"a test of something long says how it begins", `{"a":"` + strings.Repeat("ä", 50) + `"}`, `[{"op":"test","path":"/a","value":1}]`,
			`error: the value is "` + strings.Repeat("ä", 29) + `…, not 1`},
	})
	if err := New([]byte("{}"), nil, DefaultStyle, "").Patch(Operation{Op: "spam"}); err == nil || err.Error() != `unknown operation "spam"` {
		t.Errorf("an unknown operation: %v", err)
	}
}

func TestPatchTestsByValue(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{`1`, `1.0`, true}, {`1`, `1e0`, true}, {`1`, `10e-1`, true}, {`1`, `0.1E+1`, true}, {`1`, `1.1`, false}, {`100`, `1e2`, true},
		{`0`, `-0.0e5`, true}, {`1`, `-1`, false}, {`0.1`, `1e-1`, true}, {`1`, `"1"`, false}, {`1`, `true`, false},
		{`12345678901234567890`, `12345678901234567891`, false}, {`1e400`, `2e400`, false}, {`1e400`, `10e399`, true},
		{`1e999999999`, `1e999999999`, true}, {`1e999999999`, `1e999999998`, false}, {`10e999999998`, `1e999999999`, true},
		{`1e-999999999999999999999`, `10e-1000000000000000000000`, true}, {`0e999999999999999999999`, `0`, true},
		{`"a"`, `"\u0061"`, true}, {`"\u00e9"`, `"é"`, true}, {`"é"`, `"e\u0301"`, false}, {`"\ud83d\ude00"`, `"😀"`, true}, {`"/"`, `"\/"`, true},
		{`"a"`, `"A"`, false}, {`""`, `"\u0000"`, false}, {`"\ud83d"`, `"\ud83e"`, false}, {`"\ud83d"`, `"\uD83D"`, true}, {`"\ufffd"`, `"\ud83d"`, false},
		{`"\ude00\ud83d\ude00\n"`, `"\ude00😀\u000a"`, true}, {`"\ud83d\ud83d\ude00"`, `"\ud83d😀"`, true}, {`"\ud83dx\ude00"`, `"😀"`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":1}`, `{"a":1,"b":2}`, false}, {`{"a":1}`, `{"b":1}`, false}, {`{"a":{"b":[1.0]}}`, ` { "\u0061" : { "b" : [ 1 ] } } `, true},
		{`{"a":1,"a":2}`, `{"a":2}`, true}, {`{}`, `[]`, false}, {`[1,2]`, `[2,1]`, false}, {`[1,2]`, `[1,2,3]`, false}, {`[]`, `[null]`, false},
		{`null`, `false`, false}, {`true`, `true`, true}, {`null`, `0`, false}, {`""`, `null`, false}, {`[]`, `""`, false},
		{"[1 /* one */, // more\n2,]", `[1,2]`, true}, {"// first\n{/**/}", `{}`, true},
	} {
		if got := Equal([]byte(c.a), []byte(c.b)); got != c.equal {
			t.Errorf("Equal(%s, %s) is %v", c.a, c.b, got)
		}
		if got := Equal([]byte(c.b), []byte(c.a)); got != c.equal {
			t.Errorf("Equal(%s, %s) is %v", c.b, c.a, got)
		}
		i, j := skipTrivia([]byte(c.a), 0), skipTrivia([]byte(c.b), 0)
		if x, y := hash([]byte(c.a), i), hash([]byte(c.b), j); c.equal != (x == y) {
			t.Errorf("the hashes of %s and %s are %d and %d", c.a, c.b, x, y)
		}
	}
}

func TestHugeNumbersAreComparedQuickly(t *testing.T) {
	digits := strings.Repeat("9", 1<<20)
	start := time.Now()
	for _, c := range [][2]string{
		{"1e999999999", "1e999999998"},
		{digits, digits + "0e-1"},
		{"0." + digits, digits + "e-1048576"},
		{"1e" + digits, "10e" + digits},
	} {
		Equal([]byte(c[0]), []byte(c[1]))
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestPatchMovesAndCopies(t *testing.T) {
	testPatches(t, []patchCase{
		{"to itself is nothing", `{"a": [1 , 2]}`, `[{"op":"move","from":"/a/0","path":"/a/0"},{"op":"move","from":"","path":""}]`, `{"a": [1 , 2]}`},
		{"over a member", `{"a":1,"b":2}`, `[{"op":"move","from":"/a","path":"/b"}]`, `{"b":1}`},
		{"a member over what holds it", `{"a":{"b":{"c":1}}}`, `[{"op":"move","from":"/a/b","path":"/a"}]`, `{"a":{"c":1}}`},
		{"a member over the whole", `{"a":{"b":1}}`, `[{"op":"move","from":"/a","path":""}]`, `{"b":1}`},
		{"to the end of the array that it is in", `[1,2,3]`, `[{"op":"move","from":"/0","path":"/-"}]`, `[2,3,1]`},
		{"to the index that is only there before", `[1,2,3]`, `[{"op":"move","from":"/0","path":"/3"}]`, `error: index 3 is beyond the end of an array of 2`},
		{"with numbers as they are written", `{"a":1.00,"b":{}}`, `[{"op":"copy","from":"/a","path":"/b/c"}]`, `{"a":1.00,"b":{"c":1.00}}`},
		{"copy into the own child", `{"a":{"b":{}}}`, `[{"op":"copy","from":"/a","path":"/a/b/c"}]`, `{"a":{"b":{"c":{"b":{}}}}}`},
		{"copy of the whole into itself", `{"a":1}`, `[{"op":"copy","from":"","path":"/b"}]`, `{"a":1,"b":{"a":1}}`},
		{"copy into the array that it is from", `[[1],2]`, `[{"op":"copy","from":"/0","path":"/1"}]`, `[[1],[1],2]`},
		{"copy of a value to itself", `{"a": [1]}`, `[{"op":"copy","from":"/a","path":"/a"}]`, `{"a": [1]}`},
		{"copy at the length of the array", `[1,2]`, `[{"op":"copy","from":"/0","path":"/2"}]`, `[1,2,1]`},
		{"copy over an object whose name stands twice", `{"a":{"x":1,"x":2},"b":{"x":3}}`, `[{"op":"copy","from":"/a","path":"/b"}]`, `{"a":{"x":1,"x":2},"b":{"x":2}}`},
		{"move of a name that stands twice", `{"a":1,"a":2,"b":3}`, `[{"op":"move","from":"/a","path":"/c"}]`, `{"b":3,"c":2}`},
		{"deeper: the lines are indented anew",
			"{\n  \"a\": {\n    \"x\": [\n      1\n    ]\n  },\n  \"b\": {\n    \"c\": {\n      \"d\": 1\n    }\n  }\n}",
			`[{"op":"move","from":"/a","path":"/b/c/a"}]`,
			"{\n  \"b\": {\n    \"c\": {\n      \"d\": 1,\n      \"a\": {\n        \"x\": [\n          1\n        ]\n      }\n    }\n  }\n}"},
		{"higher: the lines are indented anew, wrapped lists stay wrapped",
			"{\n\t\"a\": {\n\t\t\"b\": {\n\t\t\t\"c\": [\n\t\t\t\t1, 2,\n\t\t\t\t3, 4\n\t\t\t]\n\t\t}\n\t}\n}",
			`[{"op":"move","from":"/a/b/c","path":"/c"}]`,
			"{\n\t\"a\": {\n\t\t\"b\": {}\n\t},\n\t\"c\": [\n\t\t1, 2,\n\t\t3, 4\n\t]\n}"},
		{"a copy keeps the columns of its original", "{\n  \"a\": {\n    \"x\":    1,\n    \"long\": 2\n  }\n}", `[{"op":"copy","from":"/a","path":"/b"}]`,
			"{\n  \"a\": {\n    \"x\":    1,\n    \"long\": 2\n  },\n  \"b\": {\n    \"x\":    1,\n    \"long\": 2\n  }\n}"},
		{"comments go along", "{\n  \"a\": { // why\n    \"x\": 1 /* one */\n  },\n  \"b\": {}\n}", `[{"op":"move","from":"/a","path":"/b/a"}]`,
			"{\n  \"b\": {\n    \"a\": { // why\n      \"x\": 1 /* one */\n    }\n  }\n}"},
		{"onto one line: comments cannot go along", "{\n  \"a\": {\n    \"x\": 1 // one\n  },\n  \"b\": {\"c\": 2}\n}", `[{"op":"move","from":"/a","path":"/b/a"}]`,
			"{\n  \"b\": {\"c\": 2, \"a\": {\"x\": 1}}\n}"},
	})
}

func TestPatchFollowsTheLayout(t *testing.T) {
	testPatches(t, []patchCase{
		{"add at the root replaces the whole", `{"a": 1, "b": 2}`, `[{"op":"add","path":"","value":{"b":2,"c":[3]}}]`, `{"b": 2, "c": [3]}`},
		{"replace of the whole by something else", `{"a": 1}`, `[{"op":"replace","path":"","value":[1,2]}]`, `[1, 2]`},
		{"replace of a scalar by a scalar", ` 1 `, `[{"op":"replace","path":"","value":2}]`, ` 2 `},
		{"add over a member replaces it in its place", `{"a": 1, "b": 2}`, `[{"op":"add","path":"/a","value":null}]`, `{"a": null, "b": 2}`},
		{"an object keeps what is equal in it when it is replaced", `{"a":{"x": 1.0,"y":2}}`, `[{"op":"replace","path":"/a","value":{"x":1,"z":3}}]`, `{"a":{"x": 1.0,"z":3}}`},
		{"add at the start of a list of many lines", "[\n  1,\n  2\n]", `[{"op":"add","path":"/0","value":0}]`, "[\n  0,\n  1,\n  2\n]"},
		{"add at the start of a list of one", "[\n  1\n]", `[{"op":"add","path":"/0","value":0}]`, "[\n  0,\n  1\n]"},
		{"add at the length of the array", `[1]`, `[{"op":"add","path":"/1","value":2}]`, `[1, 2]`},
		{"add to a list that is wrapped by hand: on the line of its neighbours", "[\n  1, 2,\n  4, 5\n]", `[{"op":"add","path":"/3","value":4.5}]`, "[\n  1, 2,\n  4, 4.5, 5\n]"},
		{"add to a list with the commas first", "[ 1\n, 2\n]", `[{"op":"add","path":"/0","value":0},{"op":"add","path":"/-","value":3}]`, "[ 0\n, 1\n, 2\n, 3\n]"},
		{"remove from a list with the commas first", "[ 1\n, 2\n, 3\n]", `[{"op":"remove","path":"/0"},{"op":"remove","path":"/1"}]`, "[ 2\n]"},
		{"remove the only element", "[\n  1\n]", `[{"op":"remove","path":"/0"}]`, "[]"},
		{"remove from a list that is wrapped by hand", "[\n  1, 2,\n  3, 4\n]", `[{"op":"remove","path":"/3"},{"op":"remove","path":"/2"}]`, "[\n  1, 2\n]"},
		{"a first element on a line of its own, with tabs and CRLF", "{\r\n\t\"a\": [],\r\n\t\"b\": 1\r\n}", `[{"op":"add","path":"/a/-","value":{"x":1}}]`,
			"{\r\n\t\"a\": [\r\n\t\t{\r\n\t\t\t\"x\": 1\r\n\t\t}\r\n\t],\r\n\t\"b\": 1\r\n}"},
		{"a line further down is found again when it has moved", "{\n\"x\":[1, 1,\n        2\n]}", `[{"op":"add","path":"/x/0","value":0},{"op":"add","path":"/x/4","value":{"a":3}}]`,
			"{\n\"x\":[0, 1, 1,\n        2,\n        {\n          \"a\":3\n        }\n]}"},
		{"an element of an array of arrays", "[\n  [1, 2],\n  [3]\n]", `[{"op":"add","path":"/2","value":[4,5]},{"op":"add","path":"/1/-","value":6}]`, "[\n  [1, 2],\n  [3, 6],\n  [4, 5]\n]"},
	})
}

func TestAMoveThatFailsLeavesNoTrace(t *testing.T) {
	text := New([]byte("{\n\"x\":[1, 1,\n        2\n]}"), nil, DefaultStyle, "")
	if err := text.Patch(Operation{Op: "move", From: "/x/0", Path: "/x/9"}); err == nil {
		t.Fatal("it was moved beyond the end")
	}
	if err := text.Patch(Operation{Op: "add", Path: "/x/3", Value: jsontext.Value(`{"a":3}`)}); err != nil {
		t.Fatal(err)
	}
	if got, want := string(text.Bytes()), "{\n\"x\":[1, 1,\n        2,\n        {\n          \"a\":3\n        }\n]}"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCopiesOfCopiesStayReadable(t *testing.T) {
	text := New([]byte("{\n  \"a\": {\n    \"b\": {}\n  }\n}"), nil, DefaultStyle, "")
	for range 6 {
		if err := text.Patch(Operation{Op: "copy", From: "/a", Path: "/a/b/a"}); err != nil {
			t.Fatal(err)
		}
		if err := text.Patch(Operation{Op: "move", From: "/a/b/a", Path: "/a"}); err != nil {
			t.Fatal(err)
		}
	}
	decode(t, text.Bytes())
}
