package logging

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// limit is how many bytes of one text are shown: enough for any path, little enough that a hostile name or value cannot
// flood the log.
const limit = 4 << 10

// Printable shows a text of unknown origin on one line, for people: what has no visible form of its own (control
// characters, line and paragraph separators, bidirectional and other format characters, bytes that are not UTF-8) becomes
// an escape as in a Go string, \n, \x1b, \u202e. All else, backslashes too, stays as it is: a path on Windows remains one.
// So it is for reading, not for reading back.
func Printable(s string) string {
	if isPrintable(s) {
		return s
	}
	var b strings.Builder
	for i, width := 0, 0; i < len(s); i += width {
		var r rune
		r, width = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && width == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// isPrintable tells whether a text is its own visible form.
func isPrintable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// cut keeps the beginning of a long text, whole characters of it, and says how long the text is.
func cut(s string) string {
	if len(s) <= limit {
		return s
	}
	end := limit
	for i := range utf8.UTFMax {
		if utf8.RuneStart(s[limit-i]) {
			end = limit - i
			break
		}
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:end], len(s))
}
