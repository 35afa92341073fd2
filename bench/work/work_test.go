package work

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
)

func TestEveryUpdateFitsAndChangesItsSubtaskInPlace(t *testing.T) {
	for _, subtasks := range []int{1, 9, 10, 11, 250, 1000} {
		text := Tasks(subtasks, Item)
		doc, err := document.Parse(text, document.Backlog)
		if err != nil {
			t.Fatal(err)
		}
		for n := range subtasks {
			updates, err := fragment.Parse("a.json", Update(n, 7), fragment.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			out, err := doc.Apply(updates, document.Options{Schema: document.BuiltinSchema()})
			if err != nil || out.Applied != 1 {
				t.Fatalf("update of subtask %d of %d: %+v, %v", n, subtasks, out, err)
			}
		}
		after := doc.Bytes()
		if want := bytes.ReplaceAll(text, []byte(`"00000000"`), []byte(`"00000007"`)); len(after) != len(want) {
			t.Errorf("%d subtasks: %d bytes became %d", subtasks, len(want), len(after))
		}
		if at := MarkAt(after); at != MarkAt(text) || string(after[at:at+8]) != "00000007" {
			t.Errorf("%d subtasks: the first mark is not where it was, or not the new one", subtasks)
		}
	}
}

func TestASubtaskHasTheBytesThatItShouldHave(t *testing.T) {
	for _, size := range []int{Item, 10_000, 100_000} {
		one := len(Tasks(1000, size)) - len(Tasks(999, size))
		if one < size*9/10 || one > size*11/10 {
			t.Errorf("a subtask of %d bytes has %d", size, one)
		}
	}
}

func TestATasksFileHasTheSizeThatItShouldHave(t *testing.T) {
	for _, size := range []int{100_000, 1_000_000, 10_000_000} {
		text, subtasks := TasksOf(size)
		if len(text) < size*9/10 || len(text) > size*11/10 {
			t.Errorf("one of %d bytes has %d", size, len(text))
		}
		if last := fmt.Appendf(nil, "%q", ID(subtasks-1)); !bytes.Contains(text, last) {
			t.Errorf("one of %d bytes does not hold its last subtask, %s", size, last)
		}
	}
}
