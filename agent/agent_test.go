package agent

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
)

func TestLayoutsOfTheConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		given config.Layout
		text  string // a tasks file with one item, 7
		fits  bool
	}{
		"by name":                     {config.Layout{Name: "flat"}, `[{"id":7}]`, true},
		"in words":                    {config.Layout{ID: "key", Items: "list", Children: []string{"parts"}}, `{"list":[{"key":7}]}`, true},
		"the id's member is left out": {config.Layout{Items: "list"}, `{"list":[{"id":7}]}`, true},
		"of another document":         {config.Layout{Items: "list"}, `[{"id":7}]`, false},
	} {
		layout, err := Layout(c.given)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		doc, err := document.Parse([]byte(c.text), layout)
		if (err == nil) != c.fits || err == nil && doc.Len() != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Layout(config.Layout{Name: "tree"}); err == nil {
		t.Error("a name that is none: no error")
	}
}

func TestSchemasOfTheConfiguration(t *testing.T) {
	folder := t.TempDir()
	h := &house{t: t}
	own, broken := filepath.Join(folder, "own.json"), filepath.Join(folder, "broken.json")
	h.write(own, `{"type":"object"}`)
	h.write(broken, `{"type":7}`)
	backlog, flat := config.Layout{Name: "backlog"}, config.Layout{Name: "flat"}
	for name, c := range map[string]struct {
		given config.Document
		has   bool
		says  string
	}{
		"the built-in one":               {config.Document{Layout: backlog, Schema: "builtin"}, true, ""},
		"it judges its own layout only":  {config.Document{Layout: flat, Schema: "builtin"}, false, ""},
		"none":                           {config.Document{Layout: backlog, Schema: "none"}, false, ""},
		"one's own":                      {config.Document{Layout: flat, Schema: own}, true, ""},
		"one's own that is not there":    {config.Document{Layout: flat, Schema: own + "x"}, false, "document.schema: "},
		"one's own that is not a schema": {config.Document{Layout: flat, Schema: broken}, false, "document.schema: "},
	} {
		schema, err := Schema(c.given)
		if (schema != nil) != c.has || (err != nil) != (c.says != "") || err != nil && !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: %v, %v", name, schema != nil, err)
		}
	}
}

func TestNewSaysWhatIsWrongAndTouchesNothing(t *testing.T) {
	h := newHouse(t)
	h.config.Document.Layout.Name = "tree"
	if _, err := New(h.config, Options{}); err == nil {
		t.Error("no error for the layout")
	}
	h.config.Document.Layout.Name = "flat"
	h.config.Document.Schema = filepath.Join(h.folder, "none.json")
	if _, err := New(h.config, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of the schema: %v", err)
	}
	if got := h.census(true); len(got) > 0 {
		t.Errorf("touched: %v", got)
	}
}

func TestWithoutALoggerNothingIsSaid(t *testing.T) {
	h, rejects := newSet(t)
	h.inBubble(func(t *testing.T) {
		a, err := New(h.config, Options{Once: true})
		must(t, err)
		if _, err := a.Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	h.isDone("at the end", rejects)
}

func TestAnAgentCanRunAgain(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.agent(Options{Once: true})
		for i, name := range []string{"a.json", "b.json"} {
			h.appends(name)
			if report, err := a.Run(t.Context()); err != nil || report.Fragments != 1 || len(h.applied()) != i+1 {
				t.Errorf("run %d: report %+v, error %v", i+1, report, err)
			}
		}
	})
}

func TestHeldErrorLeadsToItsCause(t *testing.T) {
	err := error(&HeldError{Cause: syscall.EROFS})
	if !errors.Is(err, syscall.EROFS) || err.Error() != "held: "+syscall.EROFS.Error() {
		t.Errorf("%v", err)
	}
}
