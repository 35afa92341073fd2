package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestClaimsOutliveACrash(t *testing.T) {
	s := newStation(t)
	s.put("b.json", "b")
	first := s.claim("b.json")
	s.put("a.json", "a")
	s.put("c.json", "c")
	second := s.claim("a.json", "c.json")
	s.claimed(0) // what is handed out is not left over
	s.restart()
	bs := s.claimed(2)
	if bs[0].ID != first.ID || bs[1].ID != second.ID {
		t.Errorf("order %s, %s", bs[0].ID, bs[1].ID)
	}
	if got := fileNames(bs[1]); len(got) != 2 || bs[1].Files[0].Size != 1 || !bs[1].Files[0].Mode.IsRegular() {
		t.Errorf("files %+v", bs[1].Files)
	}
	if got, err := bs[0].Read("b.json", 10); err != nil || string(got) != "b" {
		t.Errorf("Read = %q, %v", got, err)
	}
	s.put("d.json", "")
	if d := s.claim("d.json"); d.ID <= second.ID {
		t.Errorf("a new batch before an old one: %s", d.ID)
	}
}

func TestForeignThingsAmongTheClaimsAreKeptAndInNobodysWay(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "a")
	b := s.claim("a.json")
	claimed := filepath.Join(s.drop, ".sessionsync/claimed")
	at := func(name string) string { return filepath.Join(claimed, b.ID, name) }
	must(t, os.Mkdir(at("folder.json"), 0o755))
	must(t, os.WriteFile(at("folder.json/inside.json"), []byte("in"), 0o644))
	for _, name := range []string{".hidden", "notes.txt", "late.json"} {
		must(t, os.WriteFile(at(name), []byte(name), 0o644))
	}
	must(t, os.WriteFile(at(".intent.json123000000000000"), nil, 0o600))
	must(t, os.WriteFile(at(".move123000000000000"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(claimed, "5000000000000001"), []byte("a file"), 0o644))
	must(t, os.Symlink(t.TempDir(), filepath.Join(claimed, "5000000000000002")))
	must(t, os.Mkdir(filepath.Join(claimed, "backup"), 0o755))
	must(t, os.Mkdir(filepath.Join(claimed, "5000000000000003"), 0o755))
	s.restart()
	got := s.claimed(1)[0]
	if names := fileNames(got); !slices.Equal(names, []string{"a.json", "late.json"}) {
		t.Errorf("files %q", names)
	}
	must(t, os.WriteFile(at("notes.txt"), []byte("second"), 0o644))
	must(t, got.Reload())
	must(t, got.Settle())
	have := s.tree()
	foreign := ".sessionsync/foreign/" + b.ID
	for path, content := range map[string]string{
		foreign + "/folder.json/inside.json": "in", foreign + "/.hidden": ".hidden", foreign + "/notes.txt": "notes.txt",
		foreign + "-2/notes.txt":                "second",
		".sessionsync/claimed/5000000000000001": "a file",
		".sessionsync/claimed/5000000000000002": fs.ModeSymlink.String(),
		".sessionsync/claimed/backup/":          "",
	} {
		if now, ok := have[path]; !ok || now != content {
			t.Errorf("%s: %q, %v", path, now, ok)
		}
		delete(have, path)
	}
	if len(have) != 8 { // .sessionsync, lock, claimed, foreign, two folders in it, folder.json, and that is all
		delete(have, ".sessionsync/lock")
		if len(have) != 6 {
			t.Errorf("beside: %v", have)
		}
	}
	for _, said := range []string{"set aside", "notes.txt", "not a batch", "backup"} {
		if !strings.Contains(s.log.String(), said) {
			t.Errorf("log lacks %q", said)
		}
	}
	s.claimed(0)
}

func TestWhatCannotBeSetAsideDoesNotBlock(t *testing.T) {
	for _, op := range []vfs.Op{vfs.OpMkdir, vfs.OpRename, vfs.OpRemove} {
		s := newStation(t)
		s.put("a.json", "a")
		b := s.claim("a.json")
		must(t, os.WriteFile(b.Dir().Join("notes.txt"), []byte("notes"), 0o644))
		must(t, os.WriteFile(b.Dir().Join(".move100000000000000"), nil, 0o644))
		s.restart()
		s.hook = func(o vfs.Op, _ string) error {
			if o == op {
				return syscall.EIO
			}
			return nil
		}
		b = s.claimed(1)[0]
		s.hook = nil
		must(t, b.Settle())
		if op != vfs.OpRemove && s.tree()[".sessionsync/claimed/"+b.ID+"/notes.txt"] != "notes" {
			t.Errorf("%s: lost: %v", op, s.tree())
		}
		s.claimed(0)
	}
	s := newStation(t)
	s.put("a.json", "a")
	b := s.claim("a.json")
	must(t, os.Mkdir(filepath.Join(s.drop, ".sessionsync/foreign"), 0o700))
	must(t, os.WriteFile(filepath.Join(s.drop, ".sessionsync/foreign", b.ID), nil, 0o600))
	if err := b.SetAside("a.json"); err == nil {
		t.Error("into a file")
	}
	if err := b.SetAside("none.json"); err == nil {
		t.Error("something that is not there")
	}
	if len(b.Files) != 1 {
		t.Error("forgotten after an error")
	}
	must(t, os.Remove(filepath.Join(s.drop, ".sessionsync/foreign", b.ID)))
	must(t, b.SetAside("a.json"))
	if len(b.Files) != 0 || s.tree()[".sessionsync/foreign/"+b.ID+"/a.json"] != "a" {
		t.Errorf("%v", s.tree())
	}
}

func TestRestoreOpensOrMakesTheBatch(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "a")
	b := s.claim("a.json")
	if again, err := s.Restore(b.ID); err != nil || again != b || len(b.Files) != 1 {
		t.Errorf("a batch that is handed out: %v, %v", again, err)
	}
	must(t, b.Close())
	if again, err := s.Restore(b.ID); err != nil || len(again.Files) != 1 || again.ID != b.ID {
		t.Errorf("a batch that is left over: %v, %v", again, err)
	}
	const id = "5000000000000000"
	c, err := s.Restore(id)
	if err != nil || len(c.Files) != 0 || c.ID != id {
		t.Fatalf("a batch that is gone: %v, %v", c, err)
	}
	must(t, os.WriteFile(c.Dir().Join("x.json"), []byte("x"), 0o644))
	must(t, c.Reload())
	if !slices.Equal(fileNames(c), []string{"x.json"}) {
		t.Errorf("files %q", fileNames(c))
	}
	s.put("d.json", "")
	if d := s.claim("d.json"); d.ID <= id {
		t.Errorf("a new batch before a restored one: %s", d.ID)
	}
	for _, bad := range []string{"", "..", "../../x", "17", "ffffffffffffffff", "5000000000000000/x"} {
		if _, err := s.Restore(bad); err == nil {
			t.Errorf("restored %q", bad)
		}
	}
	must(t, os.WriteFile(filepath.Join(s.drop, ".sessionsync/claimed/5000000000000009"), nil, 0o644))
	if _, err := s.Restore("5000000000000009"); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a file in its place: %v", err)
	}
}

func TestRestoreAndClaimedGiveTheirErrors(t *testing.T) {
	const id = "5000000000000000"
	for n := 1; ; n++ {
		s := newStation(t)
		s.put("a.json", "a")
		b := s.claim("a.json")
		must(t, b.Close())
		calls, fired := 0, false
		s.hook = func(op vfs.Op, _ string) error {
			if calls++; calls == n {
				fired = true
				return syscall.EIO
			}
			return nil
		}
		_, rerr := s.Restore(id)
		bs, cerr := s.Claimed()
		s.hook = nil
		if fired && rerr == nil && cerr == nil && len(bs) != 1 {
			t.Errorf("operation %d: neither an error nor the batch", n)
		}
		if cerr != nil && len(bs) != 0 {
			t.Errorf("operation %d: an error and batches", n)
		}
		for _, err := range []error{rerr, cerr} {
			if err != nil && !errors.Is(err, syscall.EIO) {
				t.Errorf("operation %d: %v", n, err)
			}
		}
		if cerr != nil {
			bs = s.claimed(1)
		}
		if got := fileNames(bs[0]); !slices.Equal(got, []string{"a.json"}) {
			t.Errorf("operation %d: %q", n, got)
		}
		if !fired {
			break
		}
	}
}

// Fragments given back to a batch that has yet to be settled are no part of
// what its intent is about, and must not be deleted with it.
func TestWhatComesIntoABatchAfterItsIntentIsNotSettledWithIt(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "a")
	b := s.claim("a.json")
	must(t, b.Record(Intent{Temp: "x", Digest: digestA, Base: digestB}))
	s.restart()
	b, err := s.Restore(b.ID)
	must(t, err)
	must(t, os.WriteFile(b.Dir().Join("back.json"), []byte("back"), 0o644))
	must(t, b.Reload())
	if got := fileNames(b); !slices.Equal(got, []string{"a.json"}) {
		t.Errorf("files %q", got)
	}
	must(t, b.Settle())
	b = s.claimed(1)[0]
	if _, ok, err := b.Intent(); ok || err != nil {
		t.Errorf("its intent is still there: %v", err)
	}
	if got, err := b.Read("back.json", 10); err != nil || string(got) != "back" {
		t.Errorf("Read = %q, %v", got, err)
	}
}

// On file systems without an exclusive rename a crash within Return leaves two
// names of one file.
func TestAReturnThatWasInterruptedBetweenLinkAndRemove(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "a")
	s.put("b.json", "b")
	b := s.claim("a.json", "b.json")
	if err := os.Link(b.Dir().Join("a.json"), filepath.Join(s.drop, "a.json")); err != nil {
		t.Skip(err)
	}
	s.put("b.json", "another b")
	s.restart()
	if got := fileNames(s.claimed(1)[0]); !slices.Equal(got, []string{"b.json"}) {
		t.Errorf("claimed %q, want only b.json", got)
	}
	have := s.tree()
	if have["a.json"] != "a" || have["b.json"] != "another b" || have[".sessionsync/claimed/"+b.ID+"/b.json"] != "b" {
		t.Errorf("%v", have)
	}
	if _, ok := have[".sessionsync/claimed/"+b.ID+"/a.json"]; ok {
		t.Error("a.json is in two places")
	}
}
