package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Session is one tasks file with its drop directory and its recovery folder; or, with Glob, as many as there are.
type Session struct {
	Name     string // for logs, metrics and --session; "": the name of the tasks file's folder
	Tasks    string // "" with Glob
	Drop     string // "": drop beside the tasks file
	Recovery string // "": recovery beside it
	Glob     string // tasks files, plan/*/tasks.json; Drop and Recovery then count from the folder of each, and what * stands for is its name
}

// Sessions are what the key of that name holds.
type Sessions []Session

// SessionError says which sessions there are, where one of them has to be named.
type SessionError struct {
	Name  string   // the one that was asked for; "": none was
	Names []string // those that there are
}

func (e *SessionError) Error() string {
	const most = 20
	names := e.Names
	if len(names) > most {
		names = append(slices.Clone(names[:most]), fmt.Sprintf("and %d more", len(names)-most))
	}
	there := "there is none at the moment"
	if len(names) > 0 {
		there = "there are " + printable(strings.Join(names, ", "))
	}
	if e.Name == "" {
		return "the configuration has several sessions: name one with --session; " + there
	}
	message := fmt.Sprintf("no session %q; %s", short(e.Name), there)
	if meant := nearest(e.Name, e.Names); meant != "" {
		message += didYouMean(meant)
	}
	return message
}

// Many reports whether the configuration has sessions of its own, rather than being one.
func (c Config) Many() bool { return len(c.Sessions) > 0 }

// Each returns the configuration of each session that there is now, ordered by name; of one without sessions itself. It lists the
// folders that a Glob speaks of. Two tasks files that ask for one name or one folder are a problem: the first one counts, the
// others are left out and named in the error, beside which what is returned can be used.
func (c Config) Each() ([]Config, error) {
	if !c.Many() {
		return []Config{c}, nil
	}
	var each []Config
	var problems []error
	for _, s := range c.Sessions {
		found := []Session{s}
		if s.Glob != "" {
			var err error
			if found, err = s.matches(); err != nil {
				problems = append(problems, err)
			}
		}
		for _, s := range found {
			one := c.of(s)
			if i := slices.IndexFunc(each, one.collides); i >= 0 {
				problems = append(problems, fmt.Errorf("session %q of %s is left out: session %q of %s has the same name or folder; give each its own",
					short(one.Session), one.Tasks, short(each[i].Session), each[i].Tasks))
				continue
			}
			each = append(each, one)
		}
	}
	within := intruders(each)
	for _, in := range within {
		problems = append(problems, fmt.Errorf("session %q of %s is left out: %s; give each its own folders", short(in.one.Session), in.one.Tasks, in))
	}
	each = slices.DeleteFunc(each, func(one Config) bool {
		return slices.ContainsFunc(within, func(in intruder) bool { return in.one.Session == one.Session })
	})
	slices.SortFunc(each, func(a, b Config) int { return strings.Compare(a.Session, b.Session) })
	return each, errors.Join(problems...)
}

// intruder is a session of which something lies where another one's fragments or rejects do. Who may drop there could make it, and
// have it lead anywhere.
type intruder struct {
	one         Config
	key, in, of string // what of it lies in which folder of whom
}

func (i intruder) String() string {
	return fmt.Sprintf("its %s lies in the %s of session %q", i.key, i.in, short(i.of))
}

// intruders are those among the sessions.
func intruders(each []Config) (found []intruder) {
	type folder struct{ key, of string }
	folders := make(map[string]folder, 2*len(each))
	for _, c := range each {
		folders[c.Drop], folders[c.Recovery] = folder{"drop directory", c.Session}, folder{"recovery folder", c.Session}
	}
	for _, c := range each {
		above := func(key, path, but string) bool {
			for ; ; path = filepath.Dir(path) {
				if f, ok := folders[path]; ok && f.of != c.Session && f.key != but {
					found = append(found, intruder{c, key, f.key, f.of})
					return true
				}
				if path == filepath.Dir(path) {
					return false
				}
			}
		}
		_ = above("tasks file", c.Tasks, "") || above("recovery folder", c.Recovery, "") || above("drop directory", c.Drop, "drop directory") // folders in a drop directory are left alone
	}
	return found
}

// One returns the configuration of the session of that name; of "", where there is only one, that. The error is a *SessionError.
func (c Config) One(name string) (Config, error) {
	each, _ := c.Each() // what is left out cannot be named
	if name == "" && len(each) == 1 {
		return each[0], nil
	}
	e := &SessionError{Name: name}
	for _, one := range each {
		if name != "" && one.Session == name {
			return one, nil
		}
		if one.Session != "" {
			e.Names = append(e.Names, one.Session)
		}
	}
	return Config{}, e
}

// Same reports whether an agent would run alike with both: whatever file they come from.
func (c Config) Same(o Config) bool {
	for _, config := range []*Config{&c, &o} {
		config.File, config.Warnings, config.set = "", nil, nil
	}
	return reflect.DeepEqual(c, o)
}

// of is the configuration of one session.
func (c Config) of(s Session) Config {
	folder := filepath.Dir(s.Tasks)
	c.Sessions = nil
	c.Tasks = s.Tasks
	c.Session = cmp.Or(s.Name, filepath.Base(folder))
	c.Drop = join(folder, cmp.Or(s.Drop, "drop"))
	c.Recovery = join(folder, cmp.Or(s.Recovery, "recovery"))
	return c
}

// collides reports whether two sessions cannot be served at the same time.
func (c Config) collides(o Config) bool {
	return c.Session == o.Session || c.Drop == o.Drop || c.Tasks == o.Tasks || c.Recovery == o.Recovery
}

// matches are the sessions that a Glob speaks of. Folders that cannot be read count as empty.
func (s Session) matches() ([]Session, error) {
	paths, err := filepath.Glob(s.Glob)
	if err != nil {
		return nil, err // it was checked when it was read
	}
	var found []Session
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.IsDir() || hides(s.Glob, path) {
			continue
		}
		one := s
		one.Glob, one.Tasks, one.Name = "", path, matched(s.Glob, path)
		found = append(found, one)
	}
	return found, nil
}

// hides reports whether a wildcard of a pattern stands for the dot that a hidden name begins with: as in a shell, it does not.
func hides(pattern, path string) bool {
	elements := strings.Split(filepath.ToSlash(path), "/")
	for i, p := range strings.Split(filepath.ToSlash(pattern), "/") {
		if i < len(elements) && strings.HasPrefix(elements[i], ".") && !strings.HasPrefix(strings.TrimPrefix(p, `\`), ".") {
			return true
		}
	}
	return false
}

// matched is what a path has in the place of the elements of a pattern that are no plain names: that is its session's name.
func matched(pattern, path string) string {
	var names []string
	elements := strings.Split(filepath.ToSlash(path), "/")
	for i, p := range strings.Split(filepath.ToSlash(pattern), "/") {
		if strings.ContainsAny(p, wildcards) && i < len(elements) {
			names = append(names, elements[i])
		}
	}
	return strings.Join(names, "/")
}

const wildcards = `*?[\`

// sessions reads the list of sessions.
func (s *source) sessions(node ast.Node) (Sessions, bool) {
	const path = "sessions"
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		s.problem(node, path, "needs a list such as [{name: web, tasks: web/tasks.json}, {glob: plan/*/tasks.json}], not %s", describe(node))
		return nil, false
	}
	before := len(*s.problems)
	var sessions Sessions
	for _, value := range list.Values {
		mapping, ok := value.(ast.MapNode)
		if !ok {
			s.problem(value, path, "needs a mapping such as {name: web, tasks: web/tasks.json}, not %s", describe(value))
			continue
		}
		var one Session
		text := func(to *string) func(string, ast.Node) {
			return func(path string, v ast.Node) {
				if s.scalar(path, v, to) && *to == "" {
					s.problem(v, path, "must not be empty")
				}
			}
		}
		known := len(*s.problems)
		s.mapping(mapping, path, map[string]func(string, ast.Node){
			"name": text(&one.Name), "tasks": text(&one.Tasks), "drop": text(&one.Drop), "recovery": text(&one.Recovery), "glob": text(&one.Glob),
		})
		if len(*s.problems) > known {
			continue
		}
		switch _, err := filepath.Match(one.Glob, ""); {
		case one.Glob == "" && one.Tasks == "":
			s.problem(value, path, "needs tasks, the tasks file, or glob, a pattern of such")
		case strings.HasSuffix(filepath.ToSlash(one.Tasks), "/"):
			s.problem(value, path, "tasks (%s) is a folder; name the file in it, such as %stasks.json", short(one.Tasks), short(one.Tasks))
		case one.Glob != "" && (one.Tasks != "" || one.Name != ""):
			s.problem(value, path, "has glob and names one session at the same time")
		case err != nil:
			s.problem(value, path, "the pattern %q has a bracket that is not closed", short(one.Glob))
		case one.Glob != "" && !strings.ContainsAny(one.Glob, wildcards):
			s.problem(value, path, "the pattern %q stands for one file only; write it as tasks", short(one.Glob))
		case slices.Contains(strings.Split(filepath.ToSlash(one.Glob), "/"), "**"):
			s.problem(value, path, "the pattern %q has **, which is not known here; write one * for each folder, and a pattern for each depth", short(one.Glob))
		case one.Glob != "":
			one.Glob = join(s.base, one.Glob)
			sessions = append(sessions, one)
		default:
			one.Tasks = join(s.base, one.Tasks)
			if one.Drop != "" {
				one.Drop = join(s.base, one.Drop)
			}
			if one.Recovery != "" {
				one.Recovery = join(s.base, one.Recovery)
			}
			sessions = append(sessions, one)
		}
	}
	return sessions, len(*s.problems) == before
}

// checkSessions judges what can be told without a look at the disk.
func (l *loader) checkSessions() {
	if !l.config.Many() || l.bad["sessions"] {
		return
	}
	for _, key := range []string{"drop", "tasks", "recovery"} {
		if p, set := l.set[key]; set {
			p.problem(key, "means nothing beside sessions, each of which has its own")
		}
	}
	var each []Config
	for _, s := range l.config.Sessions {
		if s.Glob != "" {
			continue
		}
		one := l.config.of(s)
		if i := slices.IndexFunc(each, one.collides); i >= 0 {
			l.refuse("sessions", fmt.Sprintf("%q and %q have the same name or folder", short(each[i].Session), short(one.Session)))
		}
		each = append(each, one)
		if in := intruders(each); len(in) > 0 {
			l.refuse("sessions", fmt.Sprintf("session %q: %s", short(in[0].one.Session), in[0]))
			return
		}
		for _, r := range one.apart() {
			if !r.ok {
				l.refuse("sessions", fmt.Sprintf("session %q: %s %s", short(one.Session), r.key, fmt.Sprintf(r.message, r.other)))
			}
		}
	}
}
