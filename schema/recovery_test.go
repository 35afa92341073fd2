package schema

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
	"github.com/sessionsync/sessionsync/writer"
)

// entry makes an entry as the agent does and returns its manifest.
func entry(t *testing.T, e recovery.Entry) string {
	t.Helper()
	folder, from := t.TempDir(), t.TempDir()
	for _, f := range e.Fragments {
		must(t, os.WriteFile(filepath.Join(from, f.Name), []byte(`{"id":"P1"}`), 0o644))
	}
	dir, err := vfs.Open(from, nil)
	must(t, err)
	defer dir.Close()
	name, err := recovery.New(recovery.Config{Dir: folder, TasksFile: filepath.Join(folder, "tasks.json")}).Add(e, dir)
	must(t, err)
	text, err := os.ReadFile(filepath.Join(folder, name, "recovery.json"))
	must(t, err)
	return string(text)
}

func TestTheManifestsThatTheAgentWritesAreValid(t *testing.T) {
	s := compile(t, "recovery.schema.json")
	rejected := recovery.Entry{
		Batch: "18ea000000000000", Error: recovery.Failure{Code: "unknown_id", Message: "there is no item", Attempts: 1},
		PendingUpdates: []json.RawMessage{[]byte(`{"id":"P1"}`)},
		Fragments:      []recovery.Fragment{{Name: "a\tb.json", Updates: 1, Error: &recovery.Reason{Code: "unknown_id", Message: "there is no item"}}},
	}
	failed := recovery.Entry{
		Batch: "18ea000000000000", Retryable: true, Error: recovery.Failure{Code: "ENOSPC", Message: "no space", Attempts: 3},
		Fragments: []recovery.Fragment{{Name: "a.json"}, {Name: "b.json"}},
	}
	for what, e := range map[string]recovery.Entry{"rejected": rejected, "failed": failed} {
		text := entry(t, e)
		if err := valid(t, s, text); err != nil {
			t.Errorf("%s: %v\n%s", what, err, text)
		}
		for old, bad := range map[string]string{
			`"version": "1.0"`: `"version": "2.0"`, `"retryable"`: `"retry"`, `"batch": "`: `"batch": 5, "x": "`, `"sha256": "`: `"sha256": "X`,
			`"file": "fragments/`: `"file": "../`, `"code": "`: `"code": "x`, `"timestamp": "`: `"timestamp": "x`, `"attempts": `: `"attempts": -`,
		} {
			if valid(t, s, strings.Replace(text, old, bad, 1)) == nil {
				t.Errorf("%s: the schema allows %s", what, bad)
			}
		}
	}
}

// members are the names of a struct's members in JSON.
func members(of reflect.Type) (names []string) {
	for i := range of.NumField() {
		if name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ","); name != "-" && of.Field(i).IsExported() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestTheRecoverySchemaHasTheMembersOfAnEntry(t *testing.T) {
	s := compile(t, "recovery.schema.json")
	fragments := s.Properties["fragments"].Items2020
	for what, c := range map[string]struct {
		schema *jsonschema.Schema
		of     reflect.Type
	}{
		"the entry": {s, reflect.TypeFor[recovery.Entry]()}, "error": {s.Properties["error"], reflect.TypeFor[recovery.Failure]()},
		"fragments": {fragments, reflect.TypeFor[recovery.Fragment]()}, "fragments.error": {fragments.Properties["error"], reflect.TypeFor[recovery.Reason]()},
		"fragments.items": {fragments.Properties["items"].Items2020, reflect.TypeFor[fragment.Item]()},
	} {
		var has []string
		for name := range c.schema.Properties {
			has = append(has, name)
		}
		slices.Sort(has)
		if want := members(c.of); !slices.Equal(has, want) {
			t.Errorf("%s: recovery.schema.json has %v, the code %v: make them the same, with a description", what, has, want)
		}
	}
}

func TestEveryRejectCodeIsInTheRecoverySchema(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../fragment/error.go", nil, 0)
	must(t, err)
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
				code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				must(t, err)
				codes = append(codes, code)
			}
		}
		return true
	})
	if len(codes) < 16 {
		t.Errorf("the codes are %v", codes)
	}
	text, err := os.Open("recovery.schema.json")
	must(t, err)
	defer text.Close()
	doc, err := jsonschema.UnmarshalJSON(text)
	must(t, err)
	var has []string
	for _, code := range doc.(map[string]any)["$defs"].(map[string]any)["rejectCode"].(map[string]any)["enum"].([]any) {
		has = append(has, code.(string))
	}
	slices.Sort(codes)
	slices.Sort(has)
	if !slices.Equal(has, codes) {
		t.Errorf("$defs/rejectCode of recovery.schema.json has %v, package fragment %v", has, codes)
	}
	s := compile(t, "recovery.schema.json").Properties["error"].Properties["code"]
	for code, good := range map[string]bool{
		"displaced": true, "unclear": true, writer.InvalidTasksFile: true, "ENOSPC": true, "E2BIG": true, "errno 512": true, "enospc": false, "": false,
	} {
		if (s.Validate(code) == nil) != good {
			t.Errorf("%q: %v", code, s.Validate(code))
		}
	}
}
