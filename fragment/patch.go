package fragment

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var patchNames = []string{"add", "remove", "replace", "move", "copy", "test"}

// patch reads the operations of $patch by the form of RFC 6902. Whether they apply is the document's business.
func (p *parser) patch(u *Update, c *controls) *Error {
	const remedy = `write an array of operations such as [{"op": "replace", "path": "/status", "value": "Complete"}]`
	switch {
	case c.patch == nil && u.Op != Patch:
		return nil
	case c.patch == nil:
		return p.wrong(u, c.op, "the operation patch has no $patch", remedy)
	case u.Op != Patch:
		return p.wrong(u, c.patch, fmt.Sprintf("$patch has no meaning with the operation %s", u.Op),
			"leave it out, or write $op patch")
	case c.patch.value.Kind() != '[':
		return p.wrong(u, c.patch, "$patch is "+describe(c.patch.value), remedy)
	}
	r := &p.inner
	r.open(c.patch.value, c.patch.at, deepest, again)
	_, err := r.dec.ReadToken()
	for err == nil && r.dec.PeekKind() != ']' {
		if r.dec.PeekKind() != '{' {
			v, at, _ := r.value(1)
			return p.badOperation(u, "", at, describe(v)+" is no operation", `write an object with "op" and "path"`)
		}
		var start int
		if start, p.parts, err = r.object(2, p.parts[:0]); err == nil {
			if bad := p.operation(u, p.parts, start); bad != nil {
				return bad
			}
		}
	}
	return nil // the outer reader has read it all before: there is no syntax error left
}

// operation appends one operation of $patch to the update.
func (p *parser) operation(u *Update, parts []member, start int) *Error {
	var op, path, from, value *member
	for i := range parts {
		m := &parts[i]
		switch m.name { // others are ignored, says RFC 6902, section 4
		case "op":
			op = m
		case "path":
			path = m
		case "from":
			from = m
		case "value":
			value = m
		}
	}
	var o Operation
	ok := false
	switch {
	case op == nil:
		return p.badOperation(u, "", start, `it has no "op"`, "add one of "+strings.Join(patchNames, ", "))
	case op.value.Kind() == '"':
		o.Op, ok = patchName(op.value)
	}
	if !ok {
		return p.badOperation(u, "/op", op.at, `"op" is `+describe(op.value),
			didYouMean(o.Op, patchNames, "write one of "+strings.Join(patchNames, ", ")))
	}
	var err *Error
	if o.Path, err = p.pointer(u, "path", path, start); err != nil {
		return err
	}
	switch o.Op {
	case "add", "replace", "test":
		if value == nil {
			return p.badOperation(u, "", start, o.Op+` needs a "value"`, `add it ("value": null is one)`)
		}
		o.Value = value.value
	case "move", "copy":
		if o.From, err = p.pointer(u, "from", from, start); err != nil {
			return err
		}
		if o.Op == "move" && o.From != o.Path && o.From.Contains(o.Path) {
			return p.badOperation(u, "/from", from.at, "a value cannot be moved into itself",
				"move it elsewhere, or copy it")
		}
	}
	u.Patch = append(u.Patch, o)
	return nil
}

// patchName is the operation of that name; the known ones cost no memory.
func patchName(v jsontext.Value) (name string, ok bool) {
	name, _ = unquote(v)
	for _, known := range patchNames {
		if name == known {
			return known, true
		}
	}
	return name, false
}

// pointer reads the "path" or "from" of an operation, an RFC 6901 pointer.
func (p *parser) pointer(u *Update, name string, m *member, start int) (jsontext.Pointer, *Error) {
	if m == nil {
		return "", p.badOperation(u, "", start, `it has no "`+name+`"`, `add it, such as "/status"`)
	}
	bad := func(what, remedy string) (jsontext.Pointer, *Error) {
		return "", p.badOperation(u, "/"+name, m.at, `"`+name+`" `+what, remedy)
	}
	if m.value.Kind() != '"' {
		return bad("is "+describe(m.value), `write a string such as "/status"`)
	}
	s, ok := unquote(m.value)
	pointer := jsontext.Pointer(s)
	switch {
	case !ok:
		return bad(errHalfPair.Error(), "name the member otherwise")
	case s != "" && s[0] != '/':
		return bad("is "+Quote(s)+", which does not begin with /", "write "+Quote("/"+s)+`, or "" for the whole item`)
	case strings.Contains(s, "~") && !pointer.IsValid():
		return bad("is "+Quote(s)+", where a ~ stands alone", "write ~0 for ~ and ~1 for /")
	}
	return pointer, nil
}

// badOperation rejects an update for the operation that is being read.
func (p *parser) badOperation(u *Update, pointer string, at int, message, remedy string) *Error {
	n := len(u.Patch)
	return p.reject(u, PatchFailed, fmt.Sprintf("/$patch/%d%s", n, pointer), at,
		fmt.Sprintf("operation %d of $patch: %s", n+1, message), remedy)
}
