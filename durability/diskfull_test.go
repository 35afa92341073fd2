//go:build linux

package durability

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAFullDiskLosesNothingAndFreeingSpaceIsAllItTakes(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("a small file system cannot be mounted here (%v): the fault loop covers ENOSPC", err)
	}
	t.Cleanup(func() { unix.Unmount(folder, unix.MNT_DETACH) })
	s := newSession(t, folder, 1)
	agent := s.start("batch.quiet=10ms", "batch.max_fragments=7")
	want := map[string]bool{}
	for round := range 3 {
		// They are written while there is room, and get their names when there is none.
		var names []string
		for i := range 20 {
			note := fmt.Sprintf("n-%d-%d", round, i)
			want[note] = true
			names = append(names, note+".json")
			must(t, os.WriteFile(s.path("drop", "."+note), []byte(appendTo("P1", note)), 0o644))
		}
		before := s.notes()
		filler := s.path("filler")
		fill(t, filler)
		for _, name := range names {
			must(t, os.Rename(s.path("drop", "."+strings.TrimSuffix(name, ".json")), s.path("drop", name)))
		}
		s.until("the agent holds", func() bool { return strings.Count(agent.text(), "held:") > round })
		if held := len(s.waiting()) + len(s.recovered()); held != len(names) {
			t.Errorf("%d fragments are held, not %d", held, len(names))
		}
		if after := s.notes(); len(after) != len(before) {
			t.Errorf("applied on a full disk: %d notes, were %d", len(after), len(before))
		}
		must(t, os.Remove(filler))
		s.until("all is applied", func() bool { return s.empty() && len(s.notes()) == len(want) })
	}
	agent.stop()
	s.exactly(want)
	s.noneRecovered()
	text := agent.text()
	if !strings.Contains(text, "free some space") && !strings.Contains(text, "free space") {
		t.Errorf("the log does not say what to do:\n%s", text)
	}
	if n := strings.Count(text, "held:"); n != 3 {
		t.Errorf("it says %d times that it holds:\n%s", n, text)
	}
	t.Logf("full disk: %d fragments on %d full disks, 0 failures", len(want), 3)
}

// fill takes what room is left, to the last byte.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for piece := make([]byte, 4096); len(piece) > 0; {
		if _, err := f.Write(piece); errors.Is(err, unix.ENOSPC) {
			piece = piece[:len(piece)/2]
		} else {
			must(t, err)
		}
	}
}
