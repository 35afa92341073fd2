package spool

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// appendTo writes through a descriptor that was opened before the claim, as a producer does that has not finished.
func appendTo(t *testing.T, f *os.File, text string) {
	t.Helper()
	_, err := f.WriteString(text)
	must(t, err)
}

func openForAppending(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestWhatIsAppendedAfterTheReadIsNotDeleted(t *testing.T) {
	for name, restart := range map[string]bool{"at once": false, "after a crash": true} {
		t.Run(name, func(t *testing.T) {
			s := newStation(t)
			s.put("a.json", "{}")
			s.put("b.json", "{}")
			f := openForAppending(t, s.put("late.jsonl", "{}\n"))
			b := s.claim("a.json", "b.json", "late.jsonl")
			for _, file := range b.Files {
				_, err := b.Read(file.Name, 100)
				must(t, err)
			}
			must(t, b.Record(Intent{Temp: ".tasks.json100000000000000", Digest: digestA, Base: digestB}))
			appendTo(t, f, "{}\n")
			if restart {
				s.restart()
				b = s.claimed(1)[0]
			}
			for range 2 { // it says so until the fragment is elsewhere
				var late *LateError
				if err := b.Settle(); !errors.As(err, &late) || late.Name != "late.jsonl" || late.Read != 3 || late.Now != 6 {
					t.Fatalf("settled: %v", err)
				} else if text := err.Error(); !strings.Contains(text, `"late.jsonl" was appended to after it had been claimed: it had 3 bytes then, and has 6`) {
					t.Error(text)
				}
			}
			must(t, os.Rename(b.Dir().Join("late.jsonl"), s.drop+".elsewhere"))
			must(t, b.Settle())
			if got := s.tree(); len(got) != 3 {
				t.Errorf("left: %v", got)
			}
		})
	}
}

func TestWhatIsWrittenOverAfterTheReadIsNotDeleted(t *testing.T) {
	s := newStation(t)
	path := s.put("a.json", "{}")
	at := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path, at, at))
	b := s.claim("a.json")
	_, err := b.Read("a.json", 100)
	must(t, err)
	must(t, os.WriteFile(b.Dir().Join("a.json"), []byte("[]"), 0o644))
	var late *LateError
	if err := b.Settle(); !errors.As(err, &late) || !strings.Contains(err.Error(), "was written to after") {
		t.Fatalf("settled: %v", err)
	}
}

// Of an older time nothing new is to be concluded: cp -p sets it last. Nor of fewer bytes under the same time: that is
// what a loss of power may leave.
func TestAnOlderOrCutFragmentIsDeletedAsUsual(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "{}")
	b := s.claim("a.json")
	_, err := b.Read("a.json", 100)
	must(t, err)
	path := b.Dir().Join("a.json")
	must(t, os.Truncate(path, 0))
	at := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path, at, at))
	must(t, b.Settle())
}

// Btrfs and tmpfs keep any date; JSON's end with the year 9999. One such file must not keep its batch from being recorded.
func TestADateThatJSONCannotHoldIsRecorded(t *testing.T) {
	for _, seconds := range []int64{-1 << 40, 0, 300_000_000_000, 1 << 62} {
		date := time.Unix(seconds, 5)
		text, err := json.Marshal(stampOf(vfs.Status{Size: 1, ModTime: date}))
		must(t, err)
		var back stamp
		must(t, json.Unmarshal(text, &back))
		if datable(date).After(back.ModTime) || back.ModTime.After(date) && date.After(firstDate) {
			t.Errorf("%d came back as %v", seconds, back.ModTime)
		}
	}
}
