package document

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// A schema may say of some members nothing but what stands under "properties": then an item in which only such members
// changed is allowed if each of them is, whatever else is in it. That is known of the built-in schema, whose other rules are
// about an item's id and type and about members that are missing, and takes a tenth of the time.

// independent are the members of the built-in schema that can be judged alone.
var independent = []string{"title", "status", "story_points", "dependencies", "description", "context_scope"}

// allowsChange reports whether all that differs between two texts of an item's own members is known to be allowed. False says
// nothing.
func (s *Schema) allowsChange(before, after []byte) bool {
	if s.members == nil || before == nil {
		return false
	}
	old := map[string]jsontext.Value{}
	for name, value := range jsonedit.Members(before) {
		old[name] = value
	}
	for name, value := range jsonedit.Members(after) {
		was, there := old[name]
		delete(old, name)
		if there && string(was) == string(value) {
			continue
		}
		if !s.allowsMember(name, value) {
			return false
		}
	}
	return len(old) == 0 // nothing went
}

// allowsReplaced is allowsChange where what differs is known.
func (s *Schema) allowsReplaced(members []jsonedit.Replaced) bool {
	if s == nil {
		return true
	}
	return s.members != nil && !slices.ContainsFunc(members, func(m jsonedit.Replaced) bool { return !s.allowsMember(m.Name, m.New) })
}

// allowsMember reports whether a member may have that value, whatever else is in the item.
func (s *Schema) allowsMember(name string, value jsontext.Value) bool {
	if member, known := s.members[name]; known {
		return member.Validate(decode(value)) == nil
	}
	return !s.bound[name]
}

// compileMembers prepares a schema for allowsChange. Members that it says nothing of are free.
func (s *Schema) compileMembers(c *jsonschema.Compiler, location string, independent []string) error {
	s.members, s.bound = map[string]*jsonschema.Schema{}, map[string]bool{"id": true, "type": true}
	for _, name := range independent {
		member, err := c.Compile(location + "#/properties/" + name)
		if err != nil {
			return err
		}
		s.members[name] = member
	}
	return nil
}
