package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// station is a drop directory with its spool and what that has logged.
type station struct {
	*Spool
	t    *testing.T
	drop string
	log  *bytes.Buffer
	hook vfs.Hook // nil for none; may be changed any time
}

func newStation(t *testing.T) *station {
	t.Helper()
	s := &station{t: t, drop: filepath.Join(t.TempDir(), "drop"), log: &bytes.Buffer{}}
	must(t, os.Mkdir(s.drop, 0o755))
	s.open()
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *station) config() Config {
	return Config{
		Drop: s.drop,
		Log:  slog.New(slog.NewTextHandler(s.log, nil)),
		Hook: func(op vfs.Op, path string) error {
			if s.hook == nil {
				return nil
			}
			return s.hook(op, path)
		},
	}
}

func (s *station) open() {
	s.t.Helper()
	sp, err := Open(s.config())
	if err != nil {
		s.t.Fatal(err)
	}
	s.Spool = sp
}

// restart is what a crash and a new start are to the disk.
func (s *station) restart() {
	s.t.Helper()
	must(s.t, s.Close())
	s.open()
}

func (s *station) put(name, content string) string {
	s.t.Helper()
	path := filepath.Join(s.drop, name)
	must(s.t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

func (s *station) claim(names ...string) *Batch {
	s.t.Helper()
	b, err := s.Claim(names)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// claimed gives so many batches; -1: however many there are.
func (s *station) claimed(want int) []*Batch {
	s.t.Helper()
	bs, err := s.Claimed()
	if err != nil {
		s.t.Fatal(err)
	}
	if want >= 0 && len(bs) != want {
		s.t.Fatalf("%d claimed batches, want %d", len(bs), want)
	}
	return bs
}

// tree is everything below the drop directory: path to content.
func (s *station) tree() map[string]string { return tree(s.t, s.drop) }

func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil || rel == ".":
		case e.IsDir():
			all[filepath.ToSlash(rel)+"/"] = ""
		case e.Type().IsRegular():
			b, rerr := os.ReadFile(path)
			err = rerr
			all[filepath.ToSlash(rel)] = string(b)
		default:
			all[filepath.ToSlash(rel)] = e.Type().String()
		}
		return err
	}))
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fileNames(b *Batch) []string {
	var names []string
	if b != nil {
		for _, f := range b.Files {
			names = append(names, f.Name)
		}
	}
	return names
}

func TestClaimMovesFragmentsIntoABatchOfTheirOwn(t *testing.T) {
	s := newStation(t)
	when := time.Date(2026, 11, 22, 10, 15, 30, 0, time.UTC)
	for i, name := range []string{"c.json", "b.jsonl", "a.ndjson", "z.json"} {
		path := s.put(name, name)
		at := when
		if name == "z.json" {
			at = when.Add(-time.Hour)
		}
		must(t, os.Chtimes(path, at, at))
		_ = i
	}
	s.put("later.json", "x")
	must(t, os.Mkdir(filepath.Join(s.drop, "folder.json"), 0o755))
	b := s.claim("c.json", "a.ndjson", "gone.json", "b.jsonl", "folder.json", "z.json", "c.json")
	if got, want := fileNames(b), []string{"z.json", "a.ndjson", "b.jsonl", "c.json"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q: by time, then by name", got, want)
	}
	f := b.Files[1]
	if f.Size != int64(len("a.ndjson")) || !f.ModTime.Equal(when) || !f.Mode.IsRegular() {
		t.Errorf("described as %+v", f)
	}
	if len(b.Refused) != 0 || b.Reopened {
		t.Errorf("batch %+v", b)
	}
	have := s.tree()
	for _, path := range []string{"folder.json/", "later.json", ".sessionsync/claimed/" + b.ID + "/c.json"} {
		if _, ok := have[path]; !ok {
			t.Errorf("%s is missing", path)
		}
	}
	if _, ok := have["c.json"]; ok {
		t.Error("a claimed fragment is still in the drop directory")
	}
	if got, err := b.Read("a.ndjson", 100); err != nil || string(got) != "a.ndjson" {
		t.Errorf("Read = %q, %v", got, err)
	}
	must(t, b.Settle())
	must(t, b.Settle()) // a second time does nothing
	have = s.tree()
	if _, ok := have[".sessionsync/claimed/"+b.ID+"/"]; ok || len(have) != 5 {
		t.Errorf("after Settle: %v", have)
	}
}

func TestClaimOfNothingLeavesNothing(t *testing.T) {
	s := newStation(t)
	must(t, os.Mkdir(filepath.Join(s.drop, "folder.json"), 0o755))
	for _, names := range [][]string{nil, {}, {"gone.json"}, {"gone.json", "folder.json"}} {
		if b := s.claim(names...); b != nil {
			t.Errorf("Claim(%q) gave %+v", names, b)
		}
	}
	s.claimed(0)
	if got := len(s.tree()); got != 4 {
		t.Errorf("%d things, want folder.json, .sessionsync, claimed, lock: %v", got, s.tree())
	}
}

// The second of two equal names would replace the first one's file.
func TestAFileThatComesUnderAClaimedNameIsNotLost(t *testing.T) {
	s := newStation(t)
	path := s.put("a.json", "first")
	renames := 0
	s.hook = func(op vfs.Op, p string) error {
		if op == vfs.OpStat && renames == 1 && filepath.Base(p) == "a.json" {
			return os.WriteFile(path, []byte("second"), 0o644)
		}
		if op == vfs.OpRename {
			renames++
		}
		return nil
	}
	must(t, os.WriteFile(path, []byte("first"), 0o644))
	b := s.claim("a.json", "a.json")
	s.hook = nil
	if got, err := b.Read("a.json", 100); err != nil || string(got) != "first" {
		t.Errorf("Read = %q, %v", got, err)
	}
	s.put("a.json", "second")
	c := s.claim("a.json")
	if got, err := c.Read("a.json", 100); err != nil || string(got) != "second" {
		t.Errorf("Read of the second = %q, %v", got, err)
	}
	if got, err := b.Read("a.json", 100); err != nil || string(got) != "first" {
		t.Errorf("Read of the first = %q, %v", got, err)
	}
}

func TestWhatTheSystemRefusesToMoveStaysAndIsReported(t *testing.T) {
	for name, cause := range map[string]error{
		"a sticky folder, an immutable file": syscall.EPERM, "a drop directory we may not write": syscall.EACCES,
		"a file that is a mount point": syscall.EBUSY,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t)
			s.put("a.json", "a")
			s.put("b.json", "b")
			s.hook = func(o vfs.Op, path string) error {
				if o == vfs.OpRename && path == filepath.Join(s.drop, "a.json") {
					return cause
				}
				return nil
			}
			b := s.claim("a.json", "b.json")
			if !slices.Equal(fileNames(b), []string{"b.json"}) {
				t.Errorf("claimed %q", fileNames(b))
			}
			if len(b.Refused) != 1 || b.Refused[0].Name != "a.json" || !errors.Is(b.Refused[0].Err, cause) {
				t.Errorf("refused %+v", b.Refused)
			}
			must(t, b.Return("b.json"))
			must(t, b.Settle())
			if b = s.claim("a.json"); b == nil || len(b.Files) != 0 || len(b.Refused) != 1 {
				t.Errorf("nothing but a refusal: %+v", b)
			}
			must(t, b.Settle())
			s.claimed(0)
			if got := s.tree(); got["a.json"] != "a" || got["b.json"] != "b" || len(got) != 5 {
				t.Errorf("left: %v", got)
			}
		})
	}
}

func TestNamesThatAreNoFragmentsAreRefused(t *testing.T) {
	s := newStation(t)
	outside := filepath.Join(filepath.Dir(s.drop), "outside.json")
	must(t, os.WriteFile(outside, []byte("x"), 0o644))
	s.put("notes.txt", "x")
	s.put(".hidden.json", "x")
	names := []string{"../outside.json", "", ".", "..", "notes.txt", ".hidden.json", "x/y.json", outside}
	b := s.claim(names...)
	if len(b.Files) != 0 || len(b.Refused) != len(names) {
		t.Errorf("claimed %q, refused %v", fileNames(b), b.Refused)
	}
	for _, r := range b.Refused {
		if !errors.Is(r.Err, fs.ErrInvalid) {
			t.Errorf("%q: %v", r.Name, r.Err)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

func TestPassingTroubleEndsAClaimButLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		op   vfs.Op
		at   int // which operation of that kind in the claim
		want []string
	}{
		{"the folder cannot be made", vfs.OpMkdir, 1, nil},
		{"the folder cannot be opened", vfs.OpOpen, 1, nil},
		{"the first rename fails", vfs.OpRename, 1, nil},
		{"the second rename fails", vfs.OpRename, 2, []string{"a.json"}},
		{"the look after a rename fails", vfs.OpStat, 6, []string{"a.json", "b.json", "c.json"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStation(t)
			for _, name := range []string{"a.json", "b.json", "c.json"} {
				s.put(name, name)
			}
			seen := 0
			s.hook = func(op vfs.Op, path string) error {
				if op == c.op {
					if seen++; seen == c.at {
						return syscall.EMFILE
					}
				}
				return nil
			}
			b, err := s.Claim([]string{"a.json", "b.json", "c.json"})
			s.hook = nil
			if b != nil {
				must(t, b.Reload()) // as for each batch before it is processed
			}
			if len(c.want) < 3 && !errors.Is(err, syscall.EMFILE) {
				t.Errorf("error %v", err)
			}
			if got := fileNames(b); !slices.Equal(got, c.want) {
				t.Errorf("claimed %q, want %q", got, c.want)
			}
			again := s.claim("a.json", "b.json", "c.json")
			if got := len(fileNames(b)) + len(fileNames(again)); got != 3 {
				t.Errorf("%d fragments in both batches, want 3", got)
			}
		})
	}
}

func TestAFolderThatAppearsUnderAClaimedNameGoesBack(t *testing.T) {
	for _, taken := range []bool{false, true} {
		s := newStation(t)
		path := s.put("a.json", "x")
		s.hook = func(op vfs.Op, p string) error {
			if op == vfs.OpRename && p == path {
				return errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "inside"), 0o755))
			}
			if op == vfs.OpRename && taken {
				return os.WriteFile(path, []byte("new"), 0o644)
			}
			return nil
		}
		if b := s.claim("a.json"); b != nil {
			t.Errorf("claimed %+v", b)
		}
		s.hook = nil
		have := s.tree()
		found := false
		for p := range have {
			found = found || strings.HasSuffix(p, "a.json/inside/")
		}
		if !found {
			t.Errorf("the folder is lost: %v", have)
		}
		if _, ok := have["a.json/inside/"]; ok == taken {
			t.Errorf("name taken meanwhile: %v: %v", taken, have)
		}
		if taken && have["a.json"] != "new" {
			t.Errorf("the new file was replaced: %v", have)
		}
		s.claimed(0)
	}
}

func TestNamesMayHoldAnyByteAndBeLong(t *testing.T) {
	s := newStation(t)
	var names []string
	for _, name := range []string{"a\nb.json", "\x1b[31m.json", "\xff\xfe.json", "-rf.json", " .json", "a\\b.jsonl", strings.Repeat("x", 250) + ".json"} {
		if os.WriteFile(filepath.Join(s.drop, name), []byte(name), 0o644) == nil {
			names = append(names, name)
		}
	}
	b := s.claim(names...)
	if len(b.Files) != len(names) {
		t.Fatalf("claimed %q", fileNames(b))
	}
	rejects := map[string]*fragment.Error{}
	for _, name := range names {
		rejects[name] = &fragment.Error{Code: fragment.InvalidJSON, Message: name}
	}
	must(t, b.Record(Intent{Temp: ".tasks.json100000000000000", Digest: digestA, Base: digestB, Rejects: rejects}))
	s.restart()
	b = s.claimed(1)[0]
	in, ok, err := b.Intent()
	if err != nil || !ok || len(in.Rejects) != len(names) {
		t.Fatalf("%d rejects, %v, %v", len(in.Rejects), ok, err)
	}
	for _, name := range names {
		if in.Rejects[name] == nil {
			t.Errorf("no reject for %q", name)
		}
		if got, err := b.Read(name, 1000); err != nil || string(got) != name {
			t.Errorf("Read(%q) = %q, %v", name, got, err)
		}
	}
}

func TestReturnPutsBackAndNeverReplaces(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "half")
	b := s.claim("a.json")
	s.put("a.json", "new")
	if err := b.Return("a.json"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a new file: %v", err)
	}
	if s.tree()["a.json"] != "new" || len(b.Files) != 1 {
		t.Errorf("replaced, or forgotten: %v", s.tree())
	}
	must(t, os.Remove(filepath.Join(s.drop, "a.json")))
	must(t, b.Return("a.json"))
	if s.tree()["a.json"] != "half" || len(b.Files) != 0 {
		t.Errorf("not back: %v, files %q", s.tree(), fileNames(b))
	}
	must(t, b.Settle())
	if s.tree()["a.json"] != "half" {
		t.Error("Settle deleted what was returned")
	}
}

func TestIDsSortByTimeAlsoWhenTheClockGoesBack(t *testing.T) {
	s := newStation(t)
	far := "5000000000000000" // long after the clock of whoever runs this
	must(t, os.Mkdir(filepath.Join(s.drop, ".sessionsync/claimed", far), 0o700))
	must(t, os.WriteFile(filepath.Join(s.drop, ".sessionsync/claimed", far, "x.json"), nil, 0o644))
	s.restart()
	s.put("a.json", "")
	b := s.claim("a.json")
	if want := "5000000000000001"; b.ID != want {
		t.Errorf("id %s, want %s", b.ID, want)
	}
	s.After("5100000000000000")
	s.After("a recovery entry of somebody's")
	s.After("7000000000000000")
	for i := range 3 {
		s.put("a.json", "")
		next := s.claim("a.json")
		if want := fmt.Sprintf("510000000000000%d", i+1); next.ID != want {
			t.Errorf("id %s, want %s", next.ID, want)
		}
	}
	if _, ok := parseID(s.nextID()); !ok {
		t.Error("an id that is none")
	}
	for _, id := range []string{"", "17", "500000000000000g", "500000000000000G", "7000000000000000", "5000000000000000 ", "ffffffffffffffff"} {
		if _, ok := parseID(id); ok {
			t.Errorf("%q is taken for an id", id)
		}
	}
}

func TestAnOccupiedIDIsSteppedOver(t *testing.T) {
	s := newStation(t)
	s.After("5000000000000000")
	occupied := filepath.Join(s.drop, ".sessionsync/claimed/5000000000000001")
	must(t, os.WriteFile(occupied, []byte("a file"), 0o644))
	s.put("a.json", "")
	if b := s.claim("a.json"); b.ID != "5000000000000002" {
		t.Errorf("id %s", b.ID)
	}
	s.restart()
	b := s.claimed(1)[0]
	if !strings.Contains(s.log.String(), "not a batch") || b.ID != "5000000000000002" {
		t.Errorf("the file in between: %s", s.log)
	}
	if got, err := os.ReadFile(occupied); err != nil || string(got) != "a file" {
		t.Errorf("it was touched: %q, %v", got, err)
	}
}
