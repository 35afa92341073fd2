package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sessionsOf loads a file of that text in a folder with these tasks files.
func sessionsOf(t *testing.T, text string, tasks ...string) (dir string, c Config, err error) {
	t.Helper()
	dir = t.TempDir()
	for _, path := range append(tasks, FileName) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err = Load(Options{Dir: dir})
	return dir, c, err
}

func TestEachSessionHasItsThreePlaces(t *testing.T) {
	type triple struct{ Name, Tasks, Drop, Recovery string }
	for _, c := range []struct {
		name, text string
		tasks      []string
		want       []triple
	}{
		{"no sessions: the one there is", "tasks: a.json\n", nil, []triple{{"", "a.json", "drop", "recovery"}}},
		{"names and folders follow from the tasks file", "sessions: [{tasks: web/tasks.json}]\n", nil,
			[]triple{{"web", "web/tasks.json", "web/drop", "web/recovery"}}},
		{"what is said counts, from the config file's folder", "sessions:\n  - {name: b, tasks: x/t.json, drop: in, recovery: out}\n  - {name: a, tasks: y/t.json}\n", nil,
			[]triple{{"a", "y/t.json", "y/drop", "y/recovery"}, {"b", "x/t.json", "in", "out"}}},
		{"a pattern: each file that it matches, under the name of its folder", "sessions: [{glob: plan/*/tasks.json, drop: inbox}]\n",
			[]string{"plan/two/tasks.json", "plan/one/tasks.json", "plan/none/other.json"},
			[]triple{{"one", "plan/one/tasks.json", "plan/one/inbox", "plan/one/recovery"}, {"two", "plan/two/tasks.json", "plan/two/inbox", "plan/two/recovery"}}},
		{"two stars, two parts of the name", "sessions: [{glob: '*/plan/*/tasks.json'}]\n", []string{"x/plan/1/tasks.json"},
			[]triple{{"x/1", "x/plan/1/tasks.json", "x/plan/1/drop", "x/plan/1/recovery"}}},
		{"a hidden folder, which a star does not stand for", "sessions: [{glob: plan/*/tasks.json}]\n",
			[]string{"plan/.trash/tasks.json"}, nil},
		{"a hidden folder that is named", "sessions: [{glob: .plan/*/tasks.json}, {glob: 'x/.*/tasks.json'}]\n",
			[]string{".plan/1/tasks.json", "x/.2/tasks.json"},
			[]triple{{".2", "x/.2/tasks.json", "x/.2/drop", "x/.2/recovery"}, {"1", ".plan/1/tasks.json", ".plan/1/drop", ".plan/1/recovery"}}},
		{"a pattern that matches nothing yet", "sessions: [{glob: plan/*/tasks.json}]\n", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, config, err := sessionsOf(t, c.text, c.tasks...)
			if err != nil {
				t.Fatal(err)
			}
			each, err := config.Each()
			if err != nil {
				t.Error(err)
			}
			var got []triple
			for _, s := range each {
				relative := func(path string) string { return strings.TrimPrefix(filepath.ToSlash(path), filepath.ToSlash(dir)+"/") }
				got = append(got, triple{s.Session, relative(s.Tasks), relative(s.Drop), relative(s.Recovery)})
				if s.Many() || s.Batch != config.Batch {
					t.Errorf("session %q: %+v", s.Session, s)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSessionsThatCannotBe(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"no list", "sessions: web\n", `sessions: needs a list such as [{name: web`},
		{"no mapping", "sessions: [web]\n", `needs a mapping such as {name: web, tasks: web/tasks.json}, not the text "web"`},
		{"neither tasks nor glob", "sessions: [{name: a}]\n", "needs tasks, the tasks file, or glob"},
		{"a folder", "sessions: [{tasks: web/}]\n", "tasks (web/) is a folder; name the file in it, such as web/tasks.json"},
		{"both", "sessions: [{glob: '*/t.json', tasks: a}]\n", "names one session at the same time"},
		{"a pattern that is none", "sessions: [{glob: 'a[/t.json'}]\n", "bracket that is not closed"},
		{"a pattern for one file", "sessions: [{glob: a/t.json}]\n", "write it as tasks"},
		{"a key that is written wrong", "sessions: [{task: a}]\n", `did you mean "tasks"?`},
		{"an empty name", "sessions: [{tasks: a/t.json, name: ''}]\n", "sessions.name: must not be empty"},
		{"two of one name", "sessions: [{tasks: a/t.json}, {tasks: b/a/t.json}]\n", `"a" and "a" have the same name or folder`},
		{"one folder for two", "sessions: [{tasks: a/t.json, drop: d}, {tasks: b/t.json, drop: d}]\n", "have the same name or folder"},
		{"its places in each other", "sessions: [{tasks: a/t.json, drop: a, recovery: a/b}]\n", `session "a": recovery lies in drop`},
		{"the recovery folder in another's drop directory", "sessions: [{tasks: a/t.json, recovery: b/drop}, {tasks: b/t.json}]\n", `session "a": its recovery folder lies in the drop directory of session "b"`},
		{"the tasks file in another's drop directory", "sessions: [{tasks: a/t.json}, {tasks: a/drop/x/t.json}]\n", `session "x": its tasks file lies in the drop directory of session "a"`},
		{"a pattern with **", "sessions: [{glob: '**/t.json'}]\n", "write one * for each folder"},
		{"drop beside sessions", "sessions: [{tasks: a/t.json}]\ndrop: d\n", "drop: means nothing beside sessions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := sessionsOf(t, c.text)
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), FileName+":") {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestOfSessionsThatCollideTheFirstCounts(t *testing.T) {
	_, config, err := sessionsOf(t, "sessions: [{glob: 'a/*/t.json'}, {glob: 'b/*/t.json'}]\n", "a/x/t.json", "b/x/t.json", "b/y/t.json")
	if err != nil {
		t.Fatal(err)
	}
	each, err := config.Each()
	if len(each) != 2 || filepath.Base(filepath.Dir(filepath.Dir(each[0].Tasks))) != "a" || each[1].Session != "y" {
		t.Errorf("sessions %+v", each)
	}
	if err == nil || !strings.Contains(err.Error(), `session "x" of`) || !strings.Contains(err.Error(), "is left out") {
		t.Errorf("error %v", err)
	}
}

func TestOneSessionIsFoundByItsName(t *testing.T) {
	_, config, err := sessionsOf(t, "sessions: [{tasks: web/t.json}, {tasks: api/t.json}]\n")
	if err != nil {
		t.Fatal(err)
	}
	if one, err := config.One("api"); err != nil || one.Session != "api" {
		t.Errorf("%+v, %v", one, err)
	}
	for name, says := range map[string]string{
		"":    "the configuration has several sessions: name one with --session; there are api, web",
		"wep": `no session "wep"; there are api, web; did you mean "web"?`,
	} {
		var which *SessionError
		if _, err := config.One(name); !errors.As(err, &which) || err.Error() != says {
			t.Errorf("%q: %v", name, err)
		}
	}
	if one, err := Default().One(""); err != nil || one.Session != "" {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := Default().One("web"); err == nil || !strings.Contains(err.Error(), "there is none") {
		t.Errorf("%v", err)
	}
}

func TestWhoDropsCannotMakeASession(t *testing.T) {
	_, c, err := sessionsOf(t, "sessions: [{glob: 'plan/*/*/tasks.json'}, {glob: 'plan/*/tasks.json'}]\n",
		"plan/a/tasks.json", "plan/a/drop/tasks.json", "plan/a/recovery/tasks.json", "plan/b/c/tasks.json")
	if err != nil {
		t.Fatal(err)
	}
	each, err := c.Each()
	var names []string
	for _, one := range each {
		names = append(names, one.Session)
	}
	if !reflect.DeepEqual(names, []string{"a", "b/c"}) {
		t.Errorf("sessions %q", names)
	}
	for _, want := range []string{`session "a/drop" of `, `its tasks file lies in the drop directory of session "a"`, `its tasks file lies in the recovery folder of session "a"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
