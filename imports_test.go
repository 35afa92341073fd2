package sessionsync_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/sessionsync/sessionsync/"

// listed is what go list tells of a package.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

// list asks go list for packages of this module, by their path in it.
func list(t *testing.T, pattern string) map[string]listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", pattern)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}

// ours are those of some imports that are packages of this module, by their path in it.
func ours(imports []string) (paths []string) {
	for _, i := range imports {
		if path, ok := strings.CutPrefix(i, module); ok {
			paths = append(paths, path)
		}
	}
	return paths
}

// Arrows run one way. A stage of the pipeline knows no other one: what they have to say to each other goes through agent.
func TestNoStageImportsAnother(t *testing.T) {
	stages := map[string]bool{"watcher": true, "batcher": true, "spool": true, "writer": true, "recovery": true}
	packages := list(t, "./...")
	for stage := range stages {
		p, ok := packages[stage]
		if !ok {
			t.Errorf("%s is gone: this test is of no use", stage)
		}
		for _, path := range ours(p.Deps) {
			if stages[path] {
				t.Errorf("%s depends on %s", stage, path)
			}
		}
	}
}

// importers are the packages that may import one that knows more than a part needs to. The rest is given what it needs.
var importers = map[string]string{
	"agent":     "cmd/sessionsync demo health metrics service status", // the last four listen to its Trace
	"config":    "agent cmd/sessionsync demo fleet scaffold schema service",
	"service":   "cmd/sessionsync",
	"metrics":   "service",
	"producer":  "cmd/sessionsync demo",
	"dashboard": "cmd/sessionsync",
	"desk":      "cmd/sessionsync demo",
	"doctor":    "cmd/sessionsync",
}

func TestWhoKnowsMuchIsImportedByFew(t *testing.T) {
	for path, p := range list(t, "./...") {
		for _, imported := range ours(p.Imports) {
			if may, ok := importers[imported]; ok && !strings.Contains(" "+may+" ", " "+path+" ") {
				t.Errorf("%s imports %s, which is for: %s", path, imported, may)
			}
			if strings.HasPrefix(imported, "cmd/") {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}

// notInTheBinary are packages that must not reach it, and why.
var notInTheBinary = map[string]string{
	"testing":            "it is for tests",
	"net/http/httptest":  "it is for tests",
	"net/http/pprof":     "it answers on every server that uses the default mux",
	"golang.org/x/tools": "it is for the build",
	"honnef.co/go/tools": "it is for the build",
	"github.com/rogpeppe/go-internal/testscript": "it is for tests",
	module + "bench":       "it is for measuring",
	module + "release":     "it is for the build",
	module + "neighbours":  "it is for tests",
	module + "filesystems": "it is for tests",
	module + "threats":     "it is for tests",
	module + "deploy":      "it is for tests",
	module + "internal":    "it is for tests",
}

func TestTheBinaryHoldsNoTestHelpers(t *testing.T) {
	p := list(t, "./cmd/sessionsync")["cmd/sessionsync"]
	if len(p.Deps) == 0 {
		t.Fatal("the binary depends on nothing: this test is of no use")
	}
	for _, path := range p.Deps {
		for bad, why := range notInTheBinary {
			if path == bad || strings.HasPrefix(path, bad+"/") {
				t.Errorf("the binary holds %s: %s", path, why)
			}
		}
	}
}
