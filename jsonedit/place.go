package jsonedit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// place is a value in the text, by where it begins, and the style of what it stands in.
type place struct {
	at    int
	style Style
}

// resolve finds the value at a pointer.
func (t *Text) resolve(pointer jsontext.Pointer) (place, error) {
	p := place{skipTrivia(t.b, 0), t.styleNow()}
	for token := range pointer.Tokens() {
		_, e, err := t.child(p.at, token)
		if err != nil {
			return place{}, err
		}
		if bytes.IndexByte(t.b[p.at:e.value], '\n') < 0 && bytes.IndexByte(t.b[e.value:skipValue(t.b, p.at)], '\n') < 0 {
			p.style = p.style.flat()
		}
		p.at = e.value
	}
	return p, nil
}

// child finds what a reference token names in the object or array at an offset.
func (t *Text) child(at int, token string) (index int, e element, err error) {
	if err := t.holds(at, token); err != nil {
		return 0, e, err
	}
	i, ok := 0, false
	defer func() { t.work += i - at }()
	if t.b[at] == '{' {
		if index, e, i, ok = find(t.b, at, token); !ok {
			err = fmt.Errorf("no member %q", token)
		}
		return index, e, err
	}
	if index, err = arrayIndex(token); err != nil {
		return 0, e, err
	}
	n := 0
	for i = skipTrivia(t.b, at+1); t.b[i] != ']'; n++ {
		if e = scanElement(t.b, i, false); n == index {
			i = e.end
			return index, e, nil
		}
		i, _ = skipComma(t.b, e.end)
	}
	return 0, e, beyond(index, n)
}

func beyond(index, n int) error {
	return fmt.Errorf("index %d is beyond the end of an array of %d", index, n)
}

// holds reports why there can be nothing inside the value at an offset.
func (t *Text) holds(at int, token string) error {
	if isComposite(t.b[at]) {
		return nil
	}
	return fmt.Errorf("no place for %q: what should hold it is neither an object nor an array", token)
}

// find returns the last member of that name in the object at an offset, the one that every parser takes when a name
// stands twice, and where the object ends.
func find(b []byte, at int, name string) (index int, found element, end int, ok bool) {
	i := skipTrivia(b, at+1)
	for n := 0; b[i] != '}'; n++ {
		e := scanElement(b, i, true)
		if nameIs(b[e.start:e.nameEnd], name) {
			index, found, ok = n, e, true
		}
		i, _ = skipComma(b, e.end)
	}
	return index, found, i, ok
}

// arrayIndex reads an array index as RFC 6901 writes it: digits without leading zeros.
func arrayIndex(token string) (int, error) {
	if token == "-" {
		return 0, errors.New(`"-" names the element behind the last one, which does not exist`)
	}
	i, err := strconv.ParseUint(token, 10, 31)
	if err != nil || len(token) > 1 && token[0] == '0' {
		return 0, fmt.Errorf("%q is not an array index", token)
	}
	return int(i), nil
}
