package config

import (
	"errors"
	"strings"
	"testing"
)

func TestAProblemShowsItsPlace(t *testing.T) {
	_, err := load(t, "# mine\ndrop: ./d\n\nbatch:\n\tmax_wait: 5s\n")
	if err == nil {
		t.Fatal("a tab was taken for indentation")
	}
	if want := "sessionsync.yaml:5:1: not YAML: found character '\\t' that cannot start any token\n" +
		"   3 |\n   4 | batch:\n>  5 |  max_wait: 5s\n       ^"; err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}

	_, err = load(t, "drop: ./d\nbatch:\n  # three\n  max_wait: 5s\n\n  leading: true\n  quite: 20ms\n  # eight\nlog:\n")
	if want := `sessionsync.yaml:7:3: batch.quite: unknown key; did you mean "quiet"?
   5 |
   6 |   leading: true
>  7 |   quite: 20ms
         ^
   8 |   # eight`; err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAllProblemsAreReportedInTheOrderOfTheFile(t *testing.T) {
	_, err := Load(Options{
		Dir:     write(t, "drop: 5\nretry: {attempts: 0}\nbatch: {quiet: abc, max_wait: 50ms}\nretyr: {}\n"),
		Environ: []string{"SESSIONSYNC_WATCH_RESCAN=0s", "SESSIONSYNC_LOG_FORMAT=xml"},
		Flags:   map[string]string{"log.level": "trace", "fragment.max_depth": "x"},
	})
	wantProblems(t, err,
		`sessionsync.yaml:1:7: drop: needs text, not the number 5; write it in quotes`,
		`sessionsync.yaml:2:19: retry.attempts: 0 must be at least 1; the first attempt counts`,
		`sessionsync.yaml:3:16: batch.quiet: needs a duration such as 100ms, 5s or 1m30s, not the text "abc"`,
		`sessionsync.yaml:4:1: retyr: unknown key; did you mean "retry"?`,
		`SESSIONSYNC_LOG_FORMAT: "xml" is not one of auto, text, json`,
		`SESSIONSYNC_WATCH_RESCAN: 0s must be at least 1ms, so that looking again is not all that is done`,
		`--fragment-max-depth: needs a whole number, not the text "x"`,
		`--log-level: "trace" is not one of debug, info, warn, error`,
	)
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 8+(3+4+5+4) {
		t.Errorf("%d lines:\n%s", lines, err)
	}
}

func TestWrongFiles(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"a key without its group", "quiet: 1s", `1:1: quiet: unknown key; did you mean "batch.quiet"?`},
		{"a key of another group", "batch: {mode: poll}", `1:9: batch.mode: unknown key; did you mean "watch.mode"?`},
		{"a key that could be in two groups", "max_bytes: 1", `1:1: max_bytes: unknown key`},
		{"a key in capitals", "Drop: x", `1:1: Drop: unknown key; did you mean "drop"?`},
		{"a key like none", "colour: red", `1:1: colour: unknown key`},
		{"a key that is a number", "1: red", `1:1: 1: unknown key`},
		{"a merge key", "<<: {drop: x}", `1:1: <<: unknown key`},
		{"a key that hides", "\"dr\\u202eop\": x", `1:1: dr\u202eop: unknown key`},
		{"a key of a thousand letters", strings.Repeat("k", 1000) + ": x", "1:1: " + strings.Repeat("k", 80) + "…: unknown key"},
		{"a key twice", "drop: a\ntasks: b\ndrop: c", `3:1: drop: stands twice; the first time in line 1`},
		{"a key twice, quoted", "log: {level: info, 'level': info}", `1:20: log.level: stands twice; the first time in line 1`},
		{"an unknown key twice", "x: 1\nx: 2", "1:1: x: unknown key|2:1: x: stands twice; the first time in line 1"},
		{"a group that is a word", "batch: fast", `1:8: batch: needs a mapping, not the text "fast"`},
		{"a group that is a list", "batch:\n- quiet: 1s", `2:1: batch: needs a mapping, not a list`},
		{"a value that is missing", "drop:\ntasks: t", `1:6: drop: needs text, not nothing`},
		{"a text that is a mapping", "drop:\n  path: x", `2:3: drop: needs text, not a mapping`},
		{"a text that is true", "drop: true", `1:7: drop: needs text, not true; write it in quotes`},
		{"an anchor", "drop: &a x", `1:7: drop: needs text, not an anchor or alias, which are not understood here; write it in quotes`},
		{"a tag", "retry: {attempts: !!int 5}", `1:19: retry.attempts: needs a whole number, not a tag, which is not understood here`},
		{"a duration without a unit", "batch: {quiet: 100}", `1:16: batch.quiet: needs a duration such as 100ms, 5s or 1m30s, not the number 100`},
		{"a duration that is a block", "batch:\n  quiet: |\n    1s\n", `2:10: batch.quiet: needs a duration such as 100ms, 5s or 1m30s, not a block of text`},
		{"a duration that is a list", "batch: {quiet: [1s]}", `1:16: batch.quiet: needs a duration such as 100ms, 5s or 1m30s, not a list`},
		{"a number that is a fraction", "retry: {attempts: 1.5}", `1:19: retry.attempts: needs a whole number, not the number 1.5`},
		{"a number in quotes", "retry: {attempts: \"3\"}", `1:19: retry.attempts: needs a whole number, not the text "3"`},
		{"a number that fits nowhere", "retry: {attempts: 18446744073709551615}", `1:19: retry.attempts: needs a whole number, not the number 18446744073709551615`},
		{"an infinite number", "retry: {attempts: .inf}", `1:19: retry.attempts: needs a whole number, not the number .inf`},
		{"yes for true", "batch: {leading: yes}", `1:18: batch.leading: needs true or false, not the text "yes"`},
		{"a size with a decimal comma", "batch: {max_bytes: '9,5MiB'}", `1:20: batch.max_bytes: needs a size such as 8MiB, 500kB or 8388608, not the text "9,5MiB"`},
		{"a size that is true", "batch: {max_bytes: true}", `1:20: batch.max_bytes: needs a size such as 8MiB, 500kB or 8388608, not true`},
		{"not YAML", "drop: a: b", `1:7: not YAML: mapping value is not allowed in this context`},
		{"a quote that does not end", "drop: \"a", `1:7: not YAML: could not find end character of double-quoted text`},
		{"an escape sequence in a value", `log: {level: "\e[2J"}`, `1:14: log.level: "\x1b[2J" is not one of debug, info, warn, error`},

		{"a negative duration", "watch: {settle: -1s}", `1:17: watch.settle: -1s must not be negative`},
		{"a negative duration that another key is measured by", "batch: {max_wait: -1s}", `1:19: batch.max_wait: -1s must not be negative`},
		{"rescanning without a pause", "watch: {rescan: 0}", `1:17: watch.rescan: 0s must be at least 1ms, so that looking again is not all that is done`},
		{"a batch that must wait longer than it may", "batch: {max_wait: 50ms, quiet: 60ms}", `1:19: batch.max_wait: 50ms is shorter than batch.quiet (60ms, from sessionsync.yaml:1:32)`},
		{"max_wait below the default of quiet", "batch: {max_wait: 50ms}", `1:19: batch.max_wait: 50ms is shorter than batch.quiet (100ms, the default)`},
		{"quiet above the default of max_wait", "batch:\n  quiet: 5s", `2:10: batch.quiet: batch.max_wait (1s, the default) is shorter than 5s`},
		{"no fragment in a batch", "batch: {max_fragments: 0}", `1:24: batch.max_fragments: 0 must be at least 1`},
		{"too short a history", "history: {max_bytes: 1KiB}", `1:22: history.max_bytes: 1KiB must be at least 64KiB, or 0 to keep none`},
		{"a history of less than nothing", "history: {max_bytes: -1}", `1:22: history.max_bytes: -1 must be more than 0`},
		{"no byte in a batch", "batch: {max_bytes: 0}", `1:20: batch.max_bytes: 0 must be more than 0`},
		{"fragments of fewer than no bytes", "fragment: {max_bytes: -5}", `1:23: fragment.max_bytes: -5 must be more than 0`},
		{"a fragment larger than a batch", "fragment: {max_bytes: 9MiB}", `1:23: fragment.max_bytes: 9MiB is more than batch.max_bytes (8MiB, the default): such a fragment would fit into no batch`},
		{"no depth", "fragment: {max_depth: 0}", `1:23: fragment.max_depth: 0 must be 1 to 10000`},
		{"a depth that no stack holds", "fragment: {max_depth: 10001}", `1:23: fragment.max_depth: 10001 must be 1 to 10000`},
		{"retrying without a pause", "retry: {base: 0s}", `1:15: retry.base: 0s must be more than 0`},
		{"a longest pause below the first", "retry: {base: 3s}", `1:15: retry.base: retry.max (2s, the default) is shorter than 3s`},
		{"too much jitter", "retry: {jitter: 101}", `1:17: retry.jitter: 101 must be 0 to 100 percent`},
		{"less than no jitter", "retry: {jitter: -1}", `1:17: retry.jitter: -1 must be 0 to 100 percent`},
		{"a value of a thousand letters", "log: {level: " + strings.Repeat("l", 1000) + "}", `1:14: log.level: "` + strings.Repeat("l", 80) + `…" is not one of debug, info, warn, error`},
		{"an unknown mode", "watch: {mode: pol}", `1:15: watch.mode: "pol" is not one of auto, notify, poll; did you mean "poll"?`},
		{"an unknown lock", "document: {lock: flok}", `1:18: document.lock: "flok" is not one of none, proper-lockfile, flock; did you mean "flock"?`},
		{"an empty level", "log: {level: ''}", `1:14: log.level: "" is not one of debug, info, warn, error`},
		{"no drop directory", "drop: ''", `1:7: drop: must not be empty`},
		{"no tasks file", "tasks: ''", `1:8: tasks: must not be empty`},
		{"no recovery folder", "recovery: ''", `1:11: recovery: must not be empty`},
		{"no schema in words", "document: {schema: ''}", `1:20: document.schema: must not be empty`},

		{"a lock that nobody takes", "document: {lock: lockf}", `1:18: document.lock: "lockf" is not one of none, proper-lockfile, flock; did you mean "flock"?`},
		{"a grace in the past", "document: {unknown_id_grace: -1s}", `1:30: document.unknown_id_grace: -1s must not be negative`},

		{"a port without a colon", "listen: '9464'", `1:9: listen: 9464 is a port alone; write :9464 for this machine alone, 0.0.0.0:9464 to be reachable from others`},
		{"a port that is a number", "listen: 9464", `1:9: listen: needs text, not the number 9464; write it in quotes`},
		{"a host without a port", "listen: localhost", `1:9: listen: localhost is no address; write :9464 for this machine alone, 0.0.0.0:9464 to be reachable from others`},
		{"a port too high", "listen: ':65536'", `1:9: listen: :65536 has no port from 1 to 65535 (0: any that is free)`},
		{"a port by its name", "listen: ':http'", `1:9: listen: :http has no port from 1 to 65535 (0: any that is free)`},
		{"no port", "listen: 'localhost:'", `1:9: listen: localhost: has no port from 1 to 65535 (0: any that is free)`},
		{"an URL", "listen: http://localhost:9464/metrics", `1:9: listen: http://localhost:9464/metrics is no address; write host:port without a scheme and a path, or :9464 for this machine alone`},
		{"a socket", "listen: unix:/run/sessionsync", `1:9: listen: unix:/run/sessionsync is a socket of the file system, which is not available; use a port of this machine, :9464`},
		{"a host with a space", "listen: 'a host:9464'", `1:9: listen: a host:9464 has a space in its host`},

		{"an unknown layout", "document: {layout: backlogs}", `1:20: document.layout: "backlogs" is not one of backlog, taskmaster, flat; did you mean "backlog"?`},
		{"a layout that is a number", "document: {layout: 5}", `1:20: document.layout: needs a name (backlog, taskmaster, flat) or a mapping, not the number 5`},
		{"a layout with an unknown key", "document:\n  layout:\n    idd: key\n", `3:5: document.layout.idd: unknown key; did you mean "id"?`},
		{"a scope with a layout without", "document: {layout: flat, scope: x}", `1:33: document.scope: x means nothing with document.layout (flat, from sessionsync.yaml:1:20), which has no scopes`},
		{"a scope with the layout that is the default", "document: {scope: x}", `1:19: document.scope: x means nothing with document.layout (backlog, the default), which has no scopes`},
		{"a scope with a layout of one's own without", "document: {scope: x, layout: {items: a}}", `1:19: document.scope: x means nothing with document.layout (a mapping, from sessionsync.yaml:1:30), which has no scopes`},
		{"a layout with wrong types", "document: {layout: {id: 5, items: [x], children: parts, scoped: no, local_ids: 1, derived_parent: ''}}",
			`1:25: document.layout.id: needs text, not the number 5; write it in quotes|` +
				`1:35: document.layout.items: needs text, not a list|` +
				`1:50: document.layout.children: needs a list of member names such as [milestones, tasks], not the text "parts"|` +
				`1:65: document.layout.scoped: needs true or false, not the text "no"|` +
				`1:80: document.layout.local_ids: needs true or false, not the number 1|` +
				`1:99: document.layout.derived_parent: needs true or false, not the text ""`},
		{"a layout with impossible children", "document: {layout: {id: key, children: [a, '', a, 5, key]}}",
			`1:20: document.layout.children: "key" is the id's member|` +
				`1:44: document.layout.children: a member name must not be empty|` +
				`1:48: document.layout.children: "a" stands twice|` +
				`1:51: document.layout.children: needs text, not the number 5; write it in quotes`},
		{"a layout without an id", "document: {layout: {id: ''}}", `1:20: document.layout.id: must not be empty`},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := load(t, c.text)
			var want []string
			for _, problem := range strings.Split(c.want, "|") {
				want = append(want, "sessionsync.yaml:"+problem)
			}
			wantProblems(t, err, want...)
		})
	}
}

func TestWrongVariables(t *testing.T) {
	for _, c := range []struct{ what, variable, want string }{
		{"an empty duration", "BATCH_QUIET=", `BATCH_QUIET: needs a duration such as 100ms, 5s or 1m30s, not nothing`},
		{"a mapping for a number", "RETRY_ATTEMPTS=a: b", `RETRY_ATTEMPTS: needs a whole number, not a mapping`},
		{"not YAML", "RETRY_ATTEMPTS={", `RETRY_ATTEMPTS: not YAML: could not find flow mapping end token '}'`},
		{"not UTF-8", "BATCH_QUIET=\xff", `BATCH_QUIET: the byte 0xff is not UTF-8`},
		{"an escape sequence", "BATCH_QUIET=\x1b[2J", `BATCH_QUIET: holds the control character U+001B`},
		{"a document too many", "BATCH_LEADING=true\n---\nfalse", `BATCH_LEADING: a second YAML document; only one is read`},
		{"an unknown key of a layout", "DOCUMENT_LAYOUT={idd: x}", `DOCUMENT_LAYOUT: document.layout.idd: unknown key; did you mean "id"?`},
		{"a key of a layout twice", "DOCUMENT_LAYOUT={id: x, id: y}", `DOCUMENT_LAYOUT: document.layout.id: stands twice`},
		{"an empty path", "DROP=", `DROP: must not be empty`},
		{"a level with an escape sequence", "LOG_LEVEL=\x1b[2J", `LOG_LEVEL: "\x1b[2J" is not one of debug, info, warn, error`},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := load(t, "", prefix+c.variable)
			wantProblems(t, err, prefix+c.want)
		})
	}
}

func TestAStrongerLayerHealsAnImpossibleValue(t *testing.T) {
	_, err := load(t, "retry: {attempts: 0}", "SESSIONSYNC_RETRY_ATTEMPTS=4")
	wantProblems(t, err)
	_, err = load(t, "retry: {attempts: many}", "SESSIONSYNC_RETRY_ATTEMPTS=0")
	wantProblems(t, err,
		`sessionsync.yaml:1:19: retry.attempts: needs a whole number, not the text "many"`,
		`SESSIONSYNC_RETRY_ATTEMPTS: 0 must be at least 1; the first attempt counts`)
	_, err = load(t, "drop: 5", "SESSIONSYNC_DROP=")
	wantProblems(t, err,
		`sessionsync.yaml:1:7: drop: needs text, not the number 5; write it in quotes`,
		`SESSIONSYNC_DROP: must not be empty`)
}

func TestTheThreePathsAreKeptApart(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"recovery is the drop directory", "recovery: drop", "1:11: recovery: /drop lies in drop (/drop, the default)"},
		{"recovery in the drop directory", "drop: d\nrecovery: d/r/x", "2:11: recovery: /d/r/x lies in drop (/d, from sessionsync.yaml:1:7)"},
		{"recovery in the drop directory by its default", "drop: .", "1:7: drop: recovery (/recovery, the default) lies in ROOT|1:7: drop: tasks (/tasks.json, the default) lies in ROOT, where it would be taken for a fragment"},
		{"recovery in the drop directory under a name with dots", "recovery: drop/..r", "1:11: recovery: /drop/..r lies in drop (/drop, the default)"},
		{"the drop directory in recovery", "drop: recovery/d", "1:7: drop: /recovery/d lies in recovery (/recovery, the default)"},
		{"the tasks file in recovery", "tasks: recovery/tasks.json", "1:8: tasks: /recovery/tasks.json lies in recovery (/recovery, the default)"},
		{"the tasks file in the drop directory", "tasks: drop/tasks.json", "1:8: tasks: /drop/tasks.json lies in drop (/drop, the default), where it would be taken for a fragment"},
		{"the tasks file among the claims", "tasks: drop/.sessionsync/x/t", "1:8: tasks: /drop/.sessionsync/x/t lies in drop (/drop, the default), where it would be taken for a fragment"},
		{"the tasks file is the drop directory", "tasks: drop", "1:8: tasks: /drop lies in drop (/drop, the default), where it would be taken for a fragment"},
		{"the tasks file in a folder of the drop directory", "tasks: drop/sub/tasks.json", ""},
		{"names that only begin alike", "recovery: drop-recovery\ntasks: ..tasks/t", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := write(t, c.text)
			_, err := Load(Options{Dir: dir})
			var want []string
			if c.want != "" {
				for _, problem := range strings.Split(c.want, "|") {
					want = append(want, "sessionsync.yaml:"+problem)
				}
			}
			var got []string
			for _, problem := range problems(t, err) {
				problem = strings.ReplaceAll(strings.ReplaceAll(problem, dir, "ROOT"), `\`, "/")
				got = append(got, strings.ReplaceAll(problem, "ROOT/", "/"))
			}
			if strings.Join(got, "\n") != strings.Join(want, "\n") {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
			}
		})
	}
}

func TestALongLineIsShownAroundThePlace(t *testing.T) {
	_, err := load(t, "# "+strings.Repeat("ä", 300)+"\nlog: {level: info, "+strings.Repeat(" ", 300)+"formt: text}\n")
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 4 {
		t.Fatalf("got %d lines\n%s", len(lines), err)
	}
	if at := strings.Index(lines[2], "formt"); at < 0 || strings.Index(lines[3], "^") != at {
		t.Errorf("the mark is not below the key:\n%s", err)
	}
	for _, line := range lines {
		if len([]rune(line)) > 140 {
			t.Errorf("%d characters in %q", len([]rune(line)), line)
		}
	}
}

func TestTheMarkIsBelowItsPlaceAlsoBehindATab(t *testing.T) {
	// Not through load: the parser itself is one column off behind a tab.
	if got, want := excerpt([]string{"log:\t{formt: text}"}, 1, 7), ">  1 | log: {formt: text}\n             ^"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := excerpt([]string{"drop: a"}, 2, 1); got != "" {
		t.Errorf("a line that is not there is shown as %q", got)
	}
}

func TestWhatTheFileHidesIsShown(t *testing.T) {
	_, err := load(t, "drap: \u202egnp.exe\n")
	if err == nil || strings.Contains(err.Error(), "\u202e") || !strings.Contains(err.Error(), "\ufffdgnp.exe") {
		t.Errorf("got %v", err)
	}
}

func TestAnotherProgramsFileIsNotAFloodOfProblems(t *testing.T) {
	_, err := load(t, strings.Repeat("colour: red\n", 1000))
	if lines := strings.Split(err.Error(), "\n"); len(lines) > 20*6+1 || lines[len(lines)-1] != "and 980 more problems" {
		t.Errorf("%d lines, the last one %q", len(lines), lines[len(lines)-1])
	}
	for _, text := range []string{strings.Repeat("[", 1<<18), "drop: " + strings.Repeat("{a: ", 1<<16), strings.Repeat("a: 1\n", 1<<14)} {
		_, err := load(t, text)
		wantProblems(t, err, "sessionsync.yaml: holds more than 5000 words and signs; that is no configuration")
	}
	if _, err := load(t, strings.Repeat("# no word\n", 100_000)); err != nil {
		t.Errorf("comments are counted: %v", err)
	}
}

func TestWhatIsFoundWrongLaterHasThePlaceOfTheValue(t *testing.T) {
	cause := errors.New("read schema x: no\x1bne")
	for _, c := range []struct {
		what, text, variable, want string
	}{
		{"in the file", "document:\n  schema: x.json\n", "", `sessionsync.yaml:2:11: document.schema: read schema x: no\x1bne`},
		{"in a variable", "document: {schema: y}", "SESSIONSYNC_DOCUMENT_SCHEMA=x.json", `SESSIONSYNC_DOCUMENT_SCHEMA: read schema x: no\x1bne`},
		{"a default", "", "", `document.schema: read schema x: no\x1bne`},
	} {
		t.Run(c.what, func(t *testing.T) {
			config, err := load(t, c.text, c.variable)
			if err != nil {
				t.Fatal(err)
			}
			wrong := config.Wrong("document.schema", cause)
			wantProblems(t, wrong, c.want)
			if excerpt := strings.Contains(wrong.Error(), "schema: x.json\n"); excerpt != (c.variable == "" && c.text != "") {
				t.Errorf("with an excerpt: %v\n%v", excerpt, wrong)
			}
		})
	}
}
