package fragment

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzParse holds the laws of the package doc, with encoding/json as the witness of what is JSON:
//   - accepted: JSON in UTF-8, every Raw parses to the same update again, every beginning is accepted or incomplete;
//   - incomplete: not JSON (but JSON's beginning: the law above);
//   - invalid_json: not JSON for a strict reader, which encoding/json is not about UTF-8 and names that stand twice.
func FuzzParse(f *testing.F) {
	for _, src := range []string{
		`{"id":"P1.M1.T1.S1","status":"Complete"}`, `[{"id":5},{"id":5.0e0,"$op":"remove"}]`, "{\"id\":1}\r\n\n{\"id\":2}\n",
		`{"id":"a","$op":"patch","$patch":[{"op":"move","from":"/a~1","path":"/b"},{"op":"test","path":"","value":null}]}`,
		`{"$op":"create","x":[1,{"y":[]}],"$parent":7,"id":"\ud83d\ude00","half":"\ud83d","$scope":"s","$if":{"a":{}}}`,
		"\xef\xbb\xbf{\"id\":\"ä\"}", `[]`, `{"id":1e400}`, `{"$x":1}`, `{"a":{"b":1,"b":2}}`, "\xff\xfe{", `[[[[[[[[[[`, `{"id":"\u00`,
	} {
		f.Add([]byte(src), false)
		f.Add([]byte(src), true)
	}
	f.Fuzz(func(t *testing.T, src []byte, lines bool) {
		name := "a.json"
		if lines {
			name = "a.jsonl"
		}
		l := Limits{MaxBytes: 1 << 16, MaxDepth: 8}
		kept := bytes.Clone(src)
		updates, err := Parse(name, src, l)
		if !bytes.Equal(kept, src) {
			t.Fatal("the source was changed")
		}
		if err != nil {
			checkRejected(t, name, src, err.(*Error))
			return
		}
		text := bytes.TrimPrefix(src, bom)
		if !utf8.Valid(src) || !lines && !json.Valid(text) {
			t.Fatalf("accepted what is not JSON: %q", src)
		}
		for _, u := range updates {
			checkAgain(t, u, l)
		}
		checkBeginnings(t, name, src, l)
	})
}

const white = " \t\r\n" // JSON has no other

func checkRejected(t *testing.T, name string, src []byte, e *Error) {
	message := e.Error()
	if e.Message == "" || !utf8.ValidString(message) || strings.ContainsFunc(message, unicode.IsControl) || len(message) > 2000 {
		t.Fatalf("%q: %q", src, message)
	}
	if e.Code != TooLarge && e.Line == 0 {
		t.Fatalf("%q: no place: %s", src, message)
	}
	text := bytes.TrimPrefix(src, bom)
	valid := json.Valid(text)
	if name != "a.json" {
		valid = true
		for line := range bytes.SplitSeq(text, []byte("\n")) {
			valid = valid && (json.Valid(line) || len(bytes.Trim(line, white)) == 0)
		}
		valid = valid && len(bytes.Trim(text, white)) > 0
	}
	switch {
	case e.Code == Incomplete && valid:
		t.Fatalf("%q is JSON, yet: %s", src, message)
	case e.Code == InvalidJSON && valid && utf8.Valid(src) && !strings.Contains(message, "stands twice"):
		t.Fatalf("%q is JSON, yet: %s", src, message)
	case e.Code != Incomplete && e.Code != InvalidJSON && e.Code != TooLarge && e.Code != TooDeep && !valid:
		t.Fatalf("%q is not JSON, yet: %s", src, message)
	}
}

func checkAgain(t *testing.T, u Update, l Limits) {
	if u.ID == "" || !utf8.ValidString(u.ID) || !json.Valid(u.Raw) {
		t.Fatalf("%+v", u)
	}
	again, err := Parse("a.json", u.Raw, l)
	if err != nil {
		t.Fatalf("%q does not parse again: %v", u.Raw, err)
	}
	u.Line = 1
	if len(again) != 1 || !reflect.DeepEqual(again[0], u) {
		t.Fatalf("%q parses to\n%+v and again to\n%+v", u.Raw, u, again)
	}
}

func checkBeginnings(t *testing.T, name string, src []byte, l Limits) {
	whole := bytes.TrimRight(src, white)
	for n := 0; n < len(whole); n += 1 + len(whole)/500 { // all of a small file's, some of a big one's
		updates, err := Parse(name, whole[:n], l)
		if name == "a.json" && err == nil {
			t.Fatalf("%q is accepted (%v), and so is its beginning %q", src, updates, whole[:n])
		}
		if err != nil && err.(*Error).Code != Incomplete {
			t.Fatalf("%q is accepted, its beginning %q is not: %v", src, whole[:n], err)
		}
	}
}
