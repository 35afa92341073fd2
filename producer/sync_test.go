package producer

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

func TestTheBarrierFallsWhenEverythingBeforeItHasItsFate(t *testing.T) {
	everywhere(t, func(t *testing.T, s *site) {
		const n = 50
		for i := range n {
			_, err := s.producer().Drop(fmt.Appendf(nil, `{"id":"P%d","note":"n%d"}`, 1+i%2, i), OneValue) // every other one is rejected
			must(t, err)
		}
		s.write(filepath.Join(s.config.Drop, "readme.txt"), "x")
		must(t, os.Mkdir(filepath.Join(s.config.Drop, "folder.json"), 0o755))
		barrier, err := s.producer().Barrier()
		must(t, err)
		if barrier.Waiting() != n {
			t.Errorf("%d are waiting", barrier.Waiting())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		must(t, barrier.Wait(ctx))
		if barrier.Waiting() != n {
			t.Errorf("without an agent %d are waiting", barrier.Waiting())
		}
		s.run()
		must(t, barrier.Wait(t.Context()))
		entries, err := os.ReadDir(s.config.Recovery)
		must(t, err)
		if barrier.Waiting() != 0 || len(entries) != n/2 {
			t.Errorf("%d are waiting, %d are recovered", barrier.Waiting(), len(entries))
		}
		if left := s.shown(); len(left) != 1 {
			t.Errorf("left: %v", left)
		}
	})
}

func TestWhatIsDroppedBehindTheBarrierIsNotWaitedFor(t *testing.T) {
	s := newSite(t)
	barrier, err := s.producer().Barrier()
	must(t, err)
	_, err = s.producer().Drop([]byte(`{"id":"P1"}`), OneValue)
	must(t, err)
	must(t, barrier.Wait(t.Context()))

	s.write(filepath.Join(s.config.Drop, "a.json"), "{}")
	barrier, err = s.producer().Barrier()
	must(t, err)
	// Another file of the same name is another fragment.
	s.write(filepath.Join(s.config.Drop, ".a"), "{}")
	must(t, os.Rename(filepath.Join(s.config.Drop, ".a"), filepath.Join(s.config.Drop, "a.json")))
	must(t, barrier.look(true))
	if barrier.Waiting() != 1 {
		t.Errorf("%+v", barrier.waiting)
	}
}

func TestClaimsCountUntilTheyAreSettled(t *testing.T) {
	s := newSite(t)
	claimed := filepath.Join(s.config.Drop, spool.Folder, "claimed")
	s.write(filepath.Join(claimed, "18ea000000000000", "a.json"), "{}")
	s.write(filepath.Join(claimed, "18ea000000000000", ".intent.json"), "{}")
	s.write(filepath.Join(claimed, "18ea000000000001", "b.json"), "{}")
	s.write(filepath.Join(s.config.Drop, "c.json"), "{}")
	b, err := s.producer().Barrier()
	must(t, err)
	if b.Waiting() != 3 {
		t.Errorf("%+v", b.waiting)
	}
	look := func(want int) {
		t.Helper()
		must(t, b.look(true))
		if b.Waiting() != want {
			t.Errorf("%+v, want %d", b.waiting, want)
		}
	}
	must(t, os.Rename(filepath.Join(s.config.Drop, "c.json"), filepath.Join(claimed, "18ea000000000001", "c.json")))
	look(3)
	must(t, os.Remove(filepath.Join(claimed, "18ea000000000000", "a.json")))
	look(2)
	must(t, os.RemoveAll(filepath.Join(claimed, "18ea000000000001")))
	look(0)

	s.write(filepath.Join(s.config.Drop, "d.json"), "{}")
	b, err = s.producer().Barrier()
	must(t, err)
	must(t, os.RemoveAll(s.config.Drop))
	look(0)
}

func TestABarrierThatCannotSeeEverythingIsNone(t *testing.T) {
	for _, unreadable := range []string{spool.Folder, "claimed", "18ea000000000000", "drop", "recovery"} {
		s := newSite(t)
		s.write(filepath.Join(s.config.Drop, spool.Folder, "claimed", "18ea000000000000", "a.json"), "{}")
		s.entry("20261126T040000.000Z-18ea000000000000", "x.json", false)
		b, err := s.producer().Barrier()
		must(t, err)
		closed := func(op vfs.Op, path string) error {
			if op == vfs.OpOpen && filepath.Base(path) == unreadable {
				return syscall.EACCES
			}
			return nil
		}
		s.hook = closed
		if _, err := s.producer().Barrier(); !os.IsPermission(unwrapped(err)) {
			t.Errorf("%s: %v", unreadable, err)
		}
		must(t, os.Remove(filepath.Join(s.config.Drop, spool.Folder, "claimed", "18ea000000000000", "a.json")))
		b.config.Hook = closed
		if err := b.Wait(t.Context()); !os.IsPermission(unwrapped(err)) {
			t.Errorf("%s: %v", unreadable, err)
		}
	}
}

func unwrapped(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if _, at := err.(*fs.PathError); at || !ok {
			return err
		}
		err = inner.Unwrap()
	}
}

func TestABatchThatFailsBehindTheBarrierIsStillWaitedFor(t *testing.T) {
	s := newSite(t)
	s.write(filepath.Join(s.config.Drop, "a.json"), "{}")
	b, err := s.producer().Barrier()
	must(t, err)
	s.entry("20261126T040000.000Z-0", "a.json", false) // of an older fragment of that name: another file
	must(t, os.Remove(filepath.Join(s.config.Drop, "a.json")))
	must(t, os.RemoveAll(filepath.Join(s.config.Recovery, "20261126T040000.000Z-0")))
	const first, second = "20261126T040000.000Z-18ea000000000000", "20261126T040001.000Z-18ea000000000000"
	s.entry(first, "a.json", true)
	must(t, b.look(false))
	if b.Waiting() != 1 || b.Held() == "" {
		t.Errorf("held: %d, %q", b.Waiting(), b.Held())
	}
	// It comes back as another file, as from another file system.
	claimed := filepath.Join(s.config.Drop, spool.Folder, "claimed", "18ea000000000000")
	s.write(filepath.Join(claimed, "a.json"), "{}")
	must(t, os.RemoveAll(filepath.Join(s.config.Recovery, first)))
	must(t, b.look(false))
	if b.Waiting() != 1 || b.Held() != "" {
		t.Errorf("taken back: %d, %q", b.Waiting(), b.Held())
	}
	must(t, os.RemoveAll(claimed))
	s.entry(second, "a.json", false)
	must(t, b.look(false))
	if b.Waiting() != 0 || b.Held() != "" {
		t.Errorf("rejected in the end: %d, %q", b.Waiting(), b.Held())
	}
}
