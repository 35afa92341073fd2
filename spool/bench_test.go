package spool

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/bench/work"
)

// The way of a batch of 1,000 through the queue: claimed, read, recorded, settled.
// It is in memory where there is such a file system. To drop the fragments is left
// out of the time.
func BenchmarkBatchOfThousand(b *testing.B) {
	dir, err := os.MkdirTemp("/dev/shm", "sessionsync-spool-")
	if err != nil {
		dir = b.TempDir()
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	s, err := Open(Config{Drop: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	var names []string
	for i := range 1000 {
		names = append(names, fmt.Sprintf("%04d.json", i))
	}
	intent := Intent{Digest: strings.Repeat("0", 64), Base: strings.Repeat("1", 64)}
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), work.Update(i, 1), 0o644); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		batch, err := s.Claim(names)
		if err != nil || len(batch.Files) != len(names) {
			b.Fatal(err)
		}
		for _, f := range batch.Files {
			if _, err := batch.Read(f.Name, 1<<20); err != nil {
				b.Fatal(err)
			}
		}
		if err := batch.Record(intent); err != nil {
			b.Fatal(err)
		}
		if err := batch.Settle(); err != nil {
			b.Fatal(err)
		}
	}
}
