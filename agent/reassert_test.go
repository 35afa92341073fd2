package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/vfs"
)

// saves is another program that replaces the tasks file, as one does that holds all of it in memory.
func (h *house) saves(text string) {
	h.t.Helper()
	hidden := h.config.Tasks + ".tmp"
	h.write(hidden, text)
	must(h.t, os.Rename(hidden, h.config.Tasks))
}

func (h *house) tasks() string {
	h.t.Helper()
	return string(read(h.t, h.config.Tasks))
}

func (h *house) holds(text string) func() bool {
	return func() bool { return strings.Contains(h.tasks(), text) }
}

const complete = `{"id":"P1","status":"Complete"}`

func TestWhatAnotherProgramUndoesIsAppliedAgainWithinItsTime(t *testing.T) {
	for _, c := range []struct{ name, fragment, holds string }{
		{"a member", complete, `"status": "Complete"`},
		{"a list that was appended to", appending("a.json"), `"log": ["a.json"]`},
		{"a member that was removed", `{"id":"P1","log":null}`, `"status": "Planned"}`},
		{"a new item", `{"id":"P2","$op":"create","type":"Phase","title":"New","status":"Planned"}`, `"id": "P2"`},
		{"two updates", `[{"id":"P1","status":"Implementing"},{"id":"P1","status":"Failed"}]`, `"status": "Failed"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.inBubble(func(t *testing.T) {
				a := h.start(nil)
				h.drop("a.json", c.fragment)
				h.within(2*time.Second, "applied", h.holds(c.holds))
				for range 3 {
					time.Sleep(2500 * time.Millisecond)
					h.saves(tasksBefore)
					h.within(2*time.Second+200*time.Millisecond, "applied again", h.holds(c.holds))
				}
				time.Sleep(10 * time.Second)
				h.saves(tasksBefore)
				time.Sleep(time.Minute)
				if h.tasks() != tasksBefore {
					t.Errorf("applied again after its time:\n%s", h.tasks())
				}
				if report := a.stop(); report.Reasserted < 3 || report.Overwritten != 0 || report.Fragments != 1 || report.ForeignWrites != 4 {
					t.Errorf("report is %+v", report)
				}
				if len(h.entries()) > 0 || h.log.count("are applied again") != 3 {
					t.Errorf("entries %v, log:\n%s", h.entries(), h.log)
				}
			})
		})
	}
}

func TestAnyOtherValueIsTheOtherProgramsWish(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.drop("a.json", complete)
		h.within(2*time.Second, "applied", h.holds("Complete"))
		h.saves(strings.Replace(tasksBefore, "Planned", "Failed", 1))
		time.Sleep(time.Minute)
		if !strings.Contains(h.tasks(), "Failed") {
			t.Errorf("overwritten:\n%s", h.tasks())
		}
		if report := a.stop(); report.Reasserted != 0 || report.Overwritten != 0 {
			t.Errorf("report is %+v", report)
		}
	})
}

func TestWithoutReassertNothingIsAppliedAgain(t *testing.T) {
	h := newHouse(t)
	h.config.Document.Reassert = 0
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.drop("a.json", complete)
		h.within(2*time.Second, "applied", h.holds("Complete"))
		h.saves(tasksBefore)
		time.Sleep(time.Minute)
		if h.tasks() != tasksBefore {
			t.Errorf("applied again:\n%s", h.tasks())
		}
		a.stop()
	})
}

// A program that never reads what it overwrites has the last word; then a person has to know.
func TestWhatIsStillUndoneAtTheEndIsInTheRecoveryFolder(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.drop("a.jsonl", complete+"\n"+`{"id":"P1","title":"A castle","extra":1}`+"\n")
		h.within(2*time.Second, "applied", h.holds("Complete"))
		for range 15 * 50 {
			h.saves(tasksBefore)
			time.Sleep(20 * time.Millisecond)
		}
		h.within(3*time.Second, "recovered", func() bool { return len(h.entries()) == 2 })
		time.Sleep(time.Minute)
		if h.tasks() != tasksBefore || len(h.entries()) != 2 {
			t.Errorf("%d entries, tasks file is\n%s", len(h.entries()), h.tasks())
		}
		for i, want := range []string{complete, `{"id":"P1","title":"A castle","extra":1}`} {
			e := h.entries()[i]
			raw := string(read(t, filepath.Join(h.config.Recovery, e.Folder, e.Fragments[0].File)))
			if e.Error.Code != "overwritten" || e.Retryable || e.PendingCount != 1 || raw != want || !strings.HasSuffix(e.Fragments[0].File, "a.jsonl") ||
				!strings.Contains(e.Error.Message, "another program has written the old value back") {
				t.Errorf("entry is %+v, file %s", e, raw)
			}
		}
		// Delays of 100, 200, 400 ms … leave no more than some ten tries in 10 s.
		if report := a.stop(); report.Overwritten != 2 || report.Reasserted > 3*12 || report.Rejected != 0 {
			t.Errorf("report is %+v", report)
		}
	})
}

// What another program undid while a batch was being committed is seen as well.
func TestAnUndoThatABatchHasMergedIntoIsSeen(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		once := false
		a := h.start(serial(func(op vfs.Op, path string) error {
			if op == vfs.OpCreate && path == filepath.Join(h.folder, ".tasks.json") && strings.Contains(string(read(t, h.config.Tasks)), "Complete") && !once {
				once = true
				must(t, os.WriteFile(h.config.Tasks+".tmp", []byte(tasksBefore), 0o644))
				must(t, os.Rename(h.config.Tasks+".tmp", h.config.Tasks))
			}
			return nil
		}))
		h.drop("a.json", complete)
		h.within(2*time.Second, "applied", h.holds("Complete"))
		h.appends("b.json")
		h.within(4*time.Second, "both", func() bool { return h.holds("Complete")() && h.holds("b.json")() })
		a.stop()
	})
}

// Whatever fails, and wherever it ends, an update that is applied again is applied once, and its file is gone in the end.
func TestApplyingAgainWhateverFails(t *testing.T) {
	for _, dead := range []bool{false, true} {
		for n := 1; ; n += 3 {
			h := newHouse(t)
			operations := &countdown{n: 1 << 30, err: syscall.EIO, dead: dead}
			h.inBubble(func(t *testing.T) {
				a := h.start(operations.hook)
				h.appends("a.json")
				h.within(2*time.Second, "applied", h.hasApplied("a.json"))
				time.Sleep(time.Second)
				operations.set(n)
				h.saves(tasksBefore)
				time.Sleep(8 * time.Second)
				a.cancel()
				<-a.ended
			})
			h.inBubble(func(t *testing.T) {
				if _, err := h.once(nil); err != nil {
					t.Errorf("the next run: %v", err)
				}
			})
			when := fmt.Sprintf("operation %d failed, dead: %v", n, dead)
			if got := h.applied(); len(got) > 1 || len(got) == 0 && !dead {
				t.Errorf("%s: applied %q", when, got)
			}
			if len(h.applied()) == 1 {
				h.isDone(when, nil)
			}
			if !operations.hasFired() || t.Failed() {
				break
			}
		}
	}
}

func TestAnUpdateWaitsForItsItem(t *testing.T) {
	with := strings.Replace(tasksBefore, `"log": []}`, `"log": []},
    {"type": "Phase", "id": "P2", "title": "Two", "status": "Planned"}`, 1)
	for _, c := range []struct {
		name string
		act  func(h *house)
	}{
		{"that another program writes", func(h *house) { h.saves(with) }},
		{"that another fragment creates", func(h *house) {
			h.drop("create.json", `{"id":"P2","$op":"create","type":"Phase","title":"Two","status":"Planned"}`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t)
			h.config.Document.UnknownIDGrace = time.Minute
			h.inBubble(func(t *testing.T) {
				a := h.start(nil)
				h.drop("early.json", `{"id":"P2","status":"Complete"}`)
				h.drop("other.json", `{"id":"P1","status":"Failed"}`)
				h.drop("never.json", `{"id":"P3","status":"Complete"}`)
				h.within(2*time.Second, "the other one applied", h.holds("Failed"))
				time.Sleep(20 * time.Second)
				if len(h.entries()) > 0 {
					t.Errorf("rejected: %v", h.rejected())
				}
				c.act(h)
				h.within(4*time.Second, "the early one applied", h.holds("Complete"))
				time.Sleep(30 * time.Second)
				if len(h.entries()) > 0 {
					t.Errorf("rejected before its time: %v", h.rejected())
				}
				h.within(12*time.Second, "rejected", func() bool { return h.rejected()["never.json"] == "unknown_id" })
				if report := a.stop(); report.Rejected != 1 {
					t.Errorf("report is %+v", report)
				}
			})
			if left, err := os.ReadDir(filepath.Join(h.config.Drop, ".sessionsync", "claimed")); err != nil || len(left) > 0 {
				t.Errorf("claimed holds %v (%v)", left, err)
			}
		})
	}
}

func TestARunWithOnceWaitsForItemsToo(t *testing.T) {
	h := newHouse(t)
	h.config.Document.UnknownIDGrace = 5 * time.Second
	h.inBubble(func(t *testing.T) {
		h.drop("early.json", `{"id":"P2","status":"Complete"}`)
		began := time.Now()
		if report, err := h.once(nil); err != nil || report.Rejected != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if took := time.Since(began); took < 5*time.Second || took > 7*time.Second {
			t.Errorf("it waited %v", took)
		}
	})
	h.isDone("at the end", map[string]string{"early.json": "unknown_id"})
}

func TestWhatWaitsForItsItemSurvivesARestart(t *testing.T) {
	h := newHouse(t)
	h.config.Document.UnknownIDGrace = time.Hour
	h.inBubble(func(t *testing.T) {
		a := h.start(nil)
		h.drop("early.json", `{"id":"P2","$op":"patch","$patch":[{"op":"add","path":"/x","value":1}]}`)
		h.within(2*time.Second, "claimed", func() bool { return h.log.count("waiting for items") == 1 })
		a.stop()
		a = h.start(nil)
		time.Sleep(time.Second)
		h.drop("create.json", `{"id":"P2","$op":"create","type":"Phase","title":"Two","status":"Planned"}`)
		h.within(2*time.Second, "applied", h.holds(`"x": 1`))
		a.stop()
	})
}

// A list of which each update remembers the old one and the new one would take all memory there is.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	m := &memory{}
	value := func(n int) jsontext.Value { return jsontext.Value(strings.Repeat("x", 1<<20+n)) }
	for i := range 200 {
		m.add(applied{Effect: document.Effect{ID: "P1", Path: "/log", Old: value(i), New: value(i + 1)}})
		if m.shrink(); m.bytes > mostRememberedBytes || len(m.applied) > 70 {
			t.Fatalf("%d effects with %d bytes", len(m.applied), m.bytes)
		}
	}
	bytes := 0
	for i, a := range m.applied {
		bytes += a.bytes
		if i > 0 && &a.Old[0] != &m.applied[i-1].New[0] {
			t.Fatal("two copies of one value")
		}
	}
	if bytes != m.bytes || len(m.applied) < 40 {
		t.Errorf("%d effects with %d bytes, counted were %d", len(m.applied), bytes, m.bytes)
	}
	if m.drop(func(applied) bool { return true }); m.bytes != 0 {
		t.Errorf("%d bytes in nothing", m.bytes)
	}
	for range mostRemembered + 1 {
		m.add(applied{})
	}
	if m.shrink(); len(m.applied) > mostRemembered {
		t.Errorf("%d effects", len(m.applied))
	}
}

// What is applied again is nobody's fragment, also after a crash in the middle of it.
func TestAReassertionThatDoesNotFitAnyMoreIsOver(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		a := h.start(func(vfs.Op, string) error {
			if h.log.count("are applied again") > 0 {
				return errDead
			}
			return nil
		})
		h.drop("a.json", complete)
		h.within(2*time.Second, "applied", h.holds("Complete"))
		h.saves(tasksBefore)
		time.Sleep(3 * time.Second)
		a.cancel()
		<-a.ended
	})
	h.saves(strings.Replace(tasksBefore, "Planned", "Failed", 1))
	h.inBubble(func(t *testing.T) {
		if report, err := h.once(nil); err != nil || report.Rejected != 0 || len(h.entries()) > 0 {
			t.Errorf("report %+v, error %v, entries %v", report, err, h.entries())
		}
		if !h.holds("Failed")() {
			t.Errorf("tasks file is %s", h.tasks())
		}
	})
}
