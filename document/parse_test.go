package document

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestBytesAreThoseThatWereParsed(t *testing.T) {
	for name, c := range map[string]struct {
		layout Layout
		text   string
	}{
		"a session":                       {Backlog, session},
		"no final newline":                {Backlog, strings.TrimSpace(session)},
		"CRLF":                            {Backlog, strings.ReplaceAll(session, "\n", "\r\n")},
		"a byte order mark":               {Backlog, "\ufeff" + session},
		"a byte order mark and comments":  {Backlog, "\ufeff// x\n" + session},
		"tabs and blank lines at the end": {Flat, "\t[\t]\n\n\t"},
		"comments everywhere": {Backlog,
			"// 1\n{ /* 2 */ \"backlog\" /* 3 */ : // 4\n[ /* 5 */ { /* 6 */ \"id\" : /* 7 */ \"P1\" , /* 8 */ \"milestones\" : [ // 9\n ], } /* 10 */ , ] /* 11 */ } // 12"},
		"a line comment at the end, with CRLF": {Flat, "[] // x\r\n"},
		"numbers, escapes and names of all kinds": {Flat,
			`[{"id":1.0,"a":1e3,"b":12345678901234567890,"c":-0,"d":"\u00e9\/\ud83d\ude00","":null,"a":1E+2,"e":"\ud83d"}]`},
		"one line": {Taskmaster, `{"master":{"tasks":[{"id":1,"subtasks":[{"id":1}]}],"metadata":{}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			d := parsed(t, c.text, c.layout)
			if got := string(d.Bytes()); got != c.text {
				t.Errorf("got %q", got)
			}
			if d.Modified() {
				t.Error("it counts as modified")
			}
			sound(t, d)
		})
	}
}

func TestEditsKeepWhatStandsAroundTheDocument(t *testing.T) {
	testApply(t, Flat, Options{}, []applyCase{
		{"a byte order mark", "\ufeff[{\"id\":1}]\n", `{"id":1,"x":2}`, "\ufeff[{\"id\":1,\"x\":2}]\n"},
		{"CRLF", "[\r\n  {\r\n    \"id\": 1\r\n  }\r\n]\r\n", `[{"id":1,"x":[2]},{"id":2,"$op":"create","y":{}}]`,
			"[\r\n  {\r\n    \"id\": 1,\r\n    \"x\": [\r\n      2\r\n    ]\r\n  },\r\n  {\r\n    \"id\": 2,\r\n    \"y\": {}\r\n  }\r\n]\r\n"},
		{"no final newline", "[\n\t{\n\t\t\"id\": 1\n\t}\n]", `{"id":2,"$op":"create"}`, "[\n\t{\n\t\t\"id\": 1\n\t},\n\t{\n\t\t\"id\": 2\n\t}\n]"},
		{"comments", "// head\n[\n  // one\n  {\"id\": 1}, // 1\n  // two\n  {\"id\": 2}, // 2\n  // end\n]\n// foot", `[{"id":1,"x":1},{"id":2,"$op":"remove"},{"id":3,"$op":"create"}]`,
			"// head\n[\n  // one\n  {\"id\": 1, \"x\": 1}, // 1\n  {\"id\": 3},\n  // two\n  // end\n]\n// foot"},
	})
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	for name, c := range map[string]struct {
		layout Layout
		text   string
		want   string
		eof    bool
	}{
		"nothing":                          {Backlog, "", "line 1, column 1: the text ends before the document does", true},
		"blanks":                           {Backlog, " \n ", "line 2, column 2: the text ends before the document does", true},
		"a byte order mark alone":          {Backlog, "\ufeff", "line 1, column 1: the text ends before the document does", true},
		"torn":                             {Backlog, session[:100], "line 7, column 15: the text ends before the document does", true},
		"torn in a string":                 {Flat, `[{"id":"ä`, "line 1, column 10: the text ends before the document does", true},
		"torn in a literal":                {Flat, `[tru`, "line 1, column 5: the text ends before the document does", true},
		"torn behind a comment":            {Flat, "[ // x\n{\"id\":1}", "line 2, column 9: the text ends before the document does", true},
		"torn in a comment":                {Flat, "[ // x\n{\"id\":1} /* ", "line 2, column 13: the text ends before the document does", true},
		"torn in a first comment":          {Flat, "/* x", "line 1, column 5: the text ends before the document does", true},
		"a wrong character":                {Flat, "[\n  {\"é\": 1, x}\n]", "line 2, column 12: invalid character 'x' at start of value", false},
		"a wrong one behind comments":      {Flat, "[ // x\n  {\"é\": 1, x}\n]", "line 2, column 12: invalid literal: x", false},
		"a trailing comma twice":           {Flat, "[1,,]", "line 1, column 4: invalid character ',' at start of value", false},
		"something behind the end":         {Flat, "[]\n[]", "line 2, column 1: something follows the end of the document", false},
		"a word behind the end":            {Flat, "[]\nx", "line 2, column 1: something follows the end of the document", false},
		"a word behind the end, comments":  {Flat, "// x\n[1,] // y\nnull", "line 3, column 1: something follows the end of the document", false},
		"zeros behind the end":             {Flat, "[]\x00\x00", "line 1, column 3: something follows the end of the document", false},
		"half a comment behind the end":    {Flat, "[] /* x", "line 1, column 8: the text ends before the document does", true},
		"garbage behind the end":           {Flat, "[]\n}", "line 2, column 1: something follows the end of the document", false},
		"not UTF-8":                        {Flat, "[\n  \"ä\xff\"\n]", "line 2, column 5: the text is not UTF-8 here", false},
		"UTF-16":                           {Flat, "\xff\xfe[\x00]\x00", "line 1, column 1: the text is UTF-16: save it as UTF-8", false},
		"UTF-16 the other way round":       {Flat, "\xfe\xff\x00[\x00]", "line 1, column 1: the text is UTF-16: save it as UTF-8", false},
		"a broken escape":                  {Flat, `["\x"]`, "line 1, column 3: invalid escape sequence `\\x` in string", false},
		"a broken escape behind a comment": {Flat, `[/**/ "\x"]`, `line 1, column 7: invalid literal: "\x"`, false},
		"an array for an object":           {Backlog, "[]", "the layout backlog needs an object, but the document is an array", false},
		"a broken array for an object":     {Backlog, "[1 2]", "line 1, column 4: invalid character '2' after array element (expecting ',' or ']')", false},
		"a string for an object":           {Backlog, `"x"`, "the layout backlog needs an object, but the document is a string", false},
		"a number for an array":            {Flat, `7`, "the layout flat needs an array of items, but the document is a number", false},
		"true for an array":                {Flat, `true`, "the layout flat needs an array of items, but the document is a boolean", false},
		"null for an array":                {Flat, `null`, "the layout flat needs an array of items, but the document is null", false},
		"an object for an array":           {Flat, `{}`, "the layout flat needs an array of items, but the document is an object", false},
		"no list":                          {Backlog, `{"tasks":[]}`, `the layout backlog needs an array "backlog", which the document does not have`, false},
		"a list that is none":              {Backlog, `{"backlog":{}}`, `the layout backlog needs an array "backlog", which the document does not have`, false},
		"no scope with a list":             {Taskmaster, `{"a":{"x":[]},"b":[]}`, `the layout taskmaster needs an array "tasks", in itself or in a member, which the document does not have`, false},
		"no scope that is a list":          {Layout{ID: "id", Scoped: true}, `{"a":{}}`, `the configured layout needs an array in a member, which the document does not have`, false},
		"an array in place of scopes":      {Taskmaster, `[]`, "the layout taskmaster needs an object, but the document is an array", false},
		"a layout behind a comment":        {Flat, "// x\n{}", "the layout flat needs an array of items, but the document is an object", false},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Parse([]byte(c.text), c.layout)
			if err == nil {
				t.Fatalf("no error, and %d items", d.Len())
			}
			if err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("a %T", err)
			}
			if errors.Is(err, io.ErrUnexpectedEOF) != c.eof {
				t.Errorf("that it ends too early is %v", !c.eof)
			}
		})
	}
}

func TestEachBeginningOfATasksFileEndsTooEarly(t *testing.T) {
	text := "// x\n{ /* y */ \"a\": [1.5, true, null, {\"\\u0061\": \"\\ud83d\\ude00é\"},], // z\n\"backlog\": [{\"id\": \"P1\"},]}"
	for _, text := range []string{text, strings.NewReplacer("// x\n", "", "/* y */", "", ",]", "]", "// z", "").Replace(text)} {
		for n := range len(text) {
			if _, err := Parse([]byte(text[:n]), Backlog); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q: %v", text[:n], err)
			}
		}
		parsed(t, text, Backlog)
	}
}

func TestNestingAsDeepAsTheTokenizerGoes(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, comment := range []string{"", "/* [ \" */", "// {{\n"} {
		text := comment + `[{"id":1,"x":` + deep(9_998) + `,"y":"[[[\"["}]`
		d := parsed(t, text, Flat)
		if string(d.Bytes()) != text {
			t.Error("it is not what it was")
		}
		if _, err := d.Apply(updates(t, `[{"id":1,"y":2},{"id":1,"x":null},{"id":2,"$op":"create"}]`), Options{Schema: BuiltinSchema()}); err == nil {
			t.Error("the schema had nothing to say")
		}
		sound(t, d)
		if _, err := d.Apply(updates(t, `[{"id":1,"y":2},{"id":2,"$op":"create"},{"id":1,"x":null}]`), Options{}); err != nil {
			t.Error(err)
		}
		sound(t, d)
		for _, n := range []int{9_999, 1 << 20} {
			_, err := Parse([]byte(comment+`[{"id":1,"x":`+deep(n)+`}]`), Flat)
			if err == nil || !strings.Contains(err.Error(), "column 10012: ") && !strings.Contains(err.Error(), "exceeded max depth") && comment == "" {
				t.Errorf("%d deep: %v", n, err)
			}
		}
	}
	_, err := Parse([]byte("// x\n"+deep(1<<20)), Flat)
	if want := "line 2, column 10001: more than 10,000 arrays and objects are inside each other"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLayoutsByName(t *testing.T) {
	for _, want := range []Layout{Backlog, Taskmaster, Flat} {
		if got, err := ParseLayout(want.Name); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v and %v", want.Name, got, err)
		}
	}
	if _, err := ParseLayout("tree"); err == nil || err.Error() != `unknown layout "tree": take backlog, taskmaster or flat, or describe your own` {
		t.Error(err)
	}
}
