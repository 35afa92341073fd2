package fragment

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// Parse reads the fragment of that name: its ending tells lines from a single value, and what is no line format is
// read as .json. The updates share memory with src, which must not change any more. An error is always an *Error, and
// there are no updates then; Incomplete means that src ends inside a value, or holds none, so that a file which is still
// being written is worth another look.
func Parse(name string, src []byte, limits Limits) ([]Update, error) {
	if limits.MaxBytes > 0 && int64(len(src)) > limits.MaxBytes {
		return nil, &Error{
			Code:    TooLarge,
			Message: fmt.Sprintf("the file has %d bytes, more than the limit of %d", len(src), limits.MaxBytes),
			Remedy:  "split it into several files, or raise fragment.max_bytes",
		}
	}
	p := parsers.Get().(*parser)
	p.reset(src, limits, holdsLines(name))
	defer p.release()
	if err := p.parse(); err != nil {
		return nil, err
	}
	return p.updates, nil
}

// parser holds what one Parse needs.
type parser struct {
	src   []byte
	limit int  // how deep arrays and objects may nest
	lines bool // each line of src is a value of its own

	outer    reader   // of the file, or of one line
	inner    reader   // of a $if or a $patch
	members  []member // of the update that is being read
	parts    []member // of an object in it
	controls controls

	updates []Update
	count   int    // elements seen, of which the last is being read
	fault   *Error // what is wrong with the first bad update: told only when the whole file is JSON
	rest    []byte // the lines after this one

	line, counted int // line number at an offset, both of the last update
}

// Most fragments are small, and reading one takes less time than making a parser.
var parsers = sync.Pool{New: func() any { return new(parser) }}

// reset sets field by field: to assign the whole would copy the readers.
func (p *parser) reset(src []byte, limits Limits, lines bool) {
	p.src, p.limit, p.lines = src, deepest, lines
	if limits.MaxDepth > 0 {
		p.limit = min(limits.MaxDepth, deepest)
	}
	p.updates, p.count, p.fault, p.rest = nil, 0, nil, nil
	p.line, p.counted = 1, 0
}

// release keeps the parser for a next file. What it still refers to stays in memory until then or until the pool is
// cleared, so one that read a big file, or has grown, is let go.
func (p *parser) release() {
	if len(p.src) <= 16<<10 && cap(p.members)+cap(p.parts) <= 256 {
		p.updates = nil
		parsers.Put(p)
	}
}

func (p *parser) parse() error {
	text, err := p.skipMark()
	switch {
	case err != nil:
	case p.lines:
		err = p.eachLine(text)
	default:
		err = p.single(text)
	}
	if err == nil {
		err = p.encoded(len(p.src))
	}
	if err == nil {
		err = p.fault
	}
	if err != nil {
		return err
	}
	return nil // a nil *Error would be no nil error
}

// skipMark is the text after a byte order mark, which says UTF-8 or that this is something else.
func (p *parser) skipMark() ([]byte, *Error) {
	switch {
	case bytes.HasPrefix(p.src, bom):
		return p.src[len(bom):], nil
	case len(p.src) > 0 && bytes.HasPrefix(bom, p.src):
		return nil, p.unfinished("the file ends inside its byte order mark")
	case bytes.HasPrefix(p.src, []byte("\xff\xfe")), bytes.HasPrefix(p.src, []byte("\xfe\xff")):
		return nil, p.fileError(InvalidJSON, 0, "the file is UTF-16, not UTF-8", utf8Remedy)
	}
	return p.src, nil
}

const utf8Remedy = "write the file as UTF-8 text (in PowerShell: Set-Content -Encoding utf8, or Out-File -Encoding utf8)"

// single reads a .json file: an update or an array of them, and nothing after it.
func (p *parser) single(text []byte) *Error {
	r := &p.outer
	r.open(text, len(p.src)-len(text), p.limit, strict)
	if kind := r.dec.PeekKind(); kind != '[' {
		if err := p.element(1); err != nil {
			return err
		}
		if kind != '{' {
			p.fault.Update = 0 // it is the file that is none
		}
		return p.trailing()
	}
	_, err := r.dec.ReadToken()
	for err == nil && r.dec.PeekKind() != ']' {
		if err := p.element(2); err != nil {
			return err
		}
	}
	if err == nil {
		_, err = r.dec.ReadToken()
	}
	if err != nil {
		return p.broken(err)
	}
	return p.trailing()
}

// element reads one value that should be an update, at that depth. An update that is no good is remembered; an error
// means that the file is.
func (p *parser) element(depth int) *Error {
	p.count++
	r := &p.outer
	if r.dec.PeekKind() != '{' {
		v, at, err := r.value(depth - 1)
		if err != nil {
			return p.broken(err)
		}
		if p.fault == nil {
			p.fault = p.notAnUpdate(v, at)
		}
		return nil
	}
	start, members, err := r.object(depth, p.members[:0])
	p.members = members
	if err != nil {
		return p.broken(err)
	}
	if p.fault != nil {
		return nil // no more updates will be told, so none is kept
	}
	end := r.offset()
	p.grow(end)
	p.updates = append(p.updates, Update{Raw: jsontext.Value(p.src[start:end:end]), Line: p.lineAt(start)})
	p.fault = p.judge(&p.updates[len(p.updates)-1], members, start)
	return nil
}

// grow makes room for one more update, and for as many as the rest of the file holds if they are like those before. It
// goes in steps, for they may be unlike.
func (p *parser) grow(end int) {
	if n := len(p.updates); n > 0 && n == cap(p.updates) {
		alike := int64(n+1) * int64(len(p.src)-end) / int64(end)
		p.updates = slices.Grow(p.updates, 1+int(min(alike, int64(3*n+16))))
	}
}

// trailing is the error for what follows a value that should be the last one of its file or line.
func (p *parser) trailing() *Error {
	r := &p.outer
	end := int(r.dec.InputOffset())
	at := end + spaces(r.text[end:])
	if at == len(r.text) {
		return nil
	}
	message, remedy := "unexpected "+character(r.text[at:])+" after the end of the value", "remove what follows the value"
	switch c := r.text[at]; {
	case p.lines && (c == '{' || c == '[' || c == ','):
		message, remedy = "a second value on the same line", "put each update on a line of its own, without commas between"
	case c == '{' || c == '[':
		message = "a second value after the first one"
		remedy = "put the updates into an array, or let the file's name end in .jsonl with one update a line"
	case c == ',':
		remedy = "put the updates into an array: [ … ]"
	}
	return p.invalid(r.base+at, message, remedy)
}

// lineAt is Position's line, for offsets that only grow: together they take one pass.
func (p *parser) lineAt(at int) int {
	p.line += bytes.Count(p.src[p.counted:at], []byte("\n"))
	p.counted = at
	return p.line
}

// spaces is how many bytes of white space a text begins with.
func spaces(text []byte) (n int) {
	for n < len(text) && (text[n] == ' ' || text[n] == '\t' || text[n] == '\r' || text[n] == '\n') {
		n++
	}
	return n
}
