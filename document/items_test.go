package document

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

func walk(d *Document) string {
	var b strings.Builder
	for i := range d.Items() {
		fmt.Fprintf(&b, "%s%s:%s<%s %s\n", strings.Repeat(" ", i.Depth), i.Scope, i.ID, i.Parent, string(i.Member("status")))
	}
	return b.String()
}

func TestItemsAreWalkedInTheOrderOfTheDocument(t *testing.T) {
	for name, c := range map[string]struct {
		layout     Layout
		text, want string
	}{
		"a backlog": {Backlog,
			`{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1","status":"Failed","tasks":[]}],"status":"Planned"},{"id":"P2"}]}`,
			":P1< \"Planned\"\n :P1.M1<P1 \"Failed\"\n:P2< \n"},
		"scopes and local ids": {Taskmaster,
			`{"a":{"tasks":[{"id":5,"status":"done","subtasks":[{"id":2,"status":7}]}]},"b":{"tasks":[{"id":5}]}}`,
			"a:5< \"done\"\n a:5.2<5 7\nb:5< \n"},
		"comments, escapes and a member that stands twice": {Flat,
			"[ // x\n {\"id\":\"a\", /* \"status\":1, */ \"st\\u0061tus\":2, \"status\": {\"x\":[]}, }, {\"status\":null} ]",
			":a< {\"x\":[]}\n:< null\n"},
		"nothing": {Flat, `[]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := walk(parsed(t, c.text, c.layout)); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

func TestAWalkSeesWhatWasChanged(t *testing.T) {
	d := parsed(t, `{"backlog":[{"id":"P1","status":"Planned","milestones":[{"id":"P1.M1","status":"Planned"}]}]}`, Backlog)
	updates, err := fragment.Parse("x.json", []byte(`[{"id":"P1","status":"Failed"},{"$op":"create","id":"P1.M2","status":"Complete"}]`), fragment.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Apply(updates, Options{}); err != nil {
		t.Fatal(err)
	}
	if got, want := walk(d), ":P1< \"Failed\"\n :P1.M1<P1 \"Planned\"\n :P1.M2<P1 \"Complete\"\n"; got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestAWalkMayEndEarly(t *testing.T) {
	d := parsed(t, `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"},{"id":"P1.M2"}]},{"id":"P2"}]}`, Backlog)
	for most := 1; most <= 4; most++ {
		seen := 0
		for range d.Items() {
			if seen++; seen == most {
				break
			}
		}
		if seen != most {
			t.Errorf("%d items, not %d", seen, most)
		}
	}
}

func TestAMemberThatHoldsChildrenIsShownWithoutThem(t *testing.T) {
	d := parsed(t, `{"backlog":[{"id":"P1","milestones":[ {"id":"P1.M1"} ]}]}`, Backlog)
	for i := range d.Items() {
		if i.Depth == 0 && strings.Contains(string(i.Member("milestones")), "P1.M1") {
			t.Errorf("it holds %s", i.Member("milestones"))
		}
		break
	}
}
