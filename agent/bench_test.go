package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
	"github.com/sessionsync/sessionsync/config"
)

// The whole agent, once, on 1,000 fragments that wait beside the document of 2.4 MB, from its start to its end. It works in
// memory where there is such a file system. To drop the fragments is left out of the time.
func BenchmarkOnceOnThousandWaiting(b *testing.B) { onceOnThousand(b, config.Default().History) }

// The difference is what the history costs.
func BenchmarkOnceOnThousandWaitingWithoutHistory(b *testing.B) { onceOnThousand(b, config.History{}) }

func onceOnThousand(b *testing.B, history config.History) {
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync-agent-")
	if err != nil {
		folder = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(folder) })
	c := config.Default()
	c.History = history
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery")
	if err := os.WriteFile(c.Tasks, work.Tasks(work.Subtasks, work.Item), 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Mkdir(c.Drop, 0o755); err != nil {
		b.Fatal(err)
	}
	a, err := New(c, Options{Once: true})
	if err != nil {
		b.Fatal(err)
	}
	const fragments = 1000
	b.ReportAllocs()
	for mark := 1; b.Loop(); mark++ {
		b.StopTimer()
		settled := time.Now().Add(-time.Minute) // nothing is waited for
		for i := range fragments {
			path := filepath.Join(c.Drop, fmt.Sprintf("%04d.json", i))
			if err := os.WriteFile(path, work.Update(2*i, mark), 0o644); err != nil {
				b.Fatal(err)
			}
			if err := os.Chtimes(path, settled, settled); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		if report, err := a.Run(b.Context()); err != nil || report.Updates != fragments {
			b.Fatalf("%+v, %v", report, err)
		}
	}
}
