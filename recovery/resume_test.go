package recovery

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// half makes what a crash within Add leaves: an entry under its hidden name
// whose manifest speaks of a, b and c, with the files given.
func (b *bench) half(files ...string) string {
	b.t.Helper()
	name := b.add(true, "a.json", "b.json", "c.json")
	hidden := filepath.Join(b.dir, addingPrefix+name)
	must(b.t, os.Rename(filepath.Join(b.dir, name), hidden))
	for _, f := range []string{"a.json", "b.json", "c.json"} {
		if !slices.Contains(files, f) {
			must(b.t, os.Rename(filepath.Join(hidden, "fragments", f), b.from().Join(f)))
		}
	}
	return name
}

func TestAHalfEntryBecomesOneOfWhatIsInIt(t *testing.T) {
	b := newBench(t)
	name := b.half("a.json", "c.json")
	must(t, os.WriteFile(filepath.Join(b.dir, addingPrefix+name, "fragments", ".move170000000000000"), []byte("half"), 0o600))
	must(t, os.WriteFile(filepath.Join(b.dir, addingPrefix+name, "fragments", "late.json"), []byte("late"), 0o600))
	must(t, b.Resume(b.batch))
	e, err := b.Entry(name)
	must(t, err)
	var files []string
	for _, f := range e.Fragments {
		files = append(files, f.OwnName())
	}
	if !slices.Equal(files, []string{"a.json", "c.json", "late.json"}) || e.Fragments[2].SHA256 != sum("late") {
		t.Errorf("fragments %+v", e.Fragments)
	}
	if e.PendingCount != 2 || len(e.PendingUpdates) != 2 || string(e.PendingUpdates[1]) != `{"id":"c.json"}` || !e.Retryable {
		t.Errorf("got %+v", e)
	}
	got := b.tree()
	if got["c/"+batch+"/b.json"] != "b.json" || len(got) != 8 {
		t.Errorf("%v", got)
	}
	must(t, b.Resume(b.batch)) // nothing left to do
	b.entries(1)
}

func TestAHalfEntryWithoutFragmentsIsRemoved(t *testing.T) {
	b := newBench(t)
	name := b.half()
	must(t, os.WriteFile(filepath.Join(b.dir, addingPrefix+name, ".recovery.json120000000000000"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(b.dir, addingPrefix+"empty"), 0o755))
	must(t, b.Resume(b.batch))
	if got := b.tree(); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

func TestAHalfEntryWhoseNameIsTakenGetsANumber(t *testing.T) {
	b := newBench(t)
	name := b.half("a.json", "b.json", "c.json")
	must(t, os.Mkdir(filepath.Join(b.dir, name), 0o755))
	must(t, b.Resume(b.batch))
	if e := b.entries(1)[0]; e.Name != name+"-2" || len(e.Fragments) != 3 {
		t.Errorf("got %+v", e)
	}
}

// A disk that has eaten the manifest must not make the fragments unfindable.
func TestFragmentsWithoutAManifestAreKept(t *testing.T) {
	for _, text := range []string{"", "{", "gone"} {
		b := newBench(t)
		name := b.half("a.json", "b.json")
		manifest := filepath.Join(b.dir, addingPrefix+name, manifestName)
		if text == "gone" {
			must(t, os.Remove(manifest))
		} else {
			must(t, os.WriteFile(manifest, []byte(text), 0o644))
		}
		must(t, b.Resume(b.batch))
		e := b.entries(1)[0]
		if e.Batch != batch || e.Retryable || len(e.Fragments) != 2 || e.Fragments[0].SHA256 != sum("a.json") || e.TasksFile != "tasks.json" || e.Error.Code != "interrupted" {
			t.Errorf("got %+v", e)
		}
	}
}

func TestUpdatesWithoutFilesAreFinishedToo(t *testing.T) {
	b := newBench(t)
	name, err := b.Add(Entry{Batch: batch, PendingUpdates: []json.RawMessage{raw("x")}}, b.from())
	must(t, err)
	must(t, os.Rename(filepath.Join(b.dir, name), filepath.Join(b.dir, addingPrefix+name)))
	must(t, b.Resume(b.batch))
	if e, err := b.Entry(name); err != nil || len(e.PendingUpdates) != 1 {
		t.Errorf("got %+v, %v", e, err)
	}
}

// A copy to another file system removes its original last.
func TestAnOriginalOfWhatIsHereIsRemovedFromTheClaims(t *testing.T) {
	b := newBench(t)
	b.half("a.json", "b.json", "c.json")
	b.put("a.json", "a.json")                         // the same bytes
	b.put("b.json", "another")                        // another file of that name
	must(t, os.Mkdir(b.from().Join("c.json"), 0o755)) // no fragment at all
	must(t, b.Resume(b.batch))
	got := b.tree()
	if _, ok := got["c/"+batch+"/a.json"]; ok {
		t.Error("a.json is in two places")
	}
	if got["c/"+batch+"/b.json"] != "another" {
		t.Error("another b.json was deleted")
	}
	if _, ok := got["c/"+batch+"/c.json/"]; !ok {
		t.Error("a folder was deleted")
	}
	if e := b.entries(1)[0]; len(e.Fragments) != 3 {
		t.Errorf("got %+v", e)
	}
}

func TestAnInterruptedReturnGoesOn(t *testing.T) {
	b := newBench(t)
	name := b.add(true, "a.json", "b.json")
	hidden := filepath.Join(b.dir, returnPrefix+name)
	must(t, os.Rename(filepath.Join(b.dir, name), hidden))
	must(t, os.Rename(filepath.Join(hidden, "fragments/a.json"), b.from().Join("a.json")))
	b.entries(0)
	must(t, b.Resume(b.batch))
	if got := b.tree(); len(got) != 3 || got["c/"+batch+"/b.json"] != "b.json" {
		t.Errorf("%v", got)
	}
	// The same by calling GiveBack again.
	name = b.add(true, "c.json")
	must(t, os.Rename(filepath.Join(b.dir, name), filepath.Join(b.dir, returnPrefix+name)))
	must(t, b.GiveBack(name, b.from()))
	if got := b.tree(); len(got) != 4 || got["c/"+batch+"/c.json"] != "c.json" {
		t.Errorf("%v", got)
	}
	// And with nothing but an empty folder left of it.
	must(t, os.Mkdir(filepath.Join(b.dir, returnPrefix+name), 0o755))
	must(t, b.Resume(func(string) (*vfs.Dir, error) { return nil, errors.New("not needed") }))
	if got := b.tree(); len(got) != 4 {
		t.Errorf("%v", got)
	}
}

func TestTheNextAddFinishesWhatAnEarlierOneCouldNotUndo(t *testing.T) {
	b := newBench(t)
	name := b.half("a.json")
	b.Store.half = []string{addingPrefix + "gone", addingPrefix + name}
	other, err := b.batch("18a5c2d3e4f5ffff")
	must(t, err)
	must(t, os.WriteFile(other.Join("x.json"), []byte("x"), 0o644))
	must(t, os.WriteFile(other.Join("a.json"), []byte("a.json"), 0o644)) // of another batch: not the original
	added, err := b.Add(Entry{Batch: "18a5c2d3e4f5ffff", Fragments: []Fragment{{Name: "x.json"}}}, other)
	must(t, err)
	got := b.entries(2)
	if got[0].Name != name || len(got[0].Fragments) != 1 || got[1].Name != added {
		t.Errorf("got %+v", got)
	}
	if b.tree()["c/18a5c2d3e4f5ffff/a.json"] != "a.json" {
		t.Error("a fragment of another batch was deleted")
	}
	// What is asked for may be in the half entry whole: then that is the answer.
	must(t, os.Rename(filepath.Join(b.dir, name), filepath.Join(b.dir, addingPrefix+name)))
	b.Store.half = []string{addingPrefix + name}
	if again, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "a.json"}}}, b.from()); again != name || err != nil {
		t.Errorf("got %q, %v", again, err)
	}
}

// Whatever somebody puts there under a hidden name, the start gets past it, and
// it leads to no batch that its name does not say.
func TestForeignHiddenFoldersBlockNothing(t *testing.T) {
	b := newBench(t)
	mine := b.half("a.json")
	for _, prefix := range []string{addingPrefix, returnPrefix} {
		dir := filepath.Join(b.dir, prefix+"foreign")
		must(t, os.MkdirAll(filepath.Join(dir, "fragments"), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "fragments/x.json"), []byte(prefix), 0o644))
		must(t, os.WriteFile(filepath.Join(dir, manifestName), []byte(`{"version":"1.0","batch":"../../x","fragments":[{"file":"fragments/x.json"}]}`), 0o644))
		other := filepath.Join(b.dir, prefix+"other")
		must(t, os.Mkdir(other, 0o755))
		must(t, os.WriteFile(filepath.Join(other, "notes.txt"), []byte(prefix), 0o644))
		must(t, os.WriteFile(filepath.Join(b.dir, prefix+"file"), nil, 0o644))
	}
	var asked []string
	must(t, b.Resume(func(id string) (*vfs.Dir, error) {
		asked = append(asked, id)
		return b.batch(id)
	}))
	if !slices.Equal(asked, []string{batch}) {
		t.Errorf("batches opened: %q", asked)
	}
	got := b.tree()
	if got["r/foreign/fragments/x.json"] != addingPrefix || got["r/foreign-2/fragments/x.json"] != returnPrefix {
		t.Errorf("%v", got)
	}
	if got["r/"+addingPrefix+"other/notes.txt"] != addingPrefix || got["r/other/notes.txt"] != returnPrefix {
		t.Errorf("somebody's notes: %v", got)
	}
	if _, ok := got["r/"+mine+"/fragments/a.json"]; !ok {
		t.Errorf("our own was not finished: %v", got)
	}
	if !strings.Contains(b.log.String(), "does not say to which batch") || !strings.Contains(b.log.String(), "left alone") {
		t.Errorf("log: %s", b.log)
	}
	must(t, b.Resume(b.batch))
}

func TestOneEntryThatCannotBeResumedDoesNotStopTheOthers(t *testing.T) {
	b := newBench(t)
	first := b.half("a.json")
	second := strings.Replace(first, batch, "18a5c2d3e4f5ffff", 1)
	manifest := strings.ReplaceAll(b.tree()["r/"+addingPrefix+first+"/recovery.json"], batch, "18a5c2d3e4f5ffff")
	must(t, os.MkdirAll(filepath.Join(b.dir, addingPrefix+second, "fragments"), 0o755))
	must(t, os.WriteFile(filepath.Join(b.dir, addingPrefix+second, manifestName), []byte(manifest), 0o644))
	must(t, os.WriteFile(filepath.Join(b.dir, addingPrefix+second, "fragments/a.json"), []byte("second"), 0o644))
	err := b.Resume(func(id string) (*vfs.Dir, error) {
		if id == batch {
			return nil, syscall.EIO
		}
		return b.batch(id)
	})
	if !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), first) {
		t.Errorf("got %v", err)
	}
	if e := b.entries(1)[0]; e.Name != second {
		t.Errorf("finished %s", e.Name)
	}
	must(t, b.Resume(b.batch))
	b.entries(2)
}
