package agent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
	"github.com/sessionsync/sessionsync/watcher"
)

// diary is what a trace was told, in a line each.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) has(prefix string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, line := range d.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (d *diary) trace() Trace {
	return Trace{
		Serving: func(drop string) { d.note("serving %s", drop) },
		Began:   func() { d.note("began") },
		Committed: func(c Commit) {
			if c.Own {
				d.note("of its own")
			}
			d.note("committed %d fragments, %d updates, %d unchanged, %v, %d bytes", c.Fragments, c.Updates, c.Unchanged, c.Written, c.Bytes)
		},
		Rejected:      func(r Rejection) { d.note("rejected %d as %s", r.Fragments, r.Code) },
		Failed:        func(f Failure) { d.note("failed with %s after %d", f.Code, f.Attempts) },
		Held:          func(cause error) { d.note("held: %v", cause) },
		Resumed:       func() { d.note("resumed") },
		ForeignWrites: func(n int) { d.note("foreign %d", n) },
		Reasserted:    func(n int) { d.note("reasserted %d", n) },
		Overwritten:   func(n int) { d.note("overwritten %d", n) },
		Displaced:     func() { d.note("displaced") },
		Watcher: watcher.Trace{
			Scanned:    func(n int) { d.note("scanned %d", n) },
			Overflowed: func() { d.note("overflowed") },
			Deaf:       func(cause error) { d.note("deaf: %v", cause) },
			Missing:    func(cause error) { d.note("missing: %v", cause) },
		},
	}
}

// startTraced runs an agent with a trace until it is stopped.
func (h *house) startTraced(trace Trace, hook vfs.Hook) *running {
	return h.startWith(Options{Trace: trace, Hook: hook})
}

func TestATraceIsToldWhatTheReportCounts(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		var d diary
		a := h.startTraced(d.trace(), nil)
		h.within(time.Second, "it began", func() bool { return d.has("began") == 1 })
		h.drop("a.json", complete)
		h.drop("b.json", complete)
		h.drop("c.json", `{"id":"P9","status":"Complete"}`)
		h.within(2*time.Second, "all is handled", func() bool {
			return d.has("committed 2 fragments, 1 updates, 1 unchanged, true, ") == 1 && d.has("rejected 1 as unknown_id") == 1
		})
		h.saves(tasksBefore)
		h.within(2*time.Second, "applied again", func() bool { return d.has("reasserted 1") == 1 && d.has("of its own") == 1 && d.has("foreign 1") == 1 })
		for range 200 { // until nobody defends it any more
			time.Sleep(100 * time.Millisecond)
			h.saves(tasksBefore)
		}
		h.within(time.Minute, "given up", func() bool { return d.has("overwritten 1") == 1 })
		must(t, os.Remove(h.config.Tasks))
		h.appends("d.json")
		h.within(2*time.Minute, "held", func() bool { return d.has("held: ") == 1 })
		h.restoreTasks()
		h.within(2*time.Minute, "resumed", func() bool { return d.has("resumed") == 1 })
		if d.has("scanned ") == 0 {
			t.Error("no scan was told of")
		}
		a.stop()
	})
}

func TestATraceIsToldOfABatchThatFailed(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		var d diary
		disk := &fault{err: full, when: writingOf(h.config.Tasks[:len(h.config.Tasks)-len("tasks.json")] + ".tasks.json")}
		a := h.startTraced(d.trace(), disk.hook)
		h.appends("a.json")
		h.within(time.Minute, "failed", func() bool { return d.has("failed with ENOSPC after 3") == 1 && d.has("held: ") == 1 })
		disk.set(nil)
		h.within(time.Minute, "applied", h.hasApplied("a.json"))
		a.stop()
	})
}

func TestATraceIsToldThatTheDropDirectoryIsMissing(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		must(t, os.Remove(h.config.Drop))
		var d diary
		a := h.startTraced(d.trace(), nil)
		h.within(time.Second, "told", func() bool {
			return d.has("began") == 1 && d.has("missing: the drop directory is missing: open "+h.config.Drop) == 1
		})
		must(t, os.Mkdir(h.config.Drop, 0o755))
		h.within(10*time.Second, "it is there", func() bool { return d.has("missing: %!v(<nil>)")+d.has("missing: <nil>") == 1 })
		a.stop()
	})
}

func TestJoinedTracesAreAllCalled(t *testing.T) {
	var first, second diary
	joined := JoinTraces(Trace{}, first.trace(), Trace{}, second.trace())
	callAll(t, reflect.ValueOf(joined))
	if len(first.lines) != 15 || strings.Join(first.lines, "\n") != strings.Join(second.lines, "\n") {
		t.Errorf("told\n%s\nand\n%s", strings.Join(first.lines, "\n"), strings.Join(second.lines, "\n"))
	}
	if !reflect.DeepEqual(JoinTraces(), Trace{}) || !reflect.DeepEqual(JoinTraces(Trace{}, Trace{}), Trace{}) {
		t.Error("something was made of nothing")
	}
}

// callAll calls every member with zero values; one that is nil was forgotten.
func callAll(t *testing.T, trace reflect.Value) {
	for i := range trace.NumField() {
		member, name := trace.Field(i), trace.Type().Field(i).Name
		if member.Kind() == reflect.Struct {
			callAll(t, member)
			continue
		}
		if member.IsNil() {
			t.Errorf("%s is not joined", name)
			continue
		}
		var args []reflect.Value
		for j := range member.Type().NumIn() {
			args = append(args, reflect.Zero(member.Type().In(j)))
		}
		member.Call(args)
	}
}

func TestKeepDisplacedTellsOfWhatItKept(t *testing.T) {
	h := newHouse(t)
	a := h.agent(Options{})
	h.write(filepath.Join(h.folder, ".theirs"), `{"backlog":[]}`)
	dir, err := vfs.Open(h.folder, nil)
	must(t, err)
	defer dir.Close()
	told := 0
	c := newCommitter(a, nil, nil, nil)
	keep := keepDisplaced(c.recovery, c.log, func() { told++ })
	must(t, keep(dir, ".theirs", errors.New("torn")))
	if err := keep(dir, ".gone", syscall.EIO); err == nil {
		t.Error("what is not there was kept")
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
