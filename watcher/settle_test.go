package watcher

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTheStartUpScanSendsWhatIsThereOldestFirst(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("young.json", whole, time.Minute)
		b.old("b.jsonl", whole, time.Hour)
		b.old("a.ndjson", whole, time.Hour)
		b.old("oldest.json", whole, 24*time.Hour)
		b.run()
		files := <-b.out
		if got := fmt.Sprint(namesOf(files)); got != "[oldest.json a.ndjson b.jsonl young.json]" {
			t.Error(got)
		}
		want := File{Name: "young.json", Size: int64(len(whole)), ModTime: b.start.Add(-time.Minute)}
		if got := files[3]; got.Name != want.Name || got.Size != want.Size || !got.ModTime.Equal(want.ModTime) {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if took := time.Since(b.start); took != 0 {
			t.Errorf("it took %v", took)
		}
		b.said()
	})
}

func TestAFileThatIsToldOfLeavesWhenItIsReady(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(b *bench)
	}{
		{"renamed in long after it was written: at once", func(b *bench) {
			b.old(".x.tmp", whole, time.Second)
			b.must(os.Rename(b.path(".x.tmp"), b.path("x.json")))
			b.tell("x.json")
			b.sends(0, "x.json")
		}},
		{"renamed in right after it was written: when settled", func(b *bench) {
			b.write(".x.tmp", whole)
			time.Sleep(20 * ms)
			b.must(os.Rename(b.path(".x.tmp"), b.path("x.json")))
			b.tell("x.json")
			b.sends(50*ms, "x.json")
		}},
		{"written by >, first empty, then whole: when settled", func(b *bench) {
			b.write("x.json", "")
			b.tell("x.json")
			time.Sleep(10 * ms)
			b.write("x.json", whole)
			b.tell("x.json")
			b.sends(60*ms, "x.json")
		}},
		{"created empty and written much later: when that settled", func(b *bench) {
			b.write("x.json", "")
			b.tell("x.json")
			b.silent(700 * ms)
			b.write("x.json", whole)
			b.tell("x.json")
			b.sends(750*ms, "x.json")
		}},
		{"appended slowly, whole at each step: after the last step", func(b *bench) {
			b.write("x.jsonl", whole+"\n")
			b.tell("x.jsonl")
			for range 20 {
				time.Sleep(40 * ms)
				b.grow("x.jsonl", whole+"\n")
				b.tell("x.jsonl")
			}
			b.sends(850*ms, "x.jsonl")
		}},
		{"half-written, then finished: when settled", func(b *bench) {
			b.write("x.json", half)
			b.tell("x.json")
			b.silent(3 * time.Second)
			b.grow("x.json", `lete"}`)
			b.tell("x.json")
			b.sends(3050*ms, "x.json")
		}},
		{"half-written, and nobody tells of its end: when it is next looked at", func(b *bench) {
			b.write("x.json", half)
			b.tell("x.json")
			b.silent(1300 * ms)
			b.grow("x.json", `lete"}`)
			b.sends(1600*ms, "x.json") // looks at 50, 100, 200, 400, 800, 1600 ms
		}},
		{"half-written for ever: after incomplete_after, not before", func(b *bench) {
			b.write("x.json", half)
			b.tell("x.json")
			b.sends(5*time.Second, "x.json")
		}},
		{"growing and never finished: incomplete_after counts from its last change", func(b *bench) {
			b.write("x.json", half)
			b.tell("x.json")
			for range 4 {
				b.silent(3 * time.Second)
				b.grow("x.json", "more")
				b.tell("x.json")
			}
			b.sends(17*time.Second, "x.json")
		}},
		{"bad JSON is no business of ours: when settled", func(b *bench) {
			b.write("x.json", `{"id":]`)
			b.tell("x.json")
			b.sends(50*ms, "x.json")
		}},
		{"half-written long ago: at once", func(b *bench) {
			b.old("x.json", half, time.Hour)
			b.tell("x.json")
			b.sends(0, "x.json")
		}},
		{"written in the future: settle by our clock", func(b *bench) {
			b.old("x.json", whole, -24*time.Hour)
			b.tell("x.json")
			b.sends(50*ms, "x.json")
		}},
		{"written in the future and half: incomplete_after by our clock", func(b *bench) {
			b.old("x.json", half, -24*time.Hour)
			b.tell("x.json")
			b.sends(5*time.Second, "x.json")
		}},
		{"too large: when settled", func(b *bench) {
			b.write("x.json", strings.Repeat("[", 1025))
			b.tell("x.json")
			b.sends(50*ms, "x.json")
		}},
		{"too large, and its writer never pauses: after incomplete_after", func(b *bench) {
			b.write("x.json", strings.Repeat("[", 1025))
			b.tell("x.json")
			var writer sync.WaitGroup
			defer writer.Wait()
			writer.Go(func() {
				for range 600 {
					time.Sleep(10 * ms)
					b.grow("x.json", "[")
				}
			})
			b.sends(5*time.Second, "x.json")
			<-b.out // it is another file now
		}},
		{"gone before it settled: never", func(b *bench) {
			b.write("x.json", whole)
			b.tell("x.json")
			time.Sleep(10 * ms)
			b.must(os.Remove(b.path("x.json")))
			b.silent(time.Minute)
		}},
		{"gone before it was looked at: never", func(b *bench) {
			b.tell("x.json")
			b.silent(time.Minute)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.run()
				b.silent(0)
				c.play(b)
				b.silent(time.Minute)
				b.said()
			})
		})
	}
}

func TestWhatIsNoFragmentIsLeftAlone(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.must(os.Mkdir(b.path("folder.json"), 0o755))
		b.must(os.MkdirAll(b.path(".sessionsync/claimed"), 0o755))
		others := []string{".x.json", "x.json.tmp", "x.tmp", "x.json~", "x", "json", ".json", "x.JSON.bak", "tasks.yaml"}
		for _, name := range others {
			b.old(name, whole, time.Hour)
		}
		b.run()
		b.silent(time.Second)
		b.hints <- hint{canary: true}
		b.silent(time.Minute)
		b.tell("folder.json")
		b.silent(time.Minute)
		b.said()
	})
}

func TestNamesAreData(t *testing.T) {
	inBubble(t, func(b *bench) {
		names := []string{
			"a\nb.json", "\x1b[31mred.json", "\xff\xfe.json", strings.Repeat("n", 250) + ".json", "-rf.json", " .json",
			"`id`.json", "a\\b.json", "ü😀.json", "CON.json", "...json.json", "%00.json", "a\tb.jsonl",
		}
		if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
			names = names[3:6]
		}
		want := map[string]bool{}
		for _, name := range names {
			if !strings.HasPrefix(name, ".") {
				want[name] = true
			}
			b.old(name, whole, time.Second)
		}
		b.run()
		for _, f := range <-b.out {
			if !want[f.Name] {
				t.Errorf("sent %q", f.Name)
			}
			delete(want, f.Name)
		}
		if len(want) > 0 {
			t.Errorf("did not send %q", slices.Collect(maps.Keys(want)))
		}
	})
}

func TestLoggingIsNotNeeded(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Log = nil
		b.must(os.Remove(b.Dir))
		b.run()
		b.silent(50 * ms)
		b.mkdir()
		b.old("x.json", whole, time.Hour)
		b.sends(100*ms, "x.json")
	})
}
