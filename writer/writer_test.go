package writer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// phases is a tasks file with n items.
func phases(n int) string {
	var s strings.Builder
	s.WriteString("{\n  \"backlog\": [\n")
	for i := 1; i <= n; i++ {
		comma := ","
		if i == n {
			comma = ""
		}
		fmt.Fprintf(&s, "    {\"id\": \"P%d\", \"type\": \"Phase\", \"title\": \"x\", \"status\": \"Planned\"}%s\n", i, comma)
	}
	s.WriteString("  ]\n}\n")
	return s.String()
}

func TestNewTouchesNothing(t *testing.T) {
	b := newBench(t)
	b.config.Path = filepath.Join(b.dir, "nowhere", "tasks.json")
	b.config.Hook = func(op vfs.Op, path string) error { t.Errorf("%s %s", op, path); return nil }
	b.writer()
}

func TestOneCommitIsOneWriteWithEveryUpdateInIt(t *testing.T) {
	b := newBench(t)
	b.put(phases(100))
	renames := 0
	b.config.Hook = func(op vfs.Op, _ string) error {
		if replaces(op) {
			renames++
		}
		return nil
	}
	var texts []string
	for i := 1; i <= 100; i++ {
		texts = append(texts, fmt.Sprintf(`{"id": "P%d", "status": "Complete"}`, i))
	}
	r := b.mustCommit(b.writer(), fragments(t, texts...)...)
	if renames != 1 || b.records != 1 {
		t.Errorf("%d renames and %d records, want one of each", renames, b.records)
	}
	if want := strings.ReplaceAll(phases(100), "Planned", "Complete"); b.content() != want {
		t.Errorf("content is\n%s", b.content())
	}
	if len(r.Changed) != 100 || r.Changed[99] != 99 {
		t.Errorf("changed are %v", r.Changed)
	}
	r.Rejects, r.Temps, r.Changed = nil, nil, nil
	want := Result{Fragments: 100, Updates: 100, Items: 100, WritesSaved: 99, Efficiency: 99, Written: true, Bytes: int64(len(b.content())), Attempts: 1}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("result is %+v, want %+v", r, want)
	}
	b.noTemp()
}

func TestABatchOfOneSavesNothing(t *testing.T) {
	b := newBench(t)
	r := b.mustCommit(b.writer(), fragments(t, `{"id": "P1", "status": "Complete"}`)...)
	if r.Updates != 1 || r.WritesSaved != 0 || r.Efficiency != 0 || !r.Written {
		t.Errorf("result is %+v", r)
	}
	if want := strings.Replace(original, "Planned", "Complete", 1); b.content() != want {
		t.Errorf("content is\n%s", b.content())
	}
}

func TestTheSameItemTwiceInABatchEndsAsTheLastUpdateSays(t *testing.T) {
	b := newBench(t)
	r := b.mustCommit(b.writer(), fragments(t, `{"id": "P1", "status": "Complete"}`, `{"id": "P1", "status": "Failed"}`)...)
	if r.Updates != 2 || r.Items != 1 || r.WritesSaved != 1 || r.Efficiency != 50 {
		t.Errorf("result is %+v", r)
	}
	if got := b.items()["P1"].Status; got != "Failed" {
		t.Errorf("status is %s", got)
	}
}

func TestWhatChangesNothingWritesNothing(t *testing.T) {
	for name, texts := range map[string][]string{
		"no fragment":                   nil,
		"a fragment without updates":    {`[]`},
		"a value that is there already": {`{"id": "P1", "status": "Planned"}`},
		"only rejects":                  {`{"id": "P9", "status": "Planned"}`},
		"an update that is undone":      {`{"id": "P1", "status": "Failed"}`, `{"id": "P1", "status": "Planned"}`},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			before, err := os.Stat(b.path)
			if err != nil {
				t.Fatal(err)
			}
			b.config.Hook = func(op vfs.Op, path string) error {
				switch op {
				case vfs.OpOpen, vfs.OpRead, vfs.OpStat, vfs.OpClose, vfs.OpLease:
					return nil
				}
				t.Errorf("%s %s", op, path)
				return nil
			}
			r := b.mustCommit(b.writer(), fragments(t, texts...)...)
			after, err := os.Stat(b.path)
			if err != nil {
				t.Fatal(err)
			}
			if r.Written || r.Bytes != 0 || b.records != 0 {
				t.Errorf("result is %+v, %d records", r, b.records)
			}
			if !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) || b.content() != original {
				t.Error("the tasks file was touched")
			}
		})
	}
}

func TestRejectsAreSetAsideAndTheOthersGoOn(t *testing.T) {
	b := newBench(t)
	r := b.mustCommit(b.writer(), fragments(t,
		`{"id": "P9", "status": "Complete"}`,
		`{"id": "P1", "status": "Complete"}`,
		`[{"id": "P2", "status": "Complete"}, {"id": "P2", "status": "Failed", "$if": {"status": "Planned"}}]`,
		`[{"id": "P2", "status": "Retrying"}, {"id": "P1", "status": "Complete"}]`,
	)...)
	if r.Fragments != 2 || r.Updates != 2 || r.Unchanged != 1 || len(r.Rejects) != 2 {
		t.Fatalf("result is %+v", r)
	}
	for i, want := range []struct {
		index int
		code  fragment.Code
	}{{0, fragment.UnknownID}, {2, fragment.PreconditionFailed}} {
		if got := r.Rejects[i]; got.Index != want.index || got.Err.Code != want.code {
			t.Errorf("reject %d is %d %s, want %d %s", i, got.Index, got.Err.Code, want.index, want.code)
		}
	}
	if !reflect.DeepEqual(b.intent.Rejects, r.Rejects) {
		t.Errorf("the intent has the rejects %v", b.intent.Rejects)
	}
	if items := b.items(); items["P1"].Status != "Complete" || items["P2"].Status != "Retrying" {
		t.Errorf("items are %v", items)
	}
}

func TestTheOrderOfACommitIsTheOneOfTheCrashArgument(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	b.mustCommit(w, adding(t, "first")...) // it finds out how the file system dates changes
	var trace []string
	w.config.Hook = func(op vfs.Op, path string) error {
		switch base := filepath.Base(path); {
		case op == vfs.OpRead, op == vfs.OpStat, op == vfs.OpOpen, base == "tasks.json":
		case strings.HasPrefix(base, ".tasks.json"):
			trace = append(trace, string(op)+" temp")
		case path == b.dir:
			trace = append(trace, string(op)+" folder")
		default:
			trace = append(trace, string(op)+" "+base)
		}
		return nil
	}
	b.config.Hook = w.config.Hook
	b.mustCommit(w, adding(t, "a")...)
	trace = trace[:len(trace)-1] // the folder's last close
	want := "create temp, write temp, chmod temp, sync temp, close temp, sync folder, write intent, sync intent, " +
		"exchange temp, sync folder, remove temp"
	if strings.Join(trace, ", ") != want {
		t.Errorf("order is %s", strings.Join(trace, ", "))
	}
}

func TestTheTemporaryFileIsCleanedUpWhenAStepFails(t *testing.T) {
	for _, op := range []vfs.Op{vfs.OpWrite, vfs.OpChmod, vfs.OpSync, vfs.OpClose, vfs.OpExchange} {
		t.Run(string(op), func(t *testing.T) {
			b := newBench(t)
			n := 1
			b.config.Hook = failing(op, ".tasks.json", &n, syscall.EACCES)
			w := b.writer()
			r, err := b.commit(w, adding(t, "a")...)
			if got := trouble(t, err); got.Replaced || r.Written || n != 0 {
				t.Errorf("trouble is %+v, result %+v", got, r)
			}
			if b.content() != original {
				t.Error("the tasks file has changed")
			}
			b.noTemp()
			b.mustCommit(w, adding(t, "a")...)
			b.applied("a")
		})
	}
}

func TestCheckReadsOnceForTheCommitBehindIt(t *testing.T) {
	b := newBench(t)
	reads := 0
	b.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpOpen && path == b.path {
			reads++
		}
		return nil
	}
	w := b.writer()
	if err := w.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	w.checked.young = false // as two seconds later
	b.mustCommit(w, adding(t, "a")...)
	if reads != 1 {
		t.Errorf("the tasks file was opened %d times, want once", reads)
	}
	b.applied("a")
}

func TestTheCommitBehindACheckSeesWhatCameInBetween(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	if err := w.Check(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.put(strings.Replace(original, "Two", "Zwo", 1))
	b.mustCommit(w, adding(t, "a")...)
	b.applied("a")
	if got := b.items()["P2"].Title; got != "Zwo" || b.records != 1 {
		t.Errorf("title is %q, after %d tries", got, b.records)
	}
}

func TestACommitThatIsCalledOffLeavesNothing(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	asked := 0
	_, err := w.Commit(context.Background(), adding(t, "a"), nil, func(Intent) error {
		asked++
		return fmt.Errorf("not now: %w", ErrCalledOff)
	})
	if !errors.Is(err, ErrCalledOff) || asked != 1 {
		t.Errorf("Commit = %v, and record was called %d times", err, asked)
	}
	b.applied()
	b.noTemp()
	b.mustCommit(w, adding(t, "b")...)
	if b.applied("b"); b.records != 1 {
		t.Errorf("the next one called record %d times", b.records)
	}
}

func TestManyCommitsOfOneWriter(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	var marks []string
	for i := range 20 {
		mark := fmt.Sprint(i)
		marks = append(marks, mark)
		b.mustCommit(w, adding(t, mark)...)
	}
	b.applied(marks...)
	b.noTemp()
}

func TestACommitWithoutAnyAttemptLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r, err := b.writer().Commit(ctx, adding(t, "a"), nil, b.record)
		if err != context.Canceled || r.Attempts != 0 || r.Written {
			t.Errorf("Commit = %+v, %v", r, err)
		}
		b.applied()
	})
}
