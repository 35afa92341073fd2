package writer

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
)

// A batch of 100 fragments, by a writer that has committed before and whose file nobody else has written. As in the agent
// each Commit follows a Check. The file is in memory where there is such a file system.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1e5, 1e6, 10e6, 100e6} {
		b.Run(fmt.Sprintf("%gMB", float64(size)/1e6), func(b *testing.B) {
			text, subtasks := work.TasksOf(size)
			w := benchmarked(b, text)
			var batches [3][]Fragment // each changes something in what the one before has left
			for mark := range batches {
				for i := range 100 {
					batches[mark] = append(batches[mark], Fragment{"a.json", parsed(b, work.Update(i*subtasks/100, mark+1))})
				}
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := w.Check(b.Context()); err != nil {
					b.Fatal(err)
				}
				result, err := w.Commit(b.Context(), batches[n%len(batches)], nil, func(Intent) error { return nil })
				if err != nil || !result.Written || result.Fragments != 100 {
					b.Fatalf("%+v, %v", result, err)
				}
			}
		})
	}
}

func benchmarked(b *testing.B, text []byte) *Writer {
	b.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "sessionsync-writer-")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "tasks.json")
	if err := os.WriteFile(path, text, 0o644); err != nil {
		b.Fatal(err)
	}
	w := New(Config{
		Path:    path,
		Layout:  document.Backlog,
		Options: document.Options{Schema: document.BuiltinSchema(), Effects: true},
		Retry:   Retry{Attempts: 1, Base: time.Millisecond, Max: time.Millisecond},
		Log:     slog.New(slog.DiscardHandler),
	})
	b.Cleanup(w.forget)
	return w
}

func parsed(b *testing.B, text []byte) []fragment.Update {
	b.Helper()
	updates, err := fragment.Parse("a.json", text, fragment.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	return updates
}
