package spool

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLookTellsWhatWaits(t *testing.T) {
	drop := t.TempDir()
	look := func() Inventory {
		in, err := Look(drop)
		must(t, err)
		slices.SortFunc(in.Claimed, func(a, b Place) int { return strings.Compare(a.Batch+a.Name, b.Batch+b.Name) })
		return in
	}
	if in := look(); !reflect.DeepEqual(in, Inventory{}) {
		t.Errorf("%+v", in)
	}
	for _, name := range []string{
		"a.json", "b.jsonl", ".hidden.json", "c.txt",
		".sessionsync/claimed/1/x.json", ".sessionsync/claimed/1/.intent.json", ".sessionsync/claimed/2/y.json", ".sessionsync/claimed/2/z.json",
		".sessionsync/claimed/3/.own", ".sessionsync/claimed/3/reassert-000001.json", ".sessionsync/claimed/lost.json",
		".sessionsync/foreign/4-2/w", ".sessionsync/history.jsonl",
	} {
		must(t, os.MkdirAll(filepath.Dir(filepath.Join(drop, name)), 0o755))
		must(t, os.WriteFile(filepath.Join(drop, name), nil, 0o644))
	}
	must(t, os.Mkdir(filepath.Join(drop, "folder.json"), 0o755))
	must(t, os.Symlink("nowhere", filepath.Join(drop, "link.json")))
	want := Inventory{Dropped: 3, Claimed: []Place{{"1", "x.json"}, {"2", "y.json"}, {"2", "z.json"}}, Aside: []Place{{"4-2", "w"}}}
	if in := look(); !reflect.DeepEqual(in, want) {
		t.Errorf("%+v, want %+v", in, want)
	}
}

func TestLookFollowsNoLinkAndSaysWhatIsWrong(t *testing.T) {
	for what, put := range map[string]func(state string) error{
		"a link in the place of the state": func(state string) error { return os.Symlink("/", state) },
		"a file in the place of the state": func(state string) error { return os.WriteFile(state, nil, 0o600) },
		"a link in the place of the claims": func(state string) error {
			return mkdirAnd(state, func() error { return os.Symlink("/", state+"/claimed") })
		},
		"a file in the place of the foreign": func(state string) error {
			return mkdirAnd(state, func() error { return os.WriteFile(state+"/foreign", nil, 0o600) })
		},
	} {
		drop := t.TempDir()
		must(t, put(filepath.Join(drop, stateName)))
		if _, err := Look(drop); err == nil || !strings.HasPrefix(err.Error(), "look what waits: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := Look(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no drop directory: no error")
	}
}

func mkdirAnd(dir string, f func() error) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	return f()
}
