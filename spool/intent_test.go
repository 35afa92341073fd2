package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

var (
	digestA = strings.Repeat("a1", 32)
	digestB = strings.Repeat("b2", 32)
)

func TestAnIntentIsReadAsItWasRecorded(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "")
	s.put("b.json", "")
	b := s.claim("a.json", "b.json")
	if in, ok, err := b.Intent(); ok || err != nil {
		t.Errorf("before: %+v, %v, %v", in, ok, err)
	}
	first := Intent{Temp: ".tasks.json100000000000000", Digest: digestA, Base: digestB}
	must(t, b.Record(first))
	second := Intent{Temp: ".tasks.json200000000000000", Digest: digestB, Base: digestA, Rejects: map[string]*fragment.Error{
		"b.json": {Code: fragment.UnknownID, Update: 1, ID: "P1", Pointer: "/x", Line: 2, Column: 3, Message: "m<>", Remedy: "r"},
	}}
	must(t, b.Record(second))
	for range 2 {
		in, ok, err := b.Intent()
		if err != nil || !ok || !reflect.DeepEqual(in, second) {
			t.Errorf("got %+v, %v, %v", in, ok, err)
		}
		s.restart()
		b = s.claimed(1)[0]
	}
	must(t, b.Settle())
	s.restart()
	s.claimed(0)
	if got := s.tree(); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
}

func TestWhatIsNoIntentOfOursCountsAsNone(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "half": `{"version":1,"digest":"` + digestA, "an array": "[]", "another version": `{"version":2,"digest":"` + digestA + `","base":"` + digestB + `"}`,
		"no digest": `{"version":1,"base":"` + digestB + `"}`, "a short digest": `{"version":1,"digest":"a1","base":"` + digestB + `"}`,
		"no hex":  `{"version":1,"digest":"` + strings.Repeat("x", 64) + `","base":"` + digestB + `"}`,
		"no base": `{"version":1,"digest":"` + digestA + `"}`, "something behind it": `{"version":1,"digest":"` + digestA + `","base":"` + digestB + `"} x`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t)
			s.put("a.json", "")
			b := s.claim("a.json")
			must(t, os.WriteFile(b.Dir().Join(intentName), []byte(content), 0o600))
			if in, ok, err := b.Intent(); ok || err != nil {
				t.Errorf("taken for one: %+v, %v", in, err)
			}
			s.restart()
			if b := s.claimed(1)[0]; !slices.Equal(fileNames(b), []string{"a.json"}) {
				t.Errorf("files %q", fileNames(b))
			}
		})
	}
	s := newStation(t)
	s.put("a.json", "")
	b := s.claim("a.json")
	for name, make := range map[string]func(path string) error{
		"a link":   func(p string) error { return os.Symlink("a.json", p) },
		"a folder": func(p string) error { return os.Mkdir(p, 0o755) },
	} {
		must(t, make(b.Dir().Join(intentName)))
		if _, ok, err := b.Intent(); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		must(t, os.Remove(b.Dir().Join(intentName)))
	}
}

func TestAnIntentThatCouldNotBeReadAgainIsRefused(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "")
	b := s.claim("a.json")
	for _, in := range []Intent{{}, {Digest: digestA}, {Base: digestA}, {Digest: digestA[1:], Base: digestB}} {
		if err := b.Record(in); err == nil {
			t.Errorf("recorded %+v", in)
		}
	}
	defer func(was int64) { intentMax = was }(intentMax)
	intentMax = 1000
	huge := &fragment.Error{Message: strings.Repeat("x", 1000)}
	if err := b.Record(Intent{Digest: digestA, Base: digestB, Rejects: map[string]*fragment.Error{"a.json": huge}}); err == nil {
		t.Error("recorded more than is read")
	}
	must(t, os.WriteFile(b.Dir().Join(intentName), []byte(`{"version":1,"digest":"`+digestA+`","base":"`+digestB+`"`+strings.Repeat(" ", 1000)+"}"), 0o600))
	if _, ok, err := b.Intent(); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

// The order of the operations is the crash argument of the package doc.
func TestRecordAndSettleInTheOrderThatACrashNeeds(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "")
	b := s.claim("a.json")
	var did []string
	s.hook = func(op vfs.Op, path string) error {
		name := filepath.Base(path)
		switch {
		case vfs.IsTemp(name, intentTemp):
			name = "TEMP"
		case name == b.ID:
			name = "BATCH"
		}
		if op != vfs.OpClose && op != vfs.OpCreate && op != vfs.OpStat {
			did = append(did, string(op)+" "+name)
		}
		return nil
	}
	check := func(want string) {
		t.Helper()
		if got := strings.Join(did, ", "); got != want {
			t.Errorf("did   %s\nwant %s", got, want)
		}
		did = nil
	}
	must(t, b.Record(Intent{Temp: "x", Digest: digestA, Base: digestB}))
	check("write TEMP, sync TEMP, rename TEMP, sync BATCH, sync claimed, sync drop")
	must(t, b.Settle())
	check("remove a.json, sync BATCH, remove .intent.json, remove BATCH")
	b, err := s.Restore(b.ID)
	must(t, err)
	check("mkdir BATCH, sync claimed, open BATCH, open .intent.json, readdir BATCH")
	s.hook = nil
	must(t, b.Settle())
}

// The fsync of the drop directory is about the names of every batch.
func TestTheDropDirectoryIsSyncedBehindAllClaims(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "")
	s.put("b.json", "")
	s.put("c.json", "")
	s.claim("a.json")
	s.claim("b.json")
	s.restart() // killed: nobody knows what of that is durable
	left := s.claimed(2)
	next := s.claim("c.json")
	var synced []string
	s.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpSync && !vfs.IsTemp(filepath.Base(path), intentTemp) {
			synced = append(synced, filepath.Base(path))
		}
		return nil
	}
	check := func(inAnyOrder []string, rest ...string) {
		t.Helper()
		n := min(len(inAnyOrder), len(synced))
		slices.Sort(synced[:n])
		if want := append(inAnyOrder, rest...); !slices.Equal(synced, want) {
			t.Errorf("synced %v, want %v", synced, want)
		}
		synced = nil
	}
	must(t, left[0].Record(Intent{Temp: "x", Digest: digestA, Base: digestB}))
	check([]string{left[0].ID, left[1].ID, next.ID}, "claimed", "drop")
	must(t, next.Return("c.json"))
	check(nil, "claimed", "drop", "drop")
	must(t, left[1].Record(Intent{Temp: "x", Digest: digestA, Base: digestB}))
	check([]string{left[1].ID}, "claimed", "drop")
}

func TestSettleIsDoneAgainAfterAnError(t *testing.T) {
	for n := 1; ; n++ {
		s := newStation(t)
		s.put("a.json", "")
		s.put("b.json", "")
		b := s.claim("a.json", "b.json")
		must(t, b.Record(Intent{Temp: "x", Digest: digestA, Base: digestB}))
		calls, fired := 0, false
		s.hook = func(op vfs.Op, path string) error {
			if calls++; calls == n {
				fired = true
				return syscall.EIO
			}
			return nil
		}
		err := b.Settle()
		s.hook = nil
		if err != nil {
			// Fragments that are left must have their intent.
			if _, ok, ierr := b.Intent(); len(readNames(t, b)) > 1 && (!ok || ierr != nil) {
				t.Errorf("operation %d: fragments without their intent", n)
			}
			must(t, b.Settle())
		}
		s.restart()
		s.claimed(0)
		if got := s.tree(); len(got) != 3 {
			t.Errorf("operation %d: left %v", n, got)
		}
		if !fired {
			break
		}
	}
}

func readNames(t *testing.T, b *Batch) []string {
	t.Helper()
	var names []string
	must(t, b.Dir().List(func(e fs.DirEntry) bool { names = append(names, e.Name()); return true }))
	return names
}

func TestABatchOfAClosedSpoolIsNotSettled(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "")
	b := s.claim("a.json")
	must(t, s.Close())
	if err := b.Settle(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Settle = %v", err)
	}
	s.open()
	b = s.claimed(1)[0]
	must(t, b.Close())
	must(t, b.Close())
	if got := fileNames(s.claimed(1)[0]); len(got) != 1 {
		t.Errorf("after Close: %q", got)
	}
}
