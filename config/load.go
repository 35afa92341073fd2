package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/sessionsync/sessionsync/vfs"
)

// FileName is the config file that is read where none is named, if it is there.
const FileName = "sessionsync.yaml"

// maxFile is far above any config file: what is larger is another file, named by mistake.
const maxFile = 1 << 20

// Options are all that Load looks at.
type Options struct {
	File    string            // the file named by --config; "": FileName in Dir, if it is there
	Dir     string            // the working directory
	Environ []string          // NAME=value, as os.Environ gives them
	Flags   map[string]string // by key (log.level), the values as they were typed
}

// Load makes the configuration of a run. The error is an *Error with everything that is wrong.
func Load(o Options) (Config, error) {
	l := &loader{Options: o, config: Default(), set: map[string]place{}, bad: map[string]bool{}}
	base := l.readFile()
	l.readVariables()
	l.readFlags()
	l.joinPaths(base)
	l.check()
	if len(l.problems) > 0 {
		return Config{}, &Error{Problems: sorted(l.problems)}
	}
	if len(l.set) > 0 {
		l.config.set = l.set
	}
	return l.config, nil
}

// loader is a configuration while it is being put together.
type loader struct {
	Options
	config   Config
	set      map[string]place // where the value of a key comes from; without an entry it is the default
	bad      map[string]bool  // keys whose value could not be read: nothing more is said about them
	problems []Problem
}

// readFile reads the config file, if there is one, and returns the folder from which the defaults count.
func (l *loader) readFile() string {
	name, path := l.File, join(l.Dir, l.File)
	if name == "" {
		name, path = FileName, join(l.Dir, FileName)
		// Not Stat: a link that leads nowhere is a file that is missing, not one that is not wanted.
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return l.Dir
		}
	}
	s := &source{name: printable(name), layer: fileLayer, base: filepath.Dir(path), problems: &l.problems}
	text, err := contents(path)
	if err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		message := fmt.Sprintf("read config file %s: %v", s.name, err)
		switch {
		case errors.Is(err, vfs.ErrNotRegular):
			message += "; name a regular file with --config"
		case errors.Is(err, fs.ErrPermission):
			message += "; give your user read permission on it"
		}
		l.problems = append(l.problems, Problem{Message: message})
		return s.base
	}
	l.config.File = path
	text = strings.TrimPrefix(text, "\uFEFF") // an editor's byte order mark
	s.lines = strings.Split(text, "\n")
	root, ok := s.parse(text)
	if mapping, isMapping := root.(ast.MapNode); isMapping {
		s.mapping(mapping, "", l.members(s, ""))
	} else if ok && root != nil && root.Type() != ast.NullType {
		s.problem(root, "", "needs a mapping (drop: ./drop), not %s", describe(root))
	}
	return s.base
}

func contents(path string) (string, error) {
	f, err := vfs.OpenRegular(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(text) > maxFile {
		return "", errors.New("it is larger than 1 MiB, which no config file is")
	}
	return string(text), nil
}

// members are the readers of the file's keys below a path that is "" or ends in a dot.
func (l *loader) members(s *source, below string) map[string]func(string, ast.Node) {
	members := map[string]func(string, ast.Node){}
	for _, f := range fields {
		rest, ok := strings.CutPrefix(f.path, below)
		if !ok {
			continue
		}
		group, _, isGroup := strings.Cut(rest, ".")
		if !isGroup {
			members[rest] = func(_ string, value ast.Node) { l.read(s, f, value) }
			continue
		}
		members[group] = func(path string, value ast.Node) {
			if mapping, ok := value.(ast.MapNode); ok {
				s.mapping(mapping, path, l.members(s, path+"."))
			} else if value.Type() != ast.NullType { // a group whose keys are all commented out is nothing wrong
				s.problem(value, path, "needs a mapping, not %s", describe(value))
			}
		}
	}
	return members
}

// read sets one key and remembers where that was.
func (l *loader) read(s *source, f field, value ast.Node) {
	l.set[f.path] = s.placeOf(value)
	// A stronger layer heals what a weaker one got wrong as far as later checks go; the problem itself stays reported.
	l.bad[f.path] = !s.scalar(f.path, value, f.of(&l.config))
}

// readText sets one key from a variable or a flag. Text needs no quotes there, and a path may hold any character; all
// else is written as in the file.
func (l *loader) readText(s *source, f field, text string) {
	s.key, s.base, s.problems = f.path, l.Dir, &l.problems
	if target, ok := f.of(&l.config).(*string); ok {
		*target, l.set[f.path], l.bad[f.path] = text, place{source: s}, false
		return
	}
	value, ok := s.parse(text)
	if !ok {
		l.set[f.path], l.bad[f.path] = place{source: s}, true
		return
	}
	l.read(s, f, value)
}

// kubernetes are the variables that it sets in every container beside a service that is called sessionsync or sessionsync-x.
var kubernetes = regexp.MustCompile(
	`^` + prefix + `(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

func (l *loader) readVariables() {
	given := map[string]string{}
	for _, variable := range l.Environ {
		name, value, _ := strings.Cut(variable, "=")
		if _, twice := given[name]; strings.HasPrefix(name, prefix) && !twice { // the first one counts, as in os.Getenv
			given[name] = value
		}
	}
	var known []string
	for _, f := range fields {
		name := f.env()
		known = append(known, underscored(f.path))
		if value, ok := given[name]; ok {
			l.readText(&source{name: name, layer: variableLayer}, f, value)
			delete(given, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if kubernetes.MatchString(name) {
			continue
		}
		warning := printable(name) + ": unknown variable, ignored"
		word := strings.ToLower(strings.TrimPrefix(name, prefix))
		if meant := cmp.Or(nearest(word, known), only(word, known)); meant != "" {
			warning += didYouMean(prefix + strings.ToUpper(meant))
		}
		l.config.Warnings = append(l.config.Warnings, warning)
	}
}

func (l *loader) readFlags() {
	given := maps.Clone(l.Flags)
	for _, f := range fields {
		if value, ok := given[f.path]; ok {
			l.readText(&source{name: f.flag(), layer: flagLayer}, f, value)
			delete(given, f.path)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(given)) {
		s := &source{name: "flags", layer: flagLayer, problems: &l.problems}
		place{source: s}.problem(printable(path), "unknown key")
	}
}

// joinPaths makes each path count from the folder of what said it.
func (l *loader) joinPaths(base string) {
	paths := map[string]*string{
		"drop": &l.config.Drop, "tasks": &l.config.Tasks, "recovery": &l.config.Recovery,
		"document.schema": &l.config.Document.Schema,
	}
	for path, value := range paths {
		if *value == "" || path == "document.schema" && (*value == SchemaBuiltin || *value == SchemaNone) {
			continue
		}
		folder := base
		if p, ok := l.set[path]; ok {
			folder = p.source.base
		}
		*value = join(folder, *value)
	}
}

func join(folder, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(folder, path)
}

// paths are the paths of all keys.
func paths() []string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.path
	}
	return all
}
