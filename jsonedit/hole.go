package jsonedit

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Hole is what stands for a value that is kept elsewhere: an empty object, so that the text stays a whole value. A mark
// at its first byte tells it from a real one.
const Hole = "{}"

// AppendHole puts a hole with a mark behind the last element of the array at pointer. It returns which of the marks the
// new one is, and the indentation that the lines of the value for the hole are to have. After an error the text is as it
// was before.
func (t *Text) AppendHole(pointer jsontext.Pointer) (mark int, indent string, err error) {
	p, err := t.resolve(pointer)
	if err != nil {
		return 0, "", err
	}
	if t.b[p.at] != '[' {
		return 0, "", fmt.Errorf("%s is not an array", pointer)
	}
	s := t.slotIn(t.scan(p.at), p.style)
	var ch change
	ch.add(len(s.elements), []byte(Hole), []byte(Hole))
	t.apply(t.restructure(s, ch))
	at := t.scan(p.at).last().value
	mark, _ = slices.BinarySearch(t.marks, at)
	t.marks = slices.Insert(slices.Clone(t.marks), mark, at)
	return mark, s.indent, nil
}

// RemoveHole takes the hole of a mark, and the mark, out of the array at pointer, which must hold it.
func (t *Text) RemoveHole(pointer jsontext.Pointer, mark int) error {
	p, err := t.resolve(pointer)
	if err != nil {
		return err
	}
	s := t.slotIn(t.scan(p.at), p.style)
	at := t.marks[mark]
	t.marks = slices.Delete(slices.Clone(t.marks), mark, mark+1)
	t.apply(t.restructure(s, change{removed: func(i int) bool { return s.elements[i].value == at }}))
	return nil
}

// LastOpen returns the offset of the bracket or brace in text, the beginning of a value or of what follows a hole, that
// is the last one still open at its end. There must be one.
func LastOpen(text []byte) int {
	var open []int
	for i := 0; i < len(text); {
		switch text[i] {
		case '"':
			i = skipString(text, i)
			continue
		case '/':
			i = skipComment(text, i)
			continue
		case '{', '[':
			open = append(open, i)
		case '}', ']':
			open = open[:max(0, len(open)-1)]
		}
		i++
	}
	return open[len(open)-1]
}

// FirstClose returns the offset of the bracket that ends the array in which text, which follows a hole, begins.
func FirstClose(text []byte) int {
	for i := skipTrivia(text, 0); ; {
		switch text[i] {
		case ']':
			return i
		case ',':
			i = skipTrivia(text, i+1)
		default:
			i = skipTrivia(text, skipValue(text, i))
		}
	}
}
