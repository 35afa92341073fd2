package recovery

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// reject makes an entry of one fragment, as the agent does.
func (b *bench) reject(name, code string, at time.Time) string {
	b.t.Helper()
	b.put(name, name)
	entry, err := b.Add(Entry{
		Batch: batch, Timestamp: at, Error: Failure{Message: "it is wrong", Code: code, Attempts: 1},
		Fragments: []Fragment{{Name: name, Updates: 1, Error: &Reason{Code: code, Message: code + ": it is wrong"}}},
	}, b.from())
	must(b.t, err)
	return entry
}

func (b *bench) tally(manifests, rejects int) Tally {
	b.t.Helper()
	tally, err := b.Tally(manifests, rejects)
	must(b.t, err)
	return tally
}

func TestATallyCountsByCodeAndShowsTheNewest(t *testing.T) {
	b := newBench(t)
	if got := b.tally(10, 10); got.Entries != 0 || got.Fragments != 0 {
		t.Errorf("of no folder: %+v", got)
	}
	start := time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	b.reject("a.json", "unknown_id", start)
	b.reject("b.json", "unknown_id", start.Add(time.Minute))
	last := b.reject("c\x1b.json", "invalid_json", start.Add(time.Hour))
	b.add(true, "d.json", "e.json")
	must(t, os.Mkdir(filepath.Join(b.dir, "a person's"), 0o755))
	must(t, os.Mkdir(filepath.Join(b.dir, ".adding-x"), 0o755))
	must(t, os.WriteFile(filepath.Join(b.dir, "notes"), nil, 0o644))

	got := b.tally(10, 2)
	if got.Entries != 4 || got.Read != 4 || got.Fragments != 5 || got.More {
		t.Errorf("%+v", got)
	}
	if !maps.Equal(got.Codes, map[string]int{"unknown_id": 2, "invalid_json": 1}) || !maps.Equal(got.Retryable, map[string]int{"ENOSPC": 2}) {
		t.Errorf("codes %v, retryable %v", got.Codes, got.Retryable)
	}
	want := Reject{Entry: last, Time: start.Add(time.Hour), File: "c\x1b.json", Code: "invalid_json", Message: "invalid_json: it is wrong"}
	if len(got.Newest) != 2 || got.Newest[0] != want || got.Newest[1].File != "b.json" {
		t.Errorf("newest: %+v", got.Newest)
	}
}

func TestATallyReadsTheNewestManifestsOnly(t *testing.T) {
	b := newBench(t)
	for i := range 5 {
		b.reject(fmt.Sprintf("%d.json", i), fmt.Sprint("code", i), time.Date(2026, 11, 26, 10, 0, i, 0, time.UTC))
	}
	got := b.tally(2, 9)
	if got.Entries != 5 || got.Read != 2 || !maps.Equal(got.Codes, map[string]int{"code4": 1, "code3": 1}) || len(got.Newest) != 2 {
		t.Errorf("%+v", got)
	}
}

func TestATallyPassesOverWhatIsNoEntryAndCountsAFileWithoutFragments(t *testing.T) {
	b := newBench(t)
	for name, text := range map[string]string{
		"half":     `{"version":"1.0","error":`,
		"foreign":  `{"version":"7"}`,
		"empty":    `{"version":"1.0","error":{"code":"displaced","message":"m"},"fragments":[]}`,
		"nameless": `{"version":"1.0","error":{"code":"x","message":"m"},"fragments":[{"file":"fragments/no fragment"}]}`,
	} {
		must(t, os.MkdirAll(filepath.Join(b.dir, name), 0o755))
		must(t, os.WriteFile(filepath.Join(b.dir, name, "recovery.json"), []byte(text), 0o644))
	}
	got := b.tally(10, 10)
	if got.Entries != 2 || got.Fragments != 2 || got.Codes["displaced"] != 1 || got.Newest[0].File != "no fragment" || got.Newest[1].File != "" {
		t.Errorf("%+v", got)
	}
	if strings.Contains(b.log.String(), "WARN") {
		t.Errorf("a look logs: %s", b.log)
	}
}

func TestATallySaysWhatTheDiskSays(t *testing.T) {
	b := newBench(t)
	b.reject("a.json", "unknown_id", time.Now())
	for _, failing := range []vfs.Op{vfs.OpOpen, vfs.OpReadDir, vfs.OpRead} {
		b.hook = func(op vfs.Op, _ string) error {
			if op == failing {
				return syscall.EIO
			}
			return nil
		}
		if _, err := b.Tally(10, 10); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: %v", failing, err)
		}
	}
	b.hook = nil
}
