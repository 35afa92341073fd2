package document

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

func named(t *testing.T, doc *Document, text string) []fragment.Item {
	t.Helper()
	updates, err := fragment.Parse("x.json", []byte(text), fragment.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return doc.Named(updates, Options{})
}

func TestTheDigestOfAnItemIsThatOfItsOwnMembers(t *testing.T) {
	const before = `{"backlog":[{"id":"P1","title":"One","milestones":[{"id":"P1.M1","title":"Em"}]}]}`
	digest := func(text string) string {
		t.Helper()
		doc, err := Parse([]byte(text), Backlog)
		if err != nil {
			t.Fatal(err)
		}
		sum, there := doc.Digest("", "P1")
		if !there {
			t.Fatalf("there is no P1 in %s", text)
		}
		return sum
	}
	same := digest(before)
	for what, c := range map[string]struct {
		text  string
		other bool
	}{
		"another title":         {strings.Replace(before, "One", "Two", 1), true},
		"another member":        {strings.Replace(before, `"title":"One"`, `"title":"One","note":1`, 1), true},
		"its child":             {strings.Replace(before, "Em", "En", 1), false},
		"no child":              {`{"backlog":[{"id":"P1","title":"One","milestones":[]}]}`, false},
		"no list of children":   {`{"backlog":[{"id":"P1","title":"One"}]}`, false},
		"space between members": {`{"backlog":[{ "id": "P1",  "title": "One" }]}`, false},
		"a name for a value":    {`{"backlog":[{"id":"P1","title":"One","titleO":"ne"}]}`, true},
		"an item beside it":     {`{"backlog":[{"id":"P1","title":"One"},{"id":"P2"}]}`, false},
	} {
		if got := digest(c.text); (got != same) != c.other {
			t.Errorf("%s: other is %v", what, got != same)
		}
	}
}

func TestNamedTellsEachItemOnceAsItIs(t *testing.T) {
	doc, err := Parse([]byte(`{"a":{"tasks":[{"id":5,"subtasks":[{"id":2}]}]},"b":{"tasks":[{"id":5},{"id":6},{"id":7},{"id":7}]}}`), Taskmaster)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, item := range named(t, doc, `[{"id":6},{"id":"6","x":1},{"id":5},{"id":5,"$scope":"a"},{"id":"5.2","$scope":"a"},{"id":9,"$scope":"b"},{"id":1,"$scope":"c"},{"id":7}]`) {
		got = append(got, fmt.Sprintf("%s/%s %v", item.Scope, item.ID, item.SHA256 != ""))
	}
	want := "b/6 true, /5 false, a/5 true, a/5.2 true, b/9 false, c/1 false, /7 false"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("%s, want %s", s, want)
	}
}

func TestARejectTellsOfTheItemsAsTheyWereBeforeTheFragment(t *testing.T) {
	doc, err := Parse([]byte(`{"backlog":[{"id":"P1","title":"One"}]}`), Backlog)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := doc.Digest("", "P1")
	updates, err := fragment.Parse("x.json", []byte(`[{"id":"P1","title":"Two"},{"id":"P9","title":"x"}]`), fragment.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = doc.Apply(updates, Options{})
	reject, ok := err.(*fragment.Error)
	if !ok || len(reject.Items) != 2 || reject.Items[0].SHA256 != before || reject.Items[1] != (fragment.Item{ID: "P9"}) {
		t.Errorf("%+v", err)
	}
}

func TestNamedIsBounded(t *testing.T) {
	doc, err := Parse([]byte(`[]`), Flat)
	if err != nil {
		t.Fatal(err)
	}
	var many []string
	for i := range 2 * mostNamed {
		many = append(many, fmt.Sprintf(`{"id":"n%d"}`, i))
	}
	if got := named(t, doc, "["+strings.Join(many, ",")+"]"); len(got) != mostNamed {
		t.Errorf("%d", len(got))
	}
}

func TestOwnYieldsTheMembersWithoutTheChildren(t *testing.T) {
	doc, err := Parse([]byte(`{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"}],"title":"One"},{"id":"P2"},{"id":"P2"}]}`), Backlog)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, value := range doc.Own("", "P1") {
		got = append(got, name+"="+string(value))
	}
	if s := strings.Join(got, " "); s != `id="P1" title="One"` {
		t.Error(s)
	}
	for range doc.Own("", "P1") {
		break // which is heard
	}
	for name := range doc.Own("", "P2") {
		t.Errorf("of an id that stands twice: %s", name)
	}
	if _, there := doc.Digest("", "P9"); there {
		t.Error("a digest of nothing")
	}
}
