//go:build unix

package recovery

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// kept are the files of all entries, as a restart finds them.
func kept(t *testing.T, s *Store) map[string]string {
	t.Helper()
	if err := s.Resume(func(string) (*vfs.Dir, error) { return nil, nil }); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		for _, f := range e.Fragments {
			text, err := os.ReadFile(filepath.Join(s.config.Dir, e.Name, f.File))
			if err != nil {
				t.Fatal(err)
			}
			files[f.stored()] += string(text)
		}
		if e.Retryable || e.Version != Version {
			t.Errorf("entry %+v", e)
		}
	}
	return files
}

func TestKeepMovesAFileWhateverFails(t *testing.T) {
	for at := 1; ; at++ {
		folder := t.TempDir()
		beside := filepath.Join(folder, ".tasks.json120000000000000")
		if err := os.WriteFile(beside, []byte("theirs"), 0o600); err != nil {
			t.Fatal(err)
		}
		n, fired := 0, false
		hook := func(vfs.Op, string) error {
			if n++; n == at {
				fired = true
				return syscall.EIO
			}
			return nil
		}
		from, err := vfs.Open(folder, nil)
		if err != nil {
			t.Fatal(err)
		}
		s := New(Config{Dir: filepath.Join(folder, "recovery"), TasksFile: filepath.Join(folder, "tasks.json"), Hook: hook})
		e := Entry{Error: Failure{Code: "displaced", Message: "m", Attempts: 1}}
		name, err := s.Keep(e, from, ".tasks.json120000000000000", "tasks.json")
		if err == nil && !strings.HasSuffix(name, "-displaced") {
			t.Errorf("entry is %q", name)
		}
		s.config.Hook = nil
		if err != nil {
			if _, err := s.Keep(e, from, ".tasks.json120000000000000", "tasks.json"); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Errorf("again: %v", err)
			}
		}
		from.Close()
		if _, err := os.Lstat(beside); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("operation %d: it is still there", at)
		}
		if files := kept(t, s); files["tasks.json"] != "theirs" {
			t.Errorf("operation %d: kept %q", at, files)
		}
		if !fired || t.Failed() {
			return
		}
	}
}

func TestAddUpdateMakesAnEntryThatCanBeDroppedAgain(t *testing.T) {
	folder := t.TempDir()
	s := New(Config{Dir: filepath.Join(folder, "recovery"), TasksFile: filepath.Join(folder, "tasks.json")})
	for _, own := range []string{"x.json", "a\nb.json"} {
		e := Entry{Batch: "18ea000000000000", Error: Failure{Code: "overwritten", Message: "why", Attempts: 2}, Fragments: []Fragment{{Name: own}}}
		name, err := s.AddUpdate(e, json.RawMessage(`{"id":"P1"}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Entry(name)
		if err != nil {
			t.Fatal(err)
		}
		if got.Batch != e.Batch || got.Error != e.Error || got.PendingCount != 1 || len(got.Fragments) != 1 || got.Fragments[0].OwnName() != own ||
			got.Fragments[0].Error.Code != "overwritten" || got.Fragments[0].Updates != 1 || string(got.PendingUpdates[0]) != `{"id":"P1"}` {
			t.Errorf("entry is %+v", got)
		}
	}
	if files := kept(t, s); files["x.json"] != `{"id":"P1"}` || len(files) != 2 {
		t.Errorf("files are %q", files)
	}
}
