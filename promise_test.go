package sessionsync_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	namedTest = regexp.MustCompile("`(?:([a-z/]+)\\.)?(Test\\w+)(…?)`")
	namedFile = regexp.MustCompile("`([a-z]+\\.txtar)`")
)

// tests are all tests of this module, by the path of their package, and all scripts, by their name.
func tests(t *testing.T) (byPackage map[string][]string, scripts map[string]bool) {
	t.Helper()
	byPackage, scripts = map[string][]string{}, map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(file, ".txtar"):
			scripts[d.Name()] = true
		case strings.HasSuffix(file, "_test.go"):
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for _, m := range testFunc.FindAllStringSubmatch(string(text), -1) {
				folder := path.Dir(filepath.ToSlash(file))
				byPackage[folder] = append(byPackage[folder], m[1])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return byPackage, scripts
}

// A promise whose test is gone is none. In a text, TestA… stands for all that begin so.
func TestEachTestThatAPromiseNamesIsThere(t *testing.T) {
	byPackage, scripts := tests(t)
	exists := func(folder, name string, prefix bool) bool {
		for p, names := range byPackage {
			if folder != "" && p != folder {
				continue
			}
			for _, have := range names {
				if have == name || prefix && strings.HasPrefix(have, name) {
					return true
				}
			}
		}
		return false
	}
	for _, page := range []string{"README.md", "SECURITY.md"} {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		named := namedTest.FindAllStringSubmatch(string(text), -1)
		if len(named) == 0 {
			t.Errorf("%s names no test", page)
		}
		for _, m := range named {
			if !exists(m[1], m[2], m[3] != "") {
				t.Errorf("%s: there is no %s", page, m[0])
			}
		}
		for _, m := range namedFile.FindAllStringSubmatch(string(text), -1) {
			if !scripts[m[1]] {
				t.Errorf("%s: there is no script %s", page, m[1])
			}
		}
	}
}

func TestEachThreatHasATestAndEachTestOfAThreatIsNamed(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "<!-- threats -->\n")
	table, _, found := strings.Cut(table, "<!-- /threats -->")
	if !found {
		t.Fatal("SECURITY.md has no table between <!-- threats --> and <!-- /threats -->")
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")
	for _, row := range rows[min(2, len(rows)):] {
		cells := strings.Split(strings.Trim(row, "|"), " | ")
		if len(cells) != 3 || namedTest.FindString(cells[2]) == "" {
			t.Errorf("no test: %.100s", row)
		}
		for _, m := range namedTest.FindAllStringSubmatch(row, -1) {
			if m[1] == "" {
				t.Errorf("%s: in which package?", m[2])
			}
		}
	}
	byPackage, _ := tests(t)
	for _, name := range byPackage["threats"] {
		if name != "TestMain" && !strings.Contains(table, "`threats."+name+"`") {
			t.Errorf("threats.%s holds no promise of SECURITY.md", name)
		}
	}
}
