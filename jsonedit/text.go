package jsonedit

import (
	"bytes"
	"cmp"
	"slices"
)

// Text is a JSON value that is being edited. The bytes it was made of are never written to: the first edit copies them.
type Text struct {
	b          []byte
	marks      []int
	fallback   Style
	style      *Style // of b as it was first asked for; nil before
	indent     string // of the line on which the text begins
	identifier string // "" for none
	line       line   // the last one that lineAt was asked for
	work       int
	room       []element // of scan
}

// New begins to edit text, which a strict tokenizer has accepted, as JSON or as JSON with comments and trailing commas.
// Marks are ascending offsets that move along with what they mark; no edit may remove a marked place, RemoveHole apart.
// The fallback is the style where the text shows none of its own, and indent is the indentation of the line on which the
// text begins.
func New(text []byte, marks []int, fallback Style, indent string) *Text {
	return &Text{b: text, marks: marks, fallback: fallback, indent: indent}
}

// Identify names the member by which objects in an array are told apart: two that have an equal one are the same object
// at two times, whatever else changed in it. An array that is replaced keeps the text of those that stay.
func (t *Text) Identify(member string) { t.identifier = member }

// Bytes returns the text as it is now.
func (t *Text) Bytes() []byte { return t.b }

// Marks returns where the marks are now.
func (t *Text) Marks() []int { return t.marks }

// Work returns how many bytes have been walked and copied for the edits and look-ups so far, about.
func (t *Text) Work() int { return t.work }

// scan is scanComposite; the elements are good until it is called again.
func (t *Text) scan(at int) composite {
	c := scanInto(t.room[:0], t.b, at)
	t.room = c.elements
	t.work += c.close - c.open
	return c
}

// end returns where the value at an offset ends.
func (t *Text) end(at int) int {
	end := skipValue(t.b, at)
	t.work += end - at
	return end
}

func (t *Text) styleNow() Style {
	if t.style == nil {
		s := StyleOf(t.b, t.fallback)
		t.style = &s
	}
	return *t.style
}

// edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       []byte
}

// apply carries out edits that do not overlap. What is inserted where another edit begins stands before it.
func (t *Text) apply(edits []edit) {
	if len(edits) == 0 {
		return
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(a.start-b.start, a.end-b.end) })
	size := len(t.b)
	for _, e := range edits {
		size += len(e.text) - (e.end - e.start)
	}
	t.work += size
	b, marks := make([]byte, 0, size), make([]int, 0, len(t.marks)+1)
	from, mark := 0, 0
	for _, e := range edits {
		for ; mark < len(t.marks) && t.marks[mark] < e.start; mark++ {
			marks = append(marks, t.marks[mark]-from+len(b))
		}
		b = append(b, t.b[from:e.start]...)
		b = append(b, e.text...)
		from = e.end
	}
	for ; mark < len(t.marks); mark++ {
		marks = append(marks, t.marks[mark]-from+len(b))
	}
	t.b, t.marks, t.line = append(b, t.b[from:]...), marks, line{}
}

// indentAt returns the indentation of the line on which offset i stands.
func (t *Text) indentAt(i int) string {
	start := t.lineAt(i)
	end := start
	for t.b[end] == ' ' || t.b[end] == '\t' {
		end++
	}
	if start == 0 {
		return t.indent + string(t.b[:end])
	}
	return string(t.b[start:end])
}

// lineAt returns where the line begins on which offset i stands. It looks no further back than to the offset that it was
// asked for before: a text may be one long line.
func (t *Text) lineAt(i int) int {
	l := &t.line
	switch {
	case i < l.start:
		*l = line{bytes.LastIndexByte(t.b[:i], '\n') + 1, i}
	case i > l.end:
		if n := bytes.LastIndexByte(t.b[l.end:i], '\n'); n >= 0 {
			l.start = l.end + n + 1
		}
		l.end = i
	}
	return l.start
}

// line is a line of the text: it begins at start and reaches to end, if not further.
type line struct{ start, end int }
