package fragment

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// limits are the contract's defaults.
var limits = Limits{MaxBytes: 1 << 20, MaxDepth: 64}

// rejected parses what must be refused.
func rejected(t *testing.T, name, src string, l Limits) *Error {
	t.Helper()
	updates, err := Parse(name, []byte(src), l)
	e, ok := err.(*Error)
	if !ok {
		t.Fatalf("Parse(%q, %q) = %v, %v; want an *Error", name, src, updates, err)
	}
	if updates != nil {
		t.Errorf("Parse(%q, %q) gives updates beside its error", name, src)
	}
	return e
}

// accepted parses what must be taken.
func accepted(t *testing.T, name, src string) []Update {
	t.Helper()
	updates, err := Parse(name, []byte(src), limits)
	if err != nil {
		t.Fatalf("Parse(%q, %q): %v", name, src, err)
	}
	return updates
}

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"a.json":           true,
		"a.jsonl":          true,
		"a.ndjson":         true,
		"a.tmp.json":       true,
		"-.json":           true,
		"a b\x1b[31m.json": true, // a name is data
		"":                 false,
		".json":            false,
		".jsonl":           false,
		".a.json":          false,
		"json":             false,
		"a.JSON":           false,
		"a.Json":           false,
		"a.json~":          false,
		"a.json.tmp":       false,
		"a.jsonc":          false,
		"a.json5":          false,
		"a.jsonll":         false,
		"ajson":            false,
	} {
		if got := IsName(name); got != want {
			t.Errorf("IsName(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestParseReadsEveryKindOfUpdate(t *testing.T) {
	raw := func(s string) jsontext.Value { return jsontext.Value(s) }
	for _, c := range []struct {
		sentence, src string
		want          Update
	}{
		{"the shortest fragment merges", `{"id":"P1.M1.T1.S1","status":"Complete"}`, Update{
			ID: "P1.M1.T1.S1", IDValue: raw(`"P1.M1.T1.S1"`), Op: Merge, Members: []Member{{"status", raw(`"Complete"`)}},
		}},
		{"an id alone is an update that changes nothing", `{"id":5}`, Update{
			ID: "5", IDValue: raw(`5`), Op: Merge,
		}},
		{"values stay as they were written, and members in their order",
			`{"z":1.0,"a":[ 1,2 ],"id":"\u0050","n":null,"big":12345678901234567890,"e":"\u00e9\/","half":"\ud83d"}`, Update{
				ID: "P", IDValue: raw(`"\u0050"`), IDIndex: 2, Op: Merge, Members: []Member{
					{"z", raw(`1.0`)}, {"a", raw(`[ 1,2 ]`)}, {"n", raw(`null`)}, {"big", raw(`12345678901234567890`)},
					{"e", raw(`"\u00e9\/"`)}, {"half", raw(`"\ud83d"`)},
				},
			}},
		{"control members do not count for the place of the id", `{"$op":"create","a":1,"$parent":"P1","id":"P2","b":2}`, Update{
			ID: "P2", IDValue: raw(`"P2"`), IDIndex: 1, Op: Create, Parent: "P1",
			Members: []Member{{"a", raw(`1`)}, {"b", raw(`2`)}},
		}},
		{"an upsert may name its parent by an integer", `{"id":"5.2","$op":"upsert","$parent":5.0}`, Update{
			ID: "5.2", IDValue: raw(`"5.2"`), Op: Upsert, Parent: "5",
		}},
		{"merge can be said", `{"id":1,"$op":"merge"}`, Update{ID: "1", IDValue: raw(`1`), Op: Merge}},
		{"a removal in one of several lists", `{"id":"a","$op":"remove","$scope":"master"}`, Update{
			ID: "a", IDValue: raw(`"a"`), Op: Remove, Scope: "master",
		}},
		{"a condition keeps its members as written", `{"id":"a","$if":{"status":"Planned","$op":[1],"id":"a","gone":null},"x":1}`, Update{
			ID: "a", IDValue: raw(`"a"`), Op: Merge, HasIf: true, Members: []Member{{"x", raw(`1`)}},
			If: []Member{{"status", raw(`"Planned"`)}, {"$op", raw(`[1]`)}, {"id", raw(`"a"`)}, {"gone", raw(`null`)}},
		}},
		{"an empty condition is one", `{"id":"a","$if":{},"$op":"remove"}`, Update{
			ID: "a", IDValue: raw(`"a"`), Op: Remove, HasIf: true,
		}},
		{"a control name deeper inside is data", `{"id":"a","schema":{"$ref":"#/x","$op":"y"}}`, Update{
			ID: "a", IDValue: raw(`"a"`), Op: Merge, Members: []Member{{"schema", raw(`{"$ref":"#/x","$op":"y"}`)}},
		}},
		{"an escaped control name is a control member", `{"id":"a","\u0024op":"remove"}`, Update{
			ID: "a", IDValue: raw(`"a"`), Op: Remove,
		}},
		{"a patch of no operations", `{"id":"a","$op":"patch","$patch":[]}`, Update{ID: "a", IDValue: raw(`"a"`), Op: Patch}},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			got := accepted(t, "a.json", c.src)
			c.want.Raw, c.want.Line = raw(c.src), 1
			if len(got) != 1 || !reflect.DeepEqual(got[0], c.want) {
				t.Errorf("Parse(%s)\n got %+v\nwant %+v", c.src, got, c.want)
			}
		})
	}
}

func TestParseTellsWhereEachUpdateBegins(t *testing.T) {
	src := "\xef\xbb\xbf[\r\n  {\"id\": 1},\r\n\r\n  {\"id\": 2,\r\n   \"a\": {}}, {\"id\": 3}\r\n]\r\n"
	got := accepted(t, "a.json", src)
	for i, want := range []struct {
		raw  string
		line int
	}{{`{"id": 1}`, 2}, {"{\"id\": 2,\r\n   \"a\": {}}", 4}, {`{"id": 3}`, 5}} {
		if string(got[i].Raw) != want.raw || got[i].Line != want.line {
			t.Errorf("update %d is %q on line %d, want %q on line %d", i+1, got[i].Raw, got[i].Line, want.raw, want.line)
		}
	}
}

func TestParseTakesAnEmptyArrayForNoUpdates(t *testing.T) {
	for _, src := range []string{"[]", "[ \n ]\n", "\xef\xbb\xbf[]"} {
		if got := accepted(t, "a.json", src); len(got) != 0 {
			t.Errorf("Parse(%q) = %v", src, got)
		}
	}
}

func TestParseTakesSlicesOfTheSource(t *testing.T) {
	src := []byte(`{"id":"a","x":[1]}`)
	got, err := Parse("a.json", src, limits)
	if err != nil {
		t.Fatal(err)
	}
	v := got[0].Members[0].Value
	if &v[0] != &src[14] {
		t.Error("a value was copied")
	}
	more, err := Parse("a.json", append([]byte("["), append(src, ' ', ']')...), limits)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []jsontext.Value{v, got[0].IDValue, more[0].Raw} {
		if cap(v) != len(v) {
			t.Errorf("appending to %s would write into the source", v)
		}
	}
}

func TestParseReadsLines(t *testing.T) {
	const two = "{\"id\":1}\n{\"id\":2}"
	for _, c := range []struct{ sentence, src string }{
		{"with a final newline", two + "\n"},
		{"without a final newline", two},
		{"with CRLF", strings.ReplaceAll(two, "\n", "\r\n") + "\r\n"},
		{"with blank lines", "\n \t\n" + strings.ReplaceAll(two, "\n", "\n\n\r\n") + "\n\n"},
		{"with white space around", strings.ReplaceAll(" "+two, "\n", "\t\n  ") + " "},
		{"with a byte order mark", "\xef\xbb\xbf" + two},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			for _, name := range []string{"a.jsonl", "a.ndjson"} {
				got := accepted(t, name, c.src)
				if len(got) != 2 || got[0].ID != "1" || got[1].ID != "2" || string(got[1].Raw) != `{"id":2}` {
					t.Fatalf("Parse(%q, %q) = %+v", name, c.src, got)
				}
				if want := 1 + strings.Count(c.src[:strings.Index(c.src, `{"id":2`)], "\n"); got[1].Line != want {
					t.Errorf("Parse(%q, %q): the second update is on line %d, want %d", name, c.src, got[1].Line, want)
				}
			}
		})
	}
}

func TestParseKeepsALongRunOfUpdates(t *testing.T) {
	// Unlike in size, so that the guess how many are left is wrong both ways.
	var src strings.Builder
	const n = 3000
	for i := range n {
		src.WriteString(`{"id":"x`)
		src.WriteString(strings.Repeat("y", i%7*50))
		src.WriteString("\"}\n")
	}
	got := accepted(t, "a.jsonl", src.String())
	if len(got) != n {
		t.Fatalf("%d updates, want %d", len(got), n)
	}
	for i, u := range got {
		if u.Line != i+1 || len(u.ID) != 1+i%7*50 {
			t.Fatalf("update %d is %s on line %d", i+1, u.Raw, u.Line)
		}
	}
}

func TestParseLimitsTheSize(t *testing.T) {
	const src = `{"id":"a"}`
	if _, err := Parse("a.json", []byte(src), Limits{MaxBytes: int64(len(src))}); err != nil {
		t.Errorf("a file of just the limit: %v", err)
	}
	e := rejected(t, "a.json", src, Limits{MaxBytes: int64(len(src)) - 1})
	if want := "the file has 10 bytes, more than the limit of 9; split it into several files, or raise fragment.max_bytes"; e.Code != TooLarge || e.Error() != want {
		t.Errorf("%s: %v", e.Code, e)
	}
}

func TestParseLimitsTheDepth(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	mixed := `{"id":1,"s":"[[[[{{{{\"[[[","a":[],"b":{},"c":[[{"d":"]]\\"}]]}` // 4 deep, whatever the strings hold
	for _, c := range []struct {
		sentence, name, src string
		limit, column       int // column 0: accepted
	}{
		{"an update is one level", "a.json", `{"id":1}`, 1, 0},
		{"as deep as allowed", "a.json", `{"id":1,"a":` + nested(63) + `}`, 64, 0},
		{"one too deep", "a.json", `{"id":1,"a":` + nested(64) + `}`, 64, 13 + 63},
		{"an array of updates is one level more", "a.json", `[{"id":1}]`, 1, 2},
		{"in an array, as deep as allowed", "a.json", `[{"id":1,"a":` + nested(62) + `}]`, 64, 0},
		{"in an array, one too deep", "a.json", `[{"id":1,"a":` + nested(63) + `}]`, 64, 14 + 62},
		{"brackets in strings count for nothing", "a.json", mixed, 4, 0},
		{"arrays and objects count alike", "a.json", mixed, 3, 1 + strings.Index(mixed, `{"d"`)},
		{"in a value that is no update", "a.json", `[[[]]]`, 2, 3},
		{"in a line", "a.jsonl", "{\"id\":1,\"a\":" + nested(3) + "}", 3, 15},
		{"in a file that breaks off, for no ending could mend it", "a.json", strings.Repeat("[", 65), 64, 65},
		{"before what else is wrong with the value", "a.json", `{"id":1,"a":[[[x]]]}`, 3, 15},
		{"but not after it", "a.json", `{"id":1,"a":[[x]],"b":[[[]]]}`, 3, -1},
		{"a limit of nothing is jsontext's", "a.json", `{"id":1,"a":` + nested(9_999) + `}`, 0, 0},
		{"which is a limit too", "a.json", `{"id":1,"a":` + nested(10_000) + `}`, 0, 13 + 9_999},
		{"and the most", "a.json", `{"id":1,"a":` + nested(10_000) + `}`, 20_000, 13 + 9_999},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			_, err := Parse(c.name, []byte(c.src), Limits{MaxDepth: c.limit})
			if c.column == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := err.(*Error)
			if !ok {
				t.Fatal("accepted")
			}
			if c.column < 0 {
				if e.Code != InvalidJSON {
					t.Errorf("%s: %v", e.Code, e)
				}
				return
			}
			if e.Code != TooDeep || e.Line != 1 || e.Column != c.column {
				t.Errorf("%s: %v; want column %d", e.Code, e, c.column)
			}
			if !strings.Contains(e.Error(), "raise fragment.max_depth") {
				t.Errorf("no remedy: %v", e)
			}
		})
	}
}

func TestErrorIsAnError(t *testing.T) {
	_, err := Parse("a.json", nil, limits)
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != Incomplete {
		t.Errorf("%#v", err)
	}
}
