package books

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/vfs"
)

// session is a drop directory with a history, and a recovery folder.
type session struct {
	t      *testing.T
	folder string
	dir    *vfs.Dir
	log    *history.Log
}

func newSession(t *testing.T) *session {
	s := &session{t: t, folder: t.TempDir(), log: history.New(history.Config{MaxBytes: 1 << 20})}
	s.put("drop/.sessionsync/lock", "")
	var err error
	s.dir, err = vfs.Open(s.path("drop/.sessionsync"), nil)
	s.must(err)
	t.Cleanup(func() { s.dir.Close() })
	return s
}

func (s *session) path(name string) string { return filepath.Join(s.folder, name) }

func (s *session) put(name, content string) {
	s.t.Helper()
	s.must(os.MkdirAll(filepath.Dir(s.path(name)), 0o755))
	s.must(os.WriteFile(s.path(name), []byte(content), 0o644))
}

func (s *session) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// entry puts a recovery entry of one fragment.
func (s *session) entry(name, batch, file string, retryable, rejected bool) {
	s.t.Helper()
	why, retry := "", "false"
	if rejected {
		why = `,"error":{"code":"unknown_id","message":"x"}`
	}
	if retryable {
		retry = "true"
	}
	s.put("recovery/"+name+"/recovery.json", `{"version":"1.0","batch":"`+batch+`","retryable":`+retry+`,"error":{"code":"x"},
		"fragments":[{"file":"fragments/`+file+`"`+why+`}]}`)
	s.put("recovery/"+name+"/fragments/"+file, "{}")
}

func (s *session) check() Report {
	s.t.Helper()
	r, err := Check(s.t.Context(), s.config())
	s.must(err)
	return r
}

func (s *session) config() Config {
	return Config{Drop: s.path("drop"), Recovery: s.path("recovery"), Patience: 300 * time.Millisecond}
}

// says compares seen, applied, unchanged, rejected; dropped, claimed, recovered; missing, damaged, gone, untold.
func (s *session) says(what string, want [11]int, balanced bool) {
	s.t.Helper()
	r := s.check()
	got := [11]int{r.Seen, r.Applied, r.Unchanged, r.Rejected, r.Dropped, r.Claimed, r.Recovered, len(r.Missing), len(r.Damaged), len(r.Gone), len(r.Untold)}
	if got != want || r.Balanced() != balanced || r.Waiting != r.Dropped+r.Claimed+r.Recovered {
		s.t.Errorf("%s: %v, balanced: %v, want %v\n%+v", what, got, r.Balanced(), want, r)
	}
}

func applied(file string) history.Record {
	return history.Record{File: file, Outcome: history.Applied}
}
func rejected(file string) history.Record {
	return history.Record{File: file, Outcome: history.Rejected, Code: "unknown_id"}
}

func TestTheBooksOfEachPlace(t *testing.T) {
	s := newSession(t)
	s.says("nothing yet", [11]int{}, true)
	s.put("drop/1.json", "{}")
	s.put("drop/.sessionsync/claimed/b0/0.json", "{}")
	s.says("before the history begins", [11]int{2, 0, 0, 0, 1, 1}, true)
	s.log.Seen(s.dir, "b0", []string{"0.json"})
	s.says("seen", [11]int{2, 0, 0, 0, 1, 1}, true)
	s.log.Merged(s.dir, "b0", []history.Record{applied("0.json")})
	s.log.Committed(s.dir, "b0")
	s.says("committed and not deleted", [11]int{2, 1, 0, 0, 1}, true)
	s.must(os.Remove(s.path("drop/.sessionsync/claimed/b0/0.json")))
	s.says("deleted", [11]int{2, 1, 0, 0, 1}, true)

	s.log.Seen(s.dir, "b1", []string{"a.json", "b.json", "c.json"})
	s.log.Merged(s.dir, "b1", []history.Record{{File: "a.json", Outcome: history.Unchanged}})
	s.entry("e1", "b1", "a.json", true, false)
	s.entry("e2", "b1", "b.json", true, false)
	s.entry(".adding-20261122T101530.123Z-b1", "b1", "c.json", true, false)
	s.says("in the recovery folder, because of the tasks file", [11]int{5, 1, 0, 0, 1, 1, 2}, true)
	for _, name := range []string{"e1", "e2", ".adding-20261122T101530.123Z-b1"} {
		s.must(os.RemoveAll(s.path("recovery/" + name)))
	}
	s.says("lost", [11]int{5, 1, 0, 0, 1, 0, 0, 3}, false)
	s.log.Committed(s.dir, "b1", rejected("b.json"), rejected("c.json"))
	s.entry("e2", "b1", "b.json", false, true)
	s.put("drop/.sessionsync/foreign/b1-2/c.json", "{}")
	s.says("rejected, one of them set aside", [11]int{5, 1, 1, 2, 1}, true)
	s.entry("e2", "b1", "b.json", true, true)
	s.says("to be retried", [11]int{5, 1, 1, 2, 1}, true)
	s.log.Retried(s.dir, "b1", []string{"b.json"})
	s.says("about to be given back", [11]int{5, 1, 1, 1, 1, 0, 1}, true)
	s.entry("e2", "b1", "b.json", false, true)
	s.says("and not given back after all", [11]int{5, 1, 1, 2, 1}, true)
	s.log.Committed(s.dir, "b1", rejected("b.json"))
	s.must(os.Remove(s.path("recovery/e2/fragments/b.json")))
	s.says("without its file", [11]int{5, 1, 1, 2, 1, 0, 0, 0, 1}, false)
	s.must(os.RemoveAll(s.path("recovery/e2")))
	s.says("discarded", [11]int{5, 1, 1, 2, 1, 0, 0, 0, 0, 1}, true)
	s.entry("e3", "b9", "old.json", false, true)
	s.entry("e4", "b9", "retried.json", true, true)
	s.entry("e5", "b9", "waits.json", true, false)
	s.says("entries from before the history", [11]int{6, 1, 1, 2, 1, 0, 1, 0, 0, 1}, true)
}

func TestWhatPowerHasTakenIsToldAndFailsNothing(t *testing.T) {
	s := newSession(t)
	s.log.Seen(s.dir, "b1", []string{"a.json", "b.json"})
	s.put("drop/.sessionsync/claimed/b1/b.json", "{}")
	text, err := os.ReadFile(s.path("drop/.sessionsync/history.jsonl"))
	s.must(err)
	start := text[strings.Index(string(text), `{"at"`):]
	f, err := os.OpenFile(s.path("drop/.sessionsync/history.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	s.must(err)
	_, err = f.WriteString(`{"at":"` + string(start[7:34]) + `","start":{"pid":1,"boot":"another"}}` + "\n\x00\x00\x00\n")
	s.must(errors.Join(err, f.Close()))
	s.says("after another boot", [11]int{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}, true)
	if r := s.check(); r.Unreadable != 1 || r.Untold[0] != (Fragment{Batch: "b1", File: "a.json"}) {
		t.Errorf("%+v", r)
	}
}

// One look may miss what moves on meanwhile; only what every look misses is missing.
func TestWhatIsOnItsWayIsNotMissing(t *testing.T) {
	s := newSession(t)
	outside := s.t
	synctest.Test(outside, func(t *testing.T) {
		s.t = t
		defer func() { s.t = outside }()
		s.log.Seen(s.dir, "b1", []string{"a.json"})
		go func() {
			time.Sleep(250 * time.Millisecond)
			s.log.Merged(s.dir, "b1", []history.Record{applied("a.json")})
			s.log.Committed(s.dir, "b1")
			s.log.Seen(s.dir, "b2", []string{"a.json"}) // the next one is on its way by then
		}()
		c := s.config()
		c.Patience = 0
		r, err := Check(t.Context(), c)
		if err != nil || !r.Balanced() || r.Seen != 2 || r.Applied != 1 || r.Waiting != 1 || r.Claimed != 1 {
			t.Errorf("%+v, %v", r, err)
		}
		r, err = Check(t.Context(), c)
		if err != nil || r.Balanced() || len(r.Missing) != 1 {
			t.Errorf("nobody comes: %+v, %v", r, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := Check(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("asked to end: %v", err)
		}
	})
}

func TestTroubleIsNoReport(t *testing.T) {
	s := newSession(t)
	s.put("recovery", "")
	if _, err := Check(t.Context(), s.config()); err == nil {
		t.Error("the recovery folder is a file: no error")
	}
	s.must(os.Remove(s.path("recovery")))
	s.must(os.Mkdir(s.path("drop/.sessionsync/history.jsonl"), 0o700))
	if _, err := Check(t.Context(), s.config()); err == nil {
		t.Error("the history is a folder: no error")
	}
	s.must(os.RemoveAll(s.path("drop")))
	if _, err := Check(t.Context(), s.config()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no drop directory: %v", err)
	}
}
