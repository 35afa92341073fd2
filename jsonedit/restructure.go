package jsonedit

import (
	"bytes"
	"slices"
	"strings"
)

// change is what is to become of an object or array: which elements go and what comes in.
type change struct {
	removed func(i int) bool // nil: none
	added   []addition       // in ascending order of their places
}

// addition is a new element: before element at of those that are there, behind the last one where at is their number.
type addition struct {
	at     int
	text   []byte
	scalar bool
}

func (ch *change) add(at int, text, value []byte) {
	ch.added = append(ch.added, addition{at, text, !isComposite(value[0])})
}

// restructure plans the edits of a change. It leaves commas, line breaks, indentation and comments as a careful person
// would. Of the comments around a removed element those go that stand behind it on its line, and no others: what a comment
// on another line is about, only its author knows.
func (t *Text) restructure(s slot, ch change) []edit {
	n := len(s.elements)
	removed := ch.removed
	if removed == nil {
		removed = func(int) bool { return false }
	}
	lastKept := n - 1
	for lastKept >= 0 && removed(lastKept) {
		lastKept--
	}
	if lastKept < 0 {
		return t.refill(s, ch.added)
	}
	var edits []edit
	added := ch.added
	for i := 0; i <= lastKept; i++ {
		if removed(i) {
			edits = append(edits, t.cutBefore(s.elements[i])...)
			continue
		}
		if k := until(added, i); k > 0 {
			between, start := s.gapBefore(i), s.elements[i].start
			edits = append(edits, edit{start, start, append(join(added[:k], between), between...)})
			added = added[k:]
		}
	}
	if len(added) > 0 {
		between := s.gapBefore(n)
		edits = append(edits, t.appendAfter(s.composite, lastKept, join(added, between), between)...)
	}
	if lastKept < n-1 {
		edits = append(edits, t.cutTail(s.composite, lastKept, len(added) > 0)...)
	}
	return edits
}

// until returns how many of the additions come to stand before element i.
func until(added []addition, i int) int {
	k := 0
	for k < len(added) && added[k].at <= i {
		k++
	}
	return k
}

// join puts new elements together, set apart by between.
func join(added []addition, between string) []byte {
	texts := make([][]byte, len(added))
	for i, a := range added {
		texts[i] = a.text
	}
	return bytes.Join(texts, []byte(between))
}

// refill plans the edits of a change that keeps none of the elements.
func (t *Text) refill(s slot, added []addition) []edit {
	switch {
	case len(s.elements) == 0 && len(added) == 0:
		return nil
	case len(s.elements) == 0:
		return t.fill(s, added)
	}
	var c cuts
	if len(added) == 0 {
		t.cutFrom(&c, s.composite, 0, s.open+1)
		if left := c.left(t.b, s.open+1, s.close); len(bytes.TrimSpace(left)) == 0 {
			return []edit{{s.open + 1, s.close, nil}}
		}
		return c
	}
	// The new elements take the place of the first one.
	first, g := s.elements[0], t.goes(s.elements[0])
	t.cutFrom(&c, s.composite, 1, g.comma+1)
	text := join(added, s.gapBefore(0))
	if s.trailingComma >= 0 {
		text = append(text, ',')
	}
	if g.comma >= g.end {
		t.cutBack(&c, g.end, g.comma, g.comma+1)
	}
	return append(c, edit{first.start, g.end, text})
}

// fill plans the first elements of what is empty. Comments in it stay before them.
func (t *Text) fill(s slot, added []addition) []edit {
	scalars := true
	for _, a := range added {
		scalars = scalars && a.scalar
	}
	before, between, after := s.emptyGaps(scalars)
	from := s.open + 1
	if inside := t.b[from:s.close]; !isPlainGap(inside) {
		from += len(bytes.TrimRight(inside, " \t\r\n"))
		line := t.lineComment(s.open+1, from)
		switch {
		case line && !strings.Contains(before, "\n"):
			outer := t.lineBreakAt(from) + t.indentAt(s.open)
			before, between, after = outer+t.styleNow().Unit, ","+outer+t.styleNow().Unit, outer
		case before == "":
			before = " "
		}
	}
	return []edit{{from, s.close, []byte(before + string(join(added, between)) + after)}}
}

// gone is what goes with an element: the text from its start to end and, where that does not hold it, the comma.
type gone struct{ end, comma int }

// goes returns what goes with an element. A comma of -1 is none.
func (t *Text) goes(e element) gone {
	g := gone{comma: skipTrivia(t.b, e.end)}
	g.end, _ = t.comments(e.end)
	if t.b[g.comma] != ',' {
		g.comma = -1
		return g
	}
	if skipBlank(t.b, g.end) != g.comma {
		return g
	}
	ownLine := bytes.IndexByte(t.b[g.end:g.comma], '\n') < 0
	g.end = g.comma + 1
	if end, _ := t.comments(g.end); ownLine && t.endsLine(end) {
		g.end = end
	}
	return g
}

// cutBefore plans that an element goes and the one behind it stays.
func (t *Text) cutBefore(e element) []edit {
	g := t.goes(e)
	edits := []edit{{e.start, skipBlank(t.b, g.end), nil}}
	if g.comma >= g.end {
		edits = append(edits, edit{g.comma, skipBlank(t.b, g.comma+1), nil})
	}
	return edits
}

// cuts are pieces of the text that go, from the last one to the first.
type cuts []edit

// cutBack plans that the text from start to end goes, and the white space before it: but for the line break of a line
// comment, the trivia before start beginning at trivia, where something would become part of that comment.
func (t *Text) cutBack(c *cuts, trivia, start, end int) {
	behind, merges := end, false
	if n := len(*c); n > 0 && (*c)[n-1].start == end {
		behind, merges = (*c)[n-1].end, true
	}
	start = len(bytes.TrimRight(t.b[:start], " \t\r\n"))
	if t.lineComment(trivia, start) && !t.endsLine(behind) {
		start += len(t.lineBreakAt(start))
	}
	if merges {
		(*c)[len(*c)-1].start = start
		return
	}
	*c = append(*c, edit{start, end, nil})
}

// cutFrom plans that element k and all behind it go, with their commas. The trivia before element k begin at trivia.
func (t *Text) cutFrom(c *cuts, s composite, k, trivia int) {
	for i := len(s.elements) - 1; i >= k; i-- {
		g, before := t.goes(s.elements[i]), trivia
		if i > k {
			before = skipTrivia(t.b, s.elements[i-1].end) + 1
		}
		if g.comma >= g.end {
			t.cutBack(c, g.end, g.comma, g.comma+1)
		}
		t.cutBack(c, before, s.elements[i].start, g.end)
	}
}

// left returns what of the text between two offsets does not go.
func (c cuts) left(b []byte, from, to int) []byte {
	var left []byte
	for _, cut := range slices.Backward(c) {
		left, from = append(left, b[from:cut.start]...), cut.end
	}
	return append(left, b[from:to]...)
}

// comments returns where the comments that follow i on its line end, i itself where there are none, and whether the last
// of them is a line comment.
func (t *Text) comments(i int) (end int, line bool) {
	end = i
	for j := i; j < len(t.b); {
		switch {
		case t.b[j] == ' ' || t.b[j] == '\t':
			j++
		case t.b[j] == '/':
			comment := skipComment(t.b, j)
			if bytes.IndexByte(t.b[j:comment], '\n') >= 0 {
				return end, line
			}
			line = t.b[j+1] == '/'
			j, end = comment, comment
		default:
			return end, line
		}
	}
	return end, line
}

// endsLine reports whether nothing but white space stands behind i on its line. A carriage return alone ends none.
func (t *Text) endsLine(i int) bool {
	for i < len(t.b) && (t.b[i] == ' ' || t.b[i] == '\t' || t.b[i] == '\r') {
		i++
	}
	return i == len(t.b) || t.b[i] == '\n'
}

// lineComment reports whether the last comment in the trivia between two offsets is a line comment.
func (t *Text) lineComment(from, to int) bool {
	line := false
	for i := skipBlank(t.b, from); i < to; i = skipBlank(t.b, skipComment(t.b, i)) {
		line = t.b[i+1] == '/'
	}
	return line
}

// lineBreakAt returns the line break that follows i, behind a line comment.
func (t *Text) lineBreakAt(i int) string {
	if t.b[i] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// appendAfter plans new text behind element k, the last one that stays.
func (t *Text) appendAfter(c composite, k int, text []byte, between string) []edit {
	e := c.elements[k]
	hasComma := k < len(c.elements)-1 || c.trailingComma >= 0
	comma := e.end // where the comma behind k is, or will be
	from := comma
	if hasComma {
		comma = skipTrivia(t.b, e.end)
		from = comma + 1
	}
	rest, line := t.comments(from)
	lead, space, _ := strings.Cut(between, ",")
	if !hasComma && (rest == from || strings.Contains(lead, "\n")) {
		return []edit{{rest, rest, append([]byte(between), text...)}}
	}
	if line && !strings.Contains(space, "\n") {
		space = t.lineBreakAt(rest) + t.indentAt(e.start)
	}
	text = append([]byte(space), text...)
	if c.trailingComma >= 0 {
		text = append(text, ',')
	}
	edits := []edit{{rest, rest, text}}
	if !hasComma {
		edits = append(edits, edit{comma, comma, []byte(",")})
	}
	return edits
}

// cutTail plans the removal of all elements behind k. The comma behind k stays where something was added after it or
// where the text has a trailing comma anyway.
func (t *Text) cutTail(s composite, k int, added bool) []edit {
	var c cuts
	comma := skipTrivia(t.b, s.elements[k].end)
	trivia := comma + 1
	if added {
		trivia, _ = t.comments(trivia) // the new elements stand behind these
	}
	t.cutFrom(&c, s, k+1, trivia)
	if !added && s.trailingComma < 0 {
		t.cutBack(&c, s.elements[k].end, comma, comma+1)
	}
	return c
}
