package desk

import (
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/recovery"
)

func TestThePlaceOfAFault(t *testing.T) {
	long := strings.Repeat("x", 500)
	for what, c := range map[string]struct {
		name, text string
		reason     recovery.Reason
		want       string // the text from the caret on; "none"
		line       int
	}{
		"line and column":                   {"x.json", "{\n  \"é\" 1}", recovery.Reason{Line: 2, Column: 7}, "1}", 2},
		"behind the end":                    {"x.json", `{"id":`, recovery.Reason{Line: 1, Column: 7}, "", 1},
		"a column too far":                  {"x.json", "{\n}", recovery.Reason{Line: 1, Column: 70}, "", 1},
		"a line that is not there":          {"x.json", "{}", recovery.Reason{Line: 9, Column: 1}, "none", 0},
		"the file as a whole":               {"x.json", "{}", recovery.Reason{Code: "too_large"}, "none", 0},
		"a byte order mark":                 {"x.json", "\xef\xbb\xbf{]", recovery.Reason{Line: 1, Column: 2}, "]", 1},
		"a member":                          {"x.json", `{"id":"a","status": "x"}`, recovery.Reason{Update: 1, Pointer: "/status"}, `"x"}`, 1},
		"a member of an object":             {"x.json", `{"id":"a","m":{"n" : [1, 2]}}`, recovery.Reason{Update: 1, Pointer: "/m/n/1"}, `2]}}`, 1},
		"an object":                         {"x.json", `{"id":"a","m": {"n":1}}`, recovery.Reason{Update: 1, Pointer: "/m"}, `{"n":1}}`, 1},
		"the last element":                  {"x.json", `[1,2]`, recovery.Reason{Update: 2}, `2]`, 1},
		"a member that is not there":        {"x.json", `{"id":"a","m": {"n":1}}`, recovery.Reason{Update: 1, Pointer: "/m/x"}, `{"n":1}}`, 1},
		"nothing of it is there":            {"x.json", ` {"id":"a"}`, recovery.Reason{Update: 1, Pointer: "/x/y"}, `{"id":"a"}`, 1},
		"an update of several":              {"x.json", "[{\"id\":1},\n {\"id\":2}]", recovery.Reason{Update: 2, Pointer: "/id"}, "2}]", 2},
		"an update behind a byte order":     {"x.json", "\xef\xbb\xbf[{\"id\":1}, {\"id\":2}]", recovery.Reason{Update: 2, Pointer: "/id"}, "2}]", 1},
		"an id that is unknown":             {"x.json", `{"status":1,"id":"a"}`, recovery.Reason{Update: 1, Code: "unknown_id"}, `"a"}`, 1},
		"an update that is not there":       {"x.json", `[{"id":1}]`, recovery.Reason{Update: 2, Pointer: "/id"}, "none", 0},
		"no array":                          {"x.json", `{"id":1}`, recovery.Reason{Update: 2, Pointer: "/id"}, "none", 0},
		"not there, but a line":             {"x.json", `{"id":1}`, recovery.Reason{Update: 2, Line: 1, Column: 2}, `"id":1}`, 1},
		"a line of lines":                   {"x.jsonl", "{\"id\":1}\n\n  {\"id\": 2}\n", recovery.Reason{Update: 2, Pointer: "/id"}, "2}", 3},
		"a line that is not there of lines": {"x.ndjson", "{\"id\":1}\n", recovery.Reason{Update: 2, Pointer: "/id"}, "none", 0},
		"an operation of a patch": {"x.json", `{"id":"a","$op":"patch","$patch":[{"op":"test","path":"/a"},{"op":"add","path":"/log/-","value":1}]}`,
			recovery.Reason{Update: 1, Pointer: "/log/-"}, `"/log/-","value":1}]}`, 1},
		"control characters": {"x.json", "{\"a\t\x1b[2J\":1,,}", recovery.Reason{Line: 1, Column: 13}, `,}`, 1},
		"a long line":        {"x.json", `{"` + long + `":,"` + long + `":1}`, recovery.Reason{Line: 1, Column: 505}, `,"` + long[:window-2] + "…", 1},
		"CRLF":               {"x.json", "{\r\n,}\r\n", recovery.Reason{Line: 2, Column: 1}, ",}", 2},
	} {
		t.Run(what, func(t *testing.T) {
			p, ok := Locate(c.name, []byte(c.text), c.reason)
			if !ok {
				if c.want != "none" {
					t.Errorf("none, want %q", c.want)
				}
				return
			}
			// All texts here take a column a rune.
			runes := []rune(p.Text)
			if p.Caret > len(runes) || string(runes[p.Caret:]) != c.want || p.Line != c.line {
				t.Errorf("%+v, want %q in line %d", p, c.want, c.line)
			}
			if strings.ContainsAny(p.Text, "\t\r\n\x1b") {
				t.Errorf("it is not printable: %q", p.Text)
			}
		})
	}
}

func TestTheCaretStandsUnderWideCharacters(t *testing.T) {
	p, ok := Locate("x.json", []byte(`{"日本":,}`), recovery.Reason{Line: 1, Column: 6})
	if !ok || p.Caret != 7 {
		t.Errorf("%+v", p)
	}
}

func FuzzLocate(f *testing.F) {
	f.Add("x.json", []byte(`[{"id":1,"a":{"b":[1]}}]`), 1, "/a/b/0", 0, 0)
	f.Add("x.jsonl", []byte("{}\n{\"id\":1}\n"), 2, "/id", 2, 3)
	f.Fuzz(func(t *testing.T, name string, text []byte, update int, pointer string, line, column int) {
		p, ok := Locate(name, text, recovery.Reason{Update: update, Pointer: pointer, Line: line, Column: column})
		if ok && (p.Line < 1 || p.Column < 1 || p.Caret < 0) {
			t.Errorf("%+v", p)
		}
	})
}
