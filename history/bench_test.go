package history

import (
	"fmt"
	"testing"
	"time"
)

// What one batch of a thousand fragments costs, from its records to the file.
func BenchmarkABatchOfAThousand(b *testing.B) {
	f := newFolder(b)
	log := New(Config{MaxBytes: 16 << 20})
	names, records := make([]string, 1000), make([]Record, 1000)
	for i := range records {
		names[i] = fmt.Sprintf("%04d.json", i)
		records[i] = applied(names[i], fmt.Sprintf("P1.M1.T1.S%d", i), `"Planned"`, `"Complete"`)
	}
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		batch := fmt.Sprintf("%016x", n)
		log.Seen(f.dir, batch, names)
		log.Merged(f.dir, batch, records)
		log.Committed(f.dir, batch)
	}
}

func BenchmarkReadingTheBooks(b *testing.B) {
	f := newFolder(b)
	b.SetBytes(int64(len(f.fill(16))))
	for b.Loop() {
		if _, err := ReadBooks(f.drop); err != nil {
			b.Fatal(err)
		}
	}
}

func (f *folder) fill(batches int) string {
	log := New(Config{MaxBytes: 64 << 20})
	for i := range batches {
		batch := fmt.Sprintf("%016x", i)
		var names []string
		var records []Record
		for j := range 1000 {
			names = append(names, fmt.Sprintf("%04d-%d.json", j, time.Now().UnixNano()))
			records = append(records, applied(names[j], fmt.Sprintf("P1.M1.T1.S%d", j), `"Planned"`, `"Complete"`))
		}
		log.Seen(f.dir, batch, names)
		log.Merged(f.dir, batch, records)
		log.Committed(f.dir, batch)
	}
	return f.text(fileName)
}
