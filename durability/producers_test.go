//go:build unix

package durability

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAProducerMayReuseTheNameOfAFragmentThatTheAgentWorksOn(t *testing.T) {
	t.Parallel()
	s := newSession(t, quickDir(t), 1)
	agent := s.start("batch.quiet=0s", "watch.settle=0s")
	want := map[string]bool{}
	hidden := s.path("drop", ".next")
	for i := range 100 {
		note := fmt.Sprintf("n-%d", i)
		want[note] = true
		must(t, os.WriteFile(hidden, []byte(appendTo("P1", note)), 0o644))
		s.until("the name is free", func() bool { // a link never replaces: at the first instant at which the name is free
			return os.Link(hidden, s.path("drop", "same.json")) == nil
		})
		must(t, os.Remove(hidden))
	}
	s.until("all is handled", s.empty)
	agent.stop()
	s.exactly(want)
	s.noneRecovered()
}

// A state that its producer has overwritten before the claim is what the producer did not want any more. Each that was
// there when the file was claimed is applied once, the last one among them.
func TestAProducerMayRewriteItsFileInPlaceAgainAndAgain(t *testing.T) {
	t.Parallel()
	s := newSession(t, quickDir(t), 1)
	agent := s.start("batch.quiet=0s", "watch.settle=5ms")
	last := ""
	for i := range 300 {
		last = fmt.Sprintf("n-%d", i)
		must(t, os.WriteFile(s.path("drop", "same.json"), []byte(appendTo("P1", last)), 0o644))
		time.Sleep(rand.N(10 * time.Millisecond)) // around what the agent takes for settled
	}
	s.until("all is handled", s.empty)
	agent.stop()
	notes := s.notes()
	for note, n := range notes {
		if n != 1 {
			t.Errorf("%s was applied %d times", note, n)
		}
	}
	if notes[last] != 1 {
		t.Errorf("the last state was applied %d times", notes[last])
	}
	s.noneRecovered()
	t.Logf("rewrites: 300 states, %d there at a claim and applied, 0 failures", len(notes))
}

func TestAProducerMayDeleteItsFragmentAgain(t *testing.T) {
	t.Parallel()
	s := newSession(t, quickDir(t), 1)
	agent := s.start("batch.quiet=0s", "watch.settle=1ms")
	want := map[string]bool{}
	for i := range 200 {
		note := fmt.Sprintf("n-%d", i)
		s.drop(note+".json", appendTo("P1", note))
		time.Sleep(rand.N(8 * time.Millisecond))
		if err := os.Remove(s.path("drop", note+".json")); errors.Is(err, fs.ErrNotExist) {
			want[note] = true // claimed by then
		} else {
			must(t, err)
		}
	}
	s.until("all is handled", s.empty)
	agent.stop()
	s.exactly(want)
	s.noneRecovered()
	if text := agent.text(); strings.Contains(text, "level=ERROR") || strings.Contains(text, "level=WARN") ||
		strings.Contains(text, `"level":"ERROR"`) || strings.Contains(text, `"level":"WARN"`) {
		t.Errorf("a fragment that is gone is no trouble:\n%s", text)
	}
	t.Logf("deletions: 200 fragments, %d claimed before and applied, 0 failures", len(want))
}

func TestAProducerThatAppendsAfterTheClaimLosesNothing(t *testing.T) {
	t.Parallel()
	s := newSession(t, quickDir(t), 1)
	agent := s.start("batch.quiet=0s", "watch.settle=5ms")
	const rounds = 100
	applied, kept, behind, between := 0, 0, 0, 0
	deleted := map[int]bool{}
	for i := range rounds {
		path := s.path("drop", fmt.Sprintf("n-%d.jsonl", i))
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
		must(t, err)
		_, err = f.WriteString(appendTo("P1", fmt.Sprintf("first-%d", i)) + "\n")
		must(t, err)
		for end := time.Now().Add(time.Minute); ; {
			if _, err := os.Lstat(path); err != nil || time.Now().After(end) {
				break
			}
		}
		time.Sleep(rand.N(400 * time.Microsecond))
		_, err = f.WriteString(appendTo("P1", fmt.Sprintf("second-%d", i)) + "\n")
		must(t, err)
		info, err := f.Stat()
		must(t, err)
		deleted[i] = info.Sys().(*syscall.Stat_t).Nlink == 0
		must(t, f.Close())
	}
	s.until("all is handled", s.empty)
	agent.stop()
	recovered := map[string]int{}
	for _, f := range s.recovered() {
		text, err := os.ReadFile(f.Path)
		must(t, err)
		if f.Code != "incomplete" || !strings.Contains(f.Message, "after it had been claimed") || strings.Count(string(text), "\n") != 2 {
			t.Errorf("recovered as %s, %s: %q", f.Code, f.Message, text)
		}
		recovered[f.Name]++
	}
	notes := s.notes()
	for i := range rounds {
		first, second := notes[fmt.Sprintf("first-%d", i)], notes[fmt.Sprintf("second-%d", i)]
		inRecovery := recovered[fmt.Sprintf("n-%d.jsonl", i)]
		switch {
		case first != 1:
			t.Errorf("round %d: the first line was applied %d times", i, first)
		case second == 1 && inRecovery == 0:
			applied++
		case second == 0 && inRecovery == 1:
			kept++
		case second == 0 && deleted[i]:
			behind++
		case second == 0 && inRecovery == 0 && between < rounds/10:
			between++ // it fell between the last look at the file and its deletion, which is the next thing that is done with it
		default:
			t.Errorf("round %d: the second line was applied %d times and is in the recovery folder %d times", i, second, inRecovery)
		}
	}
	t.Logf("late appends: %d, %d applied, %d recovered, %d into a deleted file, %d in the instant of the deletion, 0 failures",
		rounds, applied, kept, behind, between)
}

func (s *session) noneRecovered() {
	s.t.Helper()
	if list := s.recovered(); len(list) > 0 {
		s.t.Errorf("recovered: %v", list)
	}
}
