package jsonedit

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// slot is an object or array that is to get new elements: how they have to look there.
type slot struct {
	composite
	t       *Text
	style   Style    // of the values: on one line where the elements share one
	indent  string   // of the lines of an element
	columns *columns // nil until it is asked for
	example *Style   // of the last element, an object or array; nil until it is asked for
}

// slotIn prepares c for new elements; outer is the style of what c stands in.
func (t *Text) slotIn(c composite, outer Style) slot {
	s := slot{composite: c, t: t, style: outer}
	if len(c.elements) == 0 {
		s.indent = t.indentAt(c.open) + outer.Unit
		return s
	}
	s.indent = t.indentAt(c.last().start)
	if bytes.IndexByte(t.b[c.open:c.close], '\n') < 0 {
		s.style = outer.flat()
	}
	return s
}

// source is a value that is to be put into a slot.
type source struct {
	value  []byte
	laid   bool   // it comes from the text itself, and is laid out
	indent string // of the line on which it began there
}

// member lays out a new member.
func (s *slot) member(name string, v source) []byte {
	quoted := Quote(name)
	return s.lay(append(quoted, s.colonBehind(quoted)...), v, s.style, true)
}

// element lays out a new element of an array, after the example of the last one.
func (s *slot) element(v source) []byte {
	style, nested := s.style, true
	if len(s.elements) > 0 && isComposite(v.value[0]) && isComposite(s.t.b[s.last().value]) {
		if s.example == nil {
			example := StyleOf(s.t.b[s.last().value:s.last().end], style)
			s.example = &example
		}
		style, nested = *s.example, false
	}
	return s.lay(nil, v, style, nested)
}

// lay appends a value, laid out for the slot. What comes from the same text keeps its layout and its comments, unless it
// has to be put on one line.
func (s *slot) lay(dst []byte, v source, style Style, nested bool) []byte {
	if v.laid && s.style.Newline != "" {
		return append(dst, reindent(v.value, v.indent, s.indent)...)
	}
	return appendFormat(dst, v.value, 0, style, s.indent, nested)
}

// reindent changes what the lines behind the first one have in common.
func reindent(text []byte, from, to string) []byte {
	return bytes.ReplaceAll(text, []byte("\n"+from), []byte("\n"+to))
}

// colonBehind returns what is to stand between a new name and its value: what stands there in the last member, or as much
// as keeps the values in the column where they all are.
func (s *slot) colonBehind(name []byte) string {
	if len(s.elements) == 0 {
		return s.style.Colon
	}
	if s.columns == nil {
		s.columns = s.columnsOf()
	}
	return s.columns.colon(name)
}

// columns are the widths of an object's names with their colons.
type columns struct {
	example string // the colon of the last member that has a plain one
	width   int    // of name and colon, the same for all members; -1 where their values are in no column
}

func (s *slot) columnsOf() *columns {
	c, seen, lengths := columns{example: s.style.Colon, width: -1}, 0, 0
	for i, e := range slices.Backward(s.elements) {
		colon := s.t.b[e.nameEnd:e.value]
		if !isPlainGap(colon) || bytes.IndexByte(colon, '\n') >= 0 {
			continue
		}
		name := utf8.RuneCount(s.t.b[e.start:e.nameEnd])
		_, _, ownLine := lineStart(s.t.b, e.start)
		if seen++; seen == 1 {
			c.example, c.width, lengths = string(colon), name+len(colon), name
		}
		if c.width != name+len(colon) || i > 0 && !ownLine { // where members share a line there are no columns
			c.width = -1
			return &c
		}
		if lengths != name {
			lengths = -1
		}
	}
	if lengths >= 0 {
		c.width = -1 // names of one length alone align with nothing
	}
	return &c
}

func (c *columns) colon(name []byte) string {
	if c.width < 0 {
		return c.example
	}
	short := withoutPadding(c.example, ":")
	padding := strings.Repeat(" ", max(0, c.width-utf8.RuneCount(name)-len(short)))
	if strings.HasPrefix(c.example, " ") {
		return padding + short
	}
	return short + padding
}

// gapBefore returns what is to stand between a new element and the one before it, the new one being put before element at
// of those that are there (behind the last one: their number). There must be one.
func (s *slot) gapBefore(at int) string {
	n := len(s.elements)
	for i := range n - 1 { // the gap at that place, or else the nearest one towards the end, or else towards the start
		k := max(1, min(at, n-1)) + i
		if k >= n {
			k = n - 1 - i
		}
		if gap := s.t.b[s.elements[k-1].end:s.elements[k].start]; isPlainGap(gap) {
			return string(gap)
		}
	}
	last := s.last().start
	if indent, newline, ok := lineStart(s.t.b, last); ok && bytes.IndexByte(s.t.b[s.open:last], '\n') >= 0 {
		return "," + newline + indent
	}
	return s.style.Comma
}

// emptyGaps lays out what was empty: on its line where its surroundings are on one line too or where lists of scalars
// are, else one element a line.
func (s *slot) emptyGaps(scalars bool) (before, between, after string) {
	object := s.t.b[s.open] == '{'
	if s.style.Newline == "" || scalars && (object && s.style.FlatObjects || !object && s.style.FlatArrays) {
		pad := s.style.pad(s.t.b[s.open])
		return pad, s.style.Comma, pad
	}
	outer := s.style.Newline + s.t.indentAt(s.open)
	return outer + s.style.Unit, "," + outer + s.style.Unit, outer
}
