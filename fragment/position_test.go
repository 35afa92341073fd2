package fragment

import "testing"

func TestPosition(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	for _, c := range []struct {
		sentence, src string
		offset        int64
		line, column  int
	}{
		{"the beginning", "ab", 0, 1, 1},
		{"further on", "ab", 1, 1, 2},
		{"the end", "ab", 2, 1, 3},
		{"beyond the end", "ab", 100, 1, 3},
		{"before the beginning", "ab", -1, 1, 1},
		{"nothing", "", 0, 1, 1},
		{"the newline itself", "ab\ncd", 2, 1, 3},
		{"a second line", "ab\ncd", 3, 2, 1},
		{"after the last newline", "ab\n", 3, 2, 1},
		{"CRLF", "ab\r\n\r\ncd", 7, 3, 2},
		{"characters of two, three and four bytes", "ä€😀x", 9, 1, 4},
		{"inside a character", "ä€😀x", 7, 1, 3},
		{"inside a character on a later line", "\n€", 2, 2, 1},
		{"bytes that are not UTF-8 count as one each", "\xff\xfea", 2, 1, 3},
		{"after a byte order mark", mark + "ab", 4, 1, 2},
		{"right after a byte order mark", mark + "ab", 3, 1, 1},
		{"inside a byte order mark", mark + "ab", 1, 1, 1},
		{"a line after a byte order mark", mark + "a\nb", 5, 2, 1},
		{"a byte order mark elsewhere is a character", "a\n" + mark + "b", 5, 2, 2},
	} {
		if line, column := Position([]byte(c.src), c.offset); line != c.line || column != c.column {
			t.Errorf("%s: Position(%q, %d) = %d, %d; want %d, %d", c.sentence, c.src, c.offset, line, column, c.line, c.column)
		}
	}
}
