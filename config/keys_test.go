package config

import (
	"log/slog"
	"math"
	"reflect"
	"testing"
)

func TestKeysHaveTheirVariablesAndDefaults(t *testing.T) {
	keys, seen := Keys(), map[string]string{}
	for _, key := range keys {
		if other, twice := seen[key.Env]; twice {
			t.Errorf("%s and %s have the same variable", key.Path, other)
		}
		seen[key.Env] = key.Path
	}
	if len(keys) != 29 {
		t.Errorf("%d keys", len(keys))
	}
	for _, want := range []Key{
		{"drop", "SESSIONSYNC_DROP", "./drop"},
		{"watch.incomplete_after", "SESSIONSYNC_WATCH_INCOMPLETE_AFTER", "5s"},
		{"batch.max_fragments", "SESSIONSYNC_BATCH_MAX_FRAGMENTS", "1000"},
		{"batch.max_bytes", "SESSIONSYNC_BATCH_MAX_BYTES", "8MiB"},
		{"batch.leading", "SESSIONSYNC_BATCH_LEADING", "false"},
		{"document.layout", "SESSIONSYNC_DOCUMENT_LAYOUT", "backlog"},
		{"document.unknown_id_grace", "SESSIONSYNC_DOCUMENT_UNKNOWN_ID_GRACE", "0s"},
		{"listen", "SESSIONSYNC_LISTEN", `""`},
	} {
		found := false
		for _, key := range keys {
			found = found || key == want
		}
		if !found {
			t.Errorf("%+v is not among %+v", want, keys)
		}
	}
}

func TestALayoutInOnesOwnWords(t *testing.T) {
	want := Layout{ID: "key", Items: "list", Children: []string{"parts", "bits"}, Scoped: true, LocalIDs: true, DerivedParent: true}
	const flow = "{id: key, items: list, children: [parts, bits], scoped: true, local_ids: true, derived_parent: true}"
	for what, got := range map[string]func() (Config, error){
		"in the file":   func() (Config, error) { return load(t, "document:\n  layout: "+flow+"\n") },
		"as a variable": func() (Config, error) { return load(t, "", "SESSIONSYNC_DOCUMENT_LAYOUT="+flow) },
	} {
		t.Run(what, func(t *testing.T) {
			config, err := got()
			if err != nil || !reflect.DeepEqual(config.Document.Layout, want) {
				t.Errorf("got %+v, %v", config.Document.Layout, err)
			}
		})
	}
	config, err := load(t, "document: {layout: {}}")
	if err != nil || !reflect.DeepEqual(config.Document.Layout, Layout{ID: "id"}) {
		t.Errorf("an empty mapping gives %+v, %v", config.Document.Layout, err)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "1": 1, "8388608": 8 << 20, "8MiB": 8 << 20, "8 mib": 8 << 20, "500kB": 500_000, "1.5KiB": 1536, "7EiB": 7 << 60,
		"9223372036854775807": math.MaxInt64,
	} {
		got, err := ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
		if again, err := ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q, which reads as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "8 bits", "-1", "1,5MiB", "1e6", "8EiB", "9223372036854775808", "99999999999999999999", "٣MiB", "1..5", "NaN"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("%q reads as %d", text, got)
		}
	}
	for size, want := range map[Size]string{8 << 20: "8MiB", 1 << 10: "1KiB", 1000: "1000", 0: "0", 3 << 60: "3EiB"} {
		if size.String() != want {
			t.Errorf("%d is written %s", int64(size), size)
		}
	}
}

func TestLogLevelsAreThoseOfSlog(t *testing.T) {
	for name, want := range map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError, "": slog.LevelInfo} {
		if got := (Log{Level: name}).SlogLevel(); got != want {
			t.Errorf("%q is %v", name, got)
		}
	}
}

func TestWhatWasProbablyMeant(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"quiet", "quiet", 0}, {"quite", "quiet", 1}, {"quit", "quiet", 1}, {"quiets", "quiet", 1}, {"quiit", "quiet", 1}, {"abc", "cab", 2}, {"a", "quiet", 3}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("from %q to %q: %d", c.a, c.b, got)
		}
	}
	if got := nearest("xy", []string{"id"}); got != "" {
		t.Errorf("xy was taken for %q, though no letter is the same", got)
	}
}
