package document

import (
	"fmt"
	"testing"

	"github.com/sessionsync/sessionsync/bench/work"
	"github.com/sessionsync/sessionsync/fragment"
)

func BenchmarkParse(b *testing.B) {
	for _, mb := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("%dMB", mb), func(b *testing.B) {
			text, _ := work.TasksOf(mb * 1e6)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(text, Backlog); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A batch of so many fragments of one update each, on the document of 2.4 MB. What the benchmarks of Parse measure is left
// out of the time.
func BenchmarkApply(b *testing.B) {
	text := work.Tasks(work.Subtasks, work.Item)
	for _, fragments := range []int{100, 1000} {
		for _, effects := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/effects=%t", fragments, effects), func(b *testing.B) {
				batch := batchOf(b, fragments, work.Subtasks)
				b.ReportAllocs()
				for b.Loop() {
					b.StopTimer()
					doc := parsed(b, string(text), Backlog)
					b.StartTimer()
					apply(b, doc, batch, effects)
				}
			})
		}
	}
}

// To write the document after a batch of 100, into memory, is what splicing costs.
func BenchmarkPieces(b *testing.B) {
	for _, mb := range []int{1, 10, 100} {
		b.Run(fmt.Sprintf("%dMB", mb), func(b *testing.B) {
			text, subtasks := work.TasksOf(mb * 1e6)
			doc := parsed(b, string(text), Backlog)
			apply(b, doc, batchOf(b, 100, subtasks), false)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			out := make([]byte, 0, len(text))
			for b.Loop() {
				out = out[:0]
				for _, piece := range doc.Pieces() {
					out = append(out, piece...)
				}
			}
		})
	}
}

// batchOf returns the updates of so many fragments, spread over the document.
func batchOf(b *testing.B, fragments, subtasks int) (batch [][]fragment.Update) {
	b.Helper()
	for i := range fragments {
		batch = append(batch, updates(b, string(work.Update(i*subtasks/fragments, 1))))
	}
	return batch
}

func apply(b *testing.B, doc *Document, batch [][]fragment.Update, effects bool) {
	b.Helper()
	for _, updates := range batch {
		if _, err := doc.Apply(updates, Options{Schema: BuiltinSchema(), Effects: effects}); err != nil {
			b.Fatal(err)
		}
	}
}
