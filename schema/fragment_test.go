package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

// Each member, absent or with a value that it may have or may not.
var (
	ids        = []string{"", `"id":"P1"`, `"id":5`, `"id":5.0`, `"id":1e3`, `"id":""`, `"id":1.5`, `"id":null`, `"id":["P1"]`}
	ops        = []string{"", `"$op":"merge"`, `"$op":"create"`, `"$op":"upsert"`, `"$op":"remove"`, `"$op":"patch"`, `"$op":"delete"`, `"$op":5`}
	parents    = []string{"", `"$parent":"P1"`, `"$parent":7`, `"$parent":""`, `"$parent":null`}
	patches    = []string{"", `"$patch":[]`, `"$patch":[{"op":"remove","path":"/a"}]`, `"$patch":{}`, `"$patch":[7]`}
	conditions = []string{"", `"$if":{}`, `"$if":{"$x":1,"id":2}`, `"$if":[]`, `"$if":null`}
	scopes     = []string{"", `"$scope":"main"`, `"$scope":""`, `"$scope":5`}
	others     = []string{"", `"status":null`, `"":1`, `"$iff":{}`, `"a$":1`}
)

func TestTheSchemaAllowsWhatParseTakes(t *testing.T) {
	s := compile(t, "fragment.schema.json")
	n, good := 0, 0
	agree := func(text string) {
		t.Helper()
		_, err := fragment.Parse("x.json", []byte(text), fragment.Limits{})
		says := valid(t, s, text)
		if n++; (err == nil) != (says == nil) {
			t.Errorf("%s: Parse says %v, the schema %v", text, err, says)
		}
		if err == nil {
			good++
		}
	}
	object := func(members ...string) string {
		return "{" + strings.Join(slices.DeleteFunc(members, func(m string) bool { return m == "" }), ",") + "}"
	}
	for _, op := range ops {
		for _, id := range ids {
			agree(object(op, id))
		}
		for _, parent := range parents {
			for _, patch := range patches {
				// The rest does not depend on each other: one at a time.
				for _, rest := range slices.Concat(conditions, scopes[1:], others[1:]) {
					agree(object(ids[1], op, parent, patch, rest))
				}
			}
		}
	}
	if t.Failed() {
		return
	}
	for _, op := range []string{"", `"op":"add"`, `"op":"remove"`, `"op":"replace"`, `"op":"move"`, `"op":"copy"`, `"op":"test"`, `"op":"put"`, `"op":1`} {
		for _, path := range []string{"", `"path":""`, `"path":"/a/-"`, `"path":"a"`, `"path":"/a~"`, `"path":"/a~01"`, `"path":"/~2"`, `"path":1`, `"path":"/a\nb"`} {
			for _, from := range []string{"", `"from":"/b"`, `"from":"b"`, `"from":1`} {
				for _, value := range []string{"", `"value":null`, `"more":1`} {
					agree(`{"id":"P1","$op":"patch","$patch":[` + object(op, path, from, value) + `]}`)
				}
			}
		}
	}
	for _, text := range []string{`[]`, `[{"id":1}]`, `[{"id":1},{"id":""}]`, `[[{"id":1}]]`, `{}`, `null`, `5`, `"x"`, `[{"id":1},null]`} {
		agree(text)
	}
	if n < 3000 || good < 100 {
		t.Errorf("%d fragments were compared, %d of them good", n, good)
	}
}

// Where Parse knows of no other members, the schema names them all.
func TestTheControlMembersAreThoseThatParseNames(t *testing.T) {
	_, err := fragment.Parse("x.json", []byte(`{"id":1,"$zzzzzz":1}`), fragment.Limits{})
	var unknown *fragment.Error
	if !errors.As(err, &unknown) {
		t.Fatal(err)
	}
	_, known, _ := strings.Cut(unknown.Remedy, "this version knows ")
	known, _, found := strings.Cut(known, ":")
	if !found {
		t.Fatalf("Parse says %q", unknown.Remedy)
	}
	s := compile(t, "fragment.schema.json").AnyOf[0].Ref
	for name := range strings.SplitSeq(known, ", ") {
		if s.Properties[name] == nil {
			t.Errorf("fragment.schema.json has no %s: add it to properties and propertyNames, with a description", name)
		}
	}
	if want := len(s.Properties) - 1; strings.Count(known, "$") != want {
		t.Errorf("the schema has %d control members, Parse knows %s", want, known)
	}
}

func TestTheExamplesOfTheFragmentSchemaAreFragments(t *testing.T) {
	s := compile(t, "fragment.schema.json")
	if len(s.Examples) < 2 {
		t.Error(len(s.Examples))
	}
	for _, example := range s.Examples {
		must(t, s.Validate(example))
	}
	must(t, valid(t, s, `{"id":"P1.M1.T1.S1","status":"Complete"}`))
	if err := valid(t, s, `{"id":"P1","$scope":""}`); err == nil || !strings.Contains(fmt.Sprint(err), "$scope") {
		t.Error(err)
	}
}
