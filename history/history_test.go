package history

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/vfs"
)

// folder is a drop directory with the folder of a history in it.
type folder struct {
	t    testing.TB
	drop string
	dir  *vfs.Dir // through which a Log writes
	fail error    // what its next operations answer
	left int      // how many operations succeed before; < 0: all
	ops  int
	said bytes.Buffer
}

func newFolder(t testing.TB) *folder {
	t.Helper()
	f := &folder{t: t, drop: t.TempDir(), left: -1}
	f.must(os.Mkdir(f.path(), 0o700))
	f.dir = f.open()
	return f
}

// open opens the folder once more, as another process does.
func (f *folder) open() *vfs.Dir {
	f.t.Helper()
	dir, err := vfs.Open(f.path(), f.hook)
	f.must(err)
	f.t.Cleanup(func() { dir.Close() })
	return dir
}

func (f *folder) hook(vfs.Op, string) error {
	f.ops++
	if f.left == 0 {
		return f.fail
	}
	if f.left > 0 {
		f.left--
	}
	return nil
}

func (f *folder) log(max int64) *Log {
	return New(Config{MaxBytes: max, Log: slog.New(slog.NewTextHandler(&f.said, nil))})
}

func (f *folder) path(elements ...string) string {
	return filepath.Join(append([]string{f.drop, folderName}, elements...)...)
}

func (f *folder) text(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.path(name))
	f.must(err)
	return string(text)
}

func (f *folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func applied(file, id, old, now string) Record {
	return Record{File: file, Outcome: Applied, Changes: []Change{{ID: id, Path: "/status", Old: jsontext.Value(old), New: jsontext.Value(now)}}}
}

func rejected(file string) Record {
	return Record{File: file, Outcome: Rejected, Code: "unknown_id", ID: "P7", Message: "there is no such item"}
}

// shown are the records as "batch/file outcome".
func (f *folder) shown() []string {
	f.t.Helper()
	var all []string
	for rec, err := range Read(f.drop) {
		f.must(err)
		all = append(all, name(rec))
	}
	return all
}

func name(rec Record) string { return fmt.Sprintf("%s/%s %s", rec.Batch, rec.File, rec.Outcome) }

func (f *folder) shows(want ...string) {
	f.t.Helper()
	if got := f.shown(); !slices.Equal(got, want) {
		f.t.Errorf("shown are %q, want %q", got, want)
	}
}

func (f *folder) books() *Books {
	f.t.Helper()
	b, err := ReadBooks(f.drop)
	f.must(err)
	if b.Seen != b.Applied+b.Unchanged+b.Rejected+len(b.Open) {
		f.t.Errorf("the books do not add up: %+v", b)
	}
	return b
}

// say are the books as "seen applied unchanged rejected open".
func (f *folder) say(want string) {
	f.t.Helper()
	b := f.books()
	if got := fmt.Sprint(b.Seen, b.Applied, b.Unchanged, b.Rejected, len(b.Open)); got != want {
		f.t.Errorf("the books say %s, want %s\n%s", got, want, f.text(fileName))
	}
}

// batch writes the whole life of a batch of two fragments.
func (f *folder) batch(l *Log, batch string) {
	l.Seen(f.dir, batch, []string{"a.json", "b.json"})
	l.Merged(f.dir, batch, []Record{applied("a.json", "P1", `"x"`, `"y"`)})
	l.Committed(f.dir, batch, rejected("b.json"))
}

func TestABatchFromItsClaimToItsEnd(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	f.shows()
	f.say2("0 0 0 0 0")
	l.Seen(f.dir, "b1", []string{"a.json", "b.json", "c.json"})
	f.say("3 0 0 0 3")
	l.Merged(f.dir, "b1", []Record{applied("a.json", "P1", `"Planned"`, `"Complete"`), {File: "c.json", Outcome: Unchanged}})
	f.shows()
	f.say("3 0 0 0 3")
	l.Committed(f.dir, "b1", rejected("b.json"))
	f.shows("b1/a.json applied", "b1/c.json unchanged", "b1/b.json rejected")
	f.say("3 1 1 1 0")
	for rec, err := range Read(f.drop) {
		f.must(err)
		if rec.File == "a.json" && (len(rec.Changes) != 1 || string(rec.Changes[0].Old) != `"Planned"` || string(rec.Changes[0].New) != `"Complete"` ||
			rec.Changes[0].ID != "P1" || rec.Changes[0].Path != "/status" || rec.At.IsZero() || !strings.Contains(f.text(fileName), string(rec.Line)+"\n")) {
			t.Errorf("%+v", rec)
		}
		if rec.File == "b.json" && (rec.Code != "unknown_id" || rec.ID != "P7" || rec.Message == "") {
			t.Errorf("%+v", rec)
		}
	}
	if info, err := os.Stat(f.path(fileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// say2 is say where there may be no file yet.
func (f *folder) say2(want string) {
	f.t.Helper()
	b := f.books()
	if got := fmt.Sprint(b.Seen, b.Applied, b.Unchanged, b.Rejected, len(b.Open)); got != want {
		f.t.Errorf("the books say %s, want %s", got, want)
	}
}

func TestWhatIsMergedAgainIsToldOnce(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	l.Seen(f.dir, "b1", []string{"a.json", "b.json"})
	l.Merged(f.dir, "b1", []Record{applied("a.json", "P1", "1", "2"), applied("b.json", "P1", "2", "3")})
	l = f.log(1 << 20) // the agent was killed, and the next one finds that the file was not replaced
	l.Seen(f.dir, "b1", []string{"a.json", "b.json"})
	l.Merged(f.dir, "b1", []Record{applied("a.json", "P1", "7", "2")})
	l.Committed(f.dir, "b1", rejected("b.json"))
	f.shows("b1/a.json applied", "b1/b.json rejected")
	f.say("2 1 0 1 0")
	l = f.log(1 << 20) // killed before the reject was moved, and behind the commit
	l.Committed(f.dir, "b1", rejected("b.json"))
	f.shows("b1/a.json applied", "b1/b.json rejected")
	f.say("2 1 0 1 0")
}

func TestARejectThatIsGivenBackCountsOnce(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	f.batch(l, "b1")
	f.say("2 1 0 1 0")
	l.Retried(f.dir, "b1", []string{"b.json"})
	l.Retried(f.dir, "b1", []string{"b.json"}) // killed, and once more
	f.say("2 1 0 0 1")
	l.Seen(f.dir, "b1", []string{"b.json"})
	l.Committed(f.dir, "b1", rejected("b.json"))
	f.say("2 1 0 1 0")
	f.shows("b1/a.json applied", "b1/b.json rejected", "b1/b.json rejected")
	l.Retried(f.dir, "b1", []string{"b.json"})
	l.Seen(f.dir, "b1", []string{"b.json"})
	l.Merged(f.dir, "b1", []Record{applied("b.json", "P1", "1", "2")})
	l.Committed(f.dir, "b1")
	f.say("2 2 0 0 0")

	// The line that rejected it is in a file that is gone.
	f.batch(l, "b2")
	f.must(os.Rename(f.path(fileName), f.path(previousName)))
	l.Committed(f.dir, "b3") // begins a file, with the totals
	f.must(os.Remove(f.path(previousName)))
	f.say("4 3 0 1 0")
	l.Retried(f.dir, "b2", []string{"b.json"})
	l.Seen(f.dir, "b2", []string{"b.json"})
	f.say("4 3 0 0 1")
	l.Retried(f.dir, "b0", []string{"from before the history.json"})
	f.say("5 3 0 0 2")
}

func TestWhatWaitsElsewhereIsNotOpen(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	l.Seen(f.dir, "b1", []string{"a.json", "waits.json", "unfinished.json"})
	l.Returned(f.dir, "b1", "unfinished.json")
	f.say("2 0 0 0 2")
	l.Merged(f.dir, "b1", []Record{applied("a.json", "P1", "1", "2")})
	l.Committed(f.dir, "b1")
	f.say("1 1 0 0 0")
	l.Seen(f.dir, "b2", []string{"waits.json"})
	f.say("2 1 0 0 1")
}

func TestAFragmentCountsForWhatBecameOfItLast(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	f.batch(l, "b1")
	l.Committed(f.dir, "b1", rejected("a.json")) // somebody has appended to it after it was read
	f.say("2 0 0 2 0")
	l.Committed(f.dir, "b1", Record{File: "a.json", Outcome: Overwritten, Changes: []Change{{ID: "P1", Path: "/x"}}})
	f.say("2 0 0 2 0")
	l.Merged(f.dir, "b2", []Record{{File: "reassert-000001.json", Outcome: Applied, By: ByAgent}})
	l.Committed(f.dir, "b2")
	f.say("2 0 0 2 0")
	f.shows("b1/a.json applied", "b1/b.json rejected", "b1/a.json rejected", "b1/a.json overwritten", "b2/reassert-000001.json applied")
}

func TestNamesHoldAnyByteAndValuesAreBounded(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	large := jsontext.Value(`"` + strings.Repeat("x", valueMax) + `"`)
	names := []string{"\xff\x1b[2J.json", `"quoted".json`, "Größe\n.json", "\"\xfe.json"}
	var records []Record
	for _, n := range names {
		records = append(records, Record{File: n, Outcome: Applied, Changes: []Change{
			{Scope: "tag\x00", ID: "P\u202e1", Path: "/a~1b/0", Old: large, New: jsontext.Value("null")}, {ID: "P1", Path: ""}}})
	}
	l.Seen(f.dir, "b1", names)
	l.Merged(f.dir, "b1", records)
	if b := f.books(); !b.Open[Key{"b1", names[0]}] || len(b.Open) != 4 || b.Unreadable != 0 {
		t.Errorf("%+v", b)
	}
	l.Committed(f.dir, "b1", Record{File: "r.json", Outcome: Rejected, Message: strings.Repeat("é", messageMax) + "\xff"})
	var got []string
	for rec, err := range Read(f.drop) {
		f.must(err)
		got = append(got, rec.File)
		if rec.Outcome == Rejected {
			if len(rec.Message) > messageMax+8 {
				t.Errorf("a message of %d bytes", len(rec.Message))
			}
			continue
		}
		c := rec.Changes[0]
		if c.Old != nil || c.OldCut == nil || c.OldCut.Bytes != len(large) || len(c.OldCut.XXH3) != 32 || string(c.New) != "null" ||
			c.NewCut != nil || c.Scope != "tag\x00" || c.ID != "P\u202e1" || c.Path != "/a~1b/0" {
			t.Errorf("%+v", c)
		}
		if c := rec.Changes[1]; c.Old != nil || c.New != nil || c.OldCut != nil {
			t.Errorf("%+v", c)
		}
	}
	if want := append(names, "r.json"); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTooManyChangesAreCounted(t *testing.T) {
	f := newFolder(t)
	l := f.log(4 << 20)
	changes := make([]Change, 2000)
	for i := range changes {
		changes[i] = Change{ID: "P1", Path: "/x", New: jsontext.Value(`"` + strings.Repeat("y", 1000) + `"`)}
	}
	l.Merged(f.dir, "b1", []Record{{File: "a.json", Outcome: Applied, Changes: changes}, {File: "b.json", Outcome: Applied, Changes: changes}})
	l.Committed(f.dir, "b1")
	told := map[string]int{}
	for rec, err := range Read(f.drop) {
		f.must(err)
		told[rec.File] = len(rec.Changes)
		if len(rec.Changes)+rec.More != len(changes) {
			t.Errorf("%s: %d changes and %d more", rec.File, len(rec.Changes), rec.More)
		}
	}
	if told["a.json"] < 900 || told["b.json"] != 0 {
		t.Errorf("told are %v", told)
	}
}

func TestATornLastLineIsNoLine(t *testing.T) {
	f := newFolder(t)
	f.batch(f.log(1<<20), "b1")
	whole := f.text(fileName)
	for end := range len(whole) - 1 { // without its newline alone the last line is whole
		f.must(os.WriteFile(f.path(fileName), []byte(whole[:end]), 0o600))
		if b := f.books(); b.Unreadable > 0 {
			t.Fatalf("cut at %d: %d lines are none", end, b.Unreadable)
		}
		f.batch(f.log(1<<20), "b1") // the next agent finds nothing done, whatever was
		if got := f.shown(); got[0] != "b1/a.json applied" || got[len(got)-1] != "b1/b.json rejected" || len(got) > 3 {
			t.Fatalf("cut at %d: %q", end, got)
		}
		b := f.books()
		if b.Seen != 2 || b.Applied != 1 || b.Rejected != 1 || b.Unreadable > 1 {
			t.Fatalf("cut at %d: %+v\n%s", end, b, f.text(fileName))
		}
	}
}

func TestTroubleIsToldOnceAndMadeUpForLater(t *testing.T) {
	for n := range 40 {
		f := newFolder(t)
		l := f.log(1 << 20)
		f.ops, f.left, f.fail = 0, n, syscall.ENOSPC
		f.batch(l, "b1")
		f.batch(l, "b2")
		if f.ops <= n { // all succeeded
			if n < 12 {
				t.Errorf("only %d operations", n)
			}
			break
		}
		closing := f.ops == n+1 && !l.Owes() // it was the closing of the file in which all is written
		if told := strings.Count(f.said.String(), "history cannot be written"); !closing && (told != 1 || !l.Owes()) {
			t.Errorf("%d: said %s", n, f.said.String())
		}
		f.left = -1
		l.Flush()
		if l.Owes() {
			t.Errorf("%d: it still owes", n)
		}
		f.shows("b1/a.json applied", "b1/b.json rejected", "b2/a.json applied", "b2/b.json rejected")
		f.say("4 2 0 2 0")
		f.batch(l, "b3")
		f.say("6 3 0 3 0")
	}
}

func TestWhatIsTooMuchToBeOwedIsAGap(t *testing.T) {
	f := newFolder(t)
	l := f.log(16 << 20)
	l.Seen(f.dir, "b1", []string{"a.json"})
	f.left, f.fail = 0, syscall.EIO
	names := make([]string, 9000)
	for i := range names {
		names[i] = fmt.Sprintf("%0200d.json", i)
	}
	l.Seen(f.dir, "b2", names)
	if !l.Owes() || len(l.owed) > 0 {
		t.Errorf("it owes %d bytes", len(l.owed))
	}
	f.left = -1
	l.Flush()
	f.say("0 0 0 0 0")
	if b := f.books(); !b.Untold[Key{"b1", "a.json"}] {
		t.Errorf("%+v", b)
	}
	l.Seen(f.dir, "b1", []string{"a.json", "b.json"})
	f.say("2 0 0 0 2")
	if b := f.books(); len(b.Untold) > 0 {
		t.Errorf("%+v", b)
	}
}

func TestAnotherBootMayHaveLostTheTail(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	l.boot = "first"
	l.Seen(f.dir, "b1", []string{"a.json"})
	next := f.log(1 << 20)
	next.boot = "first"
	next.Seen(f.dir, "b2", []string{"a.json"})
	f.say("2 0 0 0 2")
	next = f.log(1 << 20)
	next.boot = "second"
	next.Seen(f.dir, "b2", []string{"a.json"})
	f.say("1 0 0 0 1")
	if b := f.books(); !b.Untold[Key{"b1", "a.json"}] || len(b.Untold) != 1 {
		t.Errorf("%v", b.Untold)
	}
}

func TestTheSameIsNotSaidAgainAndAgain(t *testing.T) {
	f := newFolder(t)
	l := f.log(1 << 20)
	f.batch(l, "b1")
	before := f.text(fileName)
	f.batch(l, "b1")
	f.batch(l, "b1")
	if f.text(fileName) != before {
		t.Errorf("said again:\n%s", f.text(fileName)[len(before):])
	}
	l.Merged(f.dir, "b1", []Record{applied("b.json", "P1", "1", "2")})
	l.Committed(f.dir, "b1", rejected("b.json")) // what came before it is another thing
	if n := strings.Count(f.text(fileName), `"committed"`); n != 2 {
		t.Errorf("%d commits", n)
	}
	for i := range recentMax + 5 {
		l.Committed(f.dir, fmt.Sprint(i))
	}
	if len(l.recent.batches) != recentMax || len(l.recent.order) != recentMax {
		t.Errorf("%d batches are remembered", len(l.recent.batches))
	}
}

func TestNoHistory(t *testing.T) {
	f := newFolder(t)
	l := New(Config{})
	f.ops = 0
	f.batch(l, "b1")
	l.Retried(f.dir, "b1", []string{"b.json"})
	l.Flush()
	if l != nil || f.ops > 0 {
		t.Errorf("%v, %d operations", l, f.ops)
	}
	f.shows()
	f.must(os.Remove(f.path()))
	f.shows()
	if records, err := Tail(f.drop, 5); err != nil || len(records) > 0 {
		t.Errorf("%v, %v", records, err)
	}
	f.must(os.Remove(f.drop))
	for _, err := range Read(f.drop) {
		if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "--drop") {
			t.Error(err)
		}
	}
	if _, err := ReadBooks(f.drop); err == nil {
		t.Error("books of nothing")
	}
}

func TestARejectThatWasNotMovedYetMayGoBackToTheDropDirectory(t *testing.T) {
	f := newFolder(t)
	f.batch(f.log(1<<20), "b1")
	l := f.log(1 << 20) // killed before the reject was moved; it may still grow, for all that is known then
	l.Returned(f.dir, "b1", "b.json")
	f.say("1 1 0 0 0")
	l.Returned(f.dir, "b0", "never seen.json")
	f.say("1 1 0 0 0")
}
