package fragment

import (
	"bytes"
	"unicode/utf8"
)

// bom is the byte order mark that PowerShell and some editors put before UTF-8.
var bom = []byte("\xef\xbb\xbf")

// Position is where a byte stands, as an editor shows it: line and column from 1, the column in characters. A byte
// order mark counts for nothing, CRLF ends a line like LF, a byte that is not UTF-8 counts as one character. An
// offset inside a character is that character's; one beyond the end is the end. It takes a pass over the source up to
// there, so it is for errors.
func Position(src []byte, offset int64) (line, column int) {
	at := int(min(max(offset, 0), int64(len(src))))
	line = 1 + bytes.Count(src[:at], []byte("\n"))
	i := bytes.LastIndexByte(src[:at], '\n') + 1
	if line == 1 && bytes.HasPrefix(src, bom) {
		i = len(bom)
	}
	for column = 1; i < at; column++ {
		_, n := utf8.DecodeRune(src[i:])
		if i += n; i > at {
			break
		}
	}
	return line, column
}
