package recovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// everyFault calls f once for each operation that it does, with that one failing, and then once with none; prepare comes
// before each call. After says whether what is on disk then is right.
func everyFault(t *testing.T, prepare func(b *bench) string, f func(b *bench, name string) error, after func(b *bench, name string, err error)) {
	t.Helper()
	for n := 1; ; n++ {
		b := newBenchIn(t, quick(t), quick(t))
		name := prepare(b)
		left, fired := n, false
		b.hook = func(vfs.Op, string) error {
			if left--; left == 0 {
				fired = true
				return errors.New("no")
			}
			return nil
		}
		err := f(b, name)
		b.hook = nil
		after(b, name, err)
		if !fired && err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		if !fired || t.Failed() {
			return
		}
	}
}

func TestMarkSaysSoInTheManifestAndNothingElse(t *testing.T) {
	everyFault(t, func(b *bench) string { return b.add(false, "x.json") },
		func(b *bench, name string) error { return b.Mark(name) },
		func(b *bench, name string, err error) {
			e, loadErr := b.Entry(name)
			must(t, loadErr)
			if err == nil && !e.Retryable || len(e.PendingUpdates) != 1 || e.Error.Code != "ENOSPC" {
				t.Errorf("after %v: %+v", err, e)
			}
			must(t, b.Mark(name))
			must(t, b.Mark(name))
			if head, err := b.Head(name); err != nil || !head.Retryable || head.PendingUpdates != nil {
				t.Errorf("%+v, %v", head, err)
			}
		})
}

func TestNothingIsDoneToWhatIsNoEntry(t *testing.T) {
	b := newBench(t)
	b.add(false, "x.json")
	must(t, os.Mkdir(filepath.Join(b.dir, ".hidden"), 0o755))
	before := b.tree()
	for _, name := range []string{"", ".", "..", ".hidden", "../x", "a/b", "none"} {
		if b.Mark(name) == nil {
			t.Errorf("marked %q", name)
		}
		if b.Discard(name) == nil {
			t.Errorf("discarded %q", name)
		}
		if b.Replace(name, "x.json", "", nil) == nil {
			t.Errorf("replaced in %q", name)
		}
		if _, err := b.Files(Entry{Name: name}); err == nil {
			t.Errorf("files of %q", name)
		}
	}
	if now := b.tree(); !reflect.DeepEqual(now, before) {
		t.Errorf("now %v", now)
	}
}

func TestDeskAndDeskTakeTurns(t *testing.T) {
	b := newBench(t)
	if _, err := b.Lock(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	b.add(false, "x.json")
	release, err := b.Lock()
	must(t, err)
	if _, err := b.Lock(); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("twice: %v", err)
	}
	must(t, release())
	release, err = b.Lock()
	must(t, err)
	must(t, release())
	b.entries(1)
}

func TestReplacePutsAnotherTextInTheSamePlace(t *testing.T) {
	const text = `[{"id":"new"},{"id":"newer"}]`
	everyFault(t, func(b *bench) string { return b.add(false, "a.json", "x.json", "y.json") },
		func(b *bench, name string) error { return b.Replace(name, "x.json", sum("x.json"), []byte(text)) },
		func(b *bench, name string, err error) {
			raw := filepath.Join(b.dir, name, "fragments", "x.json")
			now, readErr := os.ReadFile(raw)
			must(t, readErr)
			if string(now) != text && (err == nil || string(now) != "x.json") {
				t.Errorf("after %v it is %q", err, now)
			}
			if err != nil {
				return
			}
			if fi, err := os.Stat(raw); err != nil || fi.Mode().Perm() != 0o640 {
				t.Errorf("mode %v, %v", fi.Mode(), err)
			}
			e, loadErr := b.Entry(name)
			must(t, loadErr)
			var updates []string
			for _, u := range e.PendingUpdates {
				updates = append(updates, string(u))
			}
			want := `{"id":"a.json"} {"id":"new"} {"id":"newer"} {"id":"y.json"}`
			if f := e.Fragments[1]; f.SHA256 != sum(text) || f.Updates != 2 || e.PendingCount != 4 || strings.Join(updates, " ") != want {
				t.Errorf("%+v\n%s", e, updates)
			}
			if err := b.Replace(name, "x.json", sum("x.json"), nil); !errors.Is(err, ErrChanged) {
				t.Errorf("again: %v", err)
			}
			if err := b.Replace(name, "none.json", sum("x.json"), nil); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of nothing: %v", err)
			}
			must(t, b.Mark(name))
			if err := b.Replace(name, "x.json", sum(text), nil); !errors.Is(err, ErrRetryable) {
				t.Errorf("of what the agent may take: %v", err)
			}
		})
}

func TestAnUpdateThatNoManifestCanHoldIsReplacedAll(t *testing.T) {
	b := newBench(t)
	name := b.add(false, "x.json")
	must(t, b.Replace(name, "x.json", sum("x.json"), []byte("{\"id\":\"\xff\"}")))
	if e, err := b.Entry(name); err != nil || len(e.PendingUpdates) != 1 {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestReplaceBelievesNoNumberOfAManifest(t *testing.T) {
	for _, many := range []string{"2", "9223372036854775807", "-9223372036854775808"} {
		b := newBench(t)
		name := b.add(false, "a.json", "x.json")
		manifest := filepath.Join(b.dir, name, manifestName)
		is, err := os.ReadFile(manifest)
		must(t, err)
		one := regexp.MustCompile(`"updates": ?1\b`)
		if len(one.FindAll(is, -1)) != 2 {
			t.Fatalf("the manifest has another form: %s", is)
		}
		must(t, os.WriteFile(manifest, one.ReplaceAll(is, []byte(`"updates": `+many)), 0o644))
		must(t, b.Replace(name, "x.json", sum("x.json"), []byte(`{"id":"new"}`)))
		if e, err := b.Entry(name); err != nil || e.Fragments[1].SHA256 != sum(`{"id":"new"}`) || e.Fragments[1].Updates != 1 {
			t.Errorf("%s updates: %+v, %v", many, e, err)
		}
	}
}

func TestDiscardDeletesAnEntryOrLeavesItToResume(t *testing.T) {
	everyFault(t, func(b *bench) string { return b.add(true, "a.json", "x.json") },
		func(b *bench, name string) error { return b.Discard(name) },
		func(b *bench, name string, err error) {
			if err == nil {
				b.entries(0)
			}
			must(t, b.Resume(b.batch))
			left, listErr := os.ReadDir(b.dir)
			must(t, listErr)
			if len(left) == 1 && left[0].Name() == name && err != nil {
				if files, err := b.Files(b.entries(1)[0]); err != nil || len(files) != 2 {
					t.Errorf("half discarded: %v, %v", files, err)
				}
				return // it had not begun
			}
			if len(left) > 0 {
				t.Errorf("after %v: %v", err, left)
			}
		})
}

func TestDiscardLeavesAloneWhatHoldsOtherThings(t *testing.T) {
	for _, other := range []string{"note.txt", "folder/", "fragments/folder/"} {
		b := newBench(t)
		name := b.add(false, "x.json")
		path := filepath.Join(b.dir, name, other)
		if strings.HasSuffix(other, "/") {
			must(t, os.Mkdir(path, 0o755))
		} else {
			must(t, os.WriteFile(path, nil, 0o644))
		}
		before := b.tree()
		if err := b.Discard(name); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", other, err)
		}
		if now := b.tree(); !reflect.DeepEqual(now, before) {
			t.Errorf("%s: now %v", other, now)
		}
	}
}

func TestFilesAreThoseThatAreThereInTheirOrder(t *testing.T) {
	b := newBench(t)
	name := b.add(false, "b.json", "a.json", "gone.json")
	folder := filepath.Join(b.dir, name, "fragments")
	must(t, os.Remove(filepath.Join(folder, "gone.json")))
	must(t, os.WriteFile(filepath.Join(folder, "added.json"), []byte("{}"), 0o644))
	must(t, os.WriteFile(filepath.Join(folder, "note.txt"), nil, 0o644))
	must(t, os.Mkdir(filepath.Join(folder, "folder.json"), 0o755))
	for i, f := range []string{"a.json", "b.json", "added.json"} {
		at := b.entries(1)[0].Timestamp.Add(-3600e9)
		if i == 2 {
			at = at.Add(-1e9)
		}
		must(t, os.Chtimes(filepath.Join(folder, f), at, at))
	}
	files, err := b.Files(b.entries(1)[0])
	must(t, err)
	var got []string
	for _, f := range files {
		got = append(got, f.Own)
	}
	if s := strings.Join(got, " "); s != "added.json a.json b.json" {
		t.Error(s)
	}
	e := b.entries(1)[0]
	if e.Fragments[0].Stored() != "b.json" || !e.OfItsBatch() {
		t.Errorf("%+v", e)
	}
	only, err := b.Add(Entry{Batch: batch, PendingUpdates: e.PendingUpdates[:0:0]}, b.from())
	if err != nil || only != "" {
		t.Errorf("%q, %v", only, err)
	}
}

func TestAnEntryOfUpdatesAloneHasNoFiles(t *testing.T) {
	b := newBench(t)
	name, err := b.Add(Entry{Batch: batch, PendingUpdates: nil, Fragments: nil}, b.from())
	if name != "" || err != nil {
		t.Fatalf("%q, %v", name, err)
	}
	must(t, os.MkdirAll(filepath.Join(b.dir, "hand"), 0o755))
	must(t, os.WriteFile(filepath.Join(b.dir, "hand", "recovery.json"), []byte(`{"version":"1.0"}`), 0o644))
	if files, err := b.Files(b.entries(1)[0]); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestASnapshotTellsWhatIsOnItsWay(t *testing.T) {
	b := newBench(t)
	if s, err := b.Snapshot(); err != nil || len(s.Entries) > 0 {
		t.Errorf("without a folder: %v, %v", s, err)
	}
	if names, err := b.Names(); err != nil || len(names) > 0 {
		t.Errorf("without a folder: %v, %v", names, err)
	}
	if there, returning, err := b.Where("x"); there || returning || err != nil {
		t.Errorf("without a folder: %v, %v, %v", there, returning, err)
	}
	name := b.add(false, "x.json")
	for _, hidden := range []string{".adding-a", ".returning-b", ".other"} {
		must(t, os.Mkdir(filepath.Join(b.dir, hidden), 0o755))
	}
	s, err := b.Snapshot()
	if err != nil || !reflect.DeepEqual(s, Snapshot{map[string]bool{name: true}, map[string]bool{"b": true}, map[string]bool{"a": true}}) {
		t.Errorf("%v, %v", s, err)
	}
	for n, want := range map[string][2]bool{name: {true, false}, "b": {false, true}, "a": {}} {
		if there, returning, err := b.Where(n); err != nil || there != want[0] || returning != want[1] {
			t.Errorf("%s: %v, %v, %v", n, there, returning, err)
		}
	}
	if names, err := b.Names(); err != nil || !reflect.DeepEqual(names, []string{name}) {
		t.Errorf("%v, %v", names, err)
	}
	if BatchOf(name) != batch {
		t.Errorf("%q", BatchOf(name))
	}
	b.hook = func(op vfs.Op, path string) error { return errors.New("no") }
	if _, err := b.Snapshot(); err == nil {
		t.Error("a snapshot of nothing")
	}
	if _, err := b.Names(); err == nil {
		t.Error("names of nothing")
	}
	if _, _, err := b.Where(name); err == nil {
		t.Error("where of nothing")
	}
	b.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpReadDir {
			return errors.New("no")
		}
		return nil
	}
	if _, err := b.Snapshot(); err == nil {
		t.Error("a snapshot of what cannot be listed")
	}
	if _, err := b.Names(); err == nil {
		t.Error("names of what cannot be listed")
	}
}

func TestTheManifestNamesTheCommandOfItsOwnEntry(t *testing.T) {
	b := newBench(t)
	b.config.Retry = func(entry string) string { return "retry " + entry }
	at := Entry{Batch: batch, Fragments: []Fragment{{Name: "x.json"}}}
	for range 3 {
		b.put("x.json", "{}")
		at.Timestamp = at.Timestamp.Add(0)
		if at.Timestamp.IsZero() {
			name, err := b.Add(at, b.from())
			must(t, err)
			at.Timestamp = b.entries(1)[0].Timestamp
			if e, err := b.Head(name); err != nil || e.Retry != "retry "+name {
				t.Errorf("%s: %q, %v", name, e.Retry, err)
			}
			continue
		}
		name, err := b.Add(at, b.from())
		must(t, err)
		if e, err := b.Head(name); err != nil || e.Retry != "retry "+name || !e.OfItsBatch() {
			t.Errorf("%s: %q, %v", name, e.Retry, err)
		}
	}
	// Somebody takes the name in the last moment.
	b.put("x.json", "{}")
	b.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpRename && strings.HasPrefix(filepath.Base(path), addingPrefix) {
			b.hook = nil
			must(t, os.Mkdir(filepath.Join(b.dir, strings.TrimPrefix(filepath.Base(path), addingPrefix)), 0o755))
		}
		return nil
	}
	name, err := b.Add(at, b.from())
	must(t, err)
	if e, err := b.Head(name); err != nil || e.Retry != "retry "+name || !e.OfItsBatch() {
		t.Errorf("%s: %q, %v", name, e.Retry, err)
	}
}
