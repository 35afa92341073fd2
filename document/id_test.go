package document

import (
	"fmt"
	"testing"
)

// tasks is one task with two subtasks, in the layout in which their ids are local.
const tasks = `{"tasks":[{"id":5,"n":7,"subtasks":[{"id":1,"n":8},{"id":2,"n":9}]},{"id":6}]}`

func TestNoUpdateChangesAnID(t *testing.T) {
	changed := func(place string) string {
		return `patch_failed: update 1 (5)` + place + `; leave it as it is, or remove the item and create it anew`
	}
	id, sub := changed(`, at /id: operation 1 (%): an item's id cannot be changed`), changed(`, at /subtasks/0/id: operation 1 (%): an item's id cannot be changed`)
	in := func(message, operation string) string { return replaceOne(message, "%", operation) }
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"replace of the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/id","value":7}]}`, in(id, `replace "/id"`)},
		{"add over the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"add","path":"/id","value":7}]}`, in(id, `add "/id"`)},
		{"replace of a number by its text", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/id","value":"5"}]}`, in(id, `replace "/id"`)},
		{"remove of the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"remove","path":"/id"}]}`, in(id, `remove "/id"`)},
		{"move of the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/id","path":"/x"}]}`, in(id, `move "/x"`)},
		{"move over the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/n","path":"/id"}]}`, in(id, `move "/id"`)},
		{"copy over the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/n","path":"/id"}]}`, in(id, `copy "/id"`)},
		{"copy of nothing over the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/x","path":"/id"}]}`,
			`patch_failed: update 1 (5), at /id: operation 1 (copy "/id"): from: no member "x"; look at the item as it is now, and correct the patch`},
		{"replace of a subtask's id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/subtasks/0/id","value":7}]}`, in(sub, `replace "/subtasks/0/id"`)},
		{"remove of a subtask's id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"remove","path":"/subtasks/0/id"}]}`, in(sub, `remove "/subtasks/0/id"`)},
		{"move of a subtask's id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/subtasks/0/id","path":"/x"}]}`, in(sub, `move "/x"`)},
		{"move over a subtask's id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/n","path":"/subtasks/0/id"}]}`, in(sub, `move "/subtasks/0/id"`)},
		{"copy over a subtask's id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/subtasks/1/id","path":"/subtasks/0/id"}]}`, in(sub, `copy "/subtasks/0/id"`)},
		{"the id moves away and back", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"move","from":"/id","path":"/x"},{"op":"move","from":"/x","path":"/id"}]}`, tasks},
		{"the id goes and comes again", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"remove","path":"/id"},{"op":"add","path":"/x","value":1},{"op":"add","path":"/id","value":6.0}]}`,
			replaceOne(tasks, `{"id":6}`, `{"x":1,"id":6.0}`)},
		{"the id is another one for a while", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"replace","path":"/id","value":7},{"op":"replace","path":"/id","value":6}]}`, tasks},
		{"the id goes and another one comes", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"remove","path":"/id"},{"op":"add","path":"/x","value":1},{"op":"add","path":"/id","value":7}]}`,
			changed(`, at /id: operation 3 (add "/id"): an item's id cannot be changed`)},
		{"a subtask's id moves away and back", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/subtasks/0/id","path":"/x"},{"op":"move","from":"/x","path":"/subtasks/0/id"}]}`,
			replaceOne(tasks, `{"id":1,"n":8}`, `{"n":8,"id":1}`)},
		{"two subtasks change their ids", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/subtasks/0/id","path":"/x"},{"op":"move","from":"/subtasks/1/id","path":"/subtasks/0/id"},{"op":"move","from":"/x","path":"/subtasks/1/id"}]}`,
			changed(`, at /subtasks/0/id: operation 2 (move "/subtasks/0/id"): an item's id cannot be changed`)},
		{"replace of the whole", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"","value":{"id":7}}]}`, changed(`: an item's id cannot be changed`)},
		{"replace of the whole by one without id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"add","path":"","value":{}}]}`, changed(`: an item's id cannot be changed`)},
		{"replace of the whole by one with the same id as a text", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"add","path":"","value":{"id":"5"}}]}`, changed(`: an item's id cannot be changed`)},
		{"a subtask in place of the whole", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/subtasks/0","path":""}]}`, changed(`: an item's id cannot be changed`)},
		{"replace of the whole by an array", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"","value":[]}]}`,
			`patch_failed: update 1 (5): what remains is no object, as an item must be; remove the item if it is to go`},
		{"replace of the id by what it is, in another notation", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/id","value":5.0}]}`, tasks},
		{"move of the id to itself", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/id","path":"/id"}]}`, tasks},
		{"copy of the id to itself", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/id","path":"/id"}]}`, tasks},
		{"test of the id", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"test","path":"/id","value":5},{"op":"test","path":"/subtasks/1/id","value":2}]}`, tasks},
		{"copy of the id elsewhere", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"copy","from":"/id","path":"/x"}]}`, replaceOne(tasks, `{"id":6}`, `{"id":6,"x":6}`)},
		{"something called id that is none", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"add","path":"/x","value":{"id":1}},{"op":"replace","path":"/x/id","value":2}]}`, replaceOne(tasks, `{"id":6}`, `{"id":6,"x":{"id":2}}`)},
		{"replace of the whole with the same id", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"replace","path":"","value":{"x":1,"id":6}}]}`, replaceOne(tasks, `{"id":6}`, `{"id":6,"x":1}`)},
	})
}

func TestNoUpdateMakesAnIDStandTwice(t *testing.T) {
	twice := func(id string) string {
		return `already_exists: update 1 (5): the id "` + id + `" would stand twice; give each item an id of its own`
	}
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"a merge of a list with an id twice", tasks, `{"id":5,"subtasks":[{"id":1},{"id":"1"}]}`, twice("5.1")},
		{"a patch that adds one", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"add","path":"/subtasks/-","value":{"id":2}}]}`, twice("5.2")},
		{"a copy", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/subtasks/0","path":"/subtasks/-"}]}`, twice("5.1")},
		{"a copy in the same place is none", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/subtasks/0","path":"/subtasks/0"},{"op":"remove","path":"/subtasks/1"}]}`, tasks},
		{"a replacement with the id of another", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/subtasks/0","value":{"id":2}}]}`, twice("5.2")},
		{"a created item with an id twice below it", tasks, `{"id":7,"$op":"create","subtasks":[{"id":1},{"id":1}]}`,
			`already_exists: update 1 (7): the id "7.1" would stand twice; give each item an id of its own`},
		{"two that change places", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/subtasks/0","path":"/subtasks/1"}]}`,
			replaceOne(tasks, `{"id":1,"n":8},{"id":2,"n":9}`, `{"id":2,"n":9},{"id":1,"n":8}`)},
		{"what stands twice already blocks nobody", `{"tasks":[{"id":5,"subtasks":[{"id":1},{"id":1},{"id":2}]}]}`, `{"id":5,"$op":"patch","$patch":[{"op":"add","path":"/subtasks/2/x","value":1}]}`,
			`{"tasks":[{"id":5,"subtasks":[{"id":1},{"id":1},{"id":2,"x":1}]}]}`},
		{"what stands twice already must not stand three times", `{"tasks":[{"id":5,"subtasks":[{"id":1},{"id":1}]}]}`, `{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/subtasks/0","path":"/subtasks/-"}]}`, twice("5.1")},
		{"what stands twice can be mended", `{"tasks":[{"id":5,"subtasks":[{"id":1},{"id":1}]}]}`, `[{"id":5,"$op":"patch","$patch":[{"op":"remove","path":"/subtasks/1"}]},{"id":"5.1","x":1}]`, `{"tasks":[{"id":5,"subtasks":[{"id":1,"x":1}]}]}`},
	})
	testApply(t, Backlog, Options{}, []applyCase{
		{"an id of another branch", `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"}]},{"id":"P2"}]}`, `{"id":"P2","milestones":[{"id":"P1.M1"}]}`,
			`already_exists: update 1 (P2): the id "P1.M1" would stand twice; give each item an id of its own`},
		{"the own id, below", `{"backlog":[{"id":"P1"}]}`, `{"id":"P1","milestones":[{"id":"P1"}]}`,
			`already_exists: update 1 (P1): the id "P1" would stand twice; give each item an id of its own`},
		{"from one branch into the other", `{"backlog":[{"id":"P1","milestones":[{"id":"a"}]},{"id":"P2"}]}`, `[{"id":"P1","milestones":[]},{"id":"P2","milestones":[{"id":"a"}]}]`,
			`{"backlog":[{"id":"P1","milestones":[]},{"id":"P2","milestones":[{"id":"a"}]}]}`},
	})
}

func replaceOne(s, old, new string) string {
	for i := range len(s) - len(old) + 1 {
		if s[i:i+len(old)] == old {
			return s[:i] + new + s[i+len(old):]
		}
	}
	panic("no " + old + " in " + s)
}

func TestPatchesReachTheChildren(t *testing.T) {
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"a member of a subtask", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/subtasks/1/n","value":0}]}`, replaceOne(tasks, `9`, `0`)},
		{"a new subtask that can be addressed at once", tasks, `[{"id":5,"$op":"patch","$patch":[{"op":"add","path":"/subtasks/0","value":{"id":3}}]},{"id":"5.3","x":1}]`,
			replaceOne(tasks, `[{"id":1`, `[{"id":3,"x":1},{"id":1`)},
		{"a subtask goes", tasks, `[{"id":5,"$op":"patch","$patch":[{"op":"remove","path":"/subtasks/0"}]},{"id":"5.2","n":0},{"id":"5.1","$op":"create"}]`,
			`{"tasks":[{"id":5,"n":7,"subtasks":[{"id":2,"n":0},{"id":1}]},{"id":6}]}`},
		{"the list goes", tasks, `[{"id":5,"$op":"patch","$patch":[{"op":"remove","path":"/subtasks"}]},{"id":"5.1","$op":"create","n":1}]`,
			`{"tasks":[{"id":5,"n":7,"subtasks":[{"id":1,"n":1}]},{"id":6}]}`},
		{"the list is copied to where it is none", tasks, `[{"id":5,"$op":"patch","$patch":[{"op":"copy","from":"/subtasks","path":"/old"}]},{"id":"5.1","n":1}]`,
			`{"tasks":[{"id":5,"n":7,"subtasks":[{"id":1,"n":1},{"id":2,"n":9}],"old":[{"id":1,"n":8},{"id":2,"n":9}]},{"id":6}]}`},
		{"the list is moved away and back", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"move","from":"/subtasks","path":"/x"},{"op":"move","from":"/x","path":"/subtasks"}]}`, tasks},
		{"a subtask gets a subtask", tasks, `[{"id":5,"$op":"patch","$patch":[{"op":"add","path":"/subtasks/0/subtasks","value":[{"id":1}]}]},{"id":"5.1.1","x":1}]`,
			replaceOne(tasks, `"n":8`, `"n":8,"subtasks":[{"id":1,"x":1}]`)},
		{"a test of the whole that fails", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"test","path":"","value":{"id":7}}]}`,
			`patch_failed: update 1 (6): operation 1 (test the item): the value is {"id":6}, not {"id":7}; look at the item as it is now, and correct the patch`},
		{"an operation that does not apply", tasks, `{"id":6,"$op":"patch","$patch":[{"op":"add","path":"/a","value":1},{"op":"replace","path":"/b c","value":1}]}`,
			`patch_failed: update 1 (6), at "/b c": operation 2 (replace "/b c"): no member "b c"; look at the item as it is now, and correct the patch`},
		{"an empty patch", tasks, `{"id":6,"$op":"patch","$patch":[]}`, tasks},
	})
	hand := "{\n  \"tasks\": [\n    {\n      \"id\": 1,\n      \"subtasks\": [\n        { \"id\": 1, \"x\":  1.0 }, // one\n        { \"id\": 2, \"x\":  2.0 }, // two\n        { \"id\": 3, \"x\":  3.0 } // three\n      ]\n    }\n  ]\n}"
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"a merge of the list keeps the bytes of those that stay", hand, `{"id":1,"subtasks":[{"id":1,"x":1},{"id":3,"x":4},{"id":4,"x":4}]}`,
			"{\n  \"tasks\": [\n    {\n      \"id\": 1,\n      \"subtasks\": [\n        { \"id\": 1, \"x\":  1.0 }, // one\n        { \"id\": 3, \"x\":  4 }, // three\n        { \"id\": 4, \"x\": 4 }\n      ]\n    }\n  ]\n}"},
		{"a merge of an equal list is no change", hand, `{"id":1,"subtasks":[{"x":1,"id":1},{"id":2,"x":2},{"id":3,"x":3e0}]}`, hand},
		{"a merge of the list in another order", hand, `{"id":1,"subtasks":[{"id":3,"x":3},{"id":1,"x":1},{"id":2,"x":2}]}`,
			"{\n  \"tasks\": [\n    {\n      \"id\": 1,\n      \"subtasks\": [\n        { \"id\": 3, \"x\": 3 },\n        { \"id\": 1, \"x\":  1.0 }, // one\n        { \"id\": 2, \"x\":  2.0 } // two\n      ]\n    }\n  ]\n}"},
	})
}

func TestDuplicatesAreTheIDsThatNoUpdateCanName(t *testing.T) {
	for text, want := range map[string]string{
		tasks: "[]",
		`{"a":{"tasks":[{"id":2},{"id":1,"subtasks":[{"id":1},{"id":1},{"x":1},{"x":2}]},{"id":"2"},{"id":2.0}]},"b":{"tasks":[{"id":1}]}}`: "[{a 2 3} {a 1.1 2}]",
	} {
		d := parsed(t, text, Taskmaster)
		if got := fmt.Sprint(d.Duplicates()); got != want {
			t.Errorf("%s in %s", got, text)
		}
	}
}

func TestNoListOfChildrenBecomesSomethingElse(t *testing.T) {
	refused := func(place, items, now string) string {
		return `schema_violation: update 1 (5), at /subtasks: ` + place + `it holds items (` + items + `) and would become ` + now +
			`, which drops them; write an array of objects; to remove items, leave them out of it, or write null to remove all`
	}
	deep := `{"tasks":[{"id":5,"subtasks":[{"id":1,"subtasks":[{"id":1}]}]}]}`
	without := func(list string) string { return `{"tasks":[{"id":5,"n":7` + list + `},{"id":6}]}` }
	testApply(t, Taskmaster, Options{}, []applyCase{
		{"a text", tasks, `{"id":5,"subtasks":"none"}`, refused("", "2", `"none"`)},
		{"an object", tasks, `{"id":5,"subtasks":{}}`, refused("", "2", `{}`)},
		{"a list of what is no item", tasks, `{"id":5,"subtasks":[1,2]}`, refused("", "2", `[1,2]`)},
		{"a list of what is no item, beside an item", tasks, `{"id":5,"subtasks":[{"id":1},"two"]}`, refused("", "2", `[{},"two"]`)},
		{"by a patch", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/subtasks","value":false}]}`, refused("", "2", `false`)},
		{"further below", deep, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/subtasks/0/subtasks","value":7}]}`, refused(`item "5.1": `, "1", `7`)},
		{"null removes the list", tasks, `{"id":5,"subtasks":null}`, without("")},
		{"null in a patch is no list", tasks, `{"id":5,"$op":"patch","$patch":[{"op":"replace","path":"/subtasks","value":null}]}`, without(`,"subtasks":null`)},
		{"an empty list removes the items", tasks, `{"id":5,"subtasks":[]}`, without(`,"subtasks":[]`)},
		{"a list that held nothing may become anything", `{"tasks":[{"id":5,"subtasks":[]}]}`, `{"id":5,"subtasks":"none"}`, `{"tasks":[{"id":5,"subtasks":"none"}]}`},
		{"what was no item before may stay beside fewer items", `{"tasks":[{"id":5,"subtasks":["x",{"id":1}]}]}`, `{"id":5,"subtasks":["x"]}`, `{"tasks":[{"id":5,"subtasks":["x"]}]}`},
	})
}

func TestCreateMakesTheListWhereThereIsNone(t *testing.T) {
	create := `{"id":"P1.M1","$op":"create","x":[]}`
	lines := func(list string) string {
		return "{\n  \"backlog\": [\n    {\n      \"id\": \"P1\"" + list + "\n    }\n  ]\n}"
	}
	first := lines(",\n      \"milestones\": [\n        {\n          \"id\": \"P1.M1\",\n          \"x\": []\n        }\n      ]")
	testApply(t, Backlog, Options{}, []applyCase{
		{"missing", lines(""), create, first},
		{"empty", lines(",\n      \"milestones\": []"), create, first},
		{"empty, with blanks", lines(",\n      \"milestones\": [ ]"), create, first},
		{"empty, on two lines", lines(",\n      \"milestones\": [\n      ]"), create, first},
		{"null", lines(",\n      \"milestones\": null"), create, first},
		{"empty, with a comment", lines(",\n      \"milestones\": [ // none yet\n      ]"), create, lines(",\n      \"milestones\": [ // none yet\n        {\n          \"id\": \"P1.M1\",\n          \"x\": []\n        }\n      ]")},
		{"missing, on one line", `{ "backlog": [ { "id": "P1" } ] }`, create, `{ "backlog": [ { "id": "P1", "milestones": [ { "id": "P1.M1", "x": [] } ] } ] }`},
		{"something else than a list", `{"backlog":[{"id":"P1","milestones":{}}]}`, create,
			`schema_violation: update 1 (P1.M1), at /milestones: /milestones is not an array; make it one, or remove it`},
		{"a list of what is no item", `{"backlog":[{"id":"P1","milestones":["M1", "M2"]}]}`, create, `{"backlog":[{"id":"P1","milestones":["M1", "M2", {"id":"P1.M1","x":[]}]}]}`},
		{"behind what is no item", `{"backlog":[{"id":"P1","milestones":["M1",{"id":"P1.M2"},null]}]}`, create, `{"backlog":[{"id":"P1","milestones":["M1",{"id":"P1.M2"},null,{"id":"P1.M1","x":[]}]}]}`},
		{"null, and a child of that", `{"backlog":[{"id":"P1","milestones":null}]}`, `[{"id":"P1.M1","$op":"create"},{"id":"P1.M1.T1","$op":"create"}]`, `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1","tasks":[{"id":"P1.M1.T1"}]}]}]}`},
	})
}
