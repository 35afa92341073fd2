//go:build unix

package durability

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// A producer that keeps its file open writes a second line into it before the n-th operation of the agent, wherever the
// file is by then. Only one moment is left out: the deletion itself, between the agent's last look and which nothing fits
// but what no system call can see.
func TestAProducerMayAppendToItsFileAtAnyOperation(t *testing.T) {
	step := sampled(3)
	points, behind := 0, 0
	for n := 1; ; n += step {
		end, err := appendAt(t, n)
		if err != nil {
			t.Fatal(err)
		}
		if end == notReached {
			break
		}
		if end == deletedBefore {
			behind++
		} else {
			points++
		}
	}
	t.Logf("appends: %d points, 0 failures; %d more lay behind the deletion, where nothing can be kept", points, behind)
}

type appended int

const (
	notReached    appended = iota // the run came to its end before
	deletedBefore                 // the file had been deleted: its producer wrote into nothing
	written
)

func appendAt(t *testing.T, n int) (appended, error) {
	folder := quickDir(t)
	defer os.RemoveAll(folder)
	prepare(t, folder)
	const name = "late.jsonl"
	path := filepath.Join(folder, "drop", name)
	if err := os.WriteFile(path, []byte(appendTo("P2", "late-1")+"\n"), 0o644); err != nil {
		return notReached, err
	}
	at := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		return notReached, err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return notReached, err
	}
	defer f.Close()
	end := notReached
	var mu sync.Mutex
	var count atomic.Int64
	committed, looked := false, false // the deletion's look was the last that was done with the file: others go on meanwhile
	runOnce(context.Background(), folder, func(op vfs.Op, path string) error {
		mu.Lock()
		defer mu.Unlock()
		deleting := looked
		committed = committed || op == vfs.OpExchange
		if filepath.Base(path) == name {
			looked = committed && op == vfs.OpStat
		}
		if count.Add(1) != int64(n) {
			return nil
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		end = written
		if info.Sys().(*syscall.Stat_t).Nlink == 0 || deleting || op == vfs.OpRemove && filepath.Base(path) == name {
			end = deletedBefore
		}
		_, err = f.WriteString(appendTo("P2", "late-2") + "\n")
		return err
	}, io.Discard)
	if end == notReached {
		return end, nil
	}
	if err := restart(folder); err != nil {
		return end, fmt.Errorf("appended at %d: the restart failed: %w\n%s", n, err, show(folder))
	}
	if wrong := lateVerdict(folder, name, end); wrong != "" {
		return end, fmt.Errorf("appended at %d: %s\n%s", n, wrong, show(folder))
	}
	if err := verdict(folder); err != nil {
		return end, fmt.Errorf("appended at %d: %w\n%s", n, err, show(folder))
	}
	return end, nil
}

func lateVerdict(folder, name string, end appended) string {
	notes, err := notesIn(folder)
	if err != nil {
		return err.Error()
	}
	entries, err := filepath.Glob(filepath.Join(folder, "recovery", "*", "fragments", name))
	if err != nil {
		return err.Error()
	}
	kept := 0
	for _, path := range entries {
		if text, err := os.ReadFile(path); err == nil && strings.Contains(string(text), "late-2") {
			kept++
		}
	}
	switch {
	case notes["late-1"] != 1:
		return fmt.Sprintf("what was there before was applied %d times", notes["late-1"])
	case end == written && notes["late-2"]+kept != 1:
		return fmt.Sprintf("what was appended was applied %d times and is in the recovery folder %d times", notes["late-2"], kept)
	}
	return ""
}

// notesIn counts the notes in the logs of a tasks file.
func notesIn(folder string) (map[string]int, error) {
	text, err := os.ReadFile(filepath.Join(folder, "tasks.json"))
	if err != nil {
		return nil, err
	}
	var document struct{ Backlog []struct{ Log []string } }
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("tasks.json is torn: %w", err)
	}
	notes := map[string]int{}
	for _, item := range document.Backlog {
		for _, note := range item.Log {
			notes[note]++
		}
	}
	return notes, nil
}
