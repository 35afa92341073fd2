package recovery

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// The life of three fragments, again and again, with one more operation passed each
// time before a fault: they are recovered, and given back.
//
//	once      one operation fails, whoever calls tries again
//	twice …   so do the next ones, so that undoing fails too
//	for good  all operations fail from there on, until the next start
//	dead      nothing happens any more from there on, as after kill -9; nobody tries again
//
// What is left must hold each fragment once, bytes unchanged. Between two file
// systems it may be in both places until the next call, with the same bytes.

var errDead = errors.New("dead")

var three = []string{"a.json", "b\n.json", "c.json"}

// elsewhere is a folder on another file system than quick's.
func elsewhere(t *testing.T) string {
	t.Helper()
	here, there := quick(t), t.TempDir()
	a, err := vfs.Open(here, nil)
	must(t, err)
	defer a.Close()
	b, err := vfs.Open(there, nil)
	must(t, err)
	defer b.Close()
	must(t, os.WriteFile(filepath.Join(here, "x"), nil, 0o644))
	if err := a.Rename("x", b, "x"); !errors.Is(err, syscall.EXDEV) {
		t.Skipf("%s and %s are one file system (%v)", here, there, err)
	}
	return there
}

func (b *bench) entryOfThree() Entry {
	e := Entry{Batch: batch, Retryable: true}
	for _, name := range three {
		e.Fragments = append(e.Fragments, Fragment{Name: name, Updates: 1})
		e.PendingUpdates = append(e.PendingUpdates, raw(name))
	}
	return e
}

// run recovers what is claimed, then gives everything back if it says so; each step is
// tried twice.
func (b *bench) run(back bool) error {
	twice := func(step func() error) error {
		err := step()
		if err != nil && !errors.Is(err, errDead) {
			err = step()
		}
		return err
	}
	from, err := b.batch(batch)
	if err != nil {
		return err
	}
	if err := twice(func() error { _, err := b.Add(b.entryOfThree(), from); return err }); err != nil {
		return err
	}
	if !back {
		return nil
	}
	return twice(func() error { // as the agent does it
		if err := b.Resume(b.batch); err != nil {
			return err
		}
		entries, err := b.Entries()
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := b.GiveBack(e.Name, from); err != nil {
				return err
			}
		}
		return nil
	})
}

// places checks that each fragment is there once, and that the manifests say what is
// there.
func (b *bench) places(when string, twiceAllowed bool) {
	b.t.Helper()
	have := b.tree()
	for _, own := range three {
		n := 0
		for path, content := range have {
			if strings.HasSuffix(path, ".json") && content == own {
				n++
			}
		}
		if n != 1 && !(twiceAllowed && n == 2) {
			b.t.Errorf("%s: %q is in %d places", when, own, n)
		}
	}
	for path, content := range have {
		base := filepath.Base(path)
		if strings.HasSuffix(path, "/") || base == manifestName || strings.HasPrefix(base, ".") {
			continue
		}
		if want := strings.ReplaceAll(base, "%0A", "\n"); content != want {
			b.t.Errorf("%s: %s holds %q", when, path, content)
		}
	}
}

// whole checks that nothing hidden is left and that each manifest is about
// exactly the files beside it.
func (b *bench) whole(when string) {
	b.t.Helper()
	have := b.tree()
	listed := map[string]bool{}
	entries, err := b.Entries()
	must(b.t, err)
	for _, e := range entries {
		full, err := b.Entry(e.Name)
		must(b.t, err)
		if full.PendingCount != len(e.Fragments) || len(full.PendingUpdates) != len(e.Fragments) || len(e.Fragments) == 0 {
			b.t.Errorf("%s: %s: %d fragments, %d updates, count %d", when, e.Name, len(e.Fragments), len(full.PendingUpdates), full.PendingCount)
		}
		for i, f := range e.Fragments {
			path := "r/" + e.Name + "/" + f.File
			listed[path] = true
			if content, ok := have[path]; !ok || f.SHA256 != sum(content) || string(full.PendingUpdates[i]) != string(raw(f.OwnName())) {
				b.t.Errorf("%s: %s says %+v, which is not so", when, e.Name, f)
			}
		}
	}
	for path := range have {
		if strings.HasPrefix(filepath.Base(path), ".") && !isCopy(path) {
			b.t.Errorf("%s: %s is left", when, path)
		}
		if strings.Contains(path, "/fragments/") && !strings.HasSuffix(path, "/") && !listed[path] {
			b.t.Errorf("%s: %s is in no manifest", when, path)
		}
	}
}

// isCopy: half a copy in the claims, which the spool removes when it opens the
// batch.
func isCopy(path string) bool {
	return strings.HasPrefix(path, "c/") && vfs.IsMoveTemp(filepath.Base(path))
}

func TestNoFaultAndNoCrashLosesOrDoublesAFragment(t *testing.T) {
	for _, cross := range []bool{false, true} {
		for _, back := range []bool{false, true} {
			if cross && !back {
				continue // the way there is part of the way back
			}
			kinds := []string{"once", "twice", "thrice", "four times", "for good", "dead"}
			if cross { // a disk is slow: the other two find nothing there that these do not
				kinds = []string{"once", "dead"}
			}
			for _, kind := range kinds {
				t.Run(fmt.Sprintf("%s, back %v, across file systems %v", kind, back, cross), func(t *testing.T) {
					t.Parallel() // most of it waits for the disk
					faultLoop(t, kind, back, cross)
				})
			}
		}
	}
}

// A start can meet trouble too. What it finds: an entry half made with one
// original still in the claims, one with nothing in it, one that lost its manifest, one half
// given back.
func TestAResumeThatFailsIsDoneAgain(t *testing.T) {
	for n := 1; ; n++ {
		b := newBench(t)
		half := b.half("a.json", "c.json")
		must(t, os.Remove(b.from().Join("b.json")))
		b.put("a.json", "a.json")
		hidden := func(prefix, name string) string { return filepath.Join(b.dir, prefix+name) }
		must(t, os.MkdirAll(filepath.Join(hidden(addingPrefix, "20260101T000000.000Z-"+batch), "fragments"), 0o755))
		lost := hidden(addingPrefix, "20270101T000000.000Z-"+batch)
		must(t, os.MkdirAll(filepath.Join(lost, "fragments"), 0o755))
		must(t, os.WriteFile(filepath.Join(lost, "fragments/lost.json"), []byte("lost.json"), 0o644))
		must(t, os.WriteFile(filepath.Join(lost, "fragments/.move100000000000000"), nil, 0o644))
		back := b.add(true, "x.json", "y.json")
		must(t, os.Rename(filepath.Join(b.dir, back), hidden(returnPrefix, back)))
		must(t, os.Rename(filepath.Join(hidden(returnPrefix, back), "fragments/x.json"), b.from().Join("x.json")))

		calls := 0
		b.hook = func(vfs.Op, string) error {
			if calls++; calls == n {
				return syscall.EIO
			}
			return nil
		}
		err := b.Resume(b.batch)
		b.hook = nil
		when := fmt.Sprintf("operation %d (%v)", n, err)
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Errorf("%s", when)
		}
		if err != nil {
			must(t, b.Resume(b.batch))
		}
		have := b.tree()
		for name, want := range map[string]string{"a.json": "r/" + half, "c.json": "r/" + half, "lost.json": "r/2027", "x.json": "c/", "y.json": "c/"} {
			n := 0
			for path, content := range have {
				if content == name && strings.HasPrefix(path, want) {
					n++
				} else if content == name {
					n = 9
				}
			}
			if n != 1 {
				t.Errorf("%s: %s is not once below %s: %v", when, name, want, have)
			}
		}
		if entries := b.entries(2); entries[0].Fragments == nil || len(have) != 12 {
			t.Errorf("%s: left %v", when, have)
		}
		if calls < n {
			return
		}
	}
}

func faultLoop(t *testing.T, kind string, back, cross bool) {
	recovery := quick(t)
	if cross {
		if testing.Short() {
			t.Skip("hundreds of syncs of a disk")
		}
		recovery = elsewhere(t)
	}
	times := 1 + slices.Index([]string{"once", "twice", "thrice", "four times"}, kind) // 0: for ever
	for n := 1; ; n++ {
		b := newBenchIn(t, quick(t), filepath.Join(recovery, fmt.Sprint(n)))
		for _, name := range three {
			b.put(name, name)
		}
		calls := 0
		b.hook = func(vfs.Op, string) error {
			calls++
			switch {
			case calls < n || times > 0 && calls >= n+times:
				return nil
			case kind == "dead":
				return errDead
			}
			return syscall.EIO
		}
		err := b.run(back)
		b.hook = nil
		when := fmt.Sprintf("operation %d %s (%v)", n, kind, err)
		b.places(when, cross)
		if err == nil {
			b.whole(when)
		}
		// The next start.
		b.Store = b.store()
		must(t, b.Resume(b.batch))
		b.places(when+", after the next start", false)
		b.whole(when + ", after the next start")
		if err := b.run(true); err != nil {
			t.Fatalf("%s: again: %v", when, err)
		}
		b.places(when+", all given back", false)
		got := b.tree()
		maps.DeleteFunc(got, func(path, _ string) bool { return isCopy(path) })
		if len(got) != 4 { // the batch and three fragments
			t.Errorf("%s: left behind: %v", when, got)
		}
		if calls < n {
			if n < 25 {
				t.Errorf("only %d operations were failed", n)
			}
			return
		}
	}
}

// Trouble that does not last and is not tried again: Add must have put
// everything back, unless it said otherwise.
func TestAFailedAddLeavesTheFragmentsWhereTheyWere(t *testing.T) {
	for _, cross := range []bool{false, true} {
		recovery := quick(t)
		if cross {
			recovery = elsewhere(t)
		}
		for n := 1; ; n++ {
			b := newBenchIn(t, quick(t), filepath.Join(recovery, fmt.Sprint(n)))
			for _, name := range three {
				b.put(name, name)
			}
			calls := 0
			b.hook = func(vfs.Op, string) error {
				if calls++; calls == n {
					return syscall.ENOSPC
				}
				return nil
			}
			_, err := b.Add(b.entryOfThree(), b.from())
			b.hook = nil
			if calls < n {
				break
			}
			if err == nil {
				continue
			}
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("operation %d: %v", n, err)
			}
			have := b.tree()
			for _, name := range three {
				if have["c/"+batch+"/"+name] != name {
					t.Errorf("operation %d (%v): %q is not back: %v", n, err, name, have)
				}
			}
			if len(have) != 4 {
				t.Errorf("operation %d: left behind: %v", n, have)
			}
		}
	}
}

// The order is the crash argument.
func TestEachStepIsDurableBeforeTheNext(t *testing.T) {
	b := newBench(t)
	b.put("a.json", "a")
	from := b.from()
	var did []string
	b.hook = func(op vfs.Op, path string) error {
		name := filepath.Base(path)
		switch {
		case strings.HasPrefix(name, addingPrefix), strings.HasPrefix(name, returnPrefix):
			name = "HIDDEN"
		case vfs.IsTemp(name, manifestName):
			name = "TEMP"
		case strings.HasSuffix(name, "-"+batch):
			name = "ENTRY"
		case name == batch:
			name = "BATCH"
		}
		switch op {
		case vfs.OpMkdir, vfs.OpWrite, vfs.OpSync, vfs.OpRename, vfs.OpRemove:
			did = append(did, string(op)+" "+name)
		}
		return nil
	}
	check := func(what, want string) {
		t.Helper()
		if got := strings.Join(did, ", "); got != want {
			t.Errorf("%s did\n%s\nwant\n%s", what, got, want)
		}
		did = nil
	}
	name, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "a.json"}}}, from)
	must(t, err)
	check("Add", "mkdir recovery, sync "+filepath.Base(filepath.Dir(b.dir))+", mkdir HIDDEN, write TEMP, sync TEMP, rename TEMP, mkdir fragments, "+
		"sync HIDDEN, sync recovery, rename a.json, sync fragments, sync BATCH, rename HIDDEN, sync recovery")
	must(t, b.GiveBack(name, from))
	check("GiveBack", "rename ENTRY, sync recovery, rename a.json, sync BATCH, sync fragments, remove fragments, remove recovery.json, remove HIDDEN, sync recovery")
}
