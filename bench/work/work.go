// Package work makes what is measured: tasks files of any size, and the fragments for them. The same arguments make the
// same bytes.
//
// Their items look like those of real backlogs: indented, with a long text in which escapes stand, and ids that tell of
// their place. Each subtask has a member "mark" of eight digits. An update changes it and the status, and neither changes
// its width, so what is to be seen in a tasks file stands at the same place before and after.
package work

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Item is how many bytes a real subtask has.
const Item = 1200

// Subtasks is how many of them make a document of 2.4 MB.
const Subtasks = 2000

var levels = [...]struct {
	kind, letter, children string
	span                   int // subtasks below one of them
}{
	{"Phase", "P", "milestones", 200}, {"Milestone", ".M", "tasks", 50}, {"Task", ".T", "subtasks", 10}, {"Subtask", ".S", "", 1},
}

// Tasks returns a tasks file of so many subtasks, each of about size bytes.
func Tasks(subtasks, size int) []byte {
	var b bytes.Buffer
	b.Grow(subtasks*(size+100) + 4096)
	b.WriteString("{\n  \"backlog\": ")
	list(&b, 0, "", 0, subtasks, prose(size))
	b.WriteString("\n}\n")
	return b.Bytes()
}

// TasksOf returns a tasks file of about so many bytes, and how many subtasks it has.
func TasksOf(size int) ([]byte, int) {
	n := max(1, size/(len(Tasks(levels[0].span, Item))/levels[0].span))
	return Tasks(n, Item), n
}

// list writes the items of one list: those that hold the subtasks from one number to another.
func list(b *bytes.Buffer, depth int, parent string, from, to int, prose string) {
	level := levels[depth]
	indent := strings.Repeat("    ", depth+1)
	b.WriteByte('[')
	for n := from; n < to; n += level.span {
		if n > from {
			b.WriteByte(',')
		}
		member := func(name, value string) { fmt.Fprintf(b, ",\n%s  %q: %s", indent, name, value) }
		id := parent + level.letter + strconv.Itoa((n-from)/level.span+1)
		fmt.Fprintf(b, "\n%s{\n%[1]s  \"type\": %[2]q", indent, level.kind)
		member("id", strconv.Quote(id))
		member("title", fmt.Sprintf("\"%s %s, one of many\"", level.kind, id))
		member("status", `"Complete"`)
		if level.children == "" {
			member("story_points", "1")
			member("dependencies", "[]")
			member("mark", `"00000000"`)
			member("context_scope", prose)
		} else {
			member("description", fmt.Sprintf("\"What %s is about, in a sentence or two.\"", id))
			member(level.children, "")
			list(b, depth+1, id, n, min(to, n+level.span), prose)
		}
		fmt.Fprintf(b, "\n%s}", indent)
	}
	fmt.Fprintf(b, "\n%s]", indent[2:])
}

// prose is a JSON string that makes a subtask as long as it should be.
func prose(size int) string {
	const sentence = `1. NOTE: the session's folder is named ` + "`{sequence}_{hash}`" + `, \"014_ab\" for one.\n`
	const others = 370 // bytes of a subtask beside it
	return `"CONTRACT:\n` + strings.Repeat(sentence, max(1, (size-others)/len(sentence))) + `"`
}

// ID returns the id of a subtask, from 0.
func ID(n int) string {
	id := ""
	for _, level := range levels {
		id += level.letter + strconv.Itoa(n/level.span+1)
		n %= level.span
	}
	return id
}

// Update returns a fragment that changes one subtask. It changes something as long as mark is not the one before.
func Update(subtask, mark int) []byte {
	status := [...]string{"Complete", "Retrying", "Obsolete"}[mark%3]
	return fmt.Appendf(nil, "{\"id\":%q,\"status\":%q,\"mark\":\"%08d\"}\n", ID(subtask), status, mark)
}

// MarkAt returns where the digits of the first subtask's mark stand.
func MarkAt(tasks []byte) int {
	const before = `"mark": "`
	return bytes.Index(tasks, []byte(before)) + len(before)
}
