package spool

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestPutMakesABatchInTheOrderOfItsFragments(t *testing.T) {
	s := newStation(t)
	b, err := s.Put([]Fragment{{"b.json", []byte("{}")}, {"a.json", []byte("[]")}})
	must(t, err)
	if len(b.Files) != 2 || b.Files[0].Name != "b.json" || b.Files[1].Name != "a.json" {
		t.Errorf("files are %v", b.Files)
	}
	for name, want := range map[string]string{"a.json": "[]", "b.json": "{}"} {
		if got, err := b.Read(name, 10); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	must(t, b.Settle())
	if got := s.tree(); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
}

func TestPutThatFailsLeavesNoBatch(t *testing.T) {
	s := newStation(t)
	if _, err := s.Put([]Fragment{{"a.json", []byte("{}")}, {"a.json", []byte("{}")}}); err == nil {
		t.Fatal("a name that stands twice was taken")
	}
	if got := s.tree(); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
}

func TestSplitMovesFragmentsIntoANewBatch(t *testing.T) {
	for name, back := range map[string]bool{"": false, ", and a loss of power brings one back": true} {
		t.Run("split"+name, func(t *testing.T) {
			s := newStation(t)
			s.put("a.json", "{}")
			s.put("b.json", "{}")
			old := s.claim("a.json", "b.json")
			must(t, old.Record(Intent{Temp: ".tasks.json100000000000000", Digest: digestA, Base: digestB}))
			b, err := s.Split(old, []string{"b.json"})
			must(t, err)
			if len(old.Files) != 1 || old.Files[0].Name != "a.json" || len(b.Files) != 1 || b.Files[0].Name != "b.json" || b.ID <= old.ID {
				t.Errorf("batches are %v and %v", old.Files, b.Files)
			}
			if back {
				must(t, os.Link(b.Dir().Join("b.json"), old.Dir().Join("b.json")))
			}
			s.restart()
			batches := s.claimed(2)
			if len(batches[0].Files) != 1 || batches[0].Files[0].Name != "a.json" || len(batches[1].Files) != 1 {
				t.Errorf("after a restart: %v and %v", batches[0].Files, batches[1].Files)
			}
			if _, err := os.Lstat(filepath.Join(batches[1].Dir().Path(), "b.json")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A batch of the agent's own is known as one after a restart, and nothing of it stays when it is settled.
func TestABatchOfTheAgentsOwnIsKnownAfterARestart(t *testing.T) {
	s := newStation(t)
	if b, err := s.Put([]Fragment{{"a.json", []byte("{}")}}); err != nil || !b.Own {
		t.Fatalf("batch %+v, %v", b, err)
	}
	s.put("b.json", "{}")
	if b := s.claim("b.json"); b.Own {
		t.Error("a producer's batch is taken for the agent's own")
	}
	s.restart()
	batches := s.claimed(2)
	if !batches[0].Own || batches[1].Own || len(batches[0].Files) != 1 {
		t.Errorf("after a restart: %+v and %+v", batches[0], batches[1])
	}
	for _, b := range batches {
		must(t, b.Settle())
	}
	if got := s.tree(); len(got) != 3 {
		t.Errorf("left: %v", got)
	}
}

func TestWhateverFailsInPutThereIsAWholeBatchOrNone(t *testing.T) {
	for at := 1; ; at++ {
		s := newStation(t)
		n := 0
		s.hook = func(vfs.Op, string) error {
			if n++; n == at {
				return syscall.EIO
			}
			return nil
		}
		b, err := s.Put([]Fragment{{"a.json", []byte("{}")}, {"b.json", []byte("[]")}})
		s.hook = nil
		if err == nil {
			must(t, b.Settle())
		}
		s.restart()
		for _, left := range s.claimed(-1) {
			if got := len(left.Files); err == nil || got > 2 {
				t.Errorf("operation %d (%v): %d files are left", at, err, got)
			}
			must(t, left.Settle())
		}
		if n < at || t.Failed() {
			return
		}
	}
}

func TestWhateverFailsInSplitEachFragmentIsInOneBatch(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for at := 1; ; at++ {
			s := newStation(t)
			s.put("a.json", "{}")
			s.put("b.json", "[]")
			old := s.claim("a.json", "b.json")
			n := 0
			s.hook = func(vfs.Op, string) error {
				if n++; n == at {
					return syscall.EIO
				}
				return nil
			}
			b, err := s.Split(old, []string{"b.json"})
			if err == nil && (len(b.Files) != 1 || len(old.Files) != 1) {
				t.Errorf("batches are %v and %v", old.Files, b.Files)
			}
			if restart {
				s.hook = nil
				must(t, os.Link(old.Dir().Join(fileNames(old)[0]), old.Dir().Join("c.json"))) // one file twice in one batch stays
				s.restart()
				s.hook = func(vfs.Op, string) error {
					if n++; n == at {
						return syscall.EIO
					}
					return nil
				}
				batches, err := s.Claimed()
				for _, b := range batches {
					b.Close() // whatever it says
				}
				if err != nil && n < at {
					t.Errorf("claimed: %v", err)
				}
			}
			s.hook = nil
			s.restart()
			count := map[string]int{}
			for _, b := range s.claimed(-1) {
				for _, f := range b.Files {
					count[f.Name]++
				}
			}
			if count["a.json"] != 1 || count["b.json"] != 1 {
				t.Errorf("operation %d (%v): %v", at, err, count)
			}
			if n < at || t.Failed() {
				break
			}
		}
	}
}
