package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// write puts a config file into a fresh folder and returns the folder.
func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// load reads that text as sessionsync.yaml, with the given variables.
func load(t *testing.T, text string, environ ...string) (Config, error) {
	t.Helper()
	return Load(Options{Dir: write(t, text), Environ: environ})
}

// problems are the messages of an error, without excerpts.
func problems(t *testing.T, err error) []string {
	t.Helper()
	var wrong *Error
	if err != nil && !errors.As(err, &wrong) {
		t.Fatalf("the error is a %T, not an *Error: %v", err, err)
	}
	var lines []string
	if wrong != nil {
		for _, p := range wrong.Problems {
			lines = append(lines, strings.TrimPrefix(p.Place+": "+p.Message, ": "))
		}
	}
	return lines
}

func wantProblems(t *testing.T, err error, want ...string) {
	t.Helper()
	got := problems(t, err)
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("problems:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestWithoutAFileTheDefaultsCountFromTheWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	got, err := Load(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := Default()
	want.Drop, want.Tasks, want.Recovery = filepath.Join(dir, "drop"), filepath.Join(dir, "tasks.json"), filepath.Join(dir, "recovery")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestTheExampleIsTheDefaultsAndNamesEveryKey(t *testing.T) {
	example, err := filepath.Abs("../config.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(Options{File: example, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Load(Options{Dir: filepath.Dir(example)})
	if err != nil {
		t.Fatal(err)
	}
	want.File, got.set = example, nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the example says %+v\nthe defaults are %+v", got, want)
	}

	l := &loader{config: Default(), set: map[string]place{}, bad: map[string]bool{}, Options: Options{File: example}}
	l.readFile()
	for _, key := range Keys() {
		if _, ok := l.set[key.Path]; !ok {
			t.Errorf("%s is not in the example", key.Path)
		}
	}
}

func TestEveryKeyIsReadFromEveryLayer(t *testing.T) {
	// For each key two values that differ from each other and from the default.
	values := map[string][2]string{
		"drop": {"/in/d1", "/in/d2"}, "tasks": {"/in/t1", "/in/t2"}, "recovery": {"/in/r1", "/in/r2"},
		"sessions":   {"[{tasks: /in/t/t.json}]", "[{glob: /in/*/t.json}]"},
		"watch.mode": {"poll", "notify"}, "watch.rescan": {"1s", "2s"}, "watch.settle": {"3s", "4s"},
		"watch.incomplete_after": {"5m", "6m"}, "batch.quiet": {"7ms", "8ms"}, "batch.max_wait": {"9s", "10s"},
		"batch.max_fragments": {"11", "12"}, "batch.max_bytes": {"13MiB", "14MiB"}, "batch.leading": {"true", "true"},
		"fragment.max_bytes": {"15KiB", "16kB"}, "fragment.max_depth": {"17", "18"}, "retry.attempts": {"19", "20"},
		"retry.base": {"21ms", "22ms"}, "retry.max": {"23s", "24s"}, "retry.jitter": {"25", "26"},
		"document.layout": {"flat", "taskmaster"}, "document.scope": {"s1", "s2"}, "document.schema": {"none", "/in/s.json"},
		"document.lock": {"none", "none"}, "document.reassert": {"27s", "28s"}, "document.unknown_id_grace": {"0s", "0s"},
		"history.max_bytes": {"29MiB", "30MB"}, "log.level": {"debug", "warn"}, "log.format": {"json", "text"},
		"listen": {":9464", "0.0.0.0:9464"},
	}
	same := map[string]bool{"batch.leading": true, "document.lock": true, "document.unknown_id_grace": true}
	needs := map[string]string{"document.scope": "SESSIONSYNC_DOCUMENT_LAYOUT=taskmaster"} // what makes sense only with another key
	for _, f := range fields {
		v, ok := values[f.path]
		if !ok {
			t.Errorf("%s: this test does not know the key", f.path)
			continue
		}
		line := f.path + ": " + quoted(v[0])
		if group, name, ok := strings.Cut(f.path, "."); ok {
			line = group + ": {" + name + ": " + quoted(v[0]) + "}"
		}
		inFile, err := load(t, line, needs[f.path])
		if err != nil {
			t.Errorf("%s in the file: %v", f.path, err)
		}
		inVariable, err := load(t, "", f.env()+"="+v[0], needs[f.path])
		if err != nil {
			t.Errorf("%s: %v", f.env(), err)
		}
		if !reflect.DeepEqual(f.of(&inFile), f.of(&inVariable)) {
			t.Errorf("%s: the file gives %v, the variable %v", f.path, text(f.of(&inFile)), text(f.of(&inVariable)))
		}
		byFlag, err := Load(Options{Dir: write(t, line), Environ: []string{f.env() + "=" + v[0], needs[f.path]}, Flags: map[string]string{f.path: v[1]}})
		if err != nil {
			t.Errorf("%s by flag: %v", f.path, err)
		}
		var defaults Config
		if defaults, err = load(t, ""); err != nil {
			t.Fatal(err)
		}
		if !same[f.path] && (reflect.DeepEqual(f.of(&byFlag), f.of(&inFile)) || reflect.DeepEqual(f.of(&defaults), f.of(&inFile))) {
			t.Errorf("%s: a stronger layer did not win: default %v, file %v, flag %v",
				f.path, text(f.of(&defaults)), text(f.of(&inFile)), text(f.of(&byFlag)))
		}
	}
}

// quoted is a test value for the file: texts need their quotes where they are empty.
func quoted(v string) string {
	if v == "" {
		return `""`
	}
	return v
}

func TestFlagsBeatVariablesBeatTheFile(t *testing.T) {
	dir := write(t, "batch: {quiet: 1ms, max_wait: 2s}\nlog: {level: debug}\nretry: {attempts: 7}\n")
	got, err := Load(Options{
		Dir:     dir,
		Environ: []string{"HOME=/root", "SESSIONSYNC_BATCH_QUIET=2ms", "SESSIONSYNC_BATCH_QUIET=3ms", "SESSIONSYNC_LOG_LEVEL=warn"},
		Flags:   map[string]string{"log.level": "error"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Retry.Attempts != 7 || got.Batch.Quiet != 2*time.Millisecond || got.Log.Level != "error" || got.Batch.MaxWait != 2*time.Second {
		t.Errorf("got %+v", got)
	}
}

func TestRelativePathsCountFromTheFolderOfWhatSaysThem(t *testing.T) {
	work, conf := t.TempDir(), t.TempDir()
	file := filepath.Join(conf, "a.yaml")
	if err := os.WriteFile(file, []byte("tasks: ../shared/./tasks.json\ndocument: {schema: s.json}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Load(Options{File: file, Dir: work, Environ: []string{"SESSIONSYNC_RECOVERY=rec # 1"}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		filepath.Join(conf, "drop"), filepath.Join(filepath.Dir(conf), "shared", "tasks.json"),
		filepath.Join(work, "rec # 1"), filepath.Join(conf, "s.json"), file,
	}
	if have := []string{got.Drop, got.Tasks, got.Recovery, got.Document.Schema, got.File}; !reflect.DeepEqual(have, want) {
		t.Errorf("got %q\nwant %q", have, want)
	}

	got, err = Load(Options{File: filepath.Join("..", filepath.Base(conf), "a.yaml"), Dir: filepath.Join(work, "x"), Flags: map[string]string{"drop": "d"}})
	wantProblems(t, err, "read config file "+filepath.Join("..", filepath.Base(conf), "a.yaml")+": "+notThere())
	_ = got
	got, err = Load(Options{Dir: work, Flags: map[string]string{"drop": "d", "document.schema": "./none"}})
	if err != nil || got.Drop != filepath.Join(work, "d") || got.Document.Schema != filepath.Join(work, "none") {
		t.Errorf("got %q, %q, %v", got.Drop, got.Document.Schema, err)
	}
}

// notThere is how this system says that a file does not exist.
func notThere() string {
	_, err := os.Stat("no/such/file")
	var inner *fs.PathError
	errors.As(err, &inner)
	return inner.Err.Error()
}

func TestFilesThatAreNoConfigFile(t *testing.T) {
	dir := t.TempDir()
	path := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for _, c := range []struct{ what, file, want string }{
		{"a file that is not there", "gone.yaml", "read config file gone.yaml: " + notThere()},
		{"a folder", ".", "read config file .: not a regular file but a directory; name a regular file with --config"},
		{"a file too large", path("large", strings.Repeat("# \n", 400_000)), "read config file large: it is larger than 1 MiB, which no config file is"},
		{"UTF-16", path("utf16", "\xff\xfed\x00"), "utf16:1:1: is UTF-16; save it as UTF-8"},
		{"a byte that is not UTF-8", path("latin1", "drop: d\ntasks: \xe4\n"), "latin1:2:8: the byte 0xe4 is not UTF-8"},
		{"a NUL", path("nul", "drop: 'ä\x00'\n"), "nul:1:9: holds the control character U+0000"},
		{"a list", path("list", "- drop\n"), "list:1:1: needs a mapping (drop: ./drop), not a list"},
		{"a word", path("word", "# c\nhello\n"), "word:2:1: needs a mapping (drop: ./drop), not the text \"hello\""},
		{"two documents", path("two", "drop: a\n---\ndrop: b\n"), "two:3:1: a second YAML document; only one is read"},
		{"a name with an escape sequence", "a\x1b[2Jb", `read config file a\x1b[2Jb: ` + notThere()},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := Load(Options{File: c.file, Dir: dir})
			wantProblems(t, err, c.want)
		})
	}
}

func TestALinkToNowhereIsAMissingFileAndNoDefault(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("gone", filepath.Join(dir, FileName)); err != nil {
		t.Skip(err)
	}
	_, err := Load(Options{Dir: dir})
	wantProblems(t, err, "read config file sessionsync.yaml: "+notThere())
}

func TestAFileThatMayNotBeReadIsAnError(t *testing.T) {
	dir := write(t, "drop: d")
	if err := os.Chmod(filepath.Join(dir, FileName), 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(filepath.Join(dir, FileName)); err == nil {
		f.Close()
		t.Skip("whoever runs this may read everything")
	}
	_, err := Load(Options{Dir: dir})
	wantProblems(t, err, "read config file sessionsync.yaml: permission denied; give your user read permission on it")
}

func TestFilesThatSayNothingLeaveTheDefaults(t *testing.T) {
	for what, content := range map[string]string{
		"an empty file": "", "only spaces": " \n\n", "only comments": "# a\n# b\n", "null": "null\n", "a document start": "---\n",
		"a document end": "...", "a byte order mark": "\uFEFF", "groups without keys": "batch:\nwatch: {}\nlog: # nothing\n",
		"a directive": "%YAML 1.2\n---\n",
	} {
		t.Run(what, func(t *testing.T) {
			got, err := load(t, content)
			if err != nil {
				t.Fatal(err)
			}
			want := Default()
			if got.Batch != want.Batch || got.Watch != want.Watch || got.Log != want.Log {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestYAMLInItsOtherForms(t *testing.T) {
	for what, content := range map[string]string{
		"a byte order mark and CRLF": "\uFEFFlog:\r\n  level: debug\r\nretry:\r\n  attempts: 5\r\n",
		"quoted keys and values":     "\"log\": {'level': \"debug\"}\nretry: {attempts: 5}\n",
		"explicit keys":              "? log\n: level: debug\n? retry\n: attempts: 5\n",
		"a directive and an end":     "%YAML 1.2\n---\nlog: {level: debug}\nretry: {attempts: 0x5}\n...\n",
		"JSON":                       `{"log": {"level": "debug"}, "retry": {"attempts": 5}}`,
	} {
		t.Run(what, func(t *testing.T) {
			got, err := load(t, content)
			if err != nil || got.Log.Level != "debug" || got.Retry.Attempts != 5 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestValuesAtTheirLimitsAreAccepted(t *testing.T) {
	for _, content := range []string{
		"watch: {rescan: 1ms, settle: 0, incomplete_after: 0s}",
		"batch: {quiet: 1s, max_fragments: 1}",
		"batch: {quiet: 0s, max_wait: 0s}",
		"batch: {max_bytes: 1MiB}",
		"history: {max_bytes: 0}",
		"history: {max_bytes: 64KiB}",
		"batch: {max_bytes: 1}\nfragment: {max_bytes: 1, max_depth: 1}",
		"fragment: {max_depth: 10000}",
		"retry: {attempts: 1, base: 2s, jitter: 0}",
		"retry: {base: 1ns, max: 1ns, jitter: 100}",
		"document: {unknown_id_grace: 0, reassert: 24h}",
		"document: {scope: x, layout: taskmaster}",
		"document: {scope: x, layout: {scoped: true}}",
	} {
		if _, err := load(t, content); err != nil {
			t.Errorf("%s\n%v", content, err)
		}
	}
}

func TestVariablesThatMeanNothingAreWarnedOf(t *testing.T) {
	got, err := load(t, "", "PATH=/bin", "SESSIONSYNC_SERVICE_HOST=10.0.0.1", "SESSIONSYNC_SERVICE_PORT=80", "SESSIONSYNC_SERVICE_PORT_HTTP=80",
		"SESSIONSYNC_PORT=tcp://10.0.0.1:80", "SESSIONSYNC_PORT_80_TCP=tcp://10.0.0.1:80", "SESSIONSYNC_PORT_80_TCP_ADDR=10.0.0.1",
		"SESSIONSYNC_BACKUP_SERVICE_HOST=10.0.0.2", "SESSIONSYNC_BACKUP_PORT_80_TCP_PROTO=tcp",
		"SESSIONSYNC_BATCH_QUITE=1s", "SESSIONSYNC_QUIET=1s", "SESSIONSYNC_WHATEVER=x", "SESSIONSYNC_\x1b=x", "=C:=C:\\", "sessionsync_drop=x")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`SESSIONSYNC_\x1b: unknown variable, ignored`,
		`SESSIONSYNC_BATCH_QUITE: unknown variable, ignored; did you mean "SESSIONSYNC_BATCH_QUIET"?`,
		`SESSIONSYNC_QUIET: unknown variable, ignored; did you mean "SESSIONSYNC_BATCH_QUIET"?`,
		`SESSIONSYNC_WHATEVER: unknown variable, ignored`,
	}
	if !reflect.DeepEqual(got.Warnings, want) {
		t.Errorf("got %q", got.Warnings)
	}
}

func TestAFlagThatIsNoKeyIsRefused(t *testing.T) {
	_, err := Load(Options{Dir: t.TempDir(), Flags: map[string]string{"log.levl": "info"}})
	wantProblems(t, err, "flags: log.levl: unknown key")
}
