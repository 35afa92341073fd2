//go:build unix

package durability

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// mostMemory is far below what the waiting fragments or the large one would need, and above what Go takes by itself.
const mostMemory = 200 // MiB

// amount is the size that a limit is tried at: the full one with -every.
func amount(normal, full int) int {
	if *every {
		return full
	}
	return normal
}

func TestAnyNumberOfFragmentsMayWait(t *testing.T) {
	const phases = 500
	n := amount(5_000, 200_000)
	s := newSession(t, quickDir(t), phases)
	want := make(map[string]bool, n)
	for i := range n {
		note := fmt.Sprint(i)
		want[note] = true
		must(t, os.WriteFile(s.path("drop", note+".json"), []byte(appendTo(fmt.Sprintf("P%d", i%phases+1), note)), 0o644))
	}
	log, mib := s.once(0)
	s.exactly(want)
	s.noneRecovered()
	if lines := strings.Count(log, "\n"); lines > n/1000+20 {
		t.Errorf("%d lines of log for %d fragments:\n%.2000s", lines, n, log)
	}
	s.bounded(mib)
	t.Logf("waiting: %d fragments, at most %d MiB of memory, 0 failures", n, mib)
}

func TestAHugeFragmentIsRejectedAndNeverInMemory(t *testing.T) {
	size := int64(amount(64<<20, 1<<30))
	s := newSession(t, quickDir(t), 1)
	s.drop("good.json", appendTo("P1", "good"))
	f, err := os.Create(s.path("drop", "huge.json"))
	must(t, err)
	must(t, f.Truncate(size)) // zeros that take no room
	must(t, f.Close())
	_, mib := s.once(3)
	s.exactly(map[string]bool{"good": true})
	list := s.recovered()
	const digested = 64 << 20 // what is larger has no digest: it may be a sparse file of a TiB
	if len(list) != 1 || list[0].Code != "too_large" || (len(list[0].SHA256) == 64) != (size <= digested) {
		t.Fatalf("recovered: %v", list)
	}
	if info, err := os.Stat(list[0].Path); err != nil || info.Size() != size {
		t.Errorf("in the recovery folder: %v, %v", info, err)
	}
	if mib > mostMemory/2 {
		t.Errorf("%d MiB of memory", mib)
	}
	t.Logf("huge: %d MiB rejected as too large, at most %d MiB of memory, 0 failures", size>>20, mib)
}

func TestManyOtherFilesAreNotInTheWay(t *testing.T) {
	n := amount(20_000, 1_000_000)
	s := newSession(t, quickDir(t), 1)
	for i := range n {
		f, err := os.Create(s.path("drop", fmt.Sprintf("other-%d.txt", i)))
		must(t, err)
		must(t, f.Close())
	}
	want := map[string]bool{}
	for i := range 20 {
		note := fmt.Sprint(i)
		want[note] = true
		s.drop(note+".json", appendTo("P1", note))
	}
	_, mib := s.once(0)
	s.exactly(want)
	s.noneRecovered()
	s.bounded(mib)
	others := 0
	entries, err := os.ReadDir(s.path("drop"))
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "other-") {
			others++
		}
	}
	if others != n {
		t.Errorf("%d of %d other files are left", others, n)
	}
	t.Logf("others: 20 fragments among %d other files, at most %d MiB of memory, 0 failures", n, mib)
}

// Every byte but the two that no name may hold stands in some name, of as many bytes as a name may have.
func TestNamesMayBeAsLongAsTheyCanBeAndHoldAnyByte(t *testing.T) {
	s := newSession(t, quickDir(t), 1)
	want := map[string]bool{}
	bad := map[string]bool{}
	for first := 1; first < 256; first++ {
		if first == '/' || first == '.' {
			continue
		}
		name := append([]byte{byte(first)}, bytes.Repeat([]byte{byte(first)}, 249)...)
		if first%2 == 0 {
			content := appendTo("P77", fmt.Sprint(first))
			must(t, os.WriteFile(s.path("drop", string(name)+".json"), []byte(content), 0o644))
			bad[content] = true
			continue
		}
		note := fmt.Sprint(first)
		err := os.WriteFile(s.path("drop", string(name)+".json"), []byte(appendTo("P1", note)), 0o644)
		if err != nil && first >= 0x80 {
			continue // where names are text
		}
		must(t, err)
		want[note] = true
	}
	log, mib := s.once(3)
	s.exactly(want)
	for _, f := range s.recovered() {
		text, err := os.ReadFile(f.Path)
		must(t, err)
		if f.Code != "unknown_id" || !bad[string(text)] {
			t.Errorf("recovered as %s: %q", f.Code, text)
		}
		delete(bad, string(text))
	}
	if len(bad) > 0 {
		t.Errorf("%d are not in the recovery folder", len(bad))
	}
	for i, b := range []byte(log) {
		if b < ' ' && b != '\n' || b == 0x7f {
			t.Fatalf("byte %#x in the log: %q", b, log[max(0, i-100):i+1])
		}
	}
	s.bounded(mib)
	t.Logf("names: %d of 255 bytes applied, the others rejected, 0 failures", len(want))
}

func (s *session) bounded(mib int64) {
	s.t.Helper()
	if mib > mostMemory {
		s.t.Errorf("%d MiB of memory, more than %d", mib, mostMemory)
	}
}
