package fragment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// broken turns the outer reader's error into ours: too deep, unfinished, not UTF-8 or not JSON, in this order, for
// a file that is cut in the middle of a character is cut, not wrong.
func (p *parser) broken(err error) *Error {
	r := &p.outer
	if deep, ok := errors.AsType[tooDeep](err); ok {
		return p.deep(int(deep))
	}
	syntactic, ok := errors.AsType[*jsontext.SyntacticError](err)
	if !ok {
		syntactic = &jsontext.SyntacticError{ByteOffset: int64(len(r.text)), Err: err}
	}
	at := min(int(syntactic.ByteOffset), len(r.text))
	if i := exceeds(r.text[:min(at+1, len(r.text))], r.limit); i >= 0 {
		return p.deep(r.base + i)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF { // EOF: not even a value's first byte
		if p.more() {
			return p.invalid(r.base+len(r.text), "the line ends inside a JSON value",
				`put each update on one line (a line break in a string is written \n), or let the file's name end in .json`)
		}
		if err == io.EOF {
			return p.unfinished("the file holds no update yet")
		}
		return p.unfinished("the file ends inside a JSON value")
	}
	message, remedy := explain(syntactic, r.text, at, r.next)
	return p.invalid(r.base+at, message, remedy)
}

func (p *parser) deep(at int) *Error {
	return p.fileError(TooDeep, at, fmt.Sprintf("arrays and objects nest deeper than the limit of %d", p.limit),
		"flatten the value, or raise fragment.max_depth")
}

// unfinished is the error for a file that may be on its way still. Its place is behind the last byte that is no space.
func (p *parser) unfinished(message string) *Error {
	at := len(p.src)
	for at > 0 && spaces(p.src[at-1:at]) == 1 {
		at--
	}
	return p.fileError(Incomplete, at, message,
		"close what is open; a name that begins with a dot keeps a file out of sight until it is whole and renamed")
}

// invalid is the error for what is no JSON at that offset, or for what is no UTF-8 before it.
func (p *parser) invalid(at int, message, remedy string) *Error {
	if err := p.encoded(min(at+1, len(p.src))); err != nil {
		return err
	}
	return p.fileError(InvalidJSON, at, message, remedy)
}

// encoded looks for bytes that are not UTF-8 and begin before that offset.
func (p *parser) encoded(end int) *Error {
	if utf8.Valid(p.src[:end]) {
		return nil
	}
	for i := 0; i < end; {
		r, n := utf8.DecodeRune(p.src[i:])
		if r == utf8.RuneError && n == 1 {
			return p.fileError(InvalidJSON, i, fmt.Sprintf("the byte 0x%02x is not UTF-8", p.src[i]), utf8Remedy)
		}
		i += n
	}
	return nil
}

func (p *parser) fileError(code Code, at int, message, remedy string) *Error {
	e := &Error{Code: code, Message: message, Remedy: remedy}
	e.Line, e.Column = Position(p.src, int64(at))
	return e
}

// explain says what is wrong at that offset of a text, in the words of somebody who writes such files, and what to do.
// jsontext's words only tell the cases apart: should they change, the character is named all the same.
func explain(err *jsontext.SyntacticError, text []byte, at int, next expected) (message, remedy string) {
	says := err.Err.Error()
	if at >= len(text) {
		return "not JSON: " + says, ""
	}
	c, before := text[at], lastByte(text[:at])
	found := "unexpected " + character(text[at:])
	if name := noNumber(text, at); name != "" && next != aName && !strings.Contains(says, "start of string") {
		return name + " is no value of JSON", "write null, or put it in double quotes"
	}
	switch {
	case err.Err == jsontext.ErrDuplicateName:
		return fmt.Sprintf("the member %s stands twice in its object", Quote(err.JSONPointer.LastToken())),
			"keep one of them"
	case strings.Contains(says, "in string"):
		return explainString(found, text[at:])
	case strings.Contains(says, "in literal"):
		return found + " in a word that is not true, false or null", "put text in double quotes"
	case strings.Contains(says, "in number"):
		return found + " in a number, where a digit should be", "complete the number, or put it in double quotes"
	case strings.Contains(says, "after object name"):
		return found + " after a member's name", "put a colon between name and value"
	case before == ',' && (c == '}' || c == ']'):
		return found + " after a comma", "remove the comma"
	case c == ',':
		if after := text[at+1+spaces(text[at+1:]):]; len(after) > 0 && (after[0] == '}' || after[0] == ']') {
			found = "a comma before " + character(after)
		}
		return found, "remove the comma"
	case c == '/' || c == '#':
		return found, "remove the comment: JSON has none"
	case c == 0:
		return "unexpected NUL byte", utf8Remedy
	case strings.ContainsRune("'`\u2018\u2019\u201c\u201d", firstRune(text[at:])):
		return found, "use straight double quotes"
	case strings.Contains(says, "after object value"):
		return found + " after a member's value", explainAfter(text, at, "members", "}")
	case strings.Contains(says, "after array element"):
		return found + " after an array's element", explainAfter(text, at, "elements", "]")
	case strings.Contains(says, "start of string"):
		next = aName
	}
	return fmt.Sprintf("%s where %s should begin", found, next), explainStart(text[at:], next)
}

// noNumber is what JavaScript and Python call a number that is none, where the text has it at that offset, a minus sign
// apart.
func noNumber(text []byte, at int) string {
	for _, name := range []string{"NaN", "Infinity"} {
		switch {
		case !bytes.HasPrefix(text[at:], []byte(name)):
		case at > 0 && text[at-1] == '-':
			return "-" + name
		default:
			return name
		}
	}
	return ""
}

// explainString is for what cannot stand inside a string: an escape, or a control character.
func explainString(found string, text []byte) (message, remedy string) {
	switch c := text[0]; {
	case c != '\\' || len(text) == 1:
		escape := fmt.Sprintf(`\u%04x`, c)
		switch c {
		case '\n':
			return "a line break inside a string", `write it as \n, or close the string before it`
		case '\r':
			escape = `\r`
		case '\t':
			escape = `\t`
		}
		return found + " inside a string", "write it as " + escape
	case text[1] == 'u':
		return `\u inside a string without four hexadecimal digits`, `write a backslash as \\`
	default:
		return "a backslash before " + character(text[1:]) + " inside a string", `write a backslash as \\`
	}
}

// explainAfter is the remedy for what follows a whole value and does not belong there.
func explainAfter(text []byte, at int, what, end string) string {
	c, before := text[at], text[max(at-1, 0)]
	digit := '0' <= c && c <= '9'
	switch {
	case c == '}' || c == ']':
		return "close it with " + end + " first"
	case before == '0' && digit:
		return "leave out the leading zeros of the number, or put it in double quotes"
	case before == '"' && c != '"':
		return `write a double quote inside a string as \", or put a comma between ` + what
	}
	return "put a comma between " + what
}

// explainStart is the remedy for what cannot begin a name or a value.
func explainStart(text []byte, next expected) string {
	letters := 0
	for letters < len(text) && (unicode.IsLetter(rune(text[letters])) || text[letters] == '_') {
		letters++
	}
	switch word := string(text[:letters]); {
	case next == anUpdate:
		return anExample
	case next == aName:
		return "put each member's name in double quotes"
	case text[0] == '}' || text[0] == ']' || text[0] == ':':
		return "put a value there, or null"
	case text[0] == '+' || text[0] == '.':
		return "begin the number with a digit or a minus sign"
	case word == "True", word == "False", word == "None", word == "TRUE", word == "FALSE", word == "NULL":
		return "write true, false or null"
	}
	return "put text in double quotes"
}

const anExample = `write an object such as {"id": "P1.M1.T1.S1", "status": "Complete"}`

// character names the first character of a text: 'x', '\n', byte 0xff.
func character(text []byte) string {
	r, n := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Sprintf("byte 0x%02x", text[0])
	case r == '\'':
		return `"'"`
	}
	return strconv.QuoteRune(r)
}

func firstRune(text []byte) rune {
	r, _ := utf8.DecodeRune(text)
	return r
}

// lastByte is the last byte of a text that is not white space, 0 for none.
func lastByte(text []byte) byte {
	for i := len(text) - 1; i >= 0; i-- {
		if spaces(text[i:i+1]) == 0 {
			return text[i]
		}
	}
	return 0
}
