//go:build unix

package neighbours

import (
	"encoding/json"
	"fmt"
	"strings"
)

// phases are the items that both sides write to.
const phases = 20

func phase(n int) string { return fmt.Sprintf("P%d", n%phases+1) }

// A side writes to members that carry its name: a number, and behind the name of the list, what it has appended.
const (
	ours   = "ours"
	theirs = "theirs"
)

func listOf(side string) string { return side + "_list" }

// books are what one side has written, as it has to stand in the end.
type books struct {
	Side   string
	Writes int
	Last   map[string]any      // by item, the last value of its member
	Member string              // the member that Last is about
	Notes  map[string][]string // by item, what was appended to the list
	Tears  []tear              // while it wrote in place
}

func newBooks(side string) books {
	return books{Side: side, Member: side, Last: map[string]any{}, Notes: map[string][]string{}}
}

// tear is a time in which a neighbour may have had the file torn, or away.
type tear struct {
	From, To int64  // nanoseconds since 1970
	Inode    uint64 // 0: of whatever file
}

// lost counts what does not stand in the tasks file, or not exactly once, and says what the first such are.
func (b *books) lost(items map[string]map[string]any) (n int, examples string) {
	var first []string
	miss := func(format string, args ...any) {
		if n++; n <= 5 {
			first = append(first, fmt.Sprintf(format+"\n", args...))
		}
	}
	for id, want := range b.Last {
		if got := items[id][b.Member]; got != want {
			miss("%s of %s is %v, not %v", b.Member, id, got, want)
		}
	}
	for id, notes := range b.Notes {
		list, _ := items[id][listOf(b.Side)].([]any)
		stands := map[any]int{}
		for _, note := range list {
			stands[note]++
		}
		for _, note := range notes {
			if stands[note] != 1 {
				miss("%s stands %d times in the list of %s", note, stands[note], id)
			}
			delete(stands, note)
		}
		for note := range stands {
			miss("%v stands in the list of %s and was never written", note, id)
		}
	}
	return n, strings.Join(first, "")
}

// itemsIn returns the items of a tasks file by their ids, a subtask of Task Master's by that of its task too, and false where
// the file is torn.
func itemsIn(text []byte) (map[string]map[string]any, bool) {
	var doc any
	if json.Unmarshal(text, &doc) != nil {
		return nil, false
	}
	items := map[string]map[string]any{}
	var walk func(v any, task string)
	walk = func(v any, task string) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e, task)
			}
		case map[string]any:
			if id, ok := v["id"]; ok {
				task += fmt.Sprint(id)
				items[task] = v
			}
			for name, e := range v {
				if name == "subtasks" {
					walk(e, task+".")
				} else {
					walk(e, "")
				}
			}
		}
	}
	walk(doc, "")
	return items, true
}
