package agent

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
	"github.com/sessionsync/sessionsync/writer"
)

func (h *house) inDrop() []string {
	h.t.Helper()
	var names []string
	list, err := os.ReadDir(h.config.Drop)
	must(h.t, err)
	for _, d := range list {
		if !strings.HasPrefix(d.Name(), ".") {
			names = append(names, d.Name())
		}
	}
	return names
}

// saysOnce checks that holding and going on were told once each.
func (h *house) saysOnce() {
	h.t.Helper()
	if held, on := h.log.count(`"held: `), h.log.count(`"going on"`); held != 1 || on != 1 {
		h.t.Errorf("said %d times that it holds and %d times that it goes on\n%s", held, on, h.log)
	}
}

func TestTroubleSeenBeforeAClaimMovesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*house) error{
		"the tasks file is missing": func(h *house) error { return os.Remove(h.config.Tasks) },
		"it is a folder":            func(h *house) error { return errors.Join(os.Remove(h.config.Tasks), os.Mkdir(h.config.Tasks, 0o755)) },
		"it is torn and stays so":   func(h *house) error { return os.Truncate(h.config.Tasks, 40) },
		"it has another layout":     func(h *house) error { return os.WriteFile(h.config.Tasks, []byte(`[]`), 0o644) },
		"it is a link that leads nowhere": func(h *house) error {
			return errors.Join(os.Remove(h.config.Tasks), os.Symlink("away.json", h.config.Tasks))
		},
		"its folder was moved away for now": func(h *house) error { h.config.Tasks = filepath.Join(h.folder, "gone", "tasks.json"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				must(t, spoil(h))
				h.appends("a.json", "b.json")
				a := h.start(nil)
				time.Sleep(10 * time.Minute)
				h.appends("c.json")
				time.Sleep(10 * time.Minute)
				if got := h.inDrop(); !slices.Equal(got, []string{"a.json", "b.json", "c.json"}) {
					t.Errorf("in the drop directory: %v", got)
				}
				if got := h.entries(); len(got) > 0 {
					t.Errorf("in the recovery folder: %v", got)
				}
				must(t, os.RemoveAll(h.config.Tasks))
				must(t, os.MkdirAll(filepath.Dir(h.config.Tasks), 0o755))
				h.restoreTasks()
				h.within(longestHold+2*time.Second, "all applied", func() bool { return len(h.applied()) == 3 })
				a.stop()
				h.saysOnce()
			})
			h.isDone(name, nil)
		})
	}
}

func TestATasksFileThatGoesMissingLaterHoldsWithoutAClaim(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.appends("a.json")
		h.within(5*time.Second, "applied", h.hasApplied("a.json"))
		whole := read(t, h.config.Tasks)
		must(t, os.Remove(h.config.Tasks))
		h.appends("b.json")
		time.Sleep(time.Minute)
		if got := h.inDrop(); !slices.Equal(got, []string{"b.json"}) || len(h.entries()) > 0 {
			t.Errorf("in the drop directory: %v, recovered: %v", got, h.entries())
		}
		h.write(h.config.Tasks, string(whole))
		h.within(longestHold+2*time.Second, "applied", h.hasApplied("a.json", "b.json"))
		a.stop()
		h.saysOnce()
	})
	h.isDone("at the end", nil)
}

// A file that is being written in place is torn for a moment, which is no trouble yet.
func TestATornTasksFileIsWaitedOutBeforeAClaim(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		synctest.Wait()
		must(t, os.Truncate(h.config.Tasks, 40))
		h.appends("a.json")
		h.within(5*time.Second, "tried again", func() bool { return h.log.count("trying again") > 0 })
		h.restoreTasks()
		h.within(time.Second, "applied", h.hasApplied("a.json"))
		a.stop()
		if h.log.count("held") > 0 {
			t.Errorf("it held:\n%s", h.log)
		}
	})
}

func TestABatchThatCannotBeWrittenIsRecoveredAndAppliedFirst(t *testing.T) {
	for _, c := range []struct {
		cause    syscall.Errno
		code     string
		attempts int
	}{{syscall.ENOSPC, "ENOSPC", 3}, {syscall.EROFS, "EROFS", 1}, {syscall.EACCES, "EACCES", 1}, {syscall.EIO, "EIO", 3}} {
		t.Run(c.code, func(t *testing.T) {
			h := newHouse(t)
			disk := &fault{when: func(op vfs.Op, path string) bool {
				return op == vfs.OpCreate && filepath.Dir(path) == h.folder // the temporary file
			}}
			h.inBubble(func(t *testing.T) {
				h.config.Batch.MaxFragments = 2
				disk.set(c.cause)
				h.appends("b2.json", "b1.json")
				h.age("b2.json", 2*time.Second)
				h.age("b1.json", time.Second)
				a := h.start(disk.hook)
				h.within(10*time.Second, "recovered", func() bool { return len(h.entries()) == 1 })
				h.appends("a.json") // waits, although its name is less
				h.age("a.json", time.Hour)
				time.Sleep(20 * time.Minute)
				if got := h.inDrop(); !slices.Equal(got, []string{"a.json"}) {
					t.Errorf("in the drop directory: %v", got)
				}
				h.checkEntry(h.entries(), c.code, c.attempts)
				if tried := disk.count(); tried > 60 {
					t.Errorf("tried %d times in 20 minutes", tried)
				}

				disk.set(nil)
				h.within(longestHold+2*time.Second, "all applied", h.hasApplied("b2.json", "b1.json", "a.json"))
				h.appends("d.json")
				h.within(2*time.Second, "the next one applied", h.hasApplied("b2.json", "b1.json", "a.json", "d.json"))
				a.stop()
				h.saysOnce()
			})
			h.isDone(c.code, nil)
		})
	}
}

// checkEntry looks at the entry of b2.json and b1.json.
func (h *house) checkEntry(entries []entry, code string, attempts int) {
	t := h.t
	t.Helper()
	if len(entries) != 1 {
		t.Fatalf("%d entries", len(entries))
	}
	e := entries[0]
	if e.Version != "1.0" || !e.Retryable || e.Error.Code != code || e.Error.Attempts != attempts {
		t.Errorf("entry %+v", e)
	}
	if _, err := time.Parse(time.RFC3339Nano, e.Timestamp); err != nil || !strings.HasSuffix(e.Timestamp, "Z") {
		t.Errorf("timestamp %q: %v", e.Timestamp, err)
	}
	if e.SessionPath != h.folder || e.TasksFile != "tasks.json" {
		t.Errorf("of %q in %q", e.TasksFile, e.SessionPath)
	}
	if !strings.HasSuffix(e.Folder, "-"+e.Batch) {
		t.Errorf("batch %q in %q", e.Batch, e.Folder)
	}
	if e.PendingCount != 2 || len(e.PendingUpdates) != 2 || e.PendingUpdates[0]["id"] != "P1" || e.PendingUpdates[0]["$op"] != "patch" {
		t.Errorf("pending %d: %v", e.PendingCount, e.PendingUpdates)
	}
	if len(e.Fragments) != 2 || e.Fragments[0].File != "fragments/b2.json" || e.Fragments[1].File != "fragments/b1.json" {
		t.Fatalf("fragments %+v", e.Fragments)
	}
	raw, err := os.ReadFile(filepath.Join(h.config.Recovery, e.Folder, e.Fragments[0].File))
	if err != nil || string(raw) != appending("b2.json") {
		t.Errorf("raw fragment %q, %v", raw, err)
	}
	if len(e.Fragments[0].SHA256) != 64 || e.Fragments[0].Updates != 1 || e.Fragments[0].Error != nil {
		t.Errorf("fragment %+v", e.Fragments[0])
	}
}

func TestARestartGivesBackWhatTroubleHasRecovered(t *testing.T) {
	h := newHouse(t)
	disk := &fault{err: full, when: writingOf(filepath.Join(h.folder, ".tasks.json"))}
	h.inBubble(func(t *testing.T) {
		for _, names := range [][]string{{"a.json", "b.json"}, {"c.json"}} {
			h.appends(names...)
			var held *HeldError
			if _, err := h.once(disk.hook); !errors.As(err, &held) {
				t.Errorf("ended with %v", err)
			}
		}
		// The second run has claimed nothing: it knows from the entry that writing has failed.
		if n := len(h.entries()); n != 1 {
			t.Errorf("%d entries", n)
		}
		h.drop("bad.json", "x")
		report, err := h.once(nil)
		if want := (Report{Commits: 2, Fragments: 3, Updates: 3, Rejected: 1}); err != nil || report != want {
			t.Errorf("report %+v, want %+v; error %v", report, want, err)
		}
		if got := strings.Join(h.applied(), " "); got != "a.json b.json c.json" {
			t.Errorf("applied %s", got)
		}
	})
	h.isDone("at the end", map[string]string{"bad.json": "invalid_json"})
}

// Rejected fragments of a batch that cannot be written go with it, and are rejected when it comes back.
func TestAFlushThatFailsKeepsItsState(t *testing.T) {
	h, rejects := newSet(t)
	disk := &fault{err: full, when: writingOf(filepath.Join(h.folder, ".tasks.json"))}
	h.inBubble(func(t *testing.T) {
		a := h.start(disk.hook)
		h.within(10*time.Second, "recovered", func() bool { return len(h.entries()) == 1 })
		if got := string(read(t, h.config.Tasks)); got != tasksBefore {
			t.Errorf("the tasks file was changed:\n%s", got)
		}
		disk.set(nil)
		h.within(longestHold+2*time.Second, "all handled", h.allHandled)
		report := a.stop()
		if want := (Report{Commits: 1, Fragments: 3, Updates: 4, Rejected: 3}); report != want {
			t.Errorf("report %+v, want %+v", report, want)
		}
	})
	h.isDone("at the end", rejects)
}

func TestWithoutARecoveryFolderABatchStaysClaimed(t *testing.T) {
	h := newHouse(t)
	everything := &fault{err: full, when: writingOf(h.folder)}
	h.inBubble(func(t *testing.T) {
		a := h.start(nil) // it can begin
		a.stop()
		h.appends("a.json", "b.json")
		everything.when = func(op vfs.Op, path string) bool {
			return (strings.HasPrefix(path, h.config.Recovery) || filepath.Dir(path) == h.folder) && writingOf(h.folder)(op, path)
		}
		a = h.start(everything.hook)
		h.within(10*time.Second, "claimed", func() bool { return h.census(false)["a.json"] == "claimed" })
		h.appends("c.json")
		time.Sleep(10 * time.Minute)
		where := h.census(false)
		if where["a.json"] != "claimed" || where["b.json"] != "claimed" || where["c.json"] != "dropped" {
			t.Errorf("where they are: %v", where)
		}
		if h.log.count("cannot be moved to the recovery folder either") != 1 {
			t.Errorf("log:\n%s", h.log)
		}
		everything.set(nil)
		h.within(longestHold+2*time.Second, "all applied", h.hasApplied("a.json", "b.json", "c.json"))
		a.stop()
		h.saysOnce()
	})
	h.isDone("at the end", nil)
}

func TestARejectWaitsForTheRecoveryFolder(t *testing.T) {
	h := newHouse(t)
	store := &fault{err: syscall.EACCES, when: writingOf(h.config.Recovery)}
	h.inBubble(func(t *testing.T) {
		h.appends("a.json")
		h.drop("bad.json", `{"id":"P1","status":"Finished"}`)
		h.drop("unreadable.json", `x`)
		unreadable := func(op vfs.Op, path string) error {
			if op == vfs.OpOpen && filepath.Base(path) == "unreadable.json" {
				return syscall.EACCES
			}
			return store.hook(op, path)
		}
		a := h.start(unreadable)
		h.within(10*time.Second, "applied", h.hasApplied("a.json"))
		time.Sleep(10 * time.Minute)
		where := h.census(false)
		if where["bad.json"] != "claimed" || where["unreadable.json"] != "claimed" {
			t.Errorf("where they are: %v", where)
		}
		store.set(nil)
		h.within(longestHold+2*time.Second, "recovered", h.allHandled)
		if report := a.stop(); report.Rejected != 2 || report.Commits != 1 {
			t.Errorf("report %+v", report)
		}
		h.saysOnce()
	})
	h.isDone("at the end", map[string]string{"bad.json": "schema_violation", "unreadable.json": "unreadable"})
}

// The rename was done; whether it lasts is not known. To merge again would apply everything twice.
func TestAReplacementThatIsNotDurableYetIsNotRepeated(t *testing.T) {
	h := newHouse(t)
	replaced := false
	directory := &fault{err: syscall.EIO}
	directory.when = func(op vfs.Op, path string) bool {
		if op == vfs.OpExchange && filepath.Dir(path) == h.folder {
			replaced = true
		}
		return op == vfs.OpSync && path == h.folder && replaced
	}
	h.inBubble(func(t *testing.T) {
		h.appends("a.json")
		h.drop("bad.json", `x`)
		a := h.start(directory.hook)
		h.within(10*time.Second, "replaced", h.hasApplied("a.json"))
		time.Sleep(time.Minute)
		if where := h.census(false); where["a.json"] != "applied claimed" || where["bad.json"] != "claimed" {
			t.Errorf("where they are: %v", where)
		}
		directory.set(nil)
		h.within(longestHold+2*time.Second, "settled", h.allHandled)
		a.stop()
		h.saysOnce()
	})
	h.isDone("at the end", map[string]string{"bad.json": "invalid_json"})
}

func TestTroubleThatBecomesAnotherIsToldAgain(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		must(t, os.Remove(h.config.Tasks))
		a := h.start(nil)
		time.Sleep(time.Minute)
		h.write(h.config.Tasks, "{")
		time.Sleep(time.Minute)
		a.stop()
		if h.log.count(`"held: `) != 2 || h.log.count("going on") != 0 {
			t.Errorf("log:\n%s", h.log)
		}
	})
}

func TestKindOfTrouble(t *testing.T) {
	path := func(name string, err error) error { return &os.PathError{Op: "open", Path: name, Err: err} }
	trouble := func(code, name string) error { return &writer.Trouble{Code: code, Err: path(name, syscall.EIO)} }
	for name, c := range map[string]struct {
		a, b error
		same bool
	}{
		"temporary files have other names":  {trouble("ENOSPC", ".tasks.json1"), trouble("ENOSPC", ".tasks.json2"), true},
		"so have entries":                   {path(".adding-1", syscall.EROFS), path(".adding-2", syscall.EROFS), true},
		"another code":                      {trouble("ENOSPC", "x"), trouble("EIO", "x"), false},
		"another error of the system":       {path("x", syscall.EIO), path("x", syscall.EROFS), false},
		"errors in words":                   {errors.New("a"), errors.New("b"), false},
		"the recovery folder fails as well": {trouble("EIO", "x"), &stuckError{trouble("EIO", "x"), path("y", syscall.EIO)}, false},
	} {
		if got := kind(c.a) == kind(c.b); got != c.same {
			t.Errorf("%s: %q, %q", name, kind(c.a), kind(c.b))
		}
	}
}

func TestADirectoryThatAnotherAgentServesEndsTheRun(t *testing.T) {
	h := newHouse(t)
	other, err := spool.Open(spool.Config{Drop: h.config.Drop})
	must(t, err)
	defer other.Close()
	h.inBubble(func(t *testing.T) {
		var inUse *spool.InUseError
		if _, err := h.agent(Options{}).Run(t.Context()); !errors.As(err, &inUse) || inUse.PID != os.Getpid() {
			t.Errorf("ended with %v", err)
		}
	})
}

// Somebody else's manifest must not keep everything from going on.
func TestAnEntryThatIsNotOursIsNotGivenBack(t *testing.T) {
	h := newHouse(t)
	folder := filepath.Join(h.config.Recovery, "20261122T101530.123Z-x")
	must(t, os.MkdirAll(filepath.Join(folder, "fragments"), 0o755))
	h.write(filepath.Join(folder, "recovery.json"), `{"version":"1.0","retryable":true,"batch":"../x","fragments":[{"file":"fragments/x.json"}]}`)
	h.write(filepath.Join(folder, "fragments", "x.json"), appending("x.json"))
	h.inBubble(func(t *testing.T) {
		h.appends("a.json")
		if report, err := h.once(nil); err != nil || report.Fragments != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if h.log.count("is not given back") != 1 {
			t.Errorf("log:\n%s", h.log)
		}
	})
	if where := h.census(true); where["x.json"] != "recovered" || where["a.json"] != "applied" {
		t.Errorf("where they are: %v", where)
	}
}
