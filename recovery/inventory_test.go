package recovery

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// inventory is the list as lines, sorted.
func (b *bench) inventory() []string {
	b.t.Helper()
	list, err := b.Inventory()
	must(b.t, err)
	var lines []string
	for _, h := range list {
		line := h.Batch + "/" + h.Name
		for _, flag := range []struct {
			word string
			is   bool
		}{{" rejected", h.Rejected}, {" retryable", h.Retryable}, {" half", h.Half}, {" missing", h.Missing}} {
			if flag.is {
				line += flag.word
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func TestTheInventoryTellsOfEachFragment(t *testing.T) {
	b := newBench(t)
	if got := b.inventory(); len(got) > 0 {
		t.Errorf("of no folder: %q", got)
	}
	entry := b.add(true, "a.json", "\x1b\xff.json")
	b.put("bad.json", "bad")
	rejected, err := b.Add(Entry{Batch: batch, Error: Failure{Code: "unknown_id"},
		Fragments: []Fragment{{Name: "bad.json", Error: &Reason{Code: "unknown_id"}}}}, b.from())
	must(t, err)
	must(t, os.Remove(filepath.Join(b.dir, rejected, "fragments", "bad.json")))
	b.put("unclear.json", "unclear")
	_, err = b.Add(Entry{Batch: batch, Error: Failure{Code: Unclear}, Fragments: []Fragment{{Name: "unclear.json"}}}, b.from())
	must(t, err)
	b.put("x.json", "x")
	b.put("elsewhere.json", "elsewhere")
	must(t, os.MkdirAll(filepath.Join(b.dir, "somebody's"), 0o755))
	must(t, os.MkdirAll(filepath.Join(b.dir, "broken"), 0o755))
	must(t, os.WriteFile(filepath.Join(b.dir, "broken", manifestName), []byte("{"), 0o644))
	must(t, os.WriteFile(filepath.Join(b.dir, "a file"), nil, 0o644))
	want := []string{
		batch + "/\x1b\xff.json retryable", batch + "/a.json retryable", batch + "/bad.json rejected missing", batch + "/unclear.json rejected",
	}
	if got := b.inventory(); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if !strings.Contains(b.log.String(), "broken") {
		t.Errorf("log: %s", b.log)
	}

	// What is on the way into it or out of it, with a manifest or without.
	must(t, os.Rename(filepath.Join(b.dir, entry), filepath.Join(b.dir, returnPrefix+entry)))
	must(t, os.Remove(filepath.Join(b.dir, returnPrefix+entry, "fragments", "a.json"))) // it is back already
	lost := filepath.Join(b.dir, addingPrefix+"20261122T101530.123Z-"+batch, "fragments")
	must(t, os.MkdirAll(lost, 0o755))
	must(t, os.WriteFile(filepath.Join(lost, "lost.json"), nil, 0o644))
	got := b.inventory()
	for _, want := range []string{batch + "/lost.json half", batch + "/bad.json rejected missing"} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is not in %q", want, got)
		}
	}
	half := slices.IndexFunc(got, func(line string) bool { return strings.HasPrefix(line, batch+"/\x1b\xff.json") })
	if len(got) != 4 || half < 0 || !strings.Contains(got[half], "half") {
		t.Errorf("got %q", got)
	}
}

// A list that is short because something could not be read would be taken for a loss.
func TestTheInventoryIsWholeOrAnError(t *testing.T) {
	b := newBench(t)
	b.add(true, "a.json", "b.json")
	b.add(false, "c.json")
	for n := 0; ; n++ {
		left := n
		closing := false
		b.hook = func(op vfs.Op, _ string) error {
			if left--; left == -1 {
				closing = op == vfs.OpClose
				return syscall.EIO
			}
			return nil
		}
		list, err := b.Inventory()
		if left >= 0 {
			if n < 10 || err != nil {
				t.Errorf("%d operations, %v", n, err)
			}
			return
		}
		if !closing && !errors.Is(err, syscall.EIO) || closing && len(list) != 3 {
			t.Errorf("operation %d: %d fragments, %v", n, len(list), err)
		}
	}
}

func TestTheInventoryOfAFolderThatIsNone(t *testing.T) {
	b := newBench(t)
	must(t, os.WriteFile(b.dir, nil, 0o644))
	if _, err := b.Inventory(); err == nil || !strings.HasPrefix(err.Error(), "list recovered fragments: ") {
		t.Error(fmt.Sprint(err))
	}
}
