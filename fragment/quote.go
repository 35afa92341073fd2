package fragment

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxQuoted is how many characters of a value a message shows: enough to recognise it, short enough to read.
const maxQuoted = 60

// Quote is how text from a file appears in a message: in double quotes, without control characters, cut when long.
func Quote(s string) string { return strconv.Quote(cut(s)) }

// cut keeps the first characters of a long text, and says so with an ellipsis.
func cut(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	n := 0
	for i := range s { // a byte that is not UTF-8 counts as one character
		if n++; n > maxQuoted {
			return s[:i] + "…"
		}
	}
	return s
}

// bare leaves out the quotes where nobody could be misled: "P1.M1.T1", "/status".
func bare(s string) string {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == utf8.RuneError || strings.ContainsRune(" \"\\'`(),;", r) {
			return Quote(s)
		}
	}
	return cut(s)
}

// printable replaces what a terminal or a log might act on. Messages quote what they take from a file; this is for
// the one that forgot to.
func printable(s string) string {
	safe := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i, n := 0, 0; i < len(s); i += n {
		var r rune
		if r, n = utf8.DecodeRuneInString(s[i:]); safe(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.Quote(s[i : i+n])
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// describe names a value in a message: `1.5`, `"late"`, `an array`.
func describe(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		s, _ := unquote(v)
		return Quote(s)
	case '[':
		return "an array"
	case '{':
		return "an object"
	default:
		return cut(string(v)) // null, true, false or a number
	}
}

// unquote is the text of a JSON string. It is not ok where an escape stands for half of a surrogate pair: such a
// text has no UTF-8 form, and what can be made of it is not what was written.
func unquote(v jsontext.Value) (s string, ok bool) {
	for _, c := range v {
		if c == '\\' {
			b, err := jsontext.AppendUnquote(nil, v)
			return string(b), err == nil
		}
	}
	return string(v[1 : len(v)-1]), true
}
