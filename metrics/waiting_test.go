package metrics

import (
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/spool"
)

func put(t *testing.T, folder, name string, age time.Duration) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyFragmentsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		for _, name := range []string{"a.json", "b.jsonl", "c.ndjson"} {
			put(t, folder, name, time.Minute)
		}
		for _, name := range []string{".a.json", "a.tmp", "README"} {
			put(t, folder, name, time.Hour)
		}
		if err := os.Mkdir(filepath.Join(folder, "folder.json"), 0o755); err != nil {
			t.Fatal(err)
		}
		w := waiting{drop: folder}
		if n, oldest, ok := w.look(); n != 3 || oldest != time.Minute || !ok {
			t.Errorf("%d wait, the oldest for %v, %v", n, oldest, ok)
		}
	})
}

func TestALookIsNotRepeatedBeforeItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		put(t, folder, "a.json", time.Minute)
		w := waiting{drop: folder}
		w.look()
		put(t, folder, "b.json", 2*time.Minute)
		time.Sleep(999 * time.Millisecond)
		if n, oldest, _ := w.look(); n != 1 || oldest != time.Minute+999*time.Millisecond {
			t.Errorf("looked again: %d wait, the oldest for %v", n, oldest)
		}
		time.Sleep(time.Millisecond)
		if n, oldest, _ := w.look(); n != 2 || oldest != 2*time.Minute+time.Second {
			t.Errorf("%d wait, the oldest for %v", n, oldest)
		}
		put(t, folder, "c.json", -time.Hour) // from the future
		w.took = time.Minute                 // the file system is slow
		time.Sleep(49 * time.Minute)
		if n, _, _ := w.look(); n != 2 {
			t.Error("looked again after less than fifty times of what it took")
		}
		time.Sleep(time.Minute)
		for _, name := range []string{"a.json", "b.json"} {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
		if n, oldest, _ := w.look(); n != 1 || oldest > time.Hour {
			t.Errorf("%d wait, the oldest for %v", n, oldest)
		}
	})
}

func TestADropDirectoryThatIsMissingHasNoNumber(t *testing.T) {
	m := New("v1")
	add(t, m, "plan", filepath.Join(t.TempDir(), "gone"))
	lines := scrape(t, m)
	hasNone(t, lines, "sessionsync_waiting_fragments")
	hasNone(t, lines, "sessionsync_oldest_waiting_seconds")
	has(t, lines, `sessionsync_commits_total{session="plan"} 0`)
}

func TestOfManyFragmentsSomeAreLookedAtAndTheLastScanCounts(t *testing.T) {
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync")
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for i := range mostLooked + 1 {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprint(i, ".json")), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := waiting{drop: folder}
	if n, _, ok := w.look(); n != mostLooked || !ok {
		t.Errorf("%d wait", n)
	}
	w.scan.Store(1_000_000)
	w.looked = time.Time{}
	if n, _, _ := w.look(); n != 1_000_000 {
		t.Errorf("%d wait", n)
	}
	if err := os.Remove(filepath.Join(folder, "7.json")); err != nil {
		t.Fatal(err)
	}
	w.looked = time.Time{}
	if n, _, _ := w.look(); n != mostLooked {
		t.Errorf("%d wait, and all of them could be looked at", n)
	}
}

func TestAFileSystemThatDoesNotAnswerKeepsNoScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs, asked := make(chan struct{}), new(atomic.Int32)
		w := &waiting{list: func(string, spool.Most) (spool.Pile, error) {
			asked.Add(1)
			<-hangs
			return spool.Pile{Fragments: 3}, nil
		}}
		begin := time.Now()
		for range 3 {
			if _, _, ok := w.look(); ok {
				t.Error("it was answered")
			}
		}
		if took := time.Since(begin); took != 3*answerWithin || asked.Load() != 1 {
			t.Errorf("took %v, asked %d times", took, asked.Load())
		}
		close(hangs)
		if n, _, ok := w.look(); n != 3 || !ok {
			t.Errorf("%d, %v", n, ok)
		}
	})
}
