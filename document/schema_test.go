package document

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// item is an item of the built-in schema with some members in place of others.
func item(members string) string { return `{"backlog":[{` + members + `}]}` }

func TestBuiltinSchemaJudgesWhatAnUpdateSets(t *testing.T) {
	before := `{"backlog":[{"id":"P1","type":"Phase","title":"x","status":"Planned","milestones":[{"id":"P1.M1","type":"Milestone","title":"y","status":"Planned"}]}]}`
	says := func(sentence string) string { return "schema_violation: update 1 (P1), at /" + sentence }
	set := func(member string) string { return replaceOne(before, `"status":"Planned","mile`, member+`,"mile`) }
	var cases []applyCase
	for _, status := range []string{"Planned", "Researching", "Implementing", "Retrying", "Complete", "Failed", "Obsolete"} {
		cases = append(cases, applyCase{"status " + status, before, `{"id":"P1","status":"` + status + `"}`, set(`"status":"` + status + `"`)})
	}
	added := func(member string) string {
		return replaceOne(before, `]}]}`, `],`+member+`}]}`)
	}
	cases = append(cases, []applyCase{
		{"another status", before, `{"id":"P1","status":"Done"}`, says("status: value must be one of 'Planned', 'Researching', 'Implementing', 'Retrying', 'Complete', 'Failed', 'Obsolete'")},
		{"a status that is a number", before, `{"id":"P1","status":1}`, says("status: value must be one of 'Planned', 'Researching', 'Implementing', 'Retrying', 'Complete', 'Failed', 'Obsolete'")},
		{"no status", before, `{"id":"P1","status":null}`, `schema_violation: update 1 (P1): it has no "status"; add "status"`},
		{"no type and no title", before, `{"id":"P1","type":null,"title":null}`, `schema_violation: update 1 (P1): it has no "type" (and 1 more); add "type"`},
		{"a type that does not match the id", before, `{"id":"P1","type":"Task"}`, says("type: value must be 'Phase'")},
		{"a type of its own", before, `{"id":"P1","type":"Epic"}`, says("type: value must be one of 'Phase', 'Milestone', 'Task', 'Subtask' (and 1 more)")},
		{"an empty title", before, `{"id":"P1","title":""}`, says("title: it is empty; write some text")},
		{"a title of 200 characters", before, `{"id":"P1","title":"` + strings.Repeat("ä", 200) + `"}`, replaceOne(before, `"title":"x"`, `"title":"`+strings.Repeat("ä", 200)+`"`)},
		{"a title of 201 characters", before, `{"id":"P1","title":"` + strings.Repeat("ä", 201) + `"}`, says("title: it has 201 characters, the most is 200; shorten it")},
		{"a title that is none", before, `{"id":"P1","title":["x"]}`, says("title: it is an array and must be a string")},
		{"fractions of story points", before, `{"id":"P1","story_points":0.50}`, added(`"story_points":0.50`)},
		{"21 story points", before, `{"id":"P1","story_points":2.1e1}`, added(`"story_points":2.1e1`)},
		{"too many story points", before, `{"id":"P1","story_points":21.5}`, says("story_points: it is 21.5, the most is 21")},
		{"far too many story points", before, `{"id":"P1","story_points":1e999999999}`, says("story_points: it is 1e999999999, the most is 21")},
		{"a little too many story points", before, `{"id":"P1","story_points":21.0000000000000000000001}`, says("story_points: it is 21.0000000000000000000001, the most is 21")},
		{"too many story points at length", before, `{"id":"P1","story_points":21.` + strings.Repeat("0", 100) + `1}`, says("story_points: it is 21." + strings.Repeat("0", 57) + "…, the most is 21")},
		{"hardly any story points", before, `{"id":"P1","story_points":1e-999999999}`, added(`"story_points":1e-999999999`)},
		{"no story points at all", before, `{"id":"P1","story_points":0e999999999999}`, added(`"story_points":0e999999999999`)},
		{"negative story points", before, `{"id":"P1","story_points":-1}`, says("story_points: it is -1, the least is 0")},
		{"story points in words", before, `{"id":"P1","story_points":"three"}`, says("story_points: it is a string and must be a number")},
		{"dependencies", before, `{"id":"P1","dependencies":["P2","anything"]}`, added(`"dependencies":["P2","anything"]`)},
		{"a dependency on a number", before, `{"id":"P1","dependencies":["P2",3]}`, says("dependencies/1: it is a number and must be a string")},
		{"a dependency alone", before, `{"id":"P1","dependencies":"P2"}`, says("dependencies: it is a string and must be an array")},
		{"a description that is none", before, `{"id":"P1","description":false}`, says("description: it is a boolean and must be a string")},
		{"a context that is none", before, `{"id":"P1","context_scope":{}}`, says("context_scope: it is an object and must be a string")},
		{"other members are free", before, `{"id":"P1","x":{"y":[null,true,"\ud83d\ude00"]}}`, added(`"x":{"y":[null,true,"\ud83d\ude00"]}`)},
		{"by a patch", before, `{"id":"P1","$op":"patch","$patch":[{"op":"replace","path":"/status","value":"Done"}]}`,
			says("status: value must be one of 'Planned', 'Researching', 'Implementing', 'Retrying', 'Complete', 'Failed', 'Obsolete'")},
		{"a patch that is wrong in between and right at the end", before, `{"id":"P1","$op":"patch","$patch":[{"op":"replace","path":"/status","value":"Done"},{"op":"replace","path":"/status","value":"Failed"}]}`, set(`"status":"Failed"`)},
		{"of a child, through the parent", before, `{"id":"P1","$op":"patch","$patch":[{"op":"replace","path":"/milestones/0/status","value":"Done"}]}`,
			says(`status: item "P1.M1": value must be one of 'Planned', 'Researching', 'Implementing', 'Retrying', 'Complete', 'Failed', 'Obsolete'`)},
		{"of a new child, through the parent", before, `{"id":"P1","milestones":[{"id":"P1.M2","type":"Milestone","title":"z"}]}`, `schema_violation: update 1 (P1): item "P1.M2": it has no "status"; add "status"`},
		{"a child without id, through the parent", before, `{"id":"P1","milestones":[{"type":"Milestone","title":"z","status":"Planned"}]}`, `schema_violation: update 1 (P1): it has no "id"; add "id"`},
		{"a second item with an id of no kind", before, `{"id":"x","$op":"create","type":"Task","title":"z","status":"Planned"}`, `schema_violation: update 1 (x), at /id: "x" does not match the pattern ^P[0-9]+(\.M[0-9]+(\.T[0-9]+(\.S[0-9]+)?)?)?$; write P1, P1.M1, P1.M1.T1 or P1.M1.T1.S1, with numbers of your own`},
		{"a milestone whose type is a subtask's", before, `{"id":"P1.M2","$op":"create","type":"Subtask","title":"z","status":"Planned"}`, `schema_violation: update 1 (P1.M2), at /type: value must be 'Milestone'`},
		{"a created item as a whole", before, `{"id":"P1.M2","$op":"create","type":"Milestone","title":"z","status":"Planned","tasks":[{"id":"P1.M2.T1","type":"Task","title":""}]}`,
			`schema_violation: update 1 (P1.M2): item "P1.M2.T1": it has no "status" (and 1 more); add "status"`},
	}...)
	testApply(t, Backlog, Options{Schema: BuiltinSchema()}, cases)
}

func TestWhatWasWrongAlreadyBlocksNobody(t *testing.T) {
	wrong := item(`"id":"P1","status":"Done","story_points":99,"dependencies":[1,2]`)
	says := func(sentence string) string { return "schema_violation: update 1 (P1)" + sentence }
	testApply(t, Backlog, Options{Schema: BuiltinSchema()}, []applyCase{
		{"another member is set", wrong, `{"id":"P1","description":"x"}`, item(`"id":"P1","status":"Done","story_points":99,"dependencies":[1,2],"description":"x"`)},
		{"one of the members that are missing is set", wrong, `{"id":"P1","title":"x"}`, item(`"id":"P1","status":"Done","story_points":99,"dependencies":[1,2],"title":"x"`)},
		{"a wrong member is mended", wrong, `{"id":"P1","status":"Planned"}`, item(`"id":"P1","status":"Planned","story_points":99,"dependencies":[1,2]`)},
		{"a wrong member is removed", wrong, `{"id":"P1","story_points":null}`, item(`"id":"P1","status":"Done","dependencies":[1,2]`)},
		{"a wrong member is set to another wrong value", wrong, `{"id":"P1","story_points":98}`, says(", at /story_points: it is 98, the most is 21")},
		{"a wrong member is set to what it is", wrong, `{"id":"P1","story_points":99.0}`, wrong},
		{"a list loses one of its wrong elements", wrong, `{"id":"P1","dependencies":[2]}`, says(", at /dependencies/0: it is a number and must be a string")},
		{"a member that is there and required goes", wrong, `{"id":"P1","status":null}`, says(`: it has no "status"; add "status"`)},
		{"something right becomes wrong", wrong, `{"id":"P1","description":1}`, says(", at /description: it is a number and must be a string")},
		{"a child that is wrong, when its parent's list is touched", `{"backlog":[{"id":"P1","milestones":[{"id":"M","status":"Done"},{"status":7},{"id":"N"}]}]}`,
			`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/milestones/2/x","value":1}]}`,
			`{"backlog":[{"id":"P1","milestones":[{"id":"M","status":"Done"},{"status":7},{"id":"N","x":1}]}]}`},
		{"a child that is wrong moves to another place", `{"backlog":[{"id":"P1","milestones":[{"id":"M","status":"Done"},{"status":7}]}]}`,
			`{"id":"P1","$op":"patch","$patch":[{"op":"move","from":"/milestones/1","path":"/milestones/0"}]}`,
			`{"backlog":[{"id":"P1","milestones":[{"status":7},{"id":"M","status":"Done"}]}]}`},
		{"what has no id is known by its place", `{"backlog":[{"id":"P1","milestones":[{"status":7},{"id":"M"}]}]}`,
			`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/milestones/0/x","value":1}]}`,
			`{"backlog":[{"id":"P1","milestones":[{"status":7,"x":1},{"id":"M"}]}]}`},
		{"a wrong item can be removed", wrong, `{"id":"P1","$op":"remove"}`, `{"backlog":[]}`},
	})
}

// schemaFile writes files and compiles the first one.
func schemaFile(t *testing.T, files ...string) (*Schema, string, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "a b#c%20d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for i, text := range files {
		if err := os.WriteFile(filepath.Join(dir, []string{"item.json", "other.json"}[i]), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "item.json")
	s, err := CompileSchema(path)
	return s, path, err
}

func TestASchemaOfOnesOwn(t *testing.T) {
	s, _, err := schemaFile(t,
		"\ufeff"+`{"type":"object","properties":{"size":{"$ref":"other.json#/$defs/size"},"kids":{"maxItems":0}},"additionalProperties":false,"patternProperties":{"^(id|key|x)":true},
		"dependentRequired":{"size":["x1","x2"]},"maxProperties":5,"not":{"required":["xBad"]},
		"allOf":[{"properties":{"x1":{"anyOf":[{"type":"string"},{"type":"null"}]},"x2":{"oneOf":[{"minimum":1},{"maximum":2}]},"x3":false,"x4":{"contains":{"const":1}},"x5":{"propertyNames":{"maxLength":2}},"x6":{"multipleOf":0.1},
		"x7":{"properties":{"a":{"type":"string"}},"required":["b"],"maxProperties":2},"x8":{"type":["null","integer","array"]},"x9":{"exclusiveMinimum":0,"exclusiveMaximum":1,"pattern":"^\\d$","minLength":1}}}]}`,
		`{"$defs":{"size":{"enum":["S","M","L"]}}}`)
	if err != nil {
		t.Fatal(err)
	}
	layout := Layout{ID: "id", Children: []string{"kids"}}
	says := func(sentence string) string { return "schema_violation: update 1 (1)" + sentence }
	testApply(t, layout, Options{Schema: s}, []applyCase{
		{"a rule of another file holds", `[{"id":1,"size":"S"}]`, `{"id":1,"size":"XL"}`, says(", at /size: value must be one of 'S', 'M', 'L'")},
		{"a rule of another file allows", `[{"id":1,"size":"S"}]`, `{"id":1,"size":"M"}`, `[{"id":1,"size":"M"}]`},
		{"a member that is not foreseen", `[{"id":1}]`, `{"id":1,"y":1}`, says(`: the schema knows no member "y"; leave it out`)},
		{"a member that is not foreseen, beside one that was there", `[{"id":1,"z":1}]`, `{"id":1,"y":1}`, says(`: the schema knows no member "y"; leave it out`)},
		{"a member that was not foreseen blocks nobody", `[{"id":1,"z":1}]`, `{"id":1,"x":1}`, `[{"id":1,"z":1,"x":1}]`},
		{"a member that another one requires", `[{"id":1}]`, `{"id":1,"size":"S","x1":null,"x2":2.5}`, says(`: it has no "x1"; add "x1"`)},
		{"children are judged by themselves, the list counts as empty", `[{"id":1}]`, `{"id":1,"kids":[{"id":2,"x":1}]}`, `[{"id":1,"kids":[{"id":2,"x":1}]}]`},
		{"too many members", `[{"id":1,"x":1,"xa":1,"xb":1,"xc":1}]`, `{"id":1,"xd":1}`, says(": maxProperties: got 6, want 5")},
		{"too many members, one less and one more", `[{"id":1,"x":1,"xa":1,"xb":1,"xc":1,"xd":1}]`, `{"id":1,"xd":null,"xe":1}`, `[{"id":1,"x":1,"xa":1,"xb":1,"xc":1,"xe":1}]`},
		{"what is ruled out", `[{"id":1}]`, `{"id":1,"xBad":1}`, says(": it is what the schema rules out")},
		{"none of the alternatives", `[{"id":1}]`, `{"id":1,"x1":[]}`, says(", at /x1: it fits none of the schema's alternatives, or too many of them")},
		{"too many of the alternatives", `[{"id":1}]`, `{"id":1,"x2":1}`, says(", at /x2: it fits none of the schema's alternatives, or too many of them")},
		{"nothing is allowed", `[{"id":1}]`, `{"id":1,"x3":1}`, says(", at /x3: the schema allows nothing here; leave it out")},
		{"a list without what it must hold", `[{"id":1}]`, `{"id":1,"x4":[2]}`, says(", at /x4: no items match contains schema")},
		{"a name that is too long", `[{"id":1}]`, `{"id":1,"x5":{"abc":1}}`, says(", at /x5: invalid propertyName 'abc'")},
		{"a number between two steps", `[{"id":1}]`, `{"id":1,"x6":0.15}`, says(", at /x6: multipleOf: got 0.15, want 0.1")},
		{"a number that is not more", `[{"id":1}]`, `{"id":1,"x9":0.0}`, says(", at /x9: it is 0.0 and must be more than 0")},
		{"a number that is not less", `[{"id":1}]`, `{"id":1,"x9":1e999999999}`, says(", at /x9: it is 1e999999999 and must be less than 1")},
		{"a text of another form", `[{"id":1}]`, `{"id":1,"x9":"ab"}`, says(`, at /x9: "ab" does not match the pattern ^\d$`)},
		{"one of several types", `[{"id":1}]`, `{"id":1,"x8":1.5}`, says(", at /x8: it is a number and must be null or an integer or an array")},
		{"within an object: what was missing stays missing", `[{"id":1,"x7":{"a":"x"}}]`, `{"id":1,"x7":{"a":"y"}}`, `[{"id":1,"x7":{"a":"y"}}]`},
		{"within an object: what was wrong becomes worse", `[{"id":1,"x7":{"b":1,"c":2,"d":3}}]`, `{"id":1,"x7":{"e":4}}`, says(", at /x7: maxProperties: got 4, want 2")},
		{"within an object: what is set counts", `[{"id":1,"x7":{"b":1}}]`, `{"id":1,"x7":{"a":1}}`, says(", at /x7/a: it is a number and must be a string")},
	})
	if _, err := Parse([]byte(`[]`), layout); err != nil {
		t.Error(err)
	}
	noSchema := []applyCase{{"no schema at all", `[{"id":1}]`, `{"id":1,"status":[],"y":1e999999999}`, `[{"id":1,"status":[],"y":1e999999999}]`}}
	testApply(t, layout, Options{}, noSchema)
}

func TestASchemaThatCannotBeUsed(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no.json")
	_, err := CompileSchema(missing)
	if err == nil || !strings.HasPrefix(err.Error(), "read schema "+missing+": ") || !errors.Is(err, fs.ErrNotExist) ||
		!strings.HasSuffix(err.Error(), "; name the file of a JSON Schema, builtin or none") {
		t.Error(err)
	}
	if _, err := CompileSchema(t.TempDir()); !errors.Is(err, vfs.ErrNotRegular) {
		t.Error(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"not JSON":                 {"{\n  \"type\": object\n}", "line 2, column 11: invalid character 'o' at start of value"},
		"torn":                     {`{"type"`, "line 1, column 8: the text ends before the document does"},
		"a second value":           {`{} {}`, "invalid character after top-level value"},
		"no schema":                {`{"type":"objekt"}`, `item.json# is no JSON Schema, at "/type": it fits none of the schema's alternatives, or too many of them`},
		"a network address":        {`{"$ref":"https://example.com/item.json"}`, "load https://example.com/item.json: a schema can name files, not network addresses"},
		"a file that is not there": {`{"$ref":"gone.json"}`, "gone.json"},
		"a file that is no JSON":   {`{"$ref":"other.json"}`, "other.json: line 1, column 2: the text ends before the document does"},
		"a folder":                 {`{"$ref":"."}`, "not a regular file but a directory"},
		"a file of 16 MiB":         {strings.Repeat(" ", maxSchema+1), "item.json is larger than 16 MiB, which no schema is"},
		"a pointer to nothing":     {`{"$ref":"#/$defs/x"}`, "#/$defs/x"},
		"a number that is none":    {`{"minLength":-1}`, `is no JSON Schema, at "/minLength": it is -1, the least is 0`},
		"a pattern that is none":   {`{"pattern":"("}`, `is no JSON Schema, at "/pattern": '(' is not valid regex`},
	} {
		t.Run(name, func(t *testing.T) {
			s, path, err := schemaFile(t, c.text, "{")
			if err == nil {
				t.Fatalf("no error, but %v", s)
			}
			t.Log(err)
			var wrong *SchemaError
			if !errors.As(err, &wrong) || wrong.Path != path {
				t.Errorf("a %T", err)
			}
			if !strings.HasPrefix(err.Error(), "compile schema "+path+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("it has several lines: %q", err)
			}
		})
	}
}
