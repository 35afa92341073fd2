package jsonedit

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A name or a string is compared by what its escapes mean. Half of a surrogate pair ("\ud83d" alone), which has no UTF-8,
// is kept as the three bytes that UTF-8 would have for it (WTF-8), so that two different ones stay different.

// nameOf returns the member's name, its escapes resolved.
func nameOf(b []byte, e element) string { return unquote(b[e.start:e.nameEnd]) }

func nameIs(quoted []byte, name string) bool {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1:len(quoted)-1]) == name
	}
	return unquote(quoted) == name
}

// unquote resolves a string's escapes.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	s, err := jsontext.AppendUnquote(nil, quoted)
	if err == nil {
		return string(s)
	}
	return unquoteHalves(inner)
}

// unquoteHalves resolves the escapes of a string that holds halves of surrogate pairs.
func unquoteHalves(inner []byte) string {
	var out []byte
	for len(inner) > 0 {
		unit, size := half(inner)
		if size == 0 { // something else, up to the next escape; a pair's first half is met before its second one
			size = 1
			if inner[0] == '\\' {
				size = 2
			}
			for size < len(inner) && inner[size] != '\\' {
				size++
			}
			part, _ := jsontext.AppendUnquote(nil, append(append([]byte{'"'}, inner[:size]...), '"')) // no half is in it
			out, inner = append(out, part...), inner[size:]
			continue
		}
		if second, more := half(inner[size:]); more > 0 && utf16.DecodeRune(unit, second) != utf8.RuneError {
			out, inner = utf8.AppendRune(out, utf16.DecodeRune(unit, second)), inner[size+more:]
			continue
		}
		out, inner = append(out, 0xE0|byte(unit>>12), 0x80|byte(unit>>6)&0x3F, 0x80|byte(unit)&0x3F), inner[size:]
	}
	return string(out)
}

// half returns the surrogate whose escape b begins with, and the length of the escape; 0 where it begins with none.
func half(b []byte) (unit rune, size int) {
	const length = len(`\ud83d`)
	if len(b) < length || b[0] != '\\' || b[1] != 'u' {
		return 0, 0
	}
	n, err := strconv.ParseUint(string(b[2:length]), 16, 16)
	if err != nil || !utf16.IsSurrogate(rune(n)) {
		return 0, 0
	}
	return rune(n), length
}

// Quote returns the JSON string of a name that Members has yielded.
func Quote(name string) []byte {
	b, err := jsontext.AppendQuote(nil, name)
	if err == nil {
		return b
	}
	out := []byte{'"'}
	for from := 0; from < len(name); {
		_, size := utf8.DecodeRuneInString(name[from:])
		if rest := name[from:]; size == 1 && rest[0] == 0xED && len(rest) > 2 { // it can only be half of a surrogate pair
			unit := uint64(rest[0]&0x0F)<<12 | uint64(rest[1]&0x3F)<<6 | uint64(rest[2]&0x3F)
			out, from = append(out, `\u`+strconv.FormatUint(unit, 16)...), from+3
			continue
		}
		b, _ = jsontext.AppendQuote(b[:0], name[from:from+size])
		out, from = append(out, b[1:len(b)-1]...), from+size
	}
	return append(out, '"')
}
