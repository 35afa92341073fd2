package fragment

import (
	"bytes"
	"fmt"
	"testing"
)

// The fragment that most programs write.
func BenchmarkParseSmall(b *testing.B) {
	src := []byte(`{"id":"P1.M1.T1.S1","status":"Complete"}` + "\n")
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse("a.json", src, Limits{MaxBytes: 1 << 20, MaxDepth: 64}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseThousandLines(b *testing.B) {
	var src bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&src, `{"id":"P1.M1.T1.S%d","status":"Complete","story_points":%d,"description":"line %d of many"}`+"\n", i, i%21, i)
	}
	b.SetBytes(int64(src.Len()))
	b.ReportAllocs()
	for b.Loop() {
		updates, err := Parse("a.jsonl", src.Bytes(), Limits{MaxBytes: 1 << 20, MaxDepth: 64})
		if err != nil || len(updates) != 1000 {
			b.Fatal(len(updates), err)
		}
	}
}

// The most that a file within the limits can make of itself, and the least.
func BenchmarkParseHostile(b *testing.B) {
	for name, piece := range map[string]string{
		"brackets": "[", "blank lines": "\n", "tiny updates": `{"id":1}` + "\n", "tiny non-updates": "1\n",
		"one object": `{"id":1,"a":`,
	} {
		src := bytes.Repeat([]byte(piece), (1<<20)/len(piece))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				Parse("a.jsonl", src, Limits{MaxBytes: 1 << 20, MaxDepth: 64})
			}
		})
	}
}
