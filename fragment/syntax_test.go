package fragment

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

const tail = `; close what is open; a name that begins with a dot keeps a file out of sight until it is whole and renamed`

func TestParseTellsHalfWrittenFromWrong(t *testing.T) {
	for _, c := range []struct{ sentence, name, src, place string }{
		{"an empty file", "a.json", "", "line 1, column 1"},
		{"white space", "a.json", " \n\t\r\n", "line 1, column 1"},
		{"a byte order mark", "a.json", "\xef\xbb\xbf", "line 1, column 1"},
		{"a part of a byte order mark", "a.json", "\xef\xbb", "line 1, column 3"},
		{"an object", "a.json", `{`, "line 1, column 2"},
		{"a name", "a.json", `{"i`, "line 1, column 4"},
		{"before a colon", "a.json", `{"id"`, "line 1, column 6"},
		{"before a value", "a.json", `{"id":`, "line 1, column 7"},
		{"after a value", "a.json", "{\"id\":1\n\n", "line 1, column 8"},
		{"after a comma", "a.json", `{"id":1,`, "line 1, column 9"},
		{"a literal", "a.json", `{"id":tru`, "line 1, column 10"},
		{"a literal all alone", "a.json", `nul`, "line 1, column 4"},
		{"a number's sign", "a.json", `{"id":-`, "line 1, column 8"},
		{"a number's fraction", "a.json", `{"id":1.`, "line 1, column 9"},
		{"a number's exponent", "a.json", `{"id":1e+`, "line 1, column 10"},
		{"a string", "a.json", `{"id":"P1`, "line 1, column 10"},
		{"an escape", "a.json", `{"id":"P1\`, "line 1, column 11"},
		{"a long escape", "a.json", `{"id":"P1\u00`, "line 1, column 14"},
		{"a surrogate pair", "a.json", `{"id":"P1\ud83d\u`, "line 1, column 18"},
		{"a character", "a.json", "{\"id\":\"\xe2\x82", "line 1, column 10"},
		{"a character, after bytes that are wrong", "a.json", "{\"id\":\"\xff\xc3", "line 1, column 10"},
		{"an array", "a.json", `[`, "line 1, column 2"},
		{"an array after an element", "a.json", `[{"id":1}`, "line 1, column 10"},
		{"an array after a comma", "a.json", `[{"id":1},`, "line 1, column 11"},
		{"after an update that is none", "a.json", `[{"id":1.5},{"id":`, "line 1, column 19"},
		{"a deeper value", "a.json", "{\"id\":1,\r\n \"a\":[{\"b\":\r\n", "line 2, column 12"},
		{"lines: nothing", "a.jsonl", "", "line 1, column 1"},
		{"lines: blank ones", "a.ndjson", "\n \r\n\n", "line 1, column 1"},
		{"lines: the last one", "a.jsonl", "{\"id\":1}\n{\"id\":2", "line 2, column 8"},
		{"lines: the last one, ended", "a.jsonl", "{\"id\":1}\n{\"id\":\"2\n \n", "line 2, column 9"},
		{"lines: after an update that is none", "a.jsonl", "[]\n{\"id\":2", "line 2, column 8"},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			e := rejected(t, c.name, c.src, limits)
			what := ": the file ends inside "
			if strings.TrimSpace(strings.TrimPrefix(c.src, "\xef\xbb\xbf")) == "" {
				what = ": the file holds no update yet"
			}
			if e.Code != Incomplete || !strings.HasPrefix(e.Error(), c.place+what) || !strings.HasSuffix(e.Error(), tail) {
				t.Errorf("%s: %v", e.Code, e)
			}
		})
	}
}

// Each message whole: it has to be one that helps. Should jsontext change its words, this is where it shows.
func TestParseExplainsWhatIsNotJSON(t *testing.T) {
	for _, c := range []struct{ sentence, name, src, want string }{
		{"a trailing comma in an object", "a.json", "{\"id\":1,\n}", `line 1, column 8: a comma before '}'; remove the comma`},
		{"a trailing comma in an array", "a.json", `[{"id":1}, ]`, `line 1, column 10: a comma before ']'; remove the comma`},
		{"a trailing comma further inside", "a.json", `{"id":1,"a":[1,]}`, `line 1, column 16: unexpected ']' after a comma; remove the comma`},
		{"two commas", "a.json", `{"id":1,,"a":2}`, `line 1, column 9: unexpected ','; remove the comma`},
		{"a comma first", "a.json", `[,{"id":1}]`, `line 1, column 2: unexpected ','; remove the comma`},
		{"a comma missing between members", "a.json", "{\"id\":1\n \"a\":2}", `line 2, column 2: unexpected '"' after a member's value; put a comma between members`},
		{"a comma missing between updates", "a.json", `[{"id":1}{"id":2}]`, `line 1, column 10: unexpected '{' after an array's element; put a comma between elements`},
		{"a colon missing", "a.json", `{"id" "P1"}`, `line 1, column 7: unexpected '"' after a member's name; put a colon between name and value`},
		{"a comma for a colon", "a.json", `{"id",1}`, `line 1, column 6: unexpected ',' after a member's name; put a colon between name and value`},
		{"two colons", "a.json", `{"id"::1}`, `line 1, column 7: unexpected ':' where a value should begin; put a value there, or null`},
		{"a value missing", "a.json", `{"id":}`, `line 1, column 7: unexpected '}' where a value should begin; put a value there, or null`},
		{"a name without quotes", "a.json", `{id:1}`, `line 1, column 2: unexpected 'i' where a member's name should begin; put each member's name in double quotes`},
		{"a name without quotes further inside", "a.json", `{"id":1,"a":{b:1}}`, `line 1, column 14: unexpected 'b' where a member's name should begin; put each member's name in double quotes`},
		{"a name that is a number", "a.json", `{1:2}`, `line 1, column 2: unexpected '1' where a member's name should begin; put each member's name in double quotes`},
		{"single quotes", "a.json", `{'id':1}`, `line 1, column 2: unexpected "'"; use straight double quotes`},
		{"typographic quotes", "a.json", `{“id”:1}`, `line 1, column 2: unexpected '“'; use straight double quotes`},
		{"text without quotes", "a.json", `{"id":Complete}`, `line 1, column 7: unexpected 'C' where a value should begin; put text in double quotes`},
		{"text that begins like a literal", "a.json", `{"id":normal}`, `line 1, column 8: unexpected 'o' in a word that is not true, false or null; put text in double quotes`},
		{"a number that is none", "a.json", `{"id":1,"n":NaN}`, `line 1, column 13: NaN is no value of JSON; write null, or put it in double quotes`},
		{"an infinite number", "a.json", `{"id":1,"n":[Infinity]}`, `line 1, column 14: Infinity is no value of JSON; write null, or put it in double quotes`},
		{"a negative infinite number", "a.json", `{"id":1,"n":-Infinity}`, `line 1, column 14: -Infinity is no value of JSON; write null, or put it in double quotes`},
		{"a name that is no number", "a.json", `{"id":1,NaN:1}`, `line 1, column 9: unexpected 'N' where a member's name should begin; put each member's name in double quotes`},
		{"Python's words", "a.json", `{"id":None}`, `line 1, column 7: unexpected 'N' where a value should begin; write true, false or null`},
		{"a number with a plus", "a.json", `{"id":+1}`, `line 1, column 7: unexpected '+' where a value should begin; begin the number with a digit or a minus sign`},
		{"a number that begins with a point", "a.json", `{"id":.5}`, `line 1, column 7: unexpected '.' where a value should begin; begin the number with a digit or a minus sign`},
		{"a number that begins with 0", "a.json", `{"id":007}`, `line 1, column 8: unexpected '0' after a member's value; leave out the leading zeros of the number, or put it in double quotes`},
		{"a number that ends with a point", "a.json", `{"id":1.}`, `line 1, column 9: unexpected '}' in a number, where a digit should be; complete the number, or put it in double quotes`},
		{"the wrong bracket after a member", "a.json", `{"id":1]`, `line 1, column 8: unexpected ']' after a member's value; close it with } first`},
		{"the wrong bracket after an element", "a.json", `[{"id":1}}`, `line 1, column 10: unexpected '}' after an array's element; close it with ] first`},
		{"a quote inside a string", "a.json", `{"id":"the "best" one"}`, `line 1, column 13: unexpected 'b' after a member's value; write a double quote inside a string as \", or put a comma between members`},
		{"a line break inside a string", "a.json", "{\"id\":\"a\nb\"}", `line 1, column 9: a line break inside a string; write it as \n, or close the string before it`},
		{"a carriage return inside a string", "a.json", "{\"id\":\"a\r\nb\"}", `line 1, column 9: unexpected '\r' inside a string; write it as \r`},
		{"a tab inside a string", "a.json", "{\"id\":\"a\tb\"}", `line 1, column 9: unexpected '\t' inside a string; write it as \t`},
		{"an escape sequence inside a string", "a.json", "{\"id\":\"\x1b[31m\"}", `line 1, column 8: unexpected '\x1b' inside a string; write it as \u001b`},
		{"a Windows path", "a.json", `{"id":"C:\Temp"}`, `line 1, column 10: a backslash before 'T' inside a string; write a backslash as \\`},
		{"a Windows path with an unlucky name", "a.json", `{"id":"C:\users"}`, `line 1, column 10: \u inside a string without four hexadecimal digits; write a backslash as \\`},
		{"a comment", "a.json", "// done\n{\"id\":1}", `line 1, column 1: unexpected '/'; remove the comment: JSON has none`},
		{"a comment between members", "a.json", "{\"id\":1, # done\n\"a\":2}", `line 1, column 10: unexpected '#'; remove the comment: JSON has none`},
		{"a member twice", "a.json", "{\"id\":1,\n\"\\u0069d\":1}", `line 2, column 1: the member "id" stands twice in its object; keep one of them`},
		{"a member twice further inside", "a.json", `[{"id":1,"a":[{"b~/\u001b":1,"c":{},"b~/\u001b":1}]}]`, `line 1, column 37: the member "b~/\x1b" stands twice in its object; keep one of them`},
		{"a member twice in a condition", "a.json", `{"id":1,"$if":{"b":1,"b":1}}`, `line 1, column 22: the member "b" stands twice in its object; keep one of them`},
		{"zeros after a crash", "a.json", "\x00\x00\x00", `line 1, column 1: unexpected NUL byte; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"UTF-16", "a.json", "\xff\xfe{\x00", `line 1, column 1: the file is UTF-16, not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"UTF-16 the other way round", "a.jsonl", "\xfe\xff\x00{", `line 1, column 1: the file is UTF-16, not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"UTF-16 without a mark", "a.json", "{\x00\"\x00i\x00", `line 1, column 2: unexpected NUL byte; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"Latin-1 in a value", "a.json", "{\"id\":1,\n\"a\":\"Stra\xdfe\"}", `line 2, column 10: the byte 0xdf is not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"Latin-1 before what else is wrong", "a.json", "{\"a\xdf\":1,}", `line 1, column 4: the byte 0xdf is not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"Latin-1 after what else is wrong", "a.json", "{\"a\":1,,\"\xdf\":2}", `line 1, column 8: unexpected ','; remove the comma`},
		{"Latin-1 before an update that is none", "a.jsonl", "{\"a\":1}\n{\"id\":\"\xdf\"}", `line 2, column 8: the byte 0xdf is not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"a byte outside of a string", "a.json", "[\xff]", `line 1, column 2: the byte 0xff is not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"a surrogate in UTF-8", "a.json", "{\"id\":\"\xed\xa0\xbd\"}", `line 1, column 8: the byte 0xed is not UTF-8; write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)`},
		{"columns count characters", "a.json", "\xef\xbb\xbf{\"ä€😀\":x}", `line 1, column 8: unexpected 'x' where a value should begin; put text in double quotes`},
		{"text", "a.json", "hello", `line 1, column 1: unexpected 'h' where an update should begin; write an object such as {"id": "P1.M1.T1.S1", "status": "Complete"}`},
		{"text in an array", "a.json", `[{"id":1}, hello]`, `line 1, column 12: unexpected 'h' where an update should begin; write an object such as {"id": "P1.M1.T1.S1", "status": "Complete"}`},
		{"a lone bracket", "a.json", "]", `line 1, column 1: unexpected ']' where an update should begin; write an object such as {"id": "P1.M1.T1.S1", "status": "Complete"}`},
		{"a second update in a .json", "a.json", "{\"id\":1}\n{\"id\":2}\n", `line 2, column 1: a second value after the first one; put the updates into an array, or let the file's name end in .jsonl with one update a line`},
		{"a second update that is not whole", "a.json", "{\"id\":1}\n{\"id\":", `line 2, column 1: a second value after the first one; put the updates into an array, or let the file's name end in .jsonl with one update a line`},
		{"updates with commas between", "a.json", `{"id":1}, {"id":2}`, `line 1, column 9: unexpected ',' after the end of the value; put the updates into an array: [ … ]`},
		{"a bracket too many", "a.json", `{"id":1}}`, `line 1, column 9: unexpected '}' after the end of the value; remove what follows the value`},
		{"a byte order mark in the middle", "a.jsonl", "{\"id\":1}\n\xef\xbb\xbf{\"id\":2}", `line 2, column 1: unexpected '\ufeff' where an update should begin; write an object such as {"id": "P1.M1.T1.S1", "status": "Complete"}`},
		{"lines: one that is not whole", "a.jsonl", "{\"id\":1}\n\n{\"id\":2\n{\"id\":3}", `line 3, column 8: the line ends inside a JSON value; put each update on one line (a line break in a string is written \n), or let the file's name end in .json`},
		{"lines: two on one", "a.jsonl", "{\"id\":1}\n{\"id\":2} {\"id\":3}", `line 2, column 10: a second value on the same line; put each update on a line of its own, without commas between`},
		{"lines: with commas", "a.jsonl", "{\"id\":1},\n{\"id\":2}", `line 1, column 9: a second value on the same line; put each update on a line of its own, without commas between`},
		{"lines: a bracket too many", "a.jsonl", "{\"id\":1}]", `line 1, column 9: unexpected ']' after the end of the value; remove what follows the value`},
		{"lines: broken, whatever may follow", "a.jsonl", "{\"id\":1,}\n{\"id\":2", `line 1, column 8: a comma before '}'; remove the comma`},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			e := rejected(t, c.name, c.src, limits)
			if e.Code != InvalidJSON || e.Error() != c.want {
				t.Errorf("%q\n got %s: %v\nwant %v", c.src, e.Code, e, c.want)
			}
			if e.Update != 0 || e.ID != "" || e.Pointer != "" {
				t.Errorf("an error of the file names an update: %#v", e)
			}
		})
	}
}

// Whatever the words of jsontext, every byte in every place is answered with a message, and none with raw bytes.
func TestParseExplainsAnyByteAnywhere(t *testing.T) {
	for _, before := range []string{"", "{", `{"a`, `{"a\`, `{"a":`, `{"a":"\u00`, `{"a":tr`, `{"a":-`, `{"a":1`, `{"a":1,`, `{"a":{"b":1,`, `[`, `[1`, `[1,`, `{"a":[1,`} {
		for c := range 256 {
			for _, name := range []string{"a.json", "a.jsonl"} {
				_, err := Parse(name, []byte(before+string([]byte{byte(c)})+" }"), limits)
				if err == nil {
					t.Fatalf("%s followed by byte %#x is accepted", before, c)
				}
				message := err.Error()
				if strings.ContainsFunc(message, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }) || !strings.HasPrefix(message, "line ") && !strings.HasPrefix(message, "update ") {
					t.Errorf("%s followed by byte %#x: %q", before, c, message)
				}
			}
		}
	}
}

// The words and offsets of jsontext may change: what is made of them must hold.
func TestExplainTakesWhateverJsontextSays(t *testing.T) {
	texts := []string{"", "\\", "x", `{"a":1,}`, "\xff", "\n", "007", `"`}
	for _, says := range []string{"", "in string", "in literal", "in number", "after object name", "after object value",
		"after array element", "start of string", "something new"} {
		for _, text := range texts {
			for at := range len(text) + 1 {
				err := &jsontext.SyntacticError{Err: errors.New(says)}
				if message, _ := explain(err, []byte(text), at, aValue); message == "" {
					t.Errorf("%q at %d of %q: no message", says, at, text)
				}
			}
		}
	}
	p := &parser{src: []byte("{}")}
	p.outer.open(p.src, 0, 1, strict)
	if e := p.broken(errors.New("something new")); e.Code != InvalidJSON || e.Error() != "line 1, column 3: not JSON: something new" {
		t.Errorf("%s: %v", e.Code, e)
	}
}
