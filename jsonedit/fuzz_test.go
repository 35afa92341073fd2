package jsonedit

import (
	"bytes"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"
)

// What the fuzzer makes is only looked at where it is JSON, with comments or without, and where the reference can judge
// it: no halves of surrogate pairs (encoding/json cannot tell them apart), no exponents of more than three digits.
var beyondReference = regexp.MustCompile(`(?i)\\ud[89a-f]|[0-9]e[+-]?[0-9]{4,}`)

func accepted(text []byte) bool {
	const most = 1 << 12
	return len(text) <= most && !beyondReference.Match(text) && parses(text)
}

// parses reports whether text is JSON, with comments or without.
func parses(text []byte) bool {
	standard, err := hujson.Standardize(append(slices.Clone(text), '\n'))
	return err == nil && isJSON(standard, jsontext.AllowDuplicateNames(true))
}

func isJSON(text []byte, options ...jsontext.Options) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text), options...)
	if _, err := d.ReadValue(); err != nil {
		return false
	}
	_, err := d.ReadToken()
	return err == io.EOF
}

var documents = []string{
	`{"a":1,"b":{"c":[1,2,{"d":null}]},"a":2}`,
	"{\n  \"a\": 1, // one\n  /* two */ \"b\": [\n    1, 2,\n    3 // three\n  ],\n}\n",
	"{\n  // a\n  \"a\": 1 // 1\n  // b\n  , \"b\": 2, // 2\n  // c\n  \"c\": 3\n  // end\n}",
	"{ \"a\": 1\n, \"b\": [ {\"id\": 1}\n , {\"id\": 2, \"x\": []} ]\n}",
	"{\r\n\t\"a\" : [],\r\n\t\"b\" : { }\r\n}",
	"// x\n[{\"a\":[[],[ ]]},\"\\u0061\",1.0e+5,-0]// y",
	"{}", "[]", "1", `{"a":{"":{"~":{"/":[true,false]}}}}`,
}

// FuzzMerge holds a merge against the reference: the same value, and the same patch again changes nothing.
func FuzzMerge(f *testing.F) {
	for _, document := range documents {
		for _, patch := range []string{`{"a":null}`, `{"b":null,"c":null}`, `{"c":null,"b":null,"a":null}`, `{"a":{"b":1},"b":null}`, `{"b":[1,{"d":2}],"c":{"x":null,"y":[]}}`, `{"b":[{"id":2},{"id":3}]}`, `{}`} {
			f.Add([]byte(document), []byte(patch))
		}
	}
	f.Fuzz(func(t *testing.T, document, patch []byte) {
		document, patch = bytes.TrimSpace(document), bytes.TrimSpace(patch)
		if !accepted(document) || document[skipTrivia(document, 0)] != '{' || !accepted(patch) || !isJSON(patch) || patch[0] != '{' {
			t.Skip()
		}
		for _, identifier := range []string{"", "id"} {
			text := New(document, nil, DefaultStyle, "")
			text.Identify(identifier)
			changed := text.Merge(Members(patch))
			check(t, text.Bytes(), referenceMerge(decode(t, document), decode(t, patch)), document, patch)
			if changed == bytes.Equal(document, text.Bytes()) {
				t.Errorf("Merge reports %v", changed)
			}
			replacesAlike(t, document, patch, text.Bytes())
			if text.Merge(Members(patch)) {
				t.Errorf("the same again changed it: %q and %q became %q", document, patch, text.Bytes())
			}
			commentsSurvive(t, document, text.Bytes(), patch)
			ownLinesSurvive(t, document, text.Bytes(), patch)
		}
	})
}

// commentsSurvive checks that a patch which removes and replaces nothing loses no comment.
func commentsSurvive(t *testing.T, document, after, patch []byte) {
	old := map[string]bool{}
	for name := range Members(document) {
		old[name] = true
	}
	for name := range Members(patch) {
		if old[name] {
			return
		}
	}
	if a, b := comments(document), comments(after); !slices.Equal(a, b) {
		t.Errorf("the comments %q became %q by %q", a, b, patch)
	}
}

// ownLinesSurvive checks that a patch which only removes loses no comment that begins its line, outside of what it removes.
func ownLinesSurvive(t *testing.T, document, after, patch []byte) {
	var removed []element
	for name, value := range Members(patch) {
		if value.Kind() != 'n' {
			return
		}
		for _, e := range scanComposite(document, skipTrivia(document, 0)).elements {
			if nameOf(document, e) == name {
				removed = append(removed, e)
			}
		}
	}
	left := comments(after)
	eachComment(document, func(i, end int) {
		start := bytes.LastIndexByte(document[:i], '\n') + 1
		if !isBlank(document[start:i]) || slices.ContainsFunc(removed, func(e element) bool { return e.start <= i && i < e.end }) {
			return
		}
		at := slices.Index(left, string(document[i:end]))
		if at < 0 {
			t.Errorf("the comment %q of %q is not in %q, by %q", document[i:end], document, after, patch)
			return
		}
		left = left[at+1:]
	})
}

func comments(text []byte) (found []string) {
	eachComment(text, func(i, end int) { found = append(found, string(text[i:end])) })
	return found
}

func eachComment(text []byte, yield func(start, end int)) {
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = skipString(text, i)
		case '/':
			end := skipComment(text, i)
			yield(i, end)
			i = end
		default:
			i++
		}
	}
}

func check(t *testing.T, text []byte, want any, about ...any) {
	t.Helper()
	if !parses(text) {
		t.Fatalf("%q came out of %q", text, about)
	}
	if got := decode(t, text); !reflect.DeepEqual(got, want) {
		t.Fatalf("the value is %v, want %v, in %q out of %q", got, want, text, about)
	}
}

// FuzzPatch holds one or two operations against the reference, with a mark at each empty object in a list, which no
// operation may lose unless it takes the object away.
func FuzzPatch(f *testing.F) {
	for _, document := range documents {
		f.Add([]byte(document), uint8(0), "/a", "/b/0", []byte(`{"x":1}`), uint8(3), "/b", "/a/-")
		f.Add([]byte(document), uint8(4), "/b/c/2", "", []byte(`[]`), uint8(1), "/a/0", "")
		f.Add([]byte(document), uint8(2), "/0/a/1", "", []byte(`"\u0061"`), uint8(5), "/a//~0/~1", "")
	}
	names := []string{"add", "remove", "replace", "move", "copy", "test"}
	f.Fuzz(func(t *testing.T, document []byte, op1 uint8, path1, from1 string, value []byte, op2 uint8, path2, from2 string) {
		document, value = bytes.TrimSpace(document), bytes.TrimSpace(value)
		if !accepted(document) || !accepted(value) || !isJSON(value) {
			t.Skip()
		}
		text := New(document, nil, DefaultStyle, "")
		for _, op := range []Operation{
			{Op: names[op1%6], Path: jsontext.Pointer(path1), From: jsontext.Pointer(from1), Value: value},
			{Op: names[op2%6], Path: jsontext.Pointer(path2), From: jsontext.Pointer(from2), Value: value},
		} {
			if !op.Path.IsValid() || !op.From.IsValid() {
				t.Skip()
			}
			old := text.Bytes()
			want, wantErr := referencePatch(decode(t, old), op, decode(t, value))
			err := text.Patch(op)
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("%+v on %q: %v, but the reference says %v", op, old, err, wantErr)
			}
			if err != nil {
				if !bytes.Equal(old, text.Bytes()) {
					t.Fatalf("%+v on %q: %v, and yet it is %q", op, old, err, text.Bytes())
				}
				return
			}
			check(t, text.Bytes(), want, old, op.Op, op.Path, op.From, string(value))
		}
	})
}

// FuzzHoles puts a hole into a list and takes it out again, with marks at holes all over the text: they stay where they
// were, and the text becomes what it was.
func FuzzHoles(f *testing.F) {
	f.Add([]byte("{\n  \"a\": [\n    {}, // x\n    {}\n  ],\n  \"b\": [{}]\n}"), "/a")
	f.Add([]byte(`[{},{ },[{}],]`), "")
	f.Add([]byte("{\"a\":[ // x\n]}"), "/a")
	f.Fuzz(func(t *testing.T, document []byte, path string) {
		pointer := jsontext.Pointer(path)
		if !accepted(document) || !pointer.IsValid() || strings.ContainsRune(path, 0xFFFD) {
			t.Skip()
		}
		var marks []int
		for i := 0; i < len(document); {
			switch {
			case document[i] == '"':
				i = skipString(document, i)
			case document[i] == '/':
				i = skipComment(document, i)
			default:
				if bytes.HasPrefix(document[i:], []byte(Hole)) {
					marks = append(marks, i)
				}
				i++
			}
		}
		text := New(document, marks, DefaultStyle, "")
		mark, _, err := text.AppendHole(pointer)
		if err != nil {
			t.Skip()
		}
		holds := func() {
			for _, mark := range text.Marks() {
				if !bytes.HasPrefix(text.Bytes()[mark:], []byte(Hole)) {
					t.Fatalf("%q has its marks at %v", text.Bytes(), text.Marks())
				}
			}
		}
		holds()
		if len(text.Marks()) != len(marks)+1 || !slices.IsSorted(text.Marks()) {
			t.Fatalf("%q: the marks %v became %v", document, marks, text.Marks())
		}
		check(t, text.Bytes(), func() any {
			v, _ := referencePatch(decode(t, document), Operation{Op: "add", Path: pointer + "/-"}, map[string]any{})
			return v
		}(), document, path)
		between := text.Bytes()
		if err := text.RemoveHole(pointer, mark); err != nil {
			t.Fatal(err)
		}
		holds()
		check(t, text.Bytes(), decode(t, document), document, between)
	})
}

// FuzzAdopt merges any three texts: the result parses, holds what the reference makes of them where there are no lists.
// Where one of the two changed nothing, the result is what the other made.
func FuzzAdopt(f *testing.F) {
	for i, base := range documents {
		for j := range documents {
			f.Add([]byte(documents[j]), []byte(base), []byte(documents[(i+j+1)%len(documents)]))
		}
	}
	f.Add([]byte(`{"a":{"b":1,"c":2}}`), []byte(`{"a":{"b":1}}`), []byte(`{"a":{"b":2,"d":[{"id":1}]}}`))
	f.Add([]byte("[{\"id\":1}, // one\n{\"id\":2,\"x\":3},]"), []byte(`[{"id":1},{"id":2}]`), []byte(`[{"id":2},{"id":3},{"id":1,"y":[]}]`))
	f.Add([]byte(`[1,1,2,{"id":1},{"id":1}]`), []byte(`[1,2,1]`), []byte(`[2,1,1,1,{"id":1}]`))
	f.Fuzz(func(t *testing.T, ours, base, theirs []byte) {
		if !accepted(ours) || !accepted(base) || !accepted(theirs) {
			t.Skip()
		}
		for _, identifier := range []string{"", "id"} {
			adopt := func(ours, base, theirs []byte) []byte {
				text := New(ours, nil, DefaultStyle, "")
				text.Identify(identifier)
				text.Adopt(base, theirs)
				if !parses(text.Bytes()) {
					t.Fatalf("ours %q, base %q and theirs %q became %q", ours, base, theirs, text.Bytes())
				}
				return text.Bytes()
			}
			merged := adopt(ours, base, theirs)
			if lists := bytes.ContainsRune(slices.Concat(ours, base, theirs), '['); !lists {
				check(t, merged, referenceAdopt(decode(t, ours), decode(t, base), decode(t, theirs)), ours, base, theirs)
			}
			check(t, adopt(base, base, theirs), decode(t, theirs), "ours is base", base, theirs)
			check(t, adopt(theirs, base, theirs), decode(t, theirs), "ours is theirs", base, theirs)
			for _, same := range [][]byte{base, AppendFormat(nil, base, DefaultStyle, "")} {
				if after := adopt(ours, base, same); !bytes.Equal(after, ours) {
					t.Errorf("base %q and theirs %q are equal, and yet %q became %q", base, same, ours, after)
				}
			}
		}
	})
}

// FuzzAdoptDisjoint lets two versions change different members and elements of one document, each in the same ways: the
// result is what both changes make of it, whoever adopts from whom.
func FuzzAdoptDisjoint(f *testing.F) {
	f.Add([]byte(`1`), []byte(`{"x":[1,2]}`), []byte(`{"x":[2]}`), []byte(`null`), uint8(0))
	f.Add([]byte("{ // x\n}"), []byte(`[{"id":1}]`), []byte(`[1.0,]`), []byte(`"a"`), uint8(0xFF))
	f.Fuzz(func(t *testing.T, a, b, newA, newB []byte, how uint8) {
		for _, value := range [][]byte{a, b, newA, newB} {
			if !accepted(value) {
				t.Skip()
			}
		}
		document := func(a, b []byte, aChanged, bChanged bool) []byte {
			var out []byte
			add := func(kept bool, before string, value []byte, after string) {
				if kept {
					out = append(append(append(append(out, before...), value...), "\n"...), after...)
				}
			}
			out = append(out, `{"o":{`...)
			add(!aChanged || how&1 == 0, `"a":`, a, ",")
			add(!bChanged || how&2 == 0, `"b":`, b, ",")
			add(aChanged, `"newA":`, a, ",")
			add(bChanged, `"newB":`, b, ",")
			out = append(out, `},"l":[`...)
			add(!aChanged || how&4 == 0, `{"id":1,"a":`, a, "},")
			add(aChanged && how&8 == 0, `{"id":3,"a":`, a, "},")
			add(true, `{"id":0,"x":`, []byte("0"), "},")
			add(!bChanged || how&16 == 0, `{"id":2,"b":`, b, "},")
			add(bChanged && how&32 == 0, `{"id":4,"b":`, b, "},")
			return append(out, `]}`...)
		}
		base, both := document(a, b, false, false), document(newA, newB, true, true)
		one, other := document(newA, b, true, false), document(a, newB, false, true)
		for _, roles := range [][2][]byte{{one, other}, {other, one}} {
			text := New(roles[0], nil, DefaultStyle, "")
			text.Identify("id")
			text.Adopt(base, roles[1])
			check(t, text.Bytes(), decode(t, both), base, roles)
		}
	})
}

// FuzzEqual holds Equal against the reference, and the hash against Equal.
func FuzzEqual(f *testing.F) {
	f.Add([]byte(`{"a":1.0,"b":[]}`), []byte(`{"b":[],"\u0061":1}`))
	f.Add([]byte(`[1e2]`), []byte("[100 // x\n]"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		if !accepted(a) || !accepted(b) {
			t.Skip()
		}
		want := reflect.DeepEqual(decode(t, a), decode(t, b))
		if got := Equal(a, b); got != want {
			t.Errorf("Equal(%q, %q) is %v", a, b, got)
		}
		if want && hash(a, skipTrivia(a, 0)) != hash(b, skipTrivia(b, 0)) {
			t.Errorf("%q and %q are equal and have two hashes", a, b)
		}
		if !Equal(a, a) {
			t.Errorf("%q is not equal to itself", a)
		}
		formatted := AppendFormat(nil, a, DefaultStyle, "")
		if !Equal(a, formatted) {
			t.Errorf("%q was formatted as %q", a, formatted)
		}
		if Depth(a) != Depth(formatted) {
			t.Errorf("%q has the depth %d, %q has %d", a, Depth(a), formatted, Depth(formatted))
		}
	})
}
