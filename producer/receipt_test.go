package producer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// everywhere runs a test with the recovery folder beside the drop directory, and with one on another file system, where what
// is recovered is a copy that has no second name.
func everywhere(t *testing.T, f func(t *testing.T, s *site)) {
	t.Run("one file system", func(t *testing.T) { f(t, newSite(t)) })
	t.Run("two file systems", func(t *testing.T) {
		s := newSite(t)
		s.elsewhere()
		f(t, s)
	})
}

func wait(t *testing.T, r *Receipt, limit time.Duration) (Fate, Reason) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	fate, reason, err := r.Wait(ctx)
	must(t, err)
	return fate, reason
}

func TestTheFateOfAFragmentWithARealAgent(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		before := s.receipt(`{"id":"P1","note":"before the agent"}`)
		if fate, _ := wait(t, before, 20*time.Millisecond); fate != Waiting {
			t.Errorf("without an agent: %v", fate)
		}
		s.run()
		if fate, _ := wait(t, before, patience); fate != Applied {
			t.Errorf("once there is an agent: %v", fate)
		}
		must(t, before.Close())

		for range 20 {
			good := s.receipt(`{"id":"P1","status":"Complete"}`)
			bad := s.receipt(`{"id":"P9","status":"Complete"}`)
			if fate, _ := wait(t, good, patience); fate != Applied {
				t.Errorf("a good one: %v", fate)
			}
			if !strings.Contains(s.read(s.config.Tasks), "Complete") {
				t.Error("applied, and not in the tasks file")
			}
			fate, reason := wait(t, bad, patience)
			if fate != Rejected || reason.Code != "unknown_id" || !strings.Contains(reason.Message, "P9") {
				t.Errorf("a bad one: %v, %+v", fate, reason)
			}
			if _, err := os.Stat(filepath.Join(s.config.Recovery, reason.Entry, "fragments", bad.Name)); err != nil {
				t.Error(err)
			}
			must(t, good.Close())
			must(t, bad.Close())
		}
		if len(s.hidden()) > 0 {
			t.Errorf("left: %v", s.hidden())
		}
	})
}

func TestWhatTheAgentHoldsHasNoFateUntilItCanGoOn(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		// A batch that failed in a way that lasts: what an agent leaves whose disk is full.
		r := s.receipt(`{"id":"P1","status":"Complete"}`)
		barrier, err := s.producer().Barrier()
		must(t, err)
		entry := "20261126T040000.000Z-18ea000000000000"
		s.entry(entry, r.Name, true)
		moved := filepath.Join(s.config.Recovery, entry, "fragments", r.Name)
		dropped := filepath.Join(s.config.Drop, r.Name)
		if err := os.Rename(dropped, moved); errors.Is(err, syscall.EXDEV) {
			s.write(moved, s.read(dropped))
			must(t, os.Remove(dropped))
		}
		fate, reason := wait(t, r, 20*time.Millisecond)
		if fate != Held || reason.Code != "ENOSPC" || reason.Message != "full" {
			t.Errorf("%v, %+v", fate, reason)
		}
		late, err := s.producer().Barrier()
		must(t, err)
		for what, b := range map[string]*Barrier{"listed before": barrier, "listed while it was held": late} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			must(t, b.Wait(ctx))
			cancel()
			if b.Waiting() != 1 || b.Held() != "ENOSPC: full" {
				t.Errorf("%s: %d, %q", what, b.Waiting(), b.Held())
			}
		}

		s.run()
		if fate, _ := wait(t, r, patience); fate != Applied {
			t.Errorf("%v", fate)
		}
		if !strings.Contains(s.read(s.config.Tasks), "Complete") {
			t.Error("applied, and not in the tasks file")
		}
		for _, b := range []*Barrier{barrier, late} {
			must(t, b.Wait(t.Context()))
			if b.Waiting() != 0 || b.Held() != "" {
				t.Errorf("%d, %q", b.Waiting(), b.Held())
			}
		}
		must(t, r.Close())
	})
}

func TestACopyOnItsWayIsNotApplied(t *testing.T) {
	for what, put := range map[string]func(s *site, name string){
		"on its way into the recovery folder": func(s *site, name string) {
			s.write(filepath.Join(s.config.Recovery, ".adding-20261126T040000.000Z-18ea000000000000", "fragments", name), "{}")
		},
		"on its way out of it": func(s *site, name string) {
			s.write(filepath.Join(s.config.Recovery, ".returning-20261126T040000.000Z-18ea000000000000", "fragments", name), "{}")
		},
		"back in the claims": func(s *site, name string) {
			s.write(filepath.Join(s.config.Drop, spool.Folder, "claimed", "18ea000000000000", name), "{}")
		},
	} {
		t.Run(what, func(t *testing.T) {
			s := newSite(t)
			r := s.receipt(`{"id":"P1"}`)
			barrier, err := s.producer().Barrier()
			must(t, err)
			barrier.waiting[0].inode = 0 // as for one that was seen in an entry
			must(t, os.Remove(filepath.Join(s.config.Drop, r.Name)))
			put(s, r.Name)
			if fate, _, err := r.Look(); fate != Waiting || err != nil {
				t.Errorf("%v, %v", fate, err)
			}
			if err := barrier.look(true); err != nil || barrier.Waiting() != 1 {
				t.Errorf("%v, %v", barrier.Waiting(), err)
			}
		})
	}
}

func TestAnEntryThatIsRenamedDuringALookIsNotPassedOver(t *testing.T) {
	s := newSite(t)
	r := s.receipt(`{"id":"P1"}`)
	must(t, os.Remove(filepath.Join(s.config.Drop, r.Name)))
	s.entry(".adding-20261126T040000.000Z-18ea000000000000", r.Name, false)
	adding := filepath.Join(s.config.Recovery, ".adding-20261126T040000.000Z-18ea000000000000")
	r.shelf.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpOpen && path == adding { // it was listed, and is published now
			r.shelf.config.Hook = nil
			return os.Rename(adding, filepath.Join(s.config.Recovery, "20261126T040000.000Z-18ea000000000000"))
		}
		return nil
	}
	if fate, reason, err := r.Look(); fate != Rejected || reason.Code != "ENOSPC" || err != nil {
		t.Errorf("%v, %+v, %v", fate, reason, err)
	}
}

func TestOtherEntriesAndOtherFoldersAreNotItsFate(t *testing.T) {
	s := newSite(t)
	s.entry("20261126T030000.000Z-18ea000000000000", "older.json", false)
	r := s.receipt(`{"id":"P1"}`)
	s.entry("20261126T040000.000Z-18ea000000000001", "other.json", false)
	s.write(filepath.Join(s.config.Recovery, "20261126T040000.000Z-mine", "readme"), "x")
	s.write(filepath.Join(s.config.Recovery, "old", "fragments", r.Name), "x")
	must(t, os.Remove(filepath.Join(s.config.Drop, r.Name)))
	if fate, _, err := r.Look(); fate != Applied || err != nil {
		t.Errorf("%v, %v", fate, err)
	}
}

func TestAFateThatCannotBeSeenIsAnError(t *testing.T) {
	s := newSite(t)
	r := s.receipt(`{"id":"P1"}`)
	must(t, os.Remove(filepath.Join(s.config.Drop, r.Name)))
	s.entry("20261126T040000.000Z-18ea000000000000", "x.json", false)
	r.shelf.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpOpen && strings.HasPrefix(path, s.config.Recovery) {
			return syscall.EACCES
		}
		return nil
	}
	if _, _, err := r.Wait(t.Context()); !errors.Is(err, syscall.EACCES) {
		t.Error(err)
	}
	must(t, os.Remove(filepath.Join(s.config.Drop, "."+r.Name)))
	if _, _, err := r.Wait(t.Context()); !errors.Is(err, ErrNoReceipt) {
		t.Error(err)
	}
	must(t, r.Close())
}

func TestAReceiptOfAnEntryThatCannotBeReadIsAnError(t *testing.T) {
	s := newSite(t)
	r := s.receipt(`{"id":"P1"}`)
	must(t, os.Remove(filepath.Join(s.config.Drop, r.Name)))
	s.write(filepath.Join(s.config.Recovery, "20261126T040000.000Z-x", "fragments", r.Name), "x")
	s.write(filepath.Join(s.config.Recovery, "20261126T040000.000Z-x", "recovery.json"), "{")
	if _, _, err := r.Look(); err == nil || !strings.Contains(err.Error(), r.Name) {
		t.Error(err)
	}
}
