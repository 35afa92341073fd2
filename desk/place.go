package desk

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/rivo/uniseg"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/logging"
	"github.com/sessionsync/sessionsync/recovery"
)

// Place is where in a text something is: a line of it, or the part of the line around it, made printable, and under which
// column of that a caret belongs, from 0.
type Place struct {
	Line, Column int // from 1, of the text itself
	Text         string
	Caret        int
}

// window is how much of a line is shown on each side.
const window = 60

// Locate finds the place in a fragment that a reason speaks of: by line and column, or by the pointer into the update or its
// item. Where that is not in the text (a member that is missing) it is what should hold it, at last the update. False where
// the reason is about the file as a whole.
func Locate(name string, text []byte, r recovery.Reason) (Place, bool) {
	at := -1
	if r.Update > 0 {
		at = within(name, text, r)
	}
	if at < 0 && r.Line > 0 {
		at = offset(text, r.Line, r.Column)
	}
	if at < 0 {
		return Place{}, false
	}
	return placeAt(text, at), true
}

// aboutID are the codes whose fault is the id, where they name no other place.
var aboutID = map[fragment.Code]bool{fragment.UnknownID: true, fragment.AmbiguousID: true, fragment.AlreadyExists: true}

// within resolves a pointer into the update that the reason names; -1 where there is no such update.
func within(name string, text []byte, r recovery.Reason) int {
	start, update, ok := nth(name, text, r.Update)
	if !ok {
		return -1
	}
	pointer := jsontext.Pointer(r.Pointer)
	if pointer == "" && aboutID[fragment.Code(r.Code)] {
		pointer = "/id"
	}
	if at, ok := find(update, pointer); ok {
		return start + at
	}
	if op := operation(update, pointer); op != "" {
		if at, ok := find(update, op); ok {
			return start + at
		}
	}
	for pointer != "" {
		pointer = pointer.Parent()
		if at, ok := find(update, pointer); ok {
			return start + at
		}
	}
	return start
}

// operation is where in an update with a JSON Patch the operation on a place of its item is; "" where there is none.
func operation(update []byte, pointer jsontext.Pointer) jsontext.Pointer {
	var u struct {
		Patch []struct{ Path jsontext.Pointer } `json:"$patch"`
	}
	if json.Unmarshal(update, &u) != nil {
		return ""
	}
	for i, op := range u.Patch {
		if op.Path == pointer {
			index, _ := json.Marshal(i) // of a number: it cannot fail
			return jsontext.Pointer("/$patch").AppendToken(string(index)).AppendToken("path")
		}
	}
	return ""
}

var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// nth finds the n-th update of a fragment, from 1.
func nth(name string, text []byte, n int) (start int, update []byte, ok bool) {
	if strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".ndjson") {
		for line := range bytes.Lines(text) {
			if body := bytes.TrimSpace(line); len(body) > 0 {
				if n--; n == 0 {
					start += bytes.Index(line, body)
					return start, body, true
				}
			}
			start += len(line)
		}
		return 0, nil, false
	}
	root := len(text) - len(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	body := text[root:]
	pointer := jsontext.Pointer("")
	if trimmed := bytes.TrimSpace(body); len(trimmed) > 0 && trimmed[0] == '[' {
		index, _ := json.Marshal(n - 1) // of a number: it cannot fail
		pointer = pointer.AppendToken(string(index))
	} else if n != 1 {
		return 0, nil, false
	}
	at, ok := find(body, pointer)
	if !ok {
		return 0, nil, false
	}
	value, err := jsontext.NewDecoder(bytes.NewReader(body[at:]), lenient...).ReadValue()
	if err != nil {
		value = body[at:]
	}
	return root + at, body[at : at+len(value)], true
}

// find returns where in a JSON text the value at a pointer begins. Of several members of one name it is the first.
func find(text []byte, pointer jsontext.Pointer) (int, bool) {
	decoder := jsontext.NewDecoder(bytes.NewReader(text), lenient...)
	found, at := false, 0
	for {
		from := int(decoder.InputOffset())
		if _, err := decoder.ReadToken(); err != nil {
			return at, found
		}
		if decoder.StackPointer() != pointer {
			if found {
				return at, true
			}
			continue
		}
		again := found
		for at, found = from, true; at < len(text) && strings.IndexByte(" \t\r\n:,", text[at]) >= 0; {
			at++
		}
		if again { // the name came first
			return at, true
		}
	}
}

// offset is the opposite of fragment.Position; -1 where there is no such line.
func offset(text []byte, line, column int) int {
	at := 0
	for n := 1; n < line; n++ {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return -1
		}
		at += i + 1
	}
	rest := text[at:]
	if line == 1 {
		rest = bytes.TrimPrefix(rest, []byte("\xef\xbb\xbf"))
		at = len(text) - len(rest)
	}
	if end := bytes.IndexByte(rest, '\n'); end >= 0 {
		rest = rest[:end]
	}
	for c, i := 1, 0; ; c++ {
		if c >= column || i >= len(rest) {
			return at + i
		}
		_, n := utf8.DecodeRune(rest[i:])
		i += n
	}
}

func placeAt(text []byte, at int) Place {
	var p Place
	p.Line, p.Column = fragment.Position(text, int64(at))
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	if p.Line == 1 {
		start += len(text) - len(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	}
	at = max(at, start)
	end := len(text)
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		end = at + i
	}
	const bytes = utf8.UTFMax * window
	before := []rune(string(text[max(start, at-bytes):at]))
	behind := []rune(strings.TrimRight(string(text[at:min(end, at+bytes)]), "\r"))
	left, right := "", ""
	if len(before) > window || at-bytes > start {
		before, left = before[max(0, len(before)-window):], "…"
	}
	if len(behind) > window {
		behind, right = behind[:window], "…"
	}
	head := left + logging.Printable(string(before))
	p.Text = head + logging.Printable(string(behind)) + right
	p.Caret = uniseg.StringWidth(head)
	return p
}
