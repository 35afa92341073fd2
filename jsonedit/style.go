package jsonedit

import (
	"bytes"
	"strings"
)

// Style is how a text is laid out, as far as new text has to follow it.
type Style struct {
	Newline     string // "\n" or "\r\n"; "" where everything stands on one line
	Unit        string // one level of indentation
	Colon       string // between a name and its value
	Comma       string // between elements that share a line
	ObjectPad   string // inside the braces of an object that shares a line
	ArrayPad    string // inside the brackets of an array that shares a line
	FlatArrays  bool   // arrays of scalars share a line
	FlatObjects bool   // objects of scalars inside other values share a line
}

// DefaultStyle is the one of JSON.stringify(value, null, 2).
var DefaultStyle = Style{Newline: "\n", Unit: "  ", Colon: ": ", Comma: ", "}

// flat is the style of what shares a line.
func (s Style) flat() Style {
	s.Newline = ""
	return s
}

func (s Style) pad(bracket byte) string {
	if bracket == '{' {
		return s.ObjectPad
	}
	return s.ArrayPad
}

// StyleOf returns the style of the object or array text, taking from fallback what text has no example of. It is a
// guess where a text mixes styles: the first example of a thing counts.
func StyleOf(text []byte, fallback Style) Style {
	open := skipTrivia(text, 0)
	if !isComposite(text[open]) {
		return fallback
	}
	c := scanComposite(text, open)
	if len(c.elements) == 0 {
		return fallback
	}
	s := examples{text: text, style: fallback}
	s.layout(c)
	s.nested(c, exampleDepth)
	return s.style
}

// exampleDepth is how deep examples are looked for: below, a text costs more than it tells.
const exampleDepth = 8

// examples collects what a text shows of its style.
type examples struct {
	text  []byte
	style Style

	colon, comma, objectPad, arrayPad, flatArrays, flatObjects bool // seen
}

// layout looks at how the outermost value is broken into lines.
func (s *examples) layout(c composite) {
	first := c.elements[0].start
	indent, newline, ok := lineStart(s.text, first)
	if !ok || bytes.IndexByte(s.text[c.open:first], '\n') < 0 {
		s.style.Newline = ""
		s.flat(c)
		return
	}
	s.style.Newline = newline
	outer, _, ok := lineStart(s.text, c.close)
	if unit, inside := strings.CutPrefix(indent, outer); ok && inside && unit != "" {
		s.style.Unit = unit
	}
}

// flat takes the separators of a value that stands on one line.
func (s *examples) flat(c composite) {
	first := c.elements[0]
	if pad := s.text[c.open+1 : first.start]; isBlank(pad) {
		if first.nameEnd > 0 && !s.objectPad {
			s.style.ObjectPad, s.objectPad = string(pad), true
		}
		if first.nameEnd == 0 && !s.arrayPad {
			s.style.ArrayPad, s.arrayPad = string(pad), true
		}
	}
	if len(c.elements) > 1 && !s.comma {
		if gap := s.text[first.end:c.elements[1].start]; isPlainGap(gap) && bytes.IndexByte(gap, '\n') < 0 {
			s.style.Comma, s.comma = withoutPadding(string(gap), ","), true
		}
	}
}

// nested looks for the first colon and for the first flat or broken value of scalars.
func (s *examples) nested(c composite, depth int) {
	for _, e := range c.elements {
		if s.flatArrays && s.flatObjects && s.colon {
			return
		}
		if e.nameEnd > 0 && !s.colon {
			s.takeColon(s.text[e.nameEnd:e.value])
		}
		if !isComposite(s.text[e.value]) {
			continue
		}
		inner := scanComposite(s.text, e.value)
		if len(inner.elements) == 0 {
			continue
		}
		oneLine := bytes.IndexByte(s.text[inner.open:inner.close], '\n') < 0
		if oneLine {
			s.flat(inner)
		}
		if holdsScalars(s.text, inner.elements[0].start) {
			s.example(s.text[inner.open], oneLine)
		} else if depth > 0 {
			s.nested(inner, depth-1)
		}
	}
}

func (s *examples) takeColon(colon []byte) {
	if !isPlainGap(colon) || bytes.IndexByte(colon, '\n') >= 0 {
		return
	}
	s.style.Colon, s.colon = withoutPadding(string(colon), ":"), true
	if s.comma {
		return
	}
	s.style.Comma = "," // whoever leaves no space behind a colon leaves none behind a comma
	if bytes.HasSuffix(colon, []byte(" ")) {
		s.style.Comma = ", "
	}
}

// withoutPadding leaves one of several blanks on each side of a separator: more of them align what is in a column.
func withoutPadding(gap, separator string) string {
	before, after, _ := strings.Cut(gap, separator)
	return before[:min(len(before), 1)] + separator + after[:min(len(after), 1)]
}

// example takes from a value of scalars whether it stands on one line.
func (s *examples) example(bracket byte, oneLine bool) {
	if bracket == '{' && !s.flatObjects {
		s.style.FlatObjects, s.flatObjects = oneLine, true
	}
	if bracket == '[' && !s.flatArrays {
		s.style.FlatArrays, s.flatArrays = oneLine, true
	}
}

// isPlainGap reports whether the text between two tokens holds no comment.
func isPlainGap(b []byte) bool { return bytes.IndexByte(b, '/') < 0 }

// isBlank reports whether b is nothing but spaces and tabs.
func isBlank(b []byte) bool { return len(bytes.Trim(b, " \t")) == 0 }

// lineStart returns the indentation of the line that begins with the token at i, and the line break before it. It is
// not ok where something else stands before i on its line, or where the text has no line break before i.
func lineStart(b []byte, i int) (indent, newline string, ok bool) {
	j := i
	for j > 0 && (b[j-1] == ' ' || b[j-1] == '\t') {
		j--
	}
	if j == 0 || b[j-1] != '\n' {
		return "", "", false
	}
	newline = "\n"
	if j > 1 && b[j-2] == '\r' {
		newline = "\r\n"
	}
	return string(b[j:i]), newline, true
}
