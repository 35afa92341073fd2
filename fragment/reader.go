package fragment

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// deepest is how deep jsontext goes by itself, and with it the bound where Limits names none.
const deepest = 10_000

// Lone surrogate escapes have to pass, which jsontext counts as invalid UTF-8: Parse looks at the bytes itself. Within
// a value that was read once, names need not be compared again.
var (
	strict = []jsontext.Options{jsontext.AllowInvalidUTF8(true)}
	again  = []jsontext.Options{jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)}
)

// member is one member of an object and where it stands in the source.
type member struct {
	name       string
	broken     bool // the name holds half of a surrogate pair, so it is not what was written
	value      jsontext.Value
	nameAt, at int // offsets of name and value
}

// pointer names the member within its object.
func (m *member) pointer() string { return string(jsontext.Pointer("").AppendToken(m.name)) }

// tooDeep is the error for the bracket at that offset.
type tooDeep int

func (e tooDeep) Error() string { return "nested too deeply at byte " + strconv.Itoa(int(e)) }

// expected is what stands next in an element of the file, for messages.
type expected string

const (
	anUpdate expected = "an update"
	aName    expected = "a member's name"
	aValue   expected = "a value"
)

// reader reads one piece of the source with jsontext. Its values are slices of the source. Its errors are jsontext's,
// with offsets within the piece, or tooDeep.
type reader struct {
	dec   jsontext.Decoder
	buf   bytes.Buffer
	text  []byte
	base  int // where text begins in the source
	limit int // how deep arrays and objects may nest
	next  expected
}

func (r *reader) open(text []byte, base, limit int, options []jsontext.Options) {
	r.buf = *bytes.NewBuffer(text) // which jsontext reads in place
	r.dec.Reset(&r.buf, options...)
	r.text, r.base, r.limit, r.next = text, base, limit, anUpdate
}

// offset is where the next byte stands in the source.
func (r *reader) offset() int { return r.base + int(r.dec.InputOffset()) }

// value reads the next value, which stands inside of depth arrays and objects.
func (r *reader) value(depth int) (v jsontext.Value, at int, err error) {
	if v, err = r.dec.ReadValue(); err != nil {
		return nil, 0, err
	}
	end := int(r.dec.InputOffset())
	at = end - len(v)
	if i := exceeds(v, r.limit-depth); i >= 0 {
		return nil, 0, tooDeep(r.base + at + i)
	}
	return jsontext.Value(r.text[at:end:end]), r.base + at, nil
}

// object reads the object that comes next, itself at that depth, and appends its members. start is its offset.
func (r *reader) object(depth int, to []member) (start int, members []member, err error) {
	members = to
	if _, err = r.dec.ReadToken(); err != nil {
		return 0, members, err
	}
	start = r.offset() - 1
	if depth > r.limit {
		return start, members, tooDeep(start)
	}
	for r.dec.PeekKind() != '}' {
		r.next = aName
		name, err := r.dec.ReadValue()
		if err != nil {
			return start, members, err
		}
		r.next = aValue
		m := member{nameAt: r.offset() - len(name)}
		m.name, m.broken = known(name)
		if m.value, m.at, err = r.value(depth); err != nil {
			return start, members, err
		}
		members = append(members, m)
	}
	_, err = r.dec.ReadToken()
	r.next = anUpdate
	return start, members, err
}

// known is the text of a name; the names that every fragment holds cost no memory.
func known(name jsontext.Value) (s string, broken bool) {
	switch string(name) {
	case `"id"`:
		return "id", false
	case `"status"`:
		return "status", false
	case `"$op"`:
		return "$op", false
	case `"op"`:
		return "op", false
	case `"path"`:
		return "path", false
	case `"value"`:
		return "value", false
	}
	s, ok := unquote(name)
	return s, !ok
}

// exceeds is where in a text its brackets nest deeper than limit, or -1. What stands before that place must be JSON.
func exceeds(text []byte, limit int) int {
	if len(text) <= limit || bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) <= limit {
		return -1 // nearly always: the counts are far cheaper than the walk
	}
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '[', '{':
			if depth++; depth > limit {
				return i
			}
		case ']', '}':
			depth--
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return -1
}
