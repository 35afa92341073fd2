package fragment

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// controls are the members of one update that are not ordinary ones; nil where one is absent.
type controls struct {
	id, op, parent, patch, cond, scope *member

	unknown  *member // the first control member that this version does not know
	ordinary *member // the first ordinary member
	broken   *member // the first ordinary member whose name is no text
}

var (
	controlNames = []string{"$op", "$parent", "$patch", "$if", "$scope"}
	opNames      = []string{string(Merge), string(Create), string(Upsert), string(Remove), string(Patch)}
)

// judge fills the update from its members, or says why they are none.
func (p *parser) judge(u *Update, members []member, start int) *Error {
	c := &p.controls
	*c = classify(u, members)
	var idErr error
	if c.id != nil {
		u.IDValue = c.id.value
		u.ID, idErr = CanonicalID(c.id.value)
	}
	switch {
	case c.unknown != nil: // before all else: who knows what it makes of the rest
		return p.rejectUnknown(u, c.unknown)
	case c.id == nil:
		return p.reject(u, MissingID, "", start, `there is no "id"`, "add the id of the item that the update is for")
	case idErr != nil:
		return p.reject(u, MissingID, "/id", c.id.at, `"id" `+idErr.Error(), "write a string or an integer")
	case c.broken != nil:
		return p.reject(u, NotAnUpdate, "", c.broken.nameAt, "a member's name "+errHalfPair.Error(), "rename the member")
	}
	for _, step := range steps {
		if err := step(p, u, c); err != nil {
			return err
		}
	}
	return nil
}

// steps judge one kind of member each. What an operation allows comes after what it is.
var steps = [...]func(*parser, *Update, *controls) *Error{
	(*parser).op, (*parser).parent, (*parser).scope, (*parser).cond, (*parser).patch, (*parser).ordinary,
}

// classify puts the ordinary members into the update and returns the others.
func classify(u *Update, members []member) (c controls) {
	for i := range members {
		m := &members[i]
		switch m.name {
		case "id":
			c.id, u.IDIndex = m, len(u.Members)
		case "$op":
			c.op = m
		case "$parent":
			c.parent = m
		case "$patch":
			c.patch = m
		case "$if":
			c.cond = m
		case "$scope":
			c.scope = m
		default:
			switch {
			case strings.HasPrefix(m.name, "$"):
				if c.unknown == nil {
					c.unknown = m
				}
				continue
			case m.broken && c.broken == nil:
				c.broken = m
			}
			if u.Members == nil {
				c.ordinary = m
				u.Members = make([]Member, 0, len(members)-i)
			}
			u.Members = append(u.Members, Member{m.name, m.value})
		}
	}
	return c
}

func (p *parser) op(u *Update, c *controls) *Error {
	if u.Op = Merge; c.op == nil {
		return nil
	}
	name := ""
	if c.op.value.Kind() == '"' {
		name, _ = unquote(c.op.value)
	}
	switch u.Op = Op(name); u.Op {
	case Merge, Create, Upsert, Remove, Patch:
		return nil
	}
	return p.wrong(u, c.op, "$op is "+describe(c.op.value),
		didYouMean(name, opNames, "write one of merge, create, upsert, remove and patch"))
}

func (p *parser) parent(u *Update, c *controls) *Error {
	if c.parent == nil {
		return nil
	}
	id, err := CanonicalID(c.parent.value)
	switch {
	case err != nil:
		return p.wrong(u, c.parent, "$parent "+err.Error(), "write the id of the item that gets the new child, or leave it out")
	case u.Op != Create && u.Op != Upsert:
		return p.wrong(u, c.parent, fmt.Sprintf("$parent has no meaning with the operation %s", u.Op),
			"leave it out, or write $op create or upsert")
	}
	u.Parent = id
	return nil
}

func (p *parser) scope(u *Update, c *controls) *Error {
	if c.scope == nil {
		return nil
	}
	const remedy = "write the name of a list, or leave it out"
	if c.scope.value.Kind() != '"' {
		return p.wrong(u, c.scope, "$scope is "+describe(c.scope.value), remedy)
	}
	scope, ok := unquote(c.scope.value)
	switch {
	case !ok:
		return p.wrong(u, c.scope, "$scope "+errHalfPair.Error(), remedy)
	case scope == "":
		return p.wrong(u, c.scope, "$scope is an empty string", remedy)
	}
	u.Scope = scope
	return nil
}

func (p *parser) cond(u *Update, c *controls) *Error {
	if c.cond == nil {
		return nil
	}
	if c.cond.value.Kind() != '{' {
		return p.wrong(u, c.cond, "$if is "+describe(c.cond.value), `write an object such as {"status": "Planned"}`)
	}
	u.HasIf = true
	p.inner.open(c.cond.value, c.cond.at, deepest, again)
	_, p.parts, _ = p.inner.object(1, p.parts[:0]) // the outer reader has read it before: there is no error left
	if len(p.parts) > 0 {
		u.If = make([]Member, len(p.parts))
	}
	for i, m := range p.parts {
		if m.broken {
			return p.wrong(u, c.cond, "a member's name in $if "+errHalfPair.Error(), "rename the member")
		}
		u.If[i] = Member{m.name, m.value}
	}
	return nil
}

// ordinary refuses ordinary members where nothing would be done with them.
func (p *parser) ordinary(u *Update, c *controls) *Error {
	if len(u.Members) == 0 || u.Op != Remove && u.Op != Patch {
		return nil
	}
	return p.wrong(u, c.ordinary, fmt.Sprintf("the operation %s takes no ordinary members", u.Op),
		"leave them out, or give the change an update of its own")
}

// wrong rejects an update for the value of one of its members.
func (p *parser) wrong(u *Update, m *member, message, remedy string) *Error {
	return p.reject(u, NotAnUpdate, m.pointer(), m.at, message, remedy)
}

// reject is the error for the update that is being read, at a place in it and in the source.
func (p *parser) reject(u *Update, code Code, pointer string, at int, message, remedy string) *Error {
	e := p.fileError(code, at, message, remedy)
	e.Update, e.ID, e.Pointer = p.count, u.ID, pointer
	return e
}

func (p *parser) rejectUnknown(u *Update, m *member) *Error {
	remedy := `did you mean "id"?`
	if !strings.EqualFold(m.name, "$id") {
		remedy = didYouMean(m.name, controlNames, "this version knows "+strings.Join(controlNames, ", ")+
			": leave it out, or upgrade sessionsync if a newer program wrote it")
	}
	return p.reject(u, UnknownControl, m.pointer(), m.nameAt, "unknown control member "+Quote(m.name), remedy)
}

// notAnUpdate rejects a value that stands where an update should.
func (p *parser) notAnUpdate(v jsontext.Value, at int) *Error {
	message, remedy := describe(v)+" is not an update", anExample
	if p.lines && v.Kind() == '[' {
		remedy = "put one update on each line, without brackets around them"
	}
	return p.reject(new(Update), NotAnUpdate, "", at, message, remedy)
}
