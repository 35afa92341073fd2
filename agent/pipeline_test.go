package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestWhatIsThereAtTheStartIsAppliedInTheOrderOfTimeThenName(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.config.Batch.MaxFragments = 3
		for i, name := range []string{"z.json", "y.json", "b.json", "a.json", "x.jsonl", "w.ndjson"} {
			h.appends(name)
			h.age(name, time.Hour-time.Duration(i/2)*time.Second) // two of each time
		}
		report, err := h.once(nil)
		if want := (Report{Commits: 2, Fragments: 6, Updates: 6}); err != nil || report != want {
			t.Errorf("report %+v, error %v", report, err)
		}
		if got := strings.Join(h.applied(), " "); got != "y.json z.json a.json b.json w.ndjson x.jsonl" {
			t.Errorf("applied %s", got)
		}
	})
	h.isDone("at the end", nil)
}

// countWrites counts how often the tasks file is replaced.
func countWrites(h *house) (count func() int, hook vfs.Hook) {
	n := make(chan int, 1)
	n <- 0
	hook = func(op vfs.Op, path string) error {
		if op == vfs.OpExchange && filepath.Dir(path) == h.folder {
			n <- 1 + <-n
		}
		return nil
	}
	return func() int { v := <-n; n <- v; return v }, hook
}

func TestNothingIsWrittenWhileABatchGathersAndThenOnce(t *testing.T) {
	h := newHouse(t)
	count, hook := countWrites(h)
	h.inBubble(func(t *testing.T) {
		h.config.Batch.Quiet, h.config.Batch.MaxWait = 3*time.Second, time.Minute // polls are a second apart
		a := h.start(hook)
		var names []string
		for i := range 10 {
			names = append(names, fmt.Sprintf("%d.json", i))
			h.appends(names[i])
			time.Sleep(1500 * time.Millisecond)
			if count() != 0 || len(h.applied()) != 0 {
				t.Fatalf("written after %d fragments", i+1)
			}
		}
		time.Sleep(5 * time.Second)
		if got := h.applied(); count() != 1 || !slices.Equal(got, names) {
			t.Errorf("%d writes, applied %v", count(), got)
		}
		// Nothing to do: nothing is written any more.
		time.Sleep(time.Hour)
		report := a.stop()
		if want := (Report{Commits: 1, Fragments: 10, Updates: 10}); report != want || count() != 1 {
			t.Errorf("report %+v, %d writes", report, count())
		}
		if h.log.count(`"writes_saved":9,"efficiency_percent":90`) != 1 {
			t.Errorf("log:\n%s", h.log)
		}
	})
}

func TestWhileABatchIsCommittedTheNextOneGathers(t *testing.T) {
	h := newHouse(t)
	count, counting := countWrites(h)
	h.inBubble(func(t *testing.T) {
		begun, goOn := make(chan struct{}), make(chan struct{})
		first := true
		a := h.start(func(op vfs.Op, path string) error {
			if op == vfs.OpExchange && filepath.Dir(path) == h.folder && first {
				first = false
				close(begun)
				<-goOn
			}
			return counting(op, path)
		})
		h.appends("a.json")
		<-begun
		for _, name := range []string{"b.json", "c.json", "d.json"} {
			h.appends(name)
			time.Sleep(2 * time.Second) // each is found, and quiet and max_wait pass
		}
		if got := h.inDrop(); len(got) != 3 {
			t.Errorf("waiting: %v", got)
		}
		close(goOn)
		h.within(time.Second, "all applied", h.hasApplied("a.json", "b.json", "c.json", "d.json"))
		a.stop()
		if count() != 2 {
			t.Errorf("%d writes, want one for the first and one for all the others", count())
		}
	})
	h.isDone("at the end", nil)
}

// The document is written beside the tasks file before the batch is claimed, and replaces it only then.
func TestWhileABatchIsClaimedItIsMerged(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.appends("a.json", "b.json")
		claimed, written := false, make(chan struct{})
		report, err := h.once(func(op vfs.Op, path string) error {
			switch {
			case op == vfs.OpSync && strings.HasPrefix(path, filepath.Join(h.folder, ".tasks.json")):
				close(written)
			case op == vfs.OpRename && path == filepath.Join(h.config.Drop, "b.json"):
				<-written
				time.Sleep(time.Second)
				claimed = true
			case op == vfs.OpExchange && filepath.Dir(path) == h.folder && !claimed:
				t.Error("replaced before all was claimed")
			}
			return nil
		})
		if want := (Report{Commits: 1, Fragments: 2, Updates: 2}); err != nil || report != want {
			t.Errorf("report %+v, error %v", report, err)
		}
	})
	h.isDone("at the end", nil)
}

// What the claim brings counts, whatever was merged meanwhile.
func TestWhatIsClaimedIsAppliedNotWhatWasReadBefore(t *testing.T) {
	another := func(text string) func(h *house, path string) error {
		return func(h *house, path string) error {
			h.write(h.config.Drop+"/.another", text)
			return os.Rename(h.config.Drop+"/.another", path)
		}
	}
	for name, c := range map[string]struct {
		meanwhile func(h *house, path string) error
		names     []string // in the end
		rejects   map[string]string
	}{
		"another file has taken its name": {another(appending("b.json")), []string{"a.json", "b.json", "c.json"}, nil},
		"it is gone":                      {func(_ *house, path string) error { return os.Remove(path) }, []string{"a.json", "c.json"}, nil},
		"it is at fault": {another(`{"id":"none","status":"Complete"}`), []string{"a.json", "b.json", "c.json"},
			map[string]string{"b.json": "unknown_id"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				h.appends("a.json", "c.json")
				h.drop("b.json", appending("what must not be applied"))
				var intents atomic.Int32
				taking := h.claiming("b.json", func(path string) error { return c.meanwhile(h, path) })
				report, err := h.once(func(op vfs.Op, path string) error {
					if op == vfs.OpRename && strings.Contains(filepath.Base(path), "intent") {
						intents.Add(1)
					}
					return taking(op, path)
				})
				if applied := len(c.names) - len(c.rejects); err != nil || report.Commits != 1 || report.Fragments != applied || intents.Load() != 1 {
					t.Errorf("report %+v, %d intents, error %v", report, intents.Load(), err)
				}
				h.names = c.names
			})
			h.isDone("at the end", c.rejects)
		})
	}
}

// Whoever goes on writing to what lies there already must not have each batch merged twice.
func TestAfterASurpriseClaimsAreWaitedFor(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.config.Batch.MaxFragments = 1
		for i := range surprised + 2 {
			h.appends(fmt.Sprintf("%03d.json", i))
		}
		removing := h.claiming(h.names[0], os.Remove)
		var claiming atomic.Value // the fragment on its way
		claiming.Store("")
		var mu sync.Mutex
		var beside []string
		_, err := h.once(func(op vfs.Op, path string) error {
			switch {
			case op == vfs.OpRename && filepath.Dir(path) == h.config.Drop:
				claiming.Store(filepath.Base(path))
				time.Sleep(time.Second)
				claiming.Store("")
			case op == vfs.OpSync && strings.HasPrefix(path, filepath.Join(h.folder, ".tasks.json")):
				time.Sleep(time.Second / 2)
				if name := claiming.Load().(string); name != "" {
					mu.Lock()
					beside = append(beside, name)
					mu.Unlock()
				}
			}
			return removing(op, path)
		})
		if want := []string{h.names[0], h.names[surprised+1]}; err != nil || !slices.Equal(beside, want) {
			t.Errorf("merged beside the claims of %v, want %v; error %v", beside, want, err)
		}
		h.names = h.names[1:]
	})
	h.isDone("at the end", nil)
}

func TestTheSameItemTwiceInABatchIsWrittenOnce(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.drop("1.json", `{"id":"P1","status":"Implementing","title":"One"}`)
		h.drop("2.json", `{"id":"P1","status":"Complete"}`)
		h.age("1.json", time.Second)
		h.age("2.json", 0)
		report, err := h.once(nil)
		if want := (Report{Commits: 1, Fragments: 2, Updates: 2}); err != nil || report != want {
			t.Errorf("report %+v, error %v", report, err)
		}
	})
	want := strings.NewReplacer("A house", "One", "Planned", "Complete").Replace(tasksBefore)
	if got := string(read(t, h.config.Tasks)); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestWhatChangesNothingIsAppliedWithoutAWrite(t *testing.T) {
	h := newHouse(t)
	count, hook := countWrites(h)
	h.inBubble(func(t *testing.T) {
		h.drop("same.json", `{"id":"P1","status":"Planned"}`)
		h.drop("there.json", `{"id":"P1","title":"Another"}`)
		h.drop("zback.json", `{"id":"P1","title":"A house"}`)
		report, err := h.once(hook)
		if err != nil || report.Commits != 0 || report.Fragments != 3 || count() != 0 {
			t.Errorf("report %+v, error %v, %d writes", report, err, count())
		}
	})
	if got := string(read(t, h.config.Tasks)); got != tasksBefore {
		t.Errorf("got\n%s", got)
	}
}

// claiming runs f right before a fragment is claimed: the watcher has found it whole.
func (h *house) claiming(name string, f func(path string) error) vfs.Hook {
	done := false
	return func(op vfs.Op, path string) error {
		if op != vfs.OpRename || path != filepath.Join(h.config.Drop, name) || done {
			return nil
		}
		done = true
		return f(path)
	}
}

func TestAFragmentThatIsStillBeingWrittenGoesBack(t *testing.T) {
	for _, once := range []bool{true, false} {
		t.Run(fmt.Sprintf("once: %v", once), func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				h.appends("a.json", "b.json", "c.json", "d.json")
				whole := read(t, filepath.Join(h.config.Drop, "b.json"))
				begun := make(chan struct{})
				cut := h.claiming("b.json", func(path string) error {
					defer close(begun)
					return os.WriteFile(path, whole[:20], 0o644)
				})
				hook := func(op vfs.Op, path string) error {
					if op == vfs.OpRename && filepath.Base(path) == "b.json" && strings.Contains(path, "claimed") {
						time.Sleep(time.Second) // on its way back; the watcher must not take nothing for the end
					}
					return cut(op, path)
				}
				go func() { // whoever writes it
					<-begun
					time.Sleep(3 * time.Second)
					must(t, os.WriteFile(filepath.Join(h.config.Drop, "b.json"), whole, 0o644))
				}()
				if once {
					if report, err := h.once(hook); err != nil || report.Fragments != 4 || report.Commits != 2 {
						t.Errorf("report %+v, error %v", report, err)
					}
				} else {
					a := h.start(hook)
					h.within(10*time.Second, "all applied", func() bool { return len(h.applied()) == 4 })
					a.stop()
				}
				if got := strings.Join(h.applied(), " "); got != "a.json c.json d.json b.json" {
					t.Errorf("applied %s", got)
				}
			})
			h.isDone("at the end", nil)
		})
	}
}

func TestAFragmentThatIsNeverFinishedIsRejectedOnce(t *testing.T) {
	for name, at := range map[string]time.Time{
		"dated now":                         time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		"dated in the past":                 time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC),
		"dated in the future, and for good": time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				h.drop("half.json", `{"id":"P1","status":`)
				must(t, os.Chtimes(filepath.Join(h.config.Drop, "half.json"), at, at))
				began := time.Now()
				report, err := h.once(nil)
				if err != nil || report.Rejected != 1 {
					t.Errorf("report %+v, error %v", report, err)
				}
				if took := time.Since(began); took > 7*time.Second {
					t.Errorf("took %v", took)
				}
			})
			h.isDone("at the end", map[string]string{"half.json": "incomplete"})
		})
	}
}

// A crash has left it claimed, and whoever wrote it is still at it.
func TestAnUnfinishedFragmentOfAnEarlierRunIsWaitedFor(t *testing.T) {
	h := newHouse(t)
	h.appends("a.json", "b.json")
	path := filepath.Join(h.config.Drop, "a.json")
	whole := read(t, path)
	must(t, os.WriteFile(path, whole[:30], 0o644))
	claimed := filepath.Join(h.config.Drop, ".sessionsync", "claimed", "0d00000000000001")
	must(t, os.MkdirAll(claimed, 0o700))
	must(t, os.Chmod(filepath.Join(h.config.Drop, ".sessionsync"), 0o700))
	must(t, os.Rename(path, filepath.Join(claimed, "a.json")))
	h.inBubble(func(t *testing.T) {
		go func() {
			time.Sleep(time.Second)
			must(t, os.WriteFile(path, whole, 0o644))
		}()
		if report, err := h.once(nil); err != nil || report.Fragments != 2 {
			t.Errorf("report %+v, error %v", report, err)
		}
	})
	h.isDone("at the end", nil)
}

// The name is taken: what was claimed is all that will ever be in it.
func TestAnUnfinishedFragmentWhoseNameIsTakenIsRejected(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.appends("a.json", "b.json")
		hook := h.claiming("a.json", func(path string) error { return os.Truncate(path, 10) })
		report, err := h.once(func(op vfs.Op, path string) error {
			if err := hook(op, path); err != nil {
				return err
			}
			if op == vfs.OpRename && filepath.Base(path) == "a.json" && strings.Contains(path, "claimed") && len(h.names) == 2 {
				h.appends("a.json")
			}
			return nil
		})
		if err != nil || report.Rejected != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if got := h.rejected(); got["a.json"] != "incomplete" {
			t.Errorf("rejected %v", got)
		}
	})
	// The new one came late for that run.
	h.inBubble(func(t *testing.T) {
		if _, err := h.once(nil); err != nil {
			t.Error(err)
		}
		if got := strings.Join(h.applied(), " "); got != "b.json a.json" {
			t.Errorf("applied %s", got)
		}
	})
}

func TestAFragmentThatCannotBeReadNowGoesBackAndIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	disk := &fault{err: syscall.EIO, when: func(op vfs.Op, path string) bool {
		return op == vfs.OpRead && filepath.Base(path) == "b.json"
	}}
	h.inBubble(func(t *testing.T) {
		h.appends("a.json", "b.json", "c.json")
		var held *HeldError
		if _, err := h.once(disk.hook); !errors.As(err, &held) {
			t.Errorf("ended with %v", err)
		}
		if got := strings.Join(h.applied(), " "); got != "a.json c.json" {
			t.Errorf("applied %s", got)
		}
		if got := h.inDrop(); !slices.Equal(got, []string{"b.json"}) {
			t.Errorf("in the drop directory: %v", got)
		}
		a := h.start(disk.hook)
		before := disk.count()
		time.Sleep(10 * time.Minute)
		if tried := disk.count() - before; tried < 2 || tried > 150 {
			t.Errorf("tried %d times in 10 minutes", tried)
		}
		disk.set(nil)
		h.within(time.Minute, "applied", h.hasApplied("a.json", "c.json", "b.json"))
		a.stop()
	})
	h.isDone("at the end", nil)
}

// What the watcher has read is not read again, unless it has changed since.
func TestAFragmentIsReadOnceUnlessItChanges(t *testing.T) {
	h := newHouse(t)
	reads := map[string]int{}
	changed := false
	h.inBubble(func(t *testing.T) {
		h.appends("a.json", "b.json")
		_, err := h.once(serial(func(op vfs.Op, path string) error {
			name := filepath.Base(path)
			switch {
			case op == vfs.OpRead && strings.HasSuffix(name, ".json") && strings.HasPrefix(path, h.config.Drop):
				reads[name]++
			case op == vfs.OpRename && name == "b.json" && !changed:
				changed = true
				h.write(path, appending("c.json"))
			}
			return nil
		}))
		if err != nil {
			t.Error(err)
		}
		if got := strings.Join(h.applied(), " "); got != "a.json c.json" || reads["a.json"] != 1 || reads["b.json"] != 2 {
			t.Errorf("applied %s, read %v", got, reads)
		}
	})
}

func TestAFragmentThatCannotBeClaimedStopsNobody(t *testing.T) {
	h := newHouse(t)
	sticky := &fault{err: syscall.EPERM, when: func(op vfs.Op, path string) bool {
		return op == vfs.OpRename && path == filepath.Join(h.config.Drop, "b.json")
	}}
	h.inBubble(func(t *testing.T) {
		h.appends("b.json")
		var held *HeldError
		if _, err := h.once(sticky.hook); !errors.As(err, &held) || !strings.Contains(err.Error(), "still in the drop directory") {
			t.Errorf("alone: ended with %v", err)
		}
		h.appends("a.json", "c.json")
		if report, err := h.once(sticky.hook); !errors.As(err, &held) || report.Fragments != 2 {
			t.Errorf("among others: ended with %v, report %+v", err, report)
		}
		a := h.start(sticky.hook)
		time.Sleep(10 * time.Minute)
		h.appends("d.json")
		h.within(5*time.Second, "the next one applied", h.hasApplied("a.json", "c.json", "d.json"))
		if tried := sticky.count(); tried > 50 {
			t.Errorf("tried %d times in 10 minutes", tried)
		}
		sticky.set(nil)
		h.within(time.Minute, "that one applied", h.hasApplied("a.json", "c.json", "d.json", "b.json"))
		a.stop()
		if h.log.count(`"held: `) > 0 {
			t.Errorf("log:\n%s", h.log)
		}
	})
	h.isDone("at the end", nil)
}

func TestAClaimThatFailsIsTriedAgainSoon(t *testing.T) {
	h := newHouse(t)
	handles := &fault{err: syscall.EMFILE, when: func(op vfs.Op, path string) bool {
		return op == vfs.OpRename && path == filepath.Join(h.config.Drop, "b.json")
	}}
	h.inBubble(func(t *testing.T) {
		h.appends("a.json", "b.json", "c.json")
		a := h.start(handles.hook)
		h.within(5*time.Second, "the first one applied, it was claimed", h.hasApplied("a.json"))
		time.Sleep(time.Second)
		handles.set(nil)
		h.within(3*time.Second, "all applied", h.hasApplied("a.json", "b.json", "c.json"))
		a.stop()
		h.saysOnce()
	})
	h.isDone("at the end", nil)
}

func TestUnreadableFragmentsAreRejected(t *testing.T) {
	h := newHouse(t)
	otherDisk := false
	hook := func(op vfs.Op, path string) error {
		switch {
		case op == vfs.OpOpen && filepath.Base(path) == "secret.json":
			return syscall.EACCES
		case op == vfs.OpRename && otherDisk && filepath.Base(path) == "secret.json" && strings.Contains(path, "claimed"):
			otherDisk = false // but for the recovery folder
			return syscall.EXDEV
		}
		return nil
	}
	h.inBubble(func(t *testing.T) {
		h.drop("secret.json", "{}")
		h.appends("a.json")
		if report, err := h.once(hook); err != nil || report.Rejected != 1 || report.Fragments != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if got := h.rejected(); got["secret.json"] != "unreadable" {
			t.Errorf("rejected %v", got)
		}
		// On another file system it cannot even be moved there: it has to be copied.
		otherDisk = true
		h.drop("secret.json", "{}")
		if report, err := h.once(hook); err != nil || report.Rejected != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		aside, err := filepath.Glob(filepath.Join(h.config.Drop, ".sessionsync", "foreign", "*", "secret.json"))
		if err != nil || len(aside) != 1 || h.log.count("cannot be copied to the recovery folder") != 1 {
			t.Errorf("set aside: %v, %v\n%s", aside, err, h.log)
		}
	})
}

func TestWithOnceNothingToDoIsDone(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.write(filepath.Join(h.config.Drop, ".hidden.json"), "x")
		h.write(filepath.Join(h.config.Drop, "notes.txt"), "x")
		must(t, os.Mkdir(filepath.Join(h.config.Drop, "folder.json"), 0o755))
		began := time.Now()
		if report, err := h.once(nil); err != nil || report != (Report{}) || time.Since(began) > 0 {
			t.Errorf("report %+v, error %v, after %v", report, err, time.Since(began))
		}
	})
	if _, err := os.Stat(h.config.Recovery); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the recovery folder was made: %v", err)
	}
}

func TestWithOnceAMissingDropDirectoryIsAnError(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		must(t, os.Remove(h.config.Drop))
		_, err := h.once(nil)
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "make it, or correct the setting drop") {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestAskedToEndItEndsAtOnceWhateverItDoes(t *testing.T) {
	for n := 1; ; n += 5 {
		h, rejects := newSet(t)
		ended := false
		h.inBubble(func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			operations := &countdown{n: n}
			a := h.agent(Options{Hook: func(op vfs.Op, path string) error {
				operations.hook(op, path)
				if operations.hasFired() {
					cancel()
				}
				return nil
			}})
			time.AfterFunc(time.Minute, cancel)
			began := time.Now()
			if _, err := a.Run(ctx); err != nil {
				t.Errorf("operation %d: ended with %v", n, err)
			}
			if ended = operations.hasFired(); ended && time.Since(began) > time.Minute {
				t.Errorf("operation %d: ended after %v", n, time.Since(began))
			}
		})
		h.inBubble(func(t *testing.T) {
			if _, err := h.once(nil); err != nil {
				t.Errorf("operation %d: the next run: %v", n, err)
			}
		})
		h.isDone(fmt.Sprintf("asked to end at operation %d", n), rejects)
		if !ended || t.Failed() {
			return
		}
	}
}

// A commit under way is finished, but not if the retries are configured to take long.
func TestAskedToEndACommitIsGivenSomeSeconds(t *testing.T) {
	h := newHouse(t)
	disk := &fault{err: full, when: writingOf(filepath.Join(h.folder, ".tasks.json"))}
	h.inBubble(func(t *testing.T) {
		h.config.Retry.Attempts = 1000
		h.appends("a.json")
		a := h.start(disk.hook)
		h.within(5*time.Second, "trying", func() bool { return h.log.count("trying again") > 0 })
		began := time.Now()
		a.stop()
		if took := time.Since(began); took < 3*time.Second || took > grace {
			t.Errorf("ended after %v", took)
		}
		if where := h.census(true); where["a.json"] != "claimed" {
			t.Errorf("it is %s", where["a.json"])
		}
		if _, err := h.once(nil); err != nil {
			t.Error(err)
		}
	})
	h.isDone("at the end", nil)
}

func TestTemporaryFilesOfACrashAreSwept(t *testing.T) {
	h := newHouse(t)
	left := filepath.Join(h.folder, ".tasks.json471100000000000")
	h.inBubble(func(t *testing.T) {
		h.write(left, "{")
		h.appends("a.json")
		stays := &fault{err: syscall.EPERM, when: func(op vfs.Op, path string) bool { return op == vfs.OpRemove && path == left }}
		if _, err := h.once(stays.hook); err != nil || h.log.count("stays until the next start") != 1 {
			t.Errorf("one that cannot be removed: %v\n%s", err, h.log)
		}
		if _, err := h.once(nil); err != nil {
			t.Error(err)
		}
	})
	h.isDone("at the end", nil)
}
