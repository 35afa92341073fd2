package fragment

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// What a file within the limits can cost at most. The bounds are generous; what they are for is a factor of ten, and
// work that grows with the square of the size, which would not end at all.
func TestParseOfHostileFilesIsBounded(t *testing.T) {
	const size = 1<<20 - 100 // room for what goes around
	fill := func(piece string) string { return strings.Repeat(piece, size/len(piece)) }
	var names strings.Builder
	for i := 0; names.Len() < size-20; i++ {
		fmt.Fprintf(&names, `,"%d":0`, i)
	}
	for _, c := range []struct {
		sentence, name, src string
		want                Code // "" for accepted
	}{
		{"brackets", "a.json", fill("["), TooDeep},
		{"braces", "a.json", fill(`{"a":`), TooDeep},
		{"brackets in a line", "a.jsonl", fill("["), TooDeep},
		{"quotes", "a.json", fill(`"`), InvalidJSON},
		{"backslashes in a string", "a.json", `{"a":"` + fill(`\\`)[:size-10], Incomplete},
		{"white space", "a.json", fill(" "), Incomplete},
		{"blank lines", "a.jsonl", fill("\n"), Incomplete},
		{"the smallest values in an array", "a.json", "[" + fill("1,") + "1]", NotAnUpdate},
		{"the smallest values in lines", "a.jsonl", fill("1\n"), NotAnUpdate},
		{"the smallest objects", "a.jsonl", fill("{}\n"), MissingID},
		{"the smallest updates in an array", "a.json", "[" + fill(`{"id":1},`) + `{"id":2}]`, ""},
		{"the smallest updates in lines", "a.jsonl", fill(`{"id":1}` + "\n"), ""},
		{"an object of many members", "a.json", `{"id":1` + names.String() + `}`, ""},
		{"a condition of many members", "a.json", `{"id":1,"$if":{"":0` + names.String() + `}}`, ""},
		{"many operations", "a.json", `{"id":1,"$op":"patch","$patch":[` + fill(`{"op":"remove","path":""},`) + `{"op":"remove","path":""}]}`, ""},
		{"a long name", "a.json", `{"id":1,"$` + fill("x") + `":1}`, UnknownControl},
		{"a long number", "a.json", `{"id":1` + fill("0") + `}`, ""},
		{"a long fraction", "a.json", `{"id":1.` + fill("0") + `1}`, MissingID},
		{"a member twice, deep inside long names", "a.json", strings.Repeat(`{"`+strings.Repeat("n", 10000)+`":`, 50) + `{"a":1,"a":2}`, InvalidJSON},
	} {
		t.Run(c.sentence, func(t *testing.T) {
			src := []byte(c.src)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			updates, err := Parse(c.name, src, limits)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > 80<<20 {
				t.Errorf("%d MiB were allocated for a file of 1 MiB", got>>20)
			}
			code := Code("")
			if err != nil {
				code = err.(*Error).Code
				if len(err.Error()) > 1000 {
					t.Errorf("a message of %d bytes", len(err.Error()))
				}
			}
			if code != c.want {
				t.Errorf("%d updates, %v; want %q", len(updates), err, c.want)
			}
		})
	}
}

// The room for updates is guessed from those before: a few tiny ones must not reserve it for a file full of them.
func TestParseReservesNoRoomForUpdatesThatDoNotCome(t *testing.T) {
	src := []byte("{\"id\":1}\n{\"id\":2}\n{\"id\":\"" + strings.Repeat("x", 1<<19) + "\"}\n")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	updates, err := Parse("a.jsonl", src, limits)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; len(updates) != 3 || got > 4<<20 {
		t.Errorf("%d updates, %v: %d MiB were allocated", len(updates), err, got>>20)
	}
}

func TestParseIsSafeToCallFromManyGoroutines(t *testing.T) {
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 200 {
				id := fmt.Sprintf("g%d.%d", g, i)
				src := fmt.Sprintf(`{"id":%q,"$if":{"a%d":%d},"x":["%s"]}`, id, g, i, strings.Repeat("y", i))
				got, err := Parse("a.json", []byte(src), limits)
				if err != nil || len(got) != 1 || got[0].ID != id || got[0].If[0].Name != fmt.Sprintf("a%d", g) || string(got[0].Raw) != src {
					t.Errorf("%s: %+v, %v", src, got, err)
				}
				if _, err := Parse("a.json", []byte(src[:len(src)/2]), limits); err == nil {
					t.Errorf("half of %s is accepted", src)
				}
			}
		})
	}
	all.Wait()
}

// The parsers are used again: nothing of one file may show in what was read from another.
func TestParseLeavesEarlierUpdatesAlone(t *testing.T) {
	read := func() (all [][]Update) {
		for i := range 50 {
			src := fmt.Appendf(nil, `[{"id":"a%d","$op":"patch","$patch":[{"op":"test","path":"/p%d","value":%d}]},{"id":%d,"m%d":1}]`, i, i, i, i, i)
			updates, err := Parse("a.json", src, limits)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, updates)
			if _, err := Parse("a.json", bytes.Repeat([]byte(`{"id":`), i), limits); err == nil {
				t.Fatal("accepted")
			}
		}
		return all
	}
	first := read()
	if second := read(); !reflect.DeepEqual(first, second) {
		t.Error("two readings of the same files differ")
	}
	if u := first[7][0]; u.ID != "a7" || u.Patch[0].Path != "/p7" || string(u.Patch[0].Value) != "7" {
		t.Errorf("%+v", u)
	}
}
