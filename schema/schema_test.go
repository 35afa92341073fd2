package schema

import (
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compile(t *testing.T, file string) *jsonschema.Schema {
	t.Helper()
	text, err := os.Open(file)
	must(t, err)
	defer text.Close()
	doc, err := jsonschema.UnmarshalJSON(text)
	must(t, err)
	if id, _ := doc.(map[string]any)["$id"].(string); !strings.HasSuffix(id, "/schema/"+file) {
		t.Errorf("%s has the $id %q", file, id)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	must(t, c.AddResource(file, doc))
	s, err := c.Compile(file)
	must(t, err)
	return s
}

// valid is nil of a text that the schema allows.
func valid(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s.Validate(doc)
}

// described fails for each member of a schema that has no description, which is what an editor shows.
func described(t *testing.T, path string, schema any) {
	s, _ := schema.(map[string]any)
	properties, _ := s["properties"].(map[string]any)
	for name, p := range properties {
		p, _ := p.(map[string]any)
		if text, _ := p["description"].(string); text == "" && p["properties"] == nil {
			t.Errorf("%s%s has no description", path, name)
		}
		described(t, path+name+".", p)
		described(t, path+name+"[].", p["items"])
	}
	definitions, _ := s["$defs"].(map[string]any)
	for name, d := range definitions {
		described(t, name+": ", d)
	}
}

func TestEveryMemberIsDescribed(t *testing.T) {
	for _, file := range []string{"fragment.schema.json", "recovery.schema.json", "config.schema.json"} {
		text, err := os.Open(file)
		must(t, err)
		doc, err := jsonschema.UnmarshalJSON(text)
		must(t, err)
		must(t, text.Close())
		described(t, file+": ", doc)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
