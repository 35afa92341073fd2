package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
)

// Whatever the file holds, it is either a configuration within its limits or a list of problems, each with its place and
// nothing in it that a terminal would obey.
func FuzzLoad(f *testing.F) {
	example, err := os.ReadFile("../config.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{
		string(example), "", "drop: a\n", "batch: {quiet: 1s\n", "? a\n: b\n", "a: &x [1]\nb: *x\n", "- - a\n", "drop: |\n  x\n", "%TAG ! x\n---\n",
		"<<: *a\n", "{a, b: {c}}", "document: {layout: {id: k, children: [a, b]}}", "a: 'x\n\n y'\n", "\"a\\e[2J\": \xff", "? {a: b}\n: c\n", "!!str : x\n", "---\n...\n",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := Load(Options{Dir: dir})
		if err == nil {
			if !filepath.IsAbs(config.Drop) || config.Retry.Attempts < 1 || config.Batch.MaxWait < config.Batch.Quiet || config.Document.Lock != "none" {
				t.Errorf("accepted %+v", config)
			}
			return
		}
		var wrong *Error
		if !errors.As(err, &wrong) || len(wrong.Problems) == 0 {
			t.Fatalf("error %T %v", err, err)
		}
		for _, p := range wrong.Problems {
			if !strings.HasPrefix(p.Place, FileName+":") {
				t.Errorf("place %q of %q", p.Place, p.Message)
			}
			if strings.ContainsRune(p.Message, '\n') {
				t.Errorf("message %q has two lines", p.Message)
			}
		}
		for _, r := range err.Error() {
			if !unicode.IsPrint(r) && r != '\n' {
				t.Errorf("%q in %q", r, err.Error())
			}
		}
	})
}
