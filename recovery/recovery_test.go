package recovery

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

const batch = "18a5c2d3e4f5a6b7"

// bench is a recovery folder and claimed batches beside it.
type bench struct {
	*Store
	t      *testing.T
	dir    string // of the recovery folder
	claims string
	log    *bytes.Buffer
	hook   vfs.Hook // nil for none; may be changed any time
	opened map[string]*vfs.Dir
}

func newBench(t *testing.T) *bench { return newBenchIn(t, quick(t), quick(t)) }

func newBenchIn(t *testing.T, claims, recovery string) *bench {
	t.Helper()
	b := &bench{t: t, dir: filepath.Join(recovery, "recovery"), claims: claims, log: &bytes.Buffer{}, opened: map[string]*vfs.Dir{}}
	b.Store = b.store()
	return b
}

// store is a new Store, as after a start.
func (b *bench) store() *Store {
	return New(Config{
		Dir: b.dir, TasksFile: "somewhere/tasks.json", Hook: b.ask,
		Log: slog.New(slog.NewTextHandler(b.log, nil)),
	})
}

func (b *bench) ask(op vfs.Op, path string) error {
	if b.hook == nil {
		return nil
	}
	return b.hook(op, path)
}

// batch opens a claimed batch, made if it is missing.
func (b *bench) batch(id string) (*vfs.Dir, error) {
	if d := b.opened[id]; d != nil {
		return d, nil
	}
	path := filepath.Join(b.claims, id)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	d, err := vfs.Open(path, b.ask)
	if err == nil {
		b.opened[id] = d
		b.t.Cleanup(func() { d.Close() })
	}
	return d, err
}

func (b *bench) from() *vfs.Dir {
	b.t.Helper()
	d, err := b.batch(batch)
	must(b.t, err)
	return d
}

func (b *bench) put(name, content string) {
	b.t.Helper()
	must(b.t, os.WriteFile(b.from().Join(name), []byte(content), 0o640))
}

// add puts the named files into the batch, each holding its name, and makes an
// entry of them.
func (b *bench) add(retryable bool, names ...string) string {
	b.t.Helper()
	e := Entry{Batch: batch, Retryable: retryable, Error: Failure{Message: "disk full", Code: "ENOSPC", Attempts: 3}}
	for _, name := range names {
		b.put(name, name)
		e.Fragments = append(e.Fragments, Fragment{Name: name, Updates: 1})
		e.PendingUpdates = append(e.PendingUpdates, raw(name))
	}
	name, err := b.Add(e, b.from())
	must(b.t, err)
	return name
}

func raw(id string) json.RawMessage {
	text, _ := json.Marshal(map[string]string{"id": id})
	return text
}

func (b *bench) entries(want int) []Entry {
	b.t.Helper()
	entries, err := b.Entries()
	must(b.t, err)
	if len(entries) != want {
		b.t.Fatalf("%d entries, want %d: %v", len(entries), want, b.tree())
	}
	return entries
}

// tree is all that is in the recovery folder and the claims: path to content.
func (b *bench) tree() map[string]string {
	b.t.Helper()
	all := map[string]string{}
	for prefix, root := range map[string]string{"r": b.dir, "c": b.claims} {
		must(b.t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) && path == root {
				return nil
			}
			rel, _ := filepath.Rel(root, path)
			key := prefix + "/" + filepath.ToSlash(rel)
			switch {
			case err != nil || rel == ".":
			case e.IsDir():
				all[key+"/"] = ""
			case e.Type().IsRegular():
				text, rerr := os.ReadFile(path)
				err = rerr
				all[key] = string(text)
			default:
				all[key] = e.Type().String()
			}
			return err
		}))
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// quick is a temporary folder, in memory where there is such a place: the fault
// loops sync thousands of times.
func quick(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "recovery")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func TestAnEntryIsWhatTheContractSays(t *testing.T) {
	b := newBench(t)
	b.put("x.json", "[1]")
	b.put("y.json", "<y>")
	when := time.Date(2026, 11, 22, 11, 15, 30, 123_999_999, time.FixedZone("", 3600))
	name, err := b.Add(Entry{
		Batch: batch, Retryable: true, Timestamp: when,
		Error: Failure{Message: "write <tasks>: no space", Code: "ENOSPC", Attempts: 3},
		PendingUpdates: []json.RawMessage{
			json.RawMessage("{ \"id\":\"P1\",\r\n\t\"n\":1.0e+2, \"s\":\"<\\u0041>\" }"), json.RawMessage(`5`),
		},
		Fragments: []Fragment{
			{Name: "x.json", Updates: 2},
			{Name: "y.json", Error: &Reason{Code: "unknown_id", Message: "there is no item \"P9\""}},
		},
	}, b.from())
	must(t, err)
	if want := "20261122T101530.123Z-" + batch; name != want {
		t.Errorf("name %s, want %s", name, want)
	}
	session, _ := filepath.Abs("somewhere")
	want := `{
  "version": "1.0",
  "timestamp": "2026-11-22T10:15:30.123Z",
  "sessionPath": "` + strings.ReplaceAll(session, `\`, `\\`) + `",
  "error": {
    "message": "write <tasks>: no space",
    "code": "ENOSPC",
    "attempts": 3
  },
  "pendingCount": 2,
  "pendingUpdates": [
    { "id":"P1",` + "\r\n\t" + `"n":1.0e+2, "s":"<\u0041>" },
    5
  ],
  "batch": "` + batch + `",
  "tasksFile": "tasks.json",
  "retryable": true,
  "fragments": [
    {
      "file": "fragments/x.json",
      "sha256": "` + sum("[1]") + `",
      "updates": 2
    },
    {
      "file": "fragments/y.json",
      "sha256": "` + sum("<y>") + `",
      "updates": 0,
      "error": {
        "code": "unknown_id",
        "message": "there is no item \"P9\""
      }
    }
  ]
}
`
	have := b.tree()
	if got := have["r/"+name+"/recovery.json"]; got != want {
		t.Errorf("manifest\n%s\nwant\n%s", got, want)
	}
	if have["r/"+name+"/fragments/x.json"] != "[1]" || have["r/"+name+"/fragments/y.json"] != "<y>" || len(have) != 6 {
		t.Errorf("files: %v", have)
	}
	if runtime.GOOS != "windows" {
		for path, mode := range map[string]fs.FileMode{"": fs.ModeDir | 0o755, "recovery.json": 0o640, "fragments": fs.ModeDir | 0o755, "fragments/x.json": 0o640} {
			if fi, err := os.Lstat(filepath.Join(b.dir, name, path)); err != nil || fi.Mode() != mode {
				t.Errorf("mode of %q: %v, want %v", path, fi.Mode(), mode)
			}
		}
	}
	whole, err := b.Entry(name)
	must(t, err)
	if len(whole.PendingUpdates) != 2 || string(whole.PendingUpdates[0]) != "{ \"id\":\"P1\",\r\n\t\"n\":1.0e+2, \"s\":\"<\\u0041>\" }" {
		t.Errorf("updates read back: %q", whole.PendingUpdates)
	}
	listed := b.entries(1)[0]
	if listed.PendingUpdates != nil {
		t.Error("a listing holds updates in memory")
	}
	whole.PendingUpdates = nil
	if !reflect.DeepEqual(listed, whole) || listed.Name != name || !listed.Timestamp.Equal(when.Truncate(time.Millisecond)) {
		t.Errorf("listed %+v, read %+v", listed, whole)
	}
	if _, err := b.Entry("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an entry that is not there: %v", err)
	}
}

func TestTheTimeIsNowUnlessItIsGiven(t *testing.T) {
	b := newBench(t)
	before := time.Now().Truncate(time.Millisecond)
	name := b.add(false, "x.json")
	e := b.entries(1)[0]
	if e.Timestamp.Before(before) || e.Timestamp.After(time.Now()) {
		t.Errorf("timestamp %v", e.Timestamp)
	}
	if !regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z-` + batch + `$`).MatchString(name) {
		t.Errorf("name %s", name)
	}
}

func TestAnOlderEntryIsNeverReplaced(t *testing.T) {
	b := newBench(t)
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var got []string
	for i := range 4 {
		if i == 2 { // somebody's file of the next name
			must(t, os.WriteFile(filepath.Join(b.dir, "20260102T030405.000Z-"+batch+"-3"), []byte("mine"), 0o644))
		}
		b.put("x.json", strings.Repeat("x", i))
		name, err := b.Add(Entry{Batch: batch, Timestamp: when, Fragments: []Fragment{{Name: "x.json"}}}, b.from())
		must(t, err)
		got = append(got, strings.TrimPrefix(name, "20260102T030405.000Z-"+batch))
	}
	if want := []string{"", "-2", "-4", "-5"}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	for _, e := range b.entries(4) {
		if want := strings.Repeat("x", slices.Index(got, strings.TrimPrefix(e.Name, "20260102T030405.000Z-"+batch))); b.tree()["r/"+e.Name+"/fragments/x.json"] != want {
			t.Errorf("%s does not hold %q", e.Name, want)
		}
	}
	// A left-over hidden folder is not replaced either.
	must(t, os.Mkdir(filepath.Join(b.dir, addingPrefix+"20260102T030405.000Z-"+batch), 0o755))
	b.put("x.json", "again")
	if _, err := b.Add(Entry{Batch: batch, Timestamp: when, Fragments: []Fragment{{Name: "x.json"}}}, b.from()); err != nil {
		t.Error(err)
	}
	b.entries(5)
}

func TestWhatIsNotThereIsLeftOutWithItsUpdates(t *testing.T) {
	b := newBench(t)
	b.put("b.json", "b")
	caller := []Fragment{{Name: "a.json", Updates: 2}, {Name: "b.json", Updates: 1}, {Name: "c.json", Updates: 1}}
	name, err := b.Add(Entry{Batch: batch, Fragments: caller,
		PendingUpdates: []json.RawMessage{raw("a1"), raw("a2"), raw("b1"), raw("c1")}}, b.from())
	must(t, err)
	e, err := b.Entry(name)
	must(t, err)
	if len(e.Fragments) != 1 || e.PendingCount != 1 || len(e.PendingUpdates) != 1 || string(e.PendingUpdates[0]) != `{"id":"b1"}` {
		t.Errorf("got %+v", e)
	}
	if caller[1].SHA256 != "" || caller[1].Name != "b.json" {
		t.Error("the caller's fragments were changed")
	}
	if name, err := b.Add(Entry{Batch: batch, Fragments: caller}, b.from()); name != "" || err != nil {
		t.Errorf("nothing is there: %q, %v", name, err)
	}
	b.entries(1)
	for _, bad := range []string{"../x.json", "x/y.json", "notes.txt", ""} {
		if _, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: bad}}}, b.from()); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("fragment %q: %v", bad, err)
		}
	}
}

func TestUpdatesWithoutAFileAreKeptToo(t *testing.T) {
	b := newBench(t)
	name, err := b.Add(Entry{Batch: batch, Error: Failure{Code: "overwritten"}, PendingUpdates: []json.RawMessage{raw("P1"), json.RawMessage("{broken\xff")}}, b.from())
	must(t, err)
	e, err := b.Entry(name)
	must(t, err)
	if e.PendingCount != 2 || string(e.PendingUpdates[0]) != `{"id":"P1"}` || len(e.Fragments) != 0 || !strings.Contains(string(e.PendingUpdates[1]), "broken") {
		t.Errorf("got %+v", e)
	}
	if !strings.Contains(b.tree()["r/"+name+"/recovery.json"], `"fragments": []`) {
		t.Error("no list of fragments")
	}
	must(t, b.GiveBack(name, b.from()))
	b.entries(0)
}

func TestAManifestIsBounded(t *testing.T) {
	b := newBench(t)
	b.put("x.json", "x")
	b.put("y.json", "y")
	big := json.RawMessage(`"` + strings.Repeat("x", updatesMax/2) + `"`)
	long := "x" + strings.Repeat("é", messageMax)
	name, err := b.Add(Entry{Batch: batch, Error: Failure{Message: long},
		Fragments:      []Fragment{{Name: "x.json", Updates: 2, Error: &Reason{Message: long}}, {Name: "y.json", Updates: 1}},
		PendingUpdates: []json.RawMessage{big, big, raw("y")}}, b.from())
	must(t, err)
	e, err := b.Entry(name)
	must(t, err)
	if len(e.PendingUpdates) != 1 || e.PendingCount != 3 {
		t.Errorf("%d updates of %d, want the first of 3", len(e.PendingUpdates), e.PendingCount)
	}
	for _, m := range []string{e.Error.Message, e.Fragments[0].Error.Message} {
		if len(m) > messageMax+3 || !strings.HasSuffix(m, "é…") {
			t.Errorf("a message of %d bytes, ending %q", len(m), m[len(m)-10:])
		}
	}
	if whole := strings.Repeat("x", messageMax); cut(whole) != whole {
		t.Error("a page of text is cut")
	}
}

func TestNamesThatCouldDoHarmAreStoredUnderOthers(t *testing.T) {
	b := newBench(t)
	names := []string{
		"plain.json", "mit Ümlaut.json", "a\nb.json", "a%0Ab.json", "\x1b[31mred.json", "\xff\xfe.jsonl", "bidi\u202e.json",
		"A\\\"\n.json", "UPPER.json", strings.Repeat("\n", 250) + ".json", strings.Repeat("\n", 249) + "x.json", "fragment-1.json",
	}
	var there []string
	for _, name := range names {
		if os.WriteFile(b.from().Join(name), []byte(name), 0o644) == nil {
			there = append(there, name)
		}
	}
	e := Entry{Batch: batch}
	for _, name := range there {
		e.Fragments = append(e.Fragments, Fragment{Name: name})
	}
	entry, err := b.Add(e, b.from())
	must(t, err)
	got := b.entries(1)[0]
	seen := map[string]bool{}
	for i, f := range got.Fragments {
		if f.OwnName() != there[i] {
			t.Errorf("%q comes back as %q", there[i], f.OwnName())
		}
		if seen[f.File] || !plain(f.File) || len(f.stored()) > 255 {
			t.Errorf("%q is stored as %q", there[i], f.File)
		}
		seen[f.File] = true
		if text, err := os.ReadFile(filepath.Join(b.dir, entry, filepath.FromSlash(f.File))); err != nil || string(text) != there[i] {
			t.Errorf("%q: %q, %v", f.File, text, err)
		}
		if f.SHA256 != sum(there[i]) {
			t.Errorf("digest of %q", there[i])
		}
	}
	for own, file := range map[string]string{"plain.json": "plain.json", "mit Ümlaut.json": "mit Ümlaut.json", "a\nb.json": "a%0Ab.json", "a%0Ab.json": "a%0Ab-2.json", "\xff\xfe.jsonl": "%FF%FE.jsonl"} {
		i := slices.Index(there, own)
		if i >= 0 && got.Fragments[i].stored() != file {
			t.Errorf("%q is stored as %q, want %q", own, got.Fragments[i].stored(), file)
		}
	}
	for _, c := range b.tree()["r/"+entry+"/recovery.json"] {
		if c < ' ' && c != '\n' || c == 0x202e {
			t.Errorf("the manifest holds %q", c)
		}
	}
	must(t, b.GiveBack(entry, b.from()))
	for _, name := range there {
		if text, err := os.ReadFile(b.from().Join(name)); err != nil || string(text) != name {
			t.Errorf("given back: %q, %v", text, err)
		}
	}
}

// A file system that knows no case must not let one fragment replace another.
func TestNamesThatDifferInCaseOnlyAreStoredApart(t *testing.T) {
	taken := map[string]bool{}
	a, b := storedName("A.json", taken), storedName("a.json", taken)
	if strings.EqualFold(a, b) {
		t.Errorf("%q and %q", a, b)
	}
}

func TestTheNameOfAManifestLeadsNowhereElse(t *testing.T) {
	for _, f := range []Fragment{
		{File: "fragments/../../x.json", Name: ""}, {File: "../x.json"}, {File: "fragments/x.json", Name: "../../etc/x.json"},
		{File: "fragments/x.json", Name: ".intent.json"}, {File: "fragments/x.json", Name: "x.txt"}, {File: "fragments/x.json", Name: `a"b.json`},
		{File: "fragments/x.json", Name: `nul\x00.json`}, {File: "fragments/x.json", Name: `a\x2fb.json`}, {File: "/x.json"},
	} {
		if got := f.OwnName(); got != "x.json" {
			t.Errorf("%+v gives %q", f, got)
		}
	}
	for _, f := range []Fragment{{}, {File: ".."}, {File: "fragments/.x.json"}, {File: "fragments/x.txt"}} {
		if got := f.OwnName(); got != "" {
			t.Errorf("%+v gives %q", f, got)
		}
	}
}

func TestTheEntriesAreListedByBatchAndOthersArePassedOver(t *testing.T) {
	b := newBench(t)
	b.entries(0) // there is no folder yet
	manifest := func(folder, text string) {
		t.Helper()
		must(t, os.MkdirAll(filepath.Join(b.dir, folder), 0o755))
		must(t, os.WriteFile(filepath.Join(b.dir, folder, manifestName), []byte(text), 0o644))
	}
	manifest("2-late", `{"version":"1.0","batch":"b1"}`)
	manifest("1-early", `{"version":"1.0","batch":"b2","unknown":{"deep":[1,2,{"x":null}]},"pendingUpdates":[{"id":1},[[]],null]}`)
	manifest("3-same", `{"version":"1.0","batch":"b1","version":"1.0"}`)
	manifest("hostile", `{"version":"1.0","batch":"\u001b\ud800","fragments":[{"file":"../../../etc/passwd","updates":-5}]}`)
	bad := map[string]string{
		"half": `{"version":"1.0","batch":"b`, "empty": "", "null": "null", "array": `[{"version":"1.0"}]`, "newer": `{"version":"2.0"}`,
		"no-version": `{"batch":"b1"}`, "wrong-type": `{"version":"1.0","batch":5}`, "half-updates": `{"version":"1.0","pendingUpdates":[{"id":`,
		"deep": `{"version":"1.0","pendingUpdates":` + strings.Repeat("[", 100_000), "no-colon": `{"version"}`, "half-name": `{"versi`,
		"unknown-half": `{"unknown":[`, "value-half": `{"batch":[`,
	}
	for folder, text := range bad {
		manifest(folder, text)
	}
	must(t, os.Mkdir(filepath.Join(b.dir, "foreign"), 0o755))
	must(t, os.MkdirAll(filepath.Join(b.dir, "folder", manifestName), 0o755))
	must(t, os.WriteFile(filepath.Join(b.dir, "file"), nil, 0o644))
	manifest(".adding-x", `{"version":"1.0","batch":"hidden"}`)
	if runtime.GOOS != "windows" {
		must(t, os.Mkdir(filepath.Join(b.dir, "linked"), 0o755))
		must(t, os.Symlink("../2-late/recovery.json", filepath.Join(b.dir, "linked", manifestName)))
		must(t, os.Symlink("2-late", filepath.Join(b.dir, "link")))
	}
	var got []string
	for _, e := range b.entries(4) {
		got = append(got, e.Name)
	}
	if want := []string{"hostile", "2-late", "3-same", "1-early"}; !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
	for folder := range bad {
		if !strings.Contains(b.log.String(), folder) {
			t.Errorf("nothing said about %s", folder)
		}
	}
	if strings.Contains(b.log.String(), "foreign") {
		t.Error("somebody's own folder is nothing to warn of")
	}
	for _, e := range b.entries(4) {
		for _, f := range e.Fragments {
			if f.Updates < 0 || f.OwnName() != "" {
				t.Errorf("taken at its word: %+v", f)
			}
		}
	}
}

func TestTroubleWithTheDiskIsNoList(t *testing.T) {
	b := newBench(t)
	b.add(true, "a.json")
	b.add(true, "b.json")
	for n := 1; ; n++ {
		calls, fired := 0, false
		b.hook = func(op vfs.Op, _ string) error {
			if calls++; calls == n {
				fired = true
				if op != vfs.OpClose {
					return syscall.EMFILE
				}
			}
			return nil
		}
		entries, err := b.Entries()
		if err == nil && len(entries) != 2 || err != nil && (entries != nil || !errors.Is(err, syscall.EMFILE)) {
			t.Errorf("operation %d: %d entries, %v", n, len(entries), err)
		}
		if !fired {
			return
		}
	}
}

func TestAnEntryIsGivenBackWhole(t *testing.T) {
	b := newBench(t)
	when := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	b.put("a.json", "old a")
	must(t, os.Chtimes(b.from().Join("a.json"), when, when))
	name, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "a.json"}}}, b.from())
	must(t, err)
	must(t, b.GiveBack(name, b.from()))
	if got := b.tree(); len(got) != 2 || got["c/"+batch+"/a.json"] != "old a" {
		t.Errorf("given back: %v", got)
	}
	if fi, err := os.Stat(b.from().Join("a.json")); err != nil || !fi.ModTime().Equal(when) {
		t.Errorf("the time is the order within the batch: %v, %v", fi.ModTime(), err)
	}
	for _, bad := range []string{"", "..", "none", ".adding-x", "a/b", "../x"} {
		if err := b.GiveBack(bad, b.from()); err == nil {
			t.Errorf("gave back %q", bad)
		}
	}
}

func TestGiveBackReplacesNothing(t *testing.T) {
	b := newBench(t)
	name := b.add(true, "a.json", "b.json")
	b.put("a.json", "another")
	b.put("a-2.json", "yet another")
	b.put("b.json", "b.json") // the same bytes: what an interrupted copy leaves
	must(t, b.GiveBack(name, b.from()))
	got := b.tree()
	for file, want := range map[string]string{"a.json": "another", "a-2.json": "yet another", "a-3.json": "a.json", "b.json": "b.json"} {
		if got["c/"+batch+"/"+file] != want {
			t.Errorf("%s holds %q, want %q", file, got["c/"+batch+"/"+file], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("all: %v", got)
	}
}

func TestOtherThingsInAnEntryStay(t *testing.T) {
	b := newBench(t)
	name := b.add(true, "a.json")
	must(t, os.WriteFile(filepath.Join(b.dir, name, "notes.txt"), []byte("mine"), 0o644))
	must(t, os.WriteFile(filepath.Join(b.dir, name, "fragments", "notes.txt"), []byte("mine too"), 0o644))
	must(t, b.GiveBack(name, b.from()))
	got := b.tree()
	if got["c/"+batch+"/a.json"] != "a.json" || got["r/"+name+"/notes.txt"] != "mine" || got["r/"+name+"/fragments/notes.txt"] != "mine too" {
		t.Errorf("%v", got)
	}
	if !strings.Contains(b.log.String(), "holds other things") {
		t.Errorf("nothing said: %s", b.log)
	}
	must(t, b.Resume(b.batch))
}

func TestAFileSystemThatTakesTwoNamesForOneReplacesNothing(t *testing.T) {
	b := newBench(t)
	b.put("a.json", "a")
	b.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpStat && filepath.Base(filepath.Dir(path)) == fragmentsName { // just before the look
			return os.WriteFile(path, []byte("there"), 0o644)
		}
		return nil
	}
	_, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "a.json"}}}, b.from())
	if !errors.Is(err, fs.ErrExist) {
		t.Errorf("got %v", err)
	}
}

func TestNewDoesNothing(t *testing.T) {
	s := New(Config{Dir: filepath.Join(t.TempDir(), "none")})
	must(t, s.Resume(nil))
	if entries, err := s.Entries(); err != nil || entries != nil {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := s.Entry("x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := s.GiveBack("x", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := os.Lstat(s.config.Dir); err == nil {
		t.Error("the folder was made")
	}
}

// endless is a manifest that never ends.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	if e.read == 0 {
		p[0] = '{'
	}
	e.read += len(p)
	return len(p), nil
}

func TestAManifestWithoutAnEndIsGivenUp(t *testing.T) {
	if testing.Short() {
		t.Skip("a large input, and one goroutine")
	}
	r := &endless{}
	if _, err := readManifest(io.LimitReader(r, 2*manifestMax), false); err == nil {
		t.Error("accepted")
	}
	if r.read > manifestMax+1<<20 {
		t.Errorf("%d bytes were read", r.read)
	}
}
