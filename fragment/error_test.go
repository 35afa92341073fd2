package fragment

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestErrorReadsAsOneSentence(t *testing.T) {
	for _, c := range []struct {
		sentence string
		err      Error
		want     string
	}{
		{"all that is known", Error{Code: NotAnUpdate, Update: 2, ID: "P1.M1.T1.S1", Pointer: "/status", Line: 3, Column: 14, Message: "it is wrong", Remedy: "mend it"},
			"update 2 (P1.M1.T1.S1), at /status, line 3, column 14: it is wrong; mend it"},
		{"from the document", Error{Code: SchemaViolation, Update: 2, ID: "5", Pointer: "/status", Message: "it is wrong"},
			"update 2 (5), at /status: it is wrong"},
		{"from an update alone", Error{Code: UnknownID, Update: 1, Message: "it is wrong"}, "update 1: it is wrong"},
		{"from the file", Error{Code: InvalidJSON, Line: 3, Column: 14, Message: "it is wrong"}, "line 3, column 14: it is wrong"},
		{"of a line", Error{Code: InvalidJSON, Line: 3, Message: "it is wrong"}, "line 3: it is wrong"},
		{"without a place", Error{Code: NotRegular, Message: "it is a link", Remedy: "drop a file"}, "it is a link; drop a file"},
		{"without words", Error{Code: NotRegular}, "not regular"},
		{"an id that could be mistaken", Error{Update: 1, ID: "P1), at /x", Message: "m"}, `update 1 ("P1), at /x"): m`},
		{"an id of many characters", Error{Update: 1, ID: strings.Repeat("é", 100), Message: "m"}, "update 1 (" + strings.Repeat("é", 60) + "…): m"},
		{"an id of another script", Error{Update: 1, ID: "任务-5", Message: "m"}, "update 1 (任务-5): m"},
		{"a pointer with a space", Error{Update: 1, Pointer: "/a b", Message: "m"}, `update 1, at "/a b": m`},
		{"control characters and worse", Error{Update: 1, ID: "a\x1b[31m\u202e", Pointer: "/\xff", Message: "m\n\xff\"\\\u202e", Remedy: "r\x00\ufffd"},
			`update 1 ("a\x1b[31m\u202e"), at "/\xff": m\n\xff"\\u202e; r\x00�`},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			if got := c.err.Error(); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestQuoteIsShortAndSafe(t *testing.T) {
	for s, want := range map[string]string{
		"P1":                    `"P1"`,
		"":                      `""`,
		"a\"\\\n\x1b\x7f\u009b": `"a\"\\\n\x1b\x7f\u009b"`,
		"\xff":                  `"\xff"`,
		"\u202eabc":             `"\u202eabc"`,
		"😀é":                    `"😀é"`,
	} {
		if got := Quote(s); got != want {
			t.Errorf("Quote(%q) = %s, want %s", s, got, want)
		}
	}
	for _, s := range []string{strings.Repeat("x", 60), strings.Repeat("😀", 60)} {
		if got := Quote(s); got != `"`+s+`"` {
			t.Errorf("a text of 60 characters is cut: %s", got)
		}
		if got := Quote(s + "y"); got != `"`+s+`…"` {
			t.Errorf("a text of 61 characters is not cut as it should be: %s", got)
		}
	}
	if got := Quote(strings.Repeat("\xff", 1<<20)); utf8.RuneCountInString(got) > 60*4+3 {
		t.Errorf("%d characters", utf8.RuneCountInString(got))
	}
}

func TestDidYouMean(t *testing.T) {
	for word, want := range map[string]string{
		"merge": `did you mean "merge"?`, "MERGE": `did you mean "merge"?`, "merg": `did you mean "merge"?`,
		"mreg": "", "patches": `did you mean "patch"?`, "create!": `did you mean "create"?`, "delete": "",
		"": "", "p": "", strings.Repeat("x", 1<<20): "", "пatch": `did you mean "patch"?`,
	} {
		if got := didYouMean(word, opNames, ""); got != want {
			t.Errorf("didYouMean(%.20q) = %s, want %s", word, got, want)
		}
	}
}
