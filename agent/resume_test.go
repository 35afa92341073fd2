package agent

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// leftClaimed makes a batch as an earlier run leaves it.
func (h *house) leftClaimed(id, name string) {
	h.t.Helper()
	state := filepath.Join(h.config.Drop, ".sessionsync")
	must(h.t, os.MkdirAll(filepath.Join(state, "claimed", id), 0o700))
	must(h.t, os.Chmod(state, 0o700))
	h.write(filepath.Join(state, "claimed", id, name), appending(name))
	h.names = append(h.names, name)
}

func TestWhatEarlierRunsHaveLeftComesFirstInTheOrderOfTheBatches(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.appends("2.json")
		var held *HeldError
		if _, err := h.once(h.fullAt(forever).hook); !errors.As(err, &held) {
			t.Errorf("ended with %v", err)
		}
		if entries := h.entries(); len(entries) != 1 || entries[0].Batch <= "0c00000000000001" || entries[0].Batch >= "0e00000000000001" {
			t.Fatalf("entries %+v", entries)
		}
		h.leftClaimed("0e00000000000001", "3.json")
		h.leftClaimed("0c00000000000001", "1.json")
		h.appends("0.json")
		if report, err := h.once(nil); err != nil || report.Commits != 4 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if got := strings.Join(h.applied(), " "); got != "1.json 2.json 3.json 0.json" {
			t.Errorf("applied %s", got)
		}
	})
	h.isDone("at the end", nil)
}

// The crash came with the intent recorded and the temporary file whole, and before the restart somebody else has written
// the tasks file. The temporary file tells that the batch is not in it.
func TestAForeignWriteBetweenACrashAndTheRestartIsNotTakenForTheCommit(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.appends("a.json")
		dead := false
		_, _ = h.once(serial(func(op vfs.Op, path string) error {
			if dead = dead || op == vfs.OpExchange && filepath.Dir(path) == h.folder; dead {
				return errDead
			}
			return nil
		}))
		h.write(h.config.Tasks, strings.Replace(tasksBefore, "A house", "Somebody's", 1))
		if _, err := h.once(nil); err != nil {
			t.Error(err)
		}
		if text := read(t, h.config.Tasks); !bytes.Contains(text, []byte("Somebody's")) {
			t.Errorf("the foreign write is lost:\n%s", text)
		}
	})
	h.isDone("at the end", nil)
}

// The crash came right behind the replacement, and then somebody else has written: what was applied is not applied again.
func TestAForeignWriteBehindACommitIsNotTakenForItsAbsence(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.appends("a.json")
		h.drop("bad.json", "x")
		renamed, dead := false, false
		_, _ = h.once(serial(func(op vfs.Op, path string) error {
			if dead = dead || renamed; dead {
				return errDead
			}
			renamed = op == vfs.OpExchange && filepath.Dir(path) == h.folder
			return nil
		}))
		after := strings.Replace(string(read(t, h.config.Tasks)), "A house", "Somebody's", 1)
		h.write(h.config.Tasks, after)
		if report, err := h.once(nil); err != nil || report.Rejected != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		if text := string(read(t, h.config.Tasks)); text != after {
			t.Errorf("written once more:\n%s", text)
		}
	})
	h.isDone("at the end", map[string]string{"bad.json": "invalid_json"})
}

// Somebody tidies up after a crash, and somebody else writes: nothing tells any more whether the batch is applied.
func TestABatchOfWhichNothingTellsIsForAPersonToJudge(t *testing.T) {
	h := newHouse(t)
	h.inBubble(func(t *testing.T) {
		h.appends("a.json", "b.json")
		h.drop("bad.json", "x")
		dead := false
		_, _ = h.once(serial(func(op vfs.Op, path string) error {
			if dead = dead || op == vfs.OpExchange; dead {
				return errDead
			}
			return nil
		}))
		temps, err := filepath.Glob(filepath.Join(h.folder, ".tasks.json*"))
		must(t, err)
		if len(temps) != 1 {
			t.Fatalf("temporary files are %q", temps)
		}
		must(t, os.Remove(temps[0]))
		h.saves(strings.Replace(tasksBefore, "A house", "Somebody's", 1))
		h.appends("c.json")
		if report, err := h.once(nil); err != nil || report.Rejected != 3 || report.Fragments != 1 {
			t.Errorf("report %+v, error %v", report, err)
		}
		entries := h.entries()
		if len(entries) != 2 || entries[1].Error.Code != "unclear" || entries[1].Retryable || len(entries[1].Fragments) != 2 ||
			!strings.Contains(entries[1].Error.Message, "look in the tasks file whether its updates are there") {
			t.Errorf("entries are %+v", entries)
		}
	})
	h.isDone("at the end", map[string]string{"a.json": "unclear", "b.json": "unclear", "bad.json": "invalid_json"})
}
