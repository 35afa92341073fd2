package jsonedit

import (
	"bytes"
	"iter"

	"github.com/go-json-experiment/json/jsontext"
)

// The scanner walks text that a strict tokenizer has accepted before, as JSON or as JSON with comments and trailing
// commas. It therefore checks nothing, and it cannot run out of the text.

// element is one member of an object or one element of an array. For an array start and value are the same.
type element struct {
	start   int // of the name, or of the value in an array
	nameEnd int // behind the name's closing quote; 0 in an array
	value   int
	end     int
}

// composite is an object or an array with the places of what it holds.
type composite struct {
	open, close   int // offsets of the two brackets
	elements      []element
	trailingComma int // offset of the comma behind the last element (JSONC), or -1
}

func (c composite) last() element { return c.elements[len(c.elements)-1] }

func isComposite(first byte) bool { return first == '{' || first == '[' }

func isClose(c byte) bool { return c == '}' || c == ']' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// skipBlank returns the offset of the first byte at or behind i that is not white space.
func skipBlank(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// skipTrivia passes white space and comments.
func skipTrivia(b []byte, i int) int {
	for {
		i = skipBlank(b, i)
		if i >= len(b) || b[i] != '/' {
			return i
		}
		i = skipComment(b, i)
	}
}

// skipComment passes the comment at i; a line comment ends before its line break.
func skipComment(b []byte, i int) int {
	if b[i+1] == '/' {
		if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
			i += n
			if b[i-1] == '\r' {
				i--
			}
			return i
		}
		return len(b)
	}
	return i + 2 + bytes.Index(b[i+2:], []byte("*/")) + 2
}

// skipString passes the string at i.
func skipString(b []byte, i int) int {
	for i++; ; {
		end := i + bytes.IndexByte(b[i:], '"')
		backslashes := 0
		for b[end-1-backslashes] == '\\' {
			backslashes++
		}
		if backslashes%2 == 0 {
			return end + 1
		}
		i = end + 1
	}
}

// skipValue passes the value at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		case '/':
			i = skipComment(b, i)
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			for i < len(b) && isLiteral(b[i]) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
}

// isLiteral reports whether a byte can be in a number or in one of the three words.
func isLiteral(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'E'
}

// scanComposite finds what the object or array at i holds.
func scanComposite(b []byte, i int) composite { return scanInto(nil, b, i) }

// scanInto is scanComposite with room for the elements.
func scanInto(room []element, b []byte, i int) composite {
	c := composite{open: i, elements: room, trailingComma: -1}
	object := b[i] == '{'
	for i = skipTrivia(b, i+1); !isClose(b[i]); {
		e := scanElement(b, i, object)
		if c.elements == nil {
			c.elements = make([]element, 0, 8) // as many as most have
		}
		c.elements = append(c.elements, e)
		i, c.trailingComma = skipComma(b, e.end)
	}
	c.close = i
	return c
}

func scanElement(b []byte, i int, object bool) element {
	e := element{start: i, value: i}
	if object {
		e.nameEnd = skipString(b, i)
		e.value = skipTrivia(b, skipTrivia(b, e.nameEnd)+1)
	}
	e.end = skipValue(b, e.value)
	return e
}

// skipComma passes the comma behind an element, if there is one, and the trivia on both sides of it.
func skipComma(b []byte, end int) (next, comma int) {
	comma = skipTrivia(b, end)
	if b[comma] != ',' {
		return comma, -1
	}
	return skipTrivia(b, comma+1), comma
}

// Depth returns how many objects and arrays are inside each other in text.
func Depth(text []byte) int {
	depth, most := 0, 0
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = skipString(text, i)
			continue
		case '/':
			i = skipComment(text, i)
			continue
		case '{', '[':
			depth++
			most = max(most, depth)
		case '}', ']':
			depth--
		}
		i++
	}
	return most
}

// Members yields the names and the values (sub-slices of b) of the object b, which a strict tokenizer has accepted.
// Where a name stands twice both are yielded, the one that counts last.
func Members(b []byte) iter.Seq2[string, jsontext.Value] {
	return func(yield func(string, jsontext.Value) bool) {
		for _, e := range scanComposite(b, skipTrivia(b, 0)).elements {
			if !yield(nameOf(b, e), jsontext.Value(b[e.value:e.end])) {
				return
			}
		}
	}
}

// Elements yields the elements (sub-slices of b) of the array b, which a strict tokenizer has accepted.
func Elements(b []byte) iter.Seq[jsontext.Value] {
	return func(yield func(jsontext.Value) bool) {
		for _, e := range scanComposite(b, skipTrivia(b, 0)).elements {
			if !yield(jsontext.Value(b[e.value:e.end])) {
				return
			}
		}
	}
}
