package schema

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sessionsync/sessionsync/config"
)

var update = flag.Bool("update", false, "write config.schema.json")

func TestTheConfigSchemaIsUpToDate(t *testing.T) {
	example, err := os.ReadFile("../config.example.yaml")
	must(t, err)
	want, err := Config(string(example))
	must(t, err)
	if *update {
		must(t, os.WriteFile("config.schema.json", want, 0o644))
	}
	got, err := os.ReadFile("config.schema.json")
	must(t, err)
	if string(got) != string(want) {
		t.Error("schema/config.schema.json is not what the keys and comments say: run 'go generate ./schema'")
	}
}

func TestEveryKeyHasItsDefaultAndItsDescription(t *testing.T) {
	s := compile(t, "config.schema.json")
	for _, key := range config.Keys() {
		at := s
		for name := range strings.SplitSeq(key.Path, ".") {
			if at = at.Properties[name]; at == nil {
				t.Fatalf("there is no %s", key.Path)
			}
		}
		preset := ""
		if at.Default != nil {
			preset = fmt.Sprint(*at.Default)
		}
		if preset == "" {
			preset = `""`
		}
		if preset != key.Default {
			t.Errorf("%s has the default %s, want %s", key.Path, preset, key.Default)
		}
	}
}

func TestTheExampleIsValidAndNamesTheSchema(t *testing.T) {
	example, err := os.ReadFile("../config.example.yaml")
	must(t, err)
	if !strings.HasPrefix(string(example), "# yaml-language-server: $schema=./schema/config.schema.json\n") {
		t.Error("its first line does not name the schema")
	}
	must(t, judge(t, compile(t, "config.schema.json"), string(example)))
}

func judge(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	var v any
	must(t, yaml.Unmarshal([]byte(text), &v))
	asJSON, err := json.Marshal(v)
	must(t, err)
	return valid(t, s, string(asJSON))
}

// What a schema can see, it and Load see alike.
func TestTheSchemaAllowsWhatLoadTakes(t *testing.T) {
	s := compile(t, "config.schema.json")
	for _, text := range []string{
		"{}", "drop: a", "drop: 5", "drp: a", "watch: {}", "watch: {mode: poll}", "watch: {mode: Poll}", "watch: []", "watch: {mod: poll}",
		"watch: {settle: 0}", "watch: {settle: 0s}", "watch: {settle: 1m30s}", "watch: {settle: 1.5s}", "watch: {settle: 5}", "watch: {settle: 5 s}",
		"watch: {settle: fast}", "watch: {settle: .5s}", "watch: {settle: true}",
		"batch: {leading: true}", "batch: {leading: 1}", "batch: {max_fragments: 5}", "batch: {max_fragments: 5.5}", "batch: {max_fragments: '5'}",
		"batch: {max_bytes: 8MiB}", "batch: {max_bytes: 16777216}", "batch: {max_bytes: 80 mb}", "batch: {max_bytes: 1.5GiB}", "batch: {max_bytes: '1,5GiB'}",
		"batch: {max_bytes: much}", "batch: {max_bytes: -1}",
		"document: {layout: flat}", "document: {layout: tree}", "document: {layout: {id: key, items: list, children: [parts], scoped: true, local_ids: true, derived_parent: false}}",
		"sessions: []", "sessions: [{tasks: a/t.json, name: b, drop: c, recovery: d}, {glob: e/*/t.json, drop: f}]", "sessions: [{name: a}]",
		"sessions: [{glob: e/*/t.json, tasks: a}]", "sessions: a", "sessions: [{tasks: ''}]", "sessions: [{tasks: a/t.json, task: b}]",
		"document: {layout: {}}", "document: {layout: {id: ''}}", "document: {layout: {children: parts}}", "document: {layout: {children: [a, a]}}",
		"document: {layout: {childs: [a]}}", "document: {layout: {scoped: 1}}", "document: {lock: flock}", "document: {lock: fcntl}", "document: {schema: none}",
		"log: {level: debug, format: json}", "log: {level: loud}",
	} {
		file := filepath.Join(t.TempDir(), "sessionsync.yaml")
		must(t, os.WriteFile(file, []byte(text), 0o644))
		_, err := config.Load(config.Options{File: file})
		if says := judge(t, s, text); (err == nil) != (says == nil) {
			t.Errorf("%s: Load says %v, the schema %v", text, err, says)
		}
	}
}

func TestTheLayoutsAreThoseThatLoadNames(t *testing.T) {
	_, err := config.Load(config.Options{Environ: []string{"SESSIONSYNC_DOCUMENT_LAYOUT=zzz"}})
	var wrong *config.Error
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	s := compile(t, "config.schema.json").Properties["document"].Properties["layout"]
	var names []string
	for _, name := range s.AnyOf[0].Enum.Values {
		names = append(names, name.(string))
	}
	if !strings.HasSuffix(err.Error(), "is not one of "+strings.Join(names, ", ")) {
		t.Errorf("Load says %v, the schema has %v: change them in schema.value", err, names)
	}
}

func TestAKeyWithoutACommentIsNamed(t *testing.T) {
	_, err := Config("drop: x\n")
	if err == nil || !strings.Contains(err.Error(), "no comment for drop: write one behind the key") {
		t.Error(err)
	}
}

func TestWhereCommentsStand(t *testing.T) {
	got := comments("# The file.\n\na: 1  # one\n      # and more\n# about b,\n# in two lines\nb: 2\nc: 3\ngroup:  # a group\n  d: \"#4\"   # four\n  # above\n  e: 5\n")
	want := map[string]string{"a": "one and more", "b": "about b, in two lines", "group": "a group", "group.d": "four", "group.e": "above"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %q", got)
	}
}
