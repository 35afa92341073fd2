package document

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

func updates(tb testing.TB, text string) []fragment.Update {
	tb.Helper()
	us, err := fragment.Parse("x.json", []byte(text), fragment.Limits{})
	if err != nil {
		tb.Fatalf("%v in %.200s", err, text)
	}
	return us
}

func parsed(tb testing.TB, text string, layout Layout) *Document {
	tb.Helper()
	d, err := Parse([]byte(text), layout)
	if err != nil {
		tb.Fatalf("%v in\n%.500s", err, text)
	}
	return d
}

// sound checks the promise of Apply: what it leaves can be parsed again, and has the same items.
func sound(tb testing.TB, d *Document) {
	tb.Helper()
	fresh, err := Parse(d.Bytes(), d.layout)
	if err != nil {
		tb.Fatalf("%v in\n%s", err, d.Bytes())
	}
	if !slices.Equal(fresh.scopes, d.scopes) {
		tb.Fatalf("the scopes are %q, a fresh document has %q", d.scopes, fresh.scopes)
	}
	sameTree(tb, d.root, fresh.root)
	if len(d.items) != len(fresh.items) || d.Len() != fresh.Len() {
		tb.Fatalf("%d items of %d ids, a fresh document has %d of %d, in\n%s", d.Len(), len(d.items), fresh.Len(), len(fresh.items), d.Bytes())
	}
	d.root.descendants(func(n *node) {
		if n.id != "" && !slices.Contains(d.items[key{n.scope, n.id}], n) {
			tb.Fatalf("item %q is not in the index, in\n%s", n.id, d.Bytes())
		}
	})
	if len(d.undo) != 0 {
		tb.Fatal("a transaction is still open")
	}
}

func sameTree(tb testing.TB, n, fresh *node) {
	tb.Helper()
	if n.id != fresh.id || n.scope != fresh.scope || n.list != fresh.list || n.depth != fresh.depth || n.numeric != fresh.numeric || len(n.kids) != len(fresh.kids) {
		tb.Fatalf("item %q of scope %q in %q at depth %d with %d children (number: %v) is freshly %q of %q in %q at %d with %d (%v)",
			n.id, n.scope, n.list, n.depth, len(n.kids), n.numeric, fresh.id, fresh.scope, fresh.list, fresh.depth, len(fresh.kids), fresh.numeric)
	}
	if !bytes.Equal(n.text(), fresh.text()) {
		tb.Fatalf("item %q is\n%s\nand freshly\n%s", n.id, n.text(), fresh.text())
	}
	for i, kid := range n.kids {
		if kid.parent != n {
			tb.Fatalf("item %q hangs below another one than %q", kid.id, n.id)
		}
		sameTree(tb, kid, fresh.kids[i])
	}
}

// applyCase: after is the text or, where nothing is to happen, the code, a colon and the sentence.
type applyCase struct {
	name, before, fragment, after string
}

func testApply(t *testing.T, layout Layout, o Options, cases []applyCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := parsed(t, c.before, layout)
			_, err := d.Apply(updates(t, c.fragment), o)
			sound(t, d)
			got := string(d.Bytes())
			if err != nil {
				if got != c.before {
					t.Errorf("after the error the document is\n%s", got)
				}
				got = said(t, err)
			}
			if got != c.after {
				t.Errorf("before\n%s\nfragment %s\ngot\n%s\nwant\n%s", c.before, c.fragment, got, c.after)
			}
			if changed := string(d.Bytes()) != c.before; changed && !d.Modified() || err != nil && d.Modified() {
				t.Errorf("Modified is %v", d.Modified())
			}
		})
	}
}

// said is an error as a table has it.
func said(tb testing.TB, err error) string {
	tb.Helper()
	var e *fragment.Error
	if !errors.As(err, &e) {
		tb.Fatalf("%T is no *fragment.Error: %v", err, err)
	}
	if e.Update == 0 || e.ID == "" {
		tb.Errorf("the error names no update: %+v", e)
	}
	return string(e.Code) + ": " + e.Error()
}

const session = `{
  "backlog": [
    {
      "type": "Phase",
      "id": "P1",
      "title": "One",
      "status": "Planned",
      "milestones": [
        {
          "type": "Milestone",
          "id": "P1.M1",
          "title": "First",
          "status": "Planned",
          "tasks": [
            {
              "type": "Task",
              "id": "P1.M1.T1",
              "title": "Task",
              "status": "Planned",
              "subtasks": [
                {
                  "type": "Subtask",
                  "id": "P1.M1.T1.S1",
                  "title": "Sub",
                  "status": "Planned",
                  "story_points": 0.50,
                  "dependencies": []
                }
              ]
            }
          ]
        }
      ]
    }
  ]
}
`

// change is session with some of its text replaced.
func change(tb testing.TB, old, new string) string {
	tb.Helper()
	if strings.Count(session, old) != 1 {
		tb.Fatalf("%q stands in the session %d times", old, strings.Count(session, old))
	}
	return strings.Replace(session, old, new, 1)
}

func TestBacklog(t *testing.T) {
	subtask := "                  \"story_points\": 0.50,\n                  \"dependencies\": []\n                }"
	testApply(t, Backlog, Options{Schema: BuiltinSchema()}, []applyCase{
		{"the shortest fragment", session, `{"id":"P1.M1.T1.S1","status":"Complete"}`,
			change(t, "\"title\": \"Sub\",\n                  \"status\": \"Planned\"", "\"title\": \"Sub\",\n                  \"status\": \"Complete\"")},
		{"what is so already changes nothing", session, `{"id":"P1.M1.T1.S1","status":"Planned","story_points":5e-1}`, session},
		{"a phase changes, and nothing below it", session, `{"id":"P1","title":"Uno","context_scope":"x"}`,
			strings.Replace(change(t, `"title": "One"`, `"title": "Uno"`), "      ]\n    }\n  ]\n}\n", "      ],\n      \"context_scope\": \"x\"\n    }\n  ]\n}\n", 1)},
		{"a second subtask looks like the first", session, `{"$op":"create","type":"Subtask","id":"P1.M1.T1.S2","title":"New","status":"Planned","dependencies":["P1.M1.T1.S1"]}`,
			change(t, subtask, subtask+`,
                {
                  "type": "Subtask",
                  "id": "P1.M1.T1.S2",
                  "title": "New",
                  "status": "Planned",
                  "dependencies": [
                    "P1.M1.T1.S1"
                  ]
                }`)},
		{"a phase with all that hangs below it", `{"backlog":[]}`, `{"$op":"create","id":"P1","type":"Phase","title":"x","status":"Planned","milestones":[{"id":"P1.M1","type":"Milestone","title":"y","status":"Planned"}]}`,
			`{"backlog":[{"id":"P1","type":"Phase","title":"x","status":"Planned","milestones":[{"id":"P1.M1","type":"Milestone","title":"y","status":"Planned"}]}]}`},
		{"the parent comes first, the child can follow at once", `{"backlog":[]}`,
			`[{"$op":"create","id":"P1","type":"Phase","title":"x","status":"Planned"},{"$op":"create","id":"P1.M1","type":"Milestone","title":"y","status":"Planned"}]`,
			`{"backlog":[{"id":"P1","type":"Phase","title":"x","status":"Planned","milestones":[{"id":"P1.M1","type":"Milestone","title":"y","status":"Planned"}]}]}`},
		{"the parent is missing", session, `{"$op":"create","id":"P2.M1","type":"Milestone","title":"y","status":"Planned"}`,
			`unknown_id: update 1 (P2.M1): item "P2.M1" has no parent: there is no item "P2"; create the parent first, or correct the id`},
		{"the parent that is named is missing", session, `{"$op":"create","id":"X","$parent":"P9","type":"Milestone","title":"y","status":"Planned"}`,
			`unknown_id: update 1 (X), at /$parent: item "X" has no parent: there is no item "P9"; create the parent first, or name another one with $parent`},
		{"another parent than the id tells", `{"backlog":[{"id":"P1"},{"id":"P2"}]}`, `{"$op":"create","id":"P2.M1","$parent":"P1","type":"Milestone","title":"y","status":"Planned"}`,
			`not_an_update: update 1 (P2.M1), at /$parent: $parent is "P1", but the id "P2.M1" tells of the parent "P2"; leave $parent out: the layout backlog derives it from the id; or correct the id`},
		{"an ancestor for the parent", session, `{"$op":"upsert","id":"P1.M1.T1","$parent":"P1","title":"y"}`,
			`not_an_update: update 1 (P1.M1.T1), at /$parent: $parent is "P1", but the id "P1.M1.T1" tells of the parent "P1.M1"; leave $parent out: the layout backlog derives it from the id; or correct the id`},
		{"upsert names the parent that it has", session, `{"$op":"upsert","id":"P1.M1","$parent":"P1","title":"Erster"}`, change(t, `"First"`, `"Erster"`)},
		{"a subtask has no children", session, `{"$op":"create","id":"P1.M1.T1.S1.X1","type":"Subtask","title":"y","status":"Planned"}`,
			`schema_violation: update 1 (P1.M1.T1.S1.X1): item "P1.M1.T1.S1" can have no children: the layout backlog goes no deeper; choose the id of a child of another item`},
		{"an unknown item", session, `{"id":"P7","status":"Complete"}`,
			`unknown_id: update 1 (P7): there is no item "P7"; check the id, or use "$op": "upsert" to create it`},
		{"an unknown item is to go", session, `{"id":"P7","$op":"remove"}`, `unknown_id: update 1 (P7): there is no item "P7"; check the id`},
		{"an unknown item is to be patched", session, `{"id":"P7","$op":"patch","$patch":[]}`, `unknown_id: update 1 (P7): there is no item "P7"; check the id`},
		{"it exists already", session, `{"id":"P1","$op":"create","title":"x"}`,
			`already_exists: update 1 (P1): item "P1" exists already; use "$op": "merge" to change it, "upsert" to do either`},
		{"upsert of what exists merges", session, `{"id":"P1","$op":"upsert","title":"Uno"}`, change(t, `"title": "One"`, `"title": "Uno"`)},
		{"upsert of what does not exist creates", `{"backlog":[]}`, `{"$op":"upsert","id":"P1","type":"Phase","title":"x","status":"Planned"}`,
			`{"backlog":[{"id":"P1","type":"Phase","title":"x","status":"Planned"}]}`},
		{"a subtask goes, its list stays", session, `{"id":"P1.M1.T1.S1","$op":"remove"}`,
			session[:strings.Index(session, "\n                {\n                  \"type\": \"Subtask\"")] + session[strings.Index(session, "]\n            }"):]},
		{"a milestone goes with all that hangs below it", session, `[{"id":"P1.M1","$op":"remove"},{"id":"P1","title":"Uno"}]`,
			strings.Replace(session[:strings.Index(session, "\n        {\n          \"type\": \"Milestone\"")]+session[strings.Index(session, "]\n    }"):], "One", "Uno", 1)},
		{"what hung below it is gone too", session, `[{"id":"P1.M1","$op":"remove"},{"id":"P1.M1.T1","title":"x"}]`,
			`unknown_id: update 2 (P1.M1.T1): there is no item "P1.M1.T1"; check the id, or use "$op": "upsert" to create it`},
		{"create, change and remove in one fragment", session,
			`[{"$op":"create","type":"Subtask","id":"P1.M1.T1.S2","title":"New","status":"Planned"},{"id":"P1.M1.T1.S2","status":"Complete"},{"id":"P1.M1.T1.S2","$op":"remove"}]`, session},
		{"remove and create again", `{"backlog":[{"id":"P1","type":"Phase","title":"x","status":"Planned"}]}`,
			`[{"id":"P1","$op":"remove"},{"id":"P1","$op":"create","type":"Phase","title":"y","status":"Planned"}]`,
			`{"backlog":[{"id":"P1","type":"Phase","title":"y","status":"Planned"}]}`},
		{"an update with an id and nothing else", session, `{"id":"P1"}`, session},
		{"a scope where there are none", session, `{"id":"P1","$scope":"x","title":"y"}`,
			`unknown_id: update 1 (P1), at /$scope: the layout backlog has no scopes; leave $scope out`},
		{"the id of a created item stands where the update has it", `{"backlog":[]}`, `{"$op":"create","type":"Phase","title":null,"status":"Planned","id":"P1"}`,
			`schema_violation: update 1 (P1): it has no "title"; add "title"`},
	})
}

func TestOutcomeCountsUpdatesAndItems(t *testing.T) {
	d := parsed(t, `{"a":{"tasks":[{"id":1},{"id":2}]},"b":{"tasks":[{"id":1}]}}`, Taskmaster)
	out, err := d.Apply(updates(t, `[{"id":1,"$scope":"a","x":1},{"id":1,"$scope":"b","x":1},{"id":1,"$scope":"a","x":2},{"id":1,"$scope":"a","x":2},{"id":2},{"id":3,"$op":"create","$scope":"b"},{"id":2,"$op":"remove"}]`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	sound(t, d)
	if out.Applied != 5 || out.Unchanged != 2 || !slices.Equal(out.Items, []string{"1", "1", "3", "2"}) {
		t.Errorf("%+v", out)
	}
	out, err = d.Apply(updates(t, `[{"id":1,"$scope":"a","x":3},{"id":9,"x":1}]`), Options{})
	if err == nil || out.Applied != 0 || out.Items != nil {
		t.Errorf("after an error: %+v", out)
	}
}

func TestPreconditions(t *testing.T) {
	before := `{"backlog":[{"id":"P1","status":"Planned","n":1.0,"milestones":[{"id":"P1.M1","x":null}]}]}`
	testApply(t, Backlog, Options{}, []applyCase{
		{"holds", before, `{"id":"P1","$if":{"status":"Planned","n":1,"gone":null},"status":"Complete"}`, strings.Replace(before, "Planned", "Complete", 1)},
		{"does not hold", before, `{"id":"P1","$if":{"status":"Complete"},"status":"Failed"}`,
			`precondition_failed: update 1 (P1), at /$if/status: "status" is "Planned", not "Complete"; read the item again and decide anew`},
		{"is absent and should not be", before, `{"id":"P1","$if":{"a/b":1},"status":"Failed"}`,
			`precondition_failed: update 1 (P1), at /$if/a~1b: "a/b" is absent, not 1; read the item again and decide anew`},
		{"is there and should be absent", before, `{"id":"P1","$if":{"n":null},"status":"Failed"}`,
			`precondition_failed: update 1 (P1), at /$if/n: "n" is 1.0, not absent; read the item again and decide anew`},
		{"null is not absent", before, `{"id":"P1.M1","$if":{"x":null},"y":1}`,
			`precondition_failed: update 1 (P1.M1), at /$if/x: "x" is null, not absent; read the item again and decide anew`},
		{"about the children", before, `{"id":"P1","$if":{"milestones":[{"id":"P1.M1","x":null}]},"n":2}`, strings.Replace(before, "1.0", "2", 1)},
		{"about other children", before, `{"id":"P1","$if":{"milestones":[]},"n":2}`,
			`precondition_failed: update 1 (P1), at /$if/milestones: "milestones" is [{"id":"P1.M1","x":null}], not []; read the item again and decide anew`},
		{"of an item that is not there yet: all is absent", `{"backlog":[]}`, `{"id":"P1","$op":"upsert","$if":{"x":null}}`, `{"backlog":[{"id":"P1"}]}`},
		{"of an item that is not there yet: nothing is", `{"backlog":[]}`, `{"id":"P1","$op":"upsert","$if":{"x":1}}`,
			`precondition_failed: update 1 (P1), at /$if/x: "x" is absent, not 1; read the item again and decide anew`},
		{"guards a removal", before, `{"id":"P1","$op":"remove","$if":{"n":2}}`,
			`precondition_failed: update 1 (P1), at /$if/n: "n" is 1.0, not 2; read the item again and decide anew`},
		{"what an earlier update did counts", before, `[{"id":"P1","n":2},{"id":"P1","$if":{"n":2},"n":3}]`, strings.Replace(before, "1.0", "3", 1)},
		{"a long value is cut between characters", `{"backlog":[{"id":"P1","x":"` + strings.Repeat("ä", 40) + `"}]}`, `{"id":"P1","$if":{"x":1},"y":1}`,
			`precondition_failed: update 1 (P1), at /$if/x: "x" is "` + strings.Repeat("ä", 29) + `…, not 1; read the item again and decide anew`},
	})
}

func TestTaskmaster(t *testing.T) {
	tags := "{\n  \"master\": {\n    \"tasks\": [\n      {\n        \"id\": 5,\n        \"title\": \"five\",\n        \"subtasks\": [\n          {\n            \"id\": 1,\n            \"title\": \"one\"\n          },\n          {\n            \"id\": 2,\n            \"title\": \"two\"\n          }\n        ]\n      }\n    ],\n    \"metadata\": {\n      \"tasks\": [\n        {\n          \"id\": 99\n        }\n      ]\n    }\n  },\n  \"side\": {\n    \"tasks\": []\n  }\n}"
	edited := func(old, new string) string { return strings.Replace(tags, old, new, 1) }
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"a subtask by its parent's id and its own", tags, `{"id":"5.2","title":"zwei"}`, edited(`"two"`, `"zwei"`)},
		{"a task by its number as a string", tags, `{"id":"5","title":"fünf"}`, edited(`"five"`, `"fünf"`)},
		{"a subtask alone is no id", tags, `{"id":2,"title":"x"}`, `unknown_id: update 1 (2): there is no item "2"; check the id, or use "$op": "upsert" to create it`},
		{"what lies in the metadata is no item", tags, `{"id":99,"title":"x"}`, `unknown_id: update 1 (99): there is no item "99"; check the id, or use "$op": "upsert" to create it`},
		{"the next subtask, its id a number like those before", tags, `{"id":"5.3","$op":"create","title":"three"}`,
			edited("\"two\"\n          }", "\"two\"\n          },\n          {\n            \"id\": 3,\n            \"title\": \"three\"\n          }")},
		{"a subtask by its parent and its own id", tags, `{"id":3,"$op":"create","$parent":5,"title":"three"}`,
			edited("\"two\"\n          }", "\"two\"\n          },\n          {\n            \"id\": 3,\n            \"title\": \"three\"\n          }")},
		{"a subtask by its parent and its whole id", tags, `{"id":"5.3","$op":"create","$parent":5,"title":"three"}`,
			edited("\"two\"\n          }", "\"two\"\n          },\n          {\n            \"id\": 3,\n            \"title\": \"three\"\n          }")},
		{"a subtask of another task than its id tells", tags, `{"id":"6.4","$op":"create","$parent":5,"title":"four"}`,
			`not_an_update: update 1 (6.4), at /$parent: $parent is "5", but the id "6.4" tells of the parent "6"; leave $parent out: the layout taskmaster derives it from the id; or correct the id`},
		{"a subtask of a subtask, its id below the task", tags, `{"id":"5.1.1","$op":"create","$parent":5,"title":"deep"}`,
			`not_an_update: update 1 (5.1.1), at /$parent: $parent is "5", but the id "5.1.1" tells of the parent "5.1"; leave $parent out: the layout taskmaster derives it from the id; or correct the id`},
		{"a subtask of a subtask by its parent and its own id", tags, `{"id":1,"$op":"create","$parent":"5.1","title":"deep"}`,
			edited("\"one\"\n          }", "\"one\",\n            \"subtasks\": [\n              {\n                \"id\": 1,\n                \"title\": \"deep\"\n              }\n            ]\n          }")},
		{"a subtask without an id of its own", tags, `{"id":"5.","$op":"create","title":"x"}`,
			`missing_id: update 1 (5.), at /id: the id "5." names no item below "5": nothing stands behind its last dot; write an id such as "5.1"`},
		{"a subtask without an id of its own, its parent named", tags, `{"id":"5.","$op":"upsert","$parent":5}`,
			`missing_id: update 1 (5.), at /id: the id "5." names no item below "5": nothing stands behind its last dot; write an id such as "5.1"`},
		{"a subtask whose own id begins with a dot", tags, `{"id":".3","$op":"create","$parent":5}`,
			`not_an_update: update 1 (.3), at /$parent: $parent is "5", but the id "5..3" tells of the parent "5."; leave $parent out: the layout taskmaster derives it from the id; or correct the id`},
		{"upsert of a subtask by its parent and its own id", tags, `{"id":2,"$op":"upsert","$parent":"5","title":"zwei"}`, edited(`"two"`, `"zwei"`)},
		{"a subtask of a subtask", tags, `{"id":"5.1.1","$op":"create","title":"deep"}`,
			edited("\"one\"\n          }", "\"one\",\n            \"subtasks\": [\n              {\n                \"id\": 1,\n                \"title\": \"deep\"\n              }\n            ]\n          }")},
		{"a task into one of several scopes", tags, `{"id":6,"$op":"create","$scope":"side"}`,
			edited("\"tasks\": []", "\"tasks\": [\n      {\n        \"id\": 6\n      }\n    ]")},
		{"a task into none of several scopes", tags, `{"id":6,"$op":"create"}`,
			`ambiguous_id: update 1 (6): item "6" is in none of the scopes "master", "side"; name with $scope the one that is to get it`},
		{"a scope that is not there", tags, `{"id":5,"$scope":"x","title":"y"}`,
			`unknown_id: update 1 (5), at /$scope: $scope is "x", which the tasks file does not have; it has "master", "side"`},
		{"an item of another scope", tags, `{"id":5,"$scope":"side","title":"y"}`,
			`unknown_id: update 1 (5): there is no item "5"; check the id, or use "$op": "upsert" to create it`},
		{"an id of two scopes", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[{"id":1}]}}`, `{"id":1,"x":1}`,
			`ambiguous_id: update 1 (1): item "1" exists in the scopes "a", "b"; name one of them with $scope`},
		{"an id of two scopes, one of them named", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[{"id":1}]}}`, `{"id":1,"$scope":"b","x":1}`, `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[{"id":1,"x":1}]}}`},
		{"create of an id of another scope, no scope named", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[]}}`, `{"id":1,"$op":"create"}`,
			`already_exists: update 1 (1): item "1" exists already; use "$op": "merge" to change it, "upsert" to do either`},
		{"create of an id of another scope", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[]}}`, `{"id":1,"$op":"create","$scope":"b"}`, `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[{"id":1}]}}`},
		{"create of an id of two scopes, no scope named", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[{"id":1}]}}`, `{"id":1,"$op":"create"}`,
			`ambiguous_id: update 1 (1): item "1" exists in the scopes "a", "b"; name one of them with $scope`},
		{"the one scope need not be named", `{"a":{"tasks":[]}}`, `{"id":1,"$op":"create"}`, `{"a":{"tasks":[{"id":1}]}}`},
		{"a parent in one of several scopes", tags, `{"id":"5.3","$op":"upsert","title":"three"}`,
			edited("\"two\"\n          }", "\"two\"\n          },\n          {\n            \"id\": 3,\n            \"title\": \"three\"\n          }")},
		{"a parent of two scopes", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[{"id":1}]}}`, `{"id":"1.1","$op":"create"}`,
			`ambiguous_id: update 1 (1.1): item "1.1" has no parent: item "1" exists in the scopes "a", "b"; name one of them with $scope`},
		{"the list from before there were tags", `{"tasks":[{"id":1},{"id":"two"}]}`, `[{"id":1,"x":1},{"id":"two","x":2},{"id":"3","$op":"create"}]`, `{"tasks":[{"id":1,"x":1},{"id":"two","x":2},{"id":"3"}]}`},
		{"the list from before there were tags is named master", `{"tasks":[{"id":1}]}`, `{"id":1,"$scope":"master","x":1}`, `{"tasks":[{"id":1,"x":1}]}`},
		{"the list from before there were tags has no other name", `{"tasks":[{"id":1}]}`, `{"id":1,"$scope":"main","x":1}`,
			`unknown_id: update 1 (1), at /$scope: $scope is "main", which the tasks file does not have; it has one list only: leave the scope out, or name it "master"`},
		{"ids of strings: the next one is a string", `{"a":{"tasks":[{"id":"1"}]}}`, `{"id":2,"$op":"create"}`, `{"a":{"tasks":[{"id":"1"},{"id":"2"}]}}`},
		{"a number cannot be written where the id is none", `{"a":{"tasks":[{"id":1}]}}`, `[{"id":"x","$op":"create"},{"id":"01","$op":"create"},{"id":"1e1","$op":"create"},{"id":"-0","$op":"create"}]`,
			`{"a":{"tasks":[{"id":1},{"id":"x"},{"id":"01"},{"id":"1e1"},{"id":"-0"}]}}`},
		{"a subtask's id is a number where its parent's is", `{"a":{"tasks":[{"id":1}]}}`, `{"id":"1.1","$op":"create"}`, `{"a":{"tasks":[{"id":1,"subtasks":[{"id":1}]}]}}`},
		{"a subtask's id is a string where its parent's is", `{"a":{"tasks":[{"id":"1"}]}}`, `{"id":"1.1","$op":"create"}`, `{"a":{"tasks":[{"id":"1","subtasks":[{"id":"1"}]}]}}`},
		{"the child of an item without id cannot be addressed", `{"a":{"tasks":[{"subtasks":[{"id":1}]}]}}`, `{"id":1,"x":1}`,
			`unknown_id: update 1 (1): there is no item "1"; check the id, or use "$op": "upsert" to create it`},
		{"a task whose id looks like a subtask's", `{"a":{"tasks":[{"id":"1.1"},{"id":1,"subtasks":[{"id":1}]}]}}`, `{"id":"1.1","x":1}`,
			`ambiguous_id: update 1 (1.1): the tasks file holds the id "1.1" 2 times; give each item in it an id of its own`},
		{"a subtask that would come to have the address of a task", `{"a":{"tasks":[{"id":"1.1"},{"id":1}]}}`, `{"id":1,"subtasks":[{"id":1}]}`,
			`already_exists: update 1 (1): the id "1.1" would stand twice; give each item an id of its own`},
	})
	testApply(t, Taskmaster, Options{Scope: "side"}, []applyCase{
		{"the configured scope", tags, `{"id":6,"$op":"create"}`, edited("\"tasks\": []", "\"tasks\": [\n      {\n        \"id\": 6\n      }\n    ]")},
		{"the update's scope counts more", tags, `{"id":5,"$scope":"master","title":"x"}`, edited(`"five"`, `"x"`)},
		{"the configured scope is not there", `{"main":{"tasks":[]}}`, `{"id":6,"$op":"create"}`,
			`unknown_id: update 1 (6): the configured scope is "side", which the tasks file does not have; it has "main"`},
	})
	many := `{"x":{"tasks":[]},`
	for i := range 10 {
		many += `"s` + string(rune('0'+i)) + `":{"tasks":[]},`
	}
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"of many scopes the first ones are named", strings.TrimSuffix(many, ",") + "}", `{"id":1,"$scope":"y"}`,
			`unknown_id: update 1 (1), at /$scope: $scope is "y", which the tasks file does not have; it has "x", "s0", "s1", "s2", "s3", "s4", "s5", "s6", and 3 more`},
	})
}

func TestFlat(t *testing.T) {
	testApply(t, Flat, Options{}, []applyCase{
		{"change", "[\n  {\"id\": 1, \"x\": 1},\n  {\"id\": \"b\"}\n]\n", `[{"id":"1","x":2},{"id":"b","x":3}]`, "[\n  {\"id\": 1, \"x\": 2},\n  {\"id\": \"b\", \"x\": 3}\n]\n"},
		{"create", "[\n  {\"id\": 1, \"x\": 1}\n]\n", `{"id":2,"$op":"create","x":[1]}`, "[\n  {\"id\": 1, \"x\": 1},\n  {\"id\": 2, \"x\": [1]}\n]\n"},
		{"create the first", "[]\n", `{"id":2,"$op":"create","x":[1]}`, "[\n  {\n    \"id\": 2,\n    \"x\": [\n      1\n    ]\n  }\n]\n"},
		{"an id with dots is an id", `[{"id":"a.b"}]`, `[{"id":"a.b","x":1},{"id":"a.c","$op":"create"}]`, `[{"id":"a.b","x":1},{"id":"a.c"}]`},
		{"no children", `[{"id":1}]`, `{"id":2,"$op":"create","$parent":1}`,
			`schema_violation: update 1 (2): item "1" can have no children: the layout flat goes no deeper; leave $parent out`},
		{"what is no object stays", `[null,{"id":1},"x",[{"id":2}],{"id":3},7]`, `[{"id":1,"x":1},{"id":3,"$op":"remove"},{"id":4,"$op":"create"}]`, `[null,{"id":1,"x":1},"x",[{"id":2}],7,{"id":4}]`},
		{"an item without id cannot be addressed and stays", `[{"x":1},{"id":2}]`, `[{"id":2,"$op":"remove"}]`, `[{"x":1}]`},
		{"an id that is none cannot be addressed", `[{"id":1.5},{"id":null},{"id":""},{"id":{}},{"id":true},{"id":"\ud83d"}]`, `{"id":"1.5","x":1}`,
			`unknown_id: update 1 (1.5): there is no item "1.5"; check the id, or use "$op": "upsert" to create it`},
		{"an id in another notation", `[{"id":5.0},{"id":1e2}]`, `[{"id":5,"x":1},{"id":"100","x":2}]`, `[{"id":5.0,"x":1},{"id":1e2,"x":2}]`},
		{"the id's name and the id are written with escapes", `[{"\u0069d":"\u0061"}]`, `{"id":"a","x":1}`, `[{"\u0069d":"\u0061","x":1}]`},
		{"an id that stands twice", `[{"id":1},{"id":"1"}]`, `{"id":1,"x":1}`, `ambiguous_id: update 1 (1): the tasks file holds the id "1" 2 times; give each item in it an id of its own`},
		{"create of an id that stands twice", `[{"id":1},{"id":"1"}]`, `{"id":1,"$op":"create"}`,
			`already_exists: update 1 (1): item "1" exists already; use "$op": "merge" to change it, "upsert" to do either`},
		{"upsert of an id that stands twice", `[{"id":1},{"id":"1"}]`, `{"id":1,"$op":"upsert"}`, `ambiguous_id: update 1 (1): the tasks file holds the id "1" 2 times; give each item in it an id of its own`},
		{"of a name that stands twice the last id counts", `[{"id":1,"id":2}]`, `{"id":2,"x":1}`, `[{"id":1,"id":2,"x":1}]`},
		{"the first goes, the last goes, one in the middle goes", "[\n  {\"id\": 1},\n  {\"id\": 2},\n  {\"id\": 3},\n  {\"id\": 4}\n]", `[{"id":1,"$op":"remove"},{"id":4,"$op":"remove"}]`, "[\n  {\"id\": 2},\n  {\"id\": 3}\n]"},
		{"all go", "[\n  {\"id\": 1},\n  {\"id\": 2}\n]", `[{"id":1,"$op":"remove"},{"id":2,"$op":"remove"}]`, "[]"},
		{"objects that begin on the line of the bracket", "[{\n  \"id\": 1\n}, {\n  \"id\": 2\n}]", `[{"id":3,"$op":"create"},{"id":1,"$op":"remove"}]`, "[{\n  \"id\": 2\n}, {\n  \"id\": 3\n}]"},
		{"objects that begin on the line of the bracket, indented", "  [{\n    \"id\": 1\n  }, {\n    \"id\": 2\n  }]", `[{"id":3,"$op":"create","x":[1]}]`, "  [{\n    \"id\": 1\n  }, {\n    \"id\": 2\n  }, {\n    \"id\": 3,\n    \"x\": [\n      1\n    ]\n  }]"},
	})
}

func TestCustomLayouts(t *testing.T) {
	nested := Layout{ID: "key", Items: "epics", Children: []string{"stories", "todos"}}
	testApply(t, nested, Options{}, []applyCase{
		{"the id has another name", `{"epics":[{"key":"a","id":1,"stories":[{"key":"b"}]}]}`, `[{"id":"b","x":1},{"id":"c","$op":"create","$parent":"b","y":2}]`,
			`{"epics":[{"key":"a","id":1,"stories":[{"key":"b","x":1,"todos":[{"key":"c","y":2}]}]}]}`},
		{"the id under its own name is no change", `{"epics":[{"key":"a"}]}`, `{"id":"a","key":"a","x":1}`, `{"epics":[{"key":"a","x":1}]}`},
		{"the id under its own name cannot be changed", `{"epics":[{"key":"a"}]}`, `{"id":"a","key":"b"}`,
			`patch_failed: update 1 (a), at /key: an item's id cannot be changed; leave it as it is, or remove the item and create it anew`},
		{"the id under its own name cannot be removed", `{"epics":[{"key":"a"}]}`, `{"id":"a","key":null}`,
			`patch_failed: update 1 (a), at /key: an item's id cannot be changed; leave it as it is, or remove the item and create it anew`},
		{"a created item names its id twice", `{"epics":[]}`, `{"id":"a","$op":"create","key":"a","x":1}`, `{"epics":[{"key":"a","x":1}]}`},
		{"a created item has two ids", `{"epics":[]}`, `{"id":"a","$op":"create","key":"b","x":1}`,
			`patch_failed: update 1 (a), at /key: an item's id cannot be changed; leave it as it is, or remove the item and create it anew`},
		{"no child where the layout ends", `{"epics":[{"key":"a","stories":[{"key":"b","todos":[{"key":"c"}]}]}]}`, `{"id":"d","$op":"create","$parent":"c"}`,
			`schema_violation: update 1 (d): item "c" can have no children: the configured layout goes no deeper; name another item with $parent`},
		{"the id tells nothing: the parent is free", `{"epics":[{"key":"a"}]}`, `{"id":"x.y","$op":"create","$parent":"a"}`, `{"epics":[{"key":"a","stories":[{"key":"x.y"}]}]}`},
		{"upsert names the parent that it has", `{"epics":[{"key":"a","stories":[{"key":"b"}]}]}`, `{"id":"b","$op":"upsert","$parent":"a","x":1}`, `{"epics":[{"key":"a","stories":[{"key":"b","x":1}]}]}`},
		{"upsert names another parent than it has", `{"epics":[{"key":"a","stories":[{"key":"b"}]},{"key":"c"}]}`, `{"id":"b","$op":"upsert","$parent":"c","x":1}`,
			`already_exists: update 1 (b), at /$parent: item "b" exists already, below "a" and not below "c"; leave $parent out to change it where it is; no update moves an item`},
		{"upsert names a parent for an item at the top", `{"epics":[{"key":"a"},{"key":"c"}]}`, `{"id":"a","$op":"upsert","$parent":"c","x":1}`,
			`already_exists: update 1 (a), at /$parent: item "a" exists already, at the top and not below "c"; leave $parent out to change it where it is; no update moves an item`},
		{"upsert names an unknown parent", `{"epics":[{"key":"a","stories":[{"key":"b"}]}]}`, `{"id":"b","$op":"upsert","$parent":"z","x":1}`,
			`unknown_id: update 1 (b), at /$parent: there is no item "z"; check the id`},
		{"no scopes", `{"epics":[]}`, `{"id":"d","$op":"create","$scope":"x"}`, `unknown_id: update 1 (d), at /$scope: the configured layout has no scopes; leave $scope out`},
	})
	recursive := Layout{ID: "id", Children: []string{"children"}}
	testApply(t, recursive, Options{}, []applyCase{
		{"children of children of children", `[{"id":1,"children":[{"id":2,"children":[{"id":3}]}]}]`, `[{"id":3,"x":1},{"id":4,"$op":"create","$parent":3},{"id":5,"$op":"create","$parent":4}]`,
			`[{"id":1,"children":[{"id":2,"children":[{"id":3,"x":1,"children":[{"id":4,"children":[{"id":5}]}]}]}]}]`},
		{"an id is one in the whole file", `[{"id":1,"children":[{"id":2}]},{"id":3}]`, `{"id":3,"children":[{"id":2}]}`, `already_exists: update 1 (3): the id "2" would stand twice; give each item an id of its own`},
	})
	scopedLists := Layout{ID: "id", Scoped: true}
	testApply(t, scopedLists, Options{}, []applyCase{
		{"a scope is a list itself", `{"a":[{"id":1}],"b":[],"c":{"x":[]}}`, `[{"id":1,"x":1},{"id":2,"$op":"create","$scope":"b"}]`, `{"a":[{"id":1,"x":1}],"b":[{"id":2}],"c":{"x":[]}}`},
	})
	twoLists := Layout{ID: "id", Items: "items", Children: []string{"a", "b"}}
	testApply(t, twoLists, Options{}, []applyCase{
		{"an item with children in two lists", `{"items":[{"id":1,"b":[{"id":2}],"x":0,"a":[{"id":3}]}]}`, `[{"id":4,"$op":"create","$parent":1},{"id":1,"x":1},{"id":2,"y":2},{"id":3,"$op":"remove"}]`,
			`{"items":[{"id":1,"b":[{"id":2,"y":2}],"x":1,"a":[{"id":4}]}]}`},
	})
}

func TestOfTwoListsTheLastOneCounts(t *testing.T) {
	testApply(t, Backlog, Options{}, []applyCase{
		{"of the document", `{"backlog":[{"id":"P1"}],"backlog":[{"id":"P2"}]}`, `{"id":"P1","x":1}`, `unknown_id: update 1 (P1): there is no item "P1"; check the id, or use "$op": "upsert" to create it`},
		{"of the document: what is in the other one stays", `{"backlog":[{"id":"P1"}],"backlog":[{"id":"P2"}]}`, `[{"id":"P1","$op":"create"},{"id":"P2","$op":"remove"}]`, `{"backlog":[{"id":"P1"}],"backlog":[{"id":"P1"}]}`},
		{"of an item", `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"}],"milestones":[]}]}`, `{"id":"P1.M1","$op":"create"}`, `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"}],"milestones":[{"id":"P1.M1"}]}]}`},
		{"of an item, the last one being none", `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"}],"milestones":null}]}`, `{"id":"P1.M1","x":1}`, `unknown_id: update 1 (P1.M1): there is no item "P1.M1"; check the id, or use "$op": "upsert" to create it`},
		{"of an item, with a list of another name between them", `{"backlog":[{"id":"P1","milestones":[{"id":"a"}],"tasks":[{"id":"b"}],"mileston\u0065s":[{"id":"c"}]}]}`, `[{"id":"b","x":1},{"id":"c","x":1},{"id":"P1.M1","$op":"create"}]`,
			`{"backlog":[{"id":"P1","milestones":[{"id":"a"}],"tasks":[{"id":"b","x":1}],"mileston\u0065s":[{"id":"c","x":1},{"id":"P1.M1"}]}]}`},
	})
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"of the scopes", `{"a":{"tasks":[{"id":1}]},"b":{"tasks":[]},"a":{"tasks":[{"id":2}]}}`, `{"id":1,"x":1}`, `unknown_id: update 1 (1): there is no item "1"; check the id, or use "$op": "upsert" to create it`},
		{"of a scope", `{"a":{"tasks":[{"id":1}],"tasks":[{"id":2}]}}`, `{"id":2,"x":1}`, `{"a":{"tasks":[{"id":1}],"tasks":[{"id":2,"x":1}]}}`},
		{"of a scope, the last one being none", `{"a":{"tasks":[{"id":1}],"tasks":7},"b":{"tasks":[{"id":2}]}}`, `[{"id":2,"x":1},{"id":1,"x":1}]`, `unknown_id: update 2 (1): there is no item "1"; check the id, or use "$op": "upsert" to create it`},
		{"a tag of the old list's name", `{"tasks":[{"id":1}],"tasks":{"tasks":[{"id":2}]}}`, `[{"id":2,"x":1}]`, `{"tasks":[{"id":1}],"tasks":{"tasks":[{"id":2,"x":1}]}}`},
	})
}
