package document

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// The short way says yes only where the long one does.
func TestWhatIsJudgedAloneIsJudgedAsTheWholeSchemaDoes(t *testing.T) {
	whole := *BuiltinSchema()
	whole.members = nil
	values := map[string][]string{
		"title": {`"t"`, `""`, `5`, `null`, `"` + strings.Repeat("x", 201) + `"`}, "status": {`"Complete"`, `"Done"`, `null`, `1`},
		"story_points": {`0`, `21.5`, `-1`, `"3"`, `null`, `1e2`}, "dependencies": {`[]`, `["P1"]`, `[1]`, `{}`, `null`},
		"description": {`"d"`, `5`, `null`}, "context_scope": {`"c"`, `[]`, `null`}, "type": {`"Phase"`, `"Task"`, `null`, `7`},
		"other": {`1`, `null`, `{"a":[]}`},
	}
	var names []string
	for name := range values {
		names = append(names, name)
	}
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string { return from[random.IntN(len(from))] }
	short, long := 0, 0
	for range 5_000 {
		item := []string{`"id":"P1"`}
		for _, name := range names {
			if value := pick(values[name]); value != "null" && random.IntN(3) > 0 {
				item = append(item, fmt.Sprintf("%q:%s", name, value))
			}
		}
		change := []string{`"id":"P1"`}
		for range 1 + random.IntN(3) {
			name := pick(names)
			if !strings.Contains(strings.Join(change, ","), `"`+name+`":`) {
				change = append(change, fmt.Sprintf("%q:%s", name, pick(values[name])))
			}
		}
		before := `{"backlog":[{` + strings.Join(item, ",") + `}]}`
		us := updates(t, "{"+strings.Join(change, ",")+"}")
		said := func(s *Schema) string {
			d := parsed(t, before, Backlog)
			if _, err := d.Apply(us, Options{Schema: s}); err != nil {
				return err.Error()
			}
			return string(d.Bytes())
		}
		want := said(&whole)
		if got := said(BuiltinSchema()); got != want {
			t.Fatalf("%s with %v\ngot  %s\nwant %s", before, change, got, want)
		}
		if strings.HasPrefix(want, "{") {
			short++
		} else {
			long++
		}
	}
	if short < 1000 || long < 1000 {
		t.Errorf("%d were allowed, %d refused", short, long)
	}
}
