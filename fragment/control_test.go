package fragment

import (
	"strings"
	"testing"
)

func TestParseRefusesWhatIsNoUpdate(t *testing.T) {
	const example = `; write an object such as {"id": "P1.M1.T1.S1", "status": "Complete"}`
	const ops = `; write one of merge, create, upsert, remove and patch`
	for _, c := range []struct {
		sentence, src string
		code          Code
		want          string
	}{
		// What stands where an update should.
		{"a number", `5`, NotAnUpdate, `line 1, column 1: 5 is not an update` + example},
		{"a long text", `"` + strings.Repeat("x", 100) + `"`, NotAnUpdate, `line 1, column 1: "` + strings.Repeat("x", 60) + `…" is not an update` + example},
		{"null in an array", `[{"id":1}, null]`, NotAnUpdate, `update 2, line 1, column 12: null is not an update` + example},
		{"an array in an array", "[{\"id\":1},\n[{\"id\":2}]]", NotAnUpdate, `update 2, line 2, column 1: an array is not an update` + example},
		{"the first of several", `[1, {}, {"$x":1}]`, NotAnUpdate, `update 1, line 1, column 2: 1 is not an update` + example},

		// id
		{"no id", `[{"id":1}, {"status":"Complete"}]`, MissingID, `update 2, line 1, column 12: there is no "id"; add the id of the item that the update is for`},
		{"an id elsewhere", `{"item":{"id":1}}`, MissingID, `update 1, line 1, column 1: there is no "id"; add the id of the item that the update is for`},
		{"a null id", `{"id":null}`, MissingID, `update 1, at /id, line 1, column 7: "id" is null; write a string or an integer`},
		{"an empty id", `{"id":""}`, MissingID, `update 1, at /id, line 1, column 7: "id" is an empty string; write a string or an integer`},
		{"a fraction", `{"id": 1.5}`, MissingID, `update 1, at /id, line 1, column 8: "id" is 1.5, not an integer; write a string or an integer`},
		{"a truth", `{"id":true}`, MissingID, `update 1, at /id, line 1, column 7: "id" is true; write a string or an integer`},
		{"an array for an id", `{"id":["P1"]}`, MissingID, `update 1, at /id, line 1, column 7: "id" is an array; write a string or an integer`},
		{"an object for an id", `{"id":{}}`, MissingID, `update 1, at /id, line 1, column 7: "id" is an object; write a string or an integer`},
		{"an absurd number", `{"id":1e999999999999999999999}`, MissingID, `update 1, at /id, line 1, column 7: "id" is 1e999999999999999999999, an integer of more than 309 digits; write a string or an integer`},
		{"half a character", `{"id":"\ud83d"}`, MissingID, `update 1, at /id, line 1, column 7: "id" holds half of a surrogate pair (such as "\ud83d" alone); write a string or an integer`},

		// Members of the update.
		{"a control member mistyped", `{"id":"P1","$Ops":"remove"}`, UnknownControl, `update 1 (P1), at /$Ops, line 1, column 12: unknown control member "$Ops"; did you mean "$op"?`},
		{"a control member of another standard", `{"id":"P1","$ref":"#/x"}`, UnknownControl, `update 1 (P1), at /$ref, line 1, column 12: unknown control member "$ref"; this version knows $op, $parent, $patch, $if, $scope: leave it out, or upgrade sessionsync if a newer program wrote it`},
		{"a control member for the id", `{"$id":"P1"}`, UnknownControl, `update 1, at /$id, line 1, column 2: unknown control member "$id"; did you mean "id"?`},
		{"a dollar", `{"id":"P1","$":1}`, UnknownControl, `update 1 (P1), at /$, line 1, column 12: unknown control member "$"; this version knows $op, $parent, $patch, $if, $scope: leave it out, or upgrade sessionsync if a newer program wrote it`},
		{"a newer format, whatever else is wrong", `{"$op":7,"$if":[],"$v/2~\u001b":1,"$x":2,"id":null}`, UnknownControl, `update 1, at "/$v~12~0\x1b", line 1, column 19: unknown control member "$v/2~\x1b"; this version knows $op, $parent, $patch, $if, $scope: leave it out, or upgrade sessionsync if a newer program wrote it`},
		{"a very long control member", `{"id":"P1","$` + strings.Repeat("o", 100) + `":1}`, UnknownControl, `update 1 (P1), at /$` + strings.Repeat("o", 58) + `…, line 1, column 12: unknown control member "$` + strings.Repeat("o", 59) + `…"; this version knows $op, $parent, $patch, $if, $scope: leave it out, or upgrade sessionsync if a newer program wrote it`},
		{"a name that is no text", `{"id":"P1","a":1,"\udc00":2}`, NotAnUpdate, `update 1 (P1), line 1, column 18: a member's name holds half of a surrogate pair (such as "\ud83d" alone); rename the member`},

		// $op
		{"an operation mistyped", `{"id":"P1","$op":"upset"}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: $op is "upset"; did you mean "upsert"?`},
		{"an operation in capitals", `{"id":"P1","$op":"Remove"}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: $op is "Remove"; did you mean "remove"?`},
		{"an operation of another kind", `{"id":"P1","$op":"increment"}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: $op is "increment"` + ops},
		{"an empty operation", `{"id":"P1","$op":""}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: $op is ""` + ops},
		{"an operation that is null", `{"id":"P1","$op":null}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: $op is null` + ops},
		{"an operation that is an array", `{"id":"P1","$op":["remove"]}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: $op is an array` + ops},

		// $parent
		{"a parent for a merge", `{"id":"P1","$parent":"P0"}`, NotAnUpdate, `update 1 (P1), at /$parent, line 1, column 22: $parent has no meaning with the operation merge; leave it out, or write $op create or upsert`},
		{"a parent for a patch", `{"id":"P1","$op":"patch","$patch":[],"$parent":"P0"}`, NotAnUpdate, `update 1 (P1), at /$parent, line 1, column 48: $parent has no meaning with the operation patch; leave it out, or write $op create or upsert`},
		{"a parent for a removal", `{"$parent":"P0","id":"P1","$op":"remove"}`, NotAnUpdate, `update 1 (P1), at /$parent, line 1, column 12: $parent has no meaning with the operation remove; leave it out, or write $op create or upsert`},
		{"a null parent", `{"id":"P1","$op":"create","$parent":null}`, NotAnUpdate, `update 1 (P1), at /$parent, line 1, column 37: $parent is null; write the id of the item that gets the new child, or leave it out`},
		{"an empty parent", `{"id":"P1","$op":"create","$parent":""}`, NotAnUpdate, `update 1 (P1), at /$parent, line 1, column 37: $parent is an empty string; write the id of the item that gets the new child, or leave it out`},
		{"half a parent", `{"id":"P1","$op":"create","$parent":5.5}`, NotAnUpdate, `update 1 (P1), at /$parent, line 1, column 37: $parent is 5.5, not an integer; write the id of the item that gets the new child, or leave it out`},

		// $scope
		{"a number for a scope", `{"id":"P1","$scope":5}`, NotAnUpdate, `update 1 (P1), at /$scope, line 1, column 21: $scope is 5; write the name of a list, or leave it out`},
		{"an empty scope", `{"id":"P1","$scope":""}`, NotAnUpdate, `update 1 (P1), at /$scope, line 1, column 21: $scope is an empty string; write the name of a list, or leave it out`},
		{"a scope that is no text", `{"id":"P1","$scope":"\udfff"}`, NotAnUpdate, `update 1 (P1), at /$scope, line 1, column 21: $scope holds half of a surrogate pair (such as "\ud83d" alone); write the name of a list, or leave it out`},

		// $if
		{"an array for a condition", `{"id":"P1","$if":[]}`, NotAnUpdate, `update 1 (P1), at /$if, line 1, column 18: $if is an array; write an object such as {"status": "Planned"}`},
		{"a null condition", `{"id":"P1","$if":null}`, NotAnUpdate, `update 1 (P1), at /$if, line 1, column 18: $if is null; write an object such as {"status": "Planned"}`},
		{"a condition on a name that is no text", `{"id":"P1","$if":{"\ud800":1}}`, NotAnUpdate, `update 1 (P1), at /$if, line 1, column 18: a member's name in $if holds half of a surrogate pair (such as "\ud83d" alone); rename the member`},

		// Ordinary members where they would do nothing.
		{"a removal with a member", `{"id":"P1","$op":"remove","sta/tus":1,"b":2}`, NotAnUpdate, `update 1 (P1), at /sta~1tus, line 1, column 37: the operation remove takes no ordinary members; leave them out, or give the change an update of its own`},
		{"a patch with a member", `{"a":1,"id":"P1","$op":"patch","$patch":[]}`, NotAnUpdate, `update 1 (P1), at /a, line 1, column 6: the operation patch takes no ordinary members; leave them out, or give the change an update of its own`},

		// $patch as a member; its operations are in patch_test.go.
		{"a patch without operations", `{"id":"P1","$op":"patch"}`, NotAnUpdate, `update 1 (P1), at /$op, line 1, column 18: the operation patch has no $patch; write an array of operations such as [{"op": "replace", "path": "/status", "value": "Complete"}]`},
		{"a patch that is one operation", `{"id":"P1","$op":"patch","$patch":{"op":"test"}}`, NotAnUpdate, `update 1 (P1), at /$patch, line 1, column 35: $patch is an object; write an array of operations such as [{"op": "replace", "path": "/status", "value": "Complete"}]`},
		{"operations for a merge", `{"id":"P1","$patch":[]}`, NotAnUpdate, `update 1 (P1), at /$patch, line 1, column 21: $patch has no meaning with the operation merge; leave it out, or write $op patch`},
		{"operations for a removal", `{"id":"P1","$patch":[],"$op":"remove"}`, NotAnUpdate, `update 1 (P1), at /$patch, line 1, column 21: $patch has no meaning with the operation remove; leave it out, or write $op patch`},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			e := rejected(t, "a.json", c.src, limits)
			if e.Code != c.code || e.Error() != c.want {
				t.Errorf("%s\n got %s: %v\nwant %s: %v", c.src, e.Code, e, c.code, c.want)
			}
		})
	}
}

func TestParseRefusesALineThatIsNoUpdate(t *testing.T) {
	e := rejected(t, "a.jsonl", "{\"id\":1}\n\n[{\"id\":2}]\n", limits)
	if want := "update 2, line 3, column 1: an array is not an update; put one update on each line, without brackets around them"; e.Code != NotAnUpdate || e.Error() != want {
		t.Errorf("%s: %v", e.Code, e)
	}
	e = rejected(t, "a.ndjson", "{\"id\":1}\n{\"id\":\"two\",\"$op\":\"x\"}\n[", limits)
	if e.Code != Incomplete {
		t.Errorf("the last line may be on its way still: %v", e)
	}
	e = rejected(t, "a.ndjson", "{\"id\":1}\n{\"id\":\"two\",\"$op\":\"x\"}\n[]", limits)
	if e.Update != 2 || e.ID != "two" || e.Pointer != "/$op" || e.Line != 2 || e.Column != 19 {
		t.Errorf("%#v", e)
	}
}
