//go:build unix

package neighbours

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// The worst moment for a fragment: somebody has just undone what it builds on, and the agent has not applied that again.
func TestWhatIsDroppedRightBehindAnUndoIsBuiltOnWhatWasUndone(t *testing.T) {
	number := `{"id":"P1","ours":%d}`
	element := `{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/ours_list/-","value":%d}]}`
	cases := []struct {
		name, fragment string
		undos          int // how many of the two fragments' effects are undone
		member, want   string
	}{
		{"an element of a list", element, 1, "ours_list", "[1 2]"},
		{"an element of a list, and the next one is undone too", element, 2, "ours_list", "[1 2]"},
		{"a number, and the next one is undone too", number, 2, "ours", "2"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t, quickDir(t))
			them := program{path: s.tasks}
			before, err := os.ReadFile(s.tasks)
			must(t, err)
			now := func() string {
				text, err := os.ReadFile(s.tasks)
				must(t, err)
				items, _ := itemsIn(text)
				return fmt.Sprint(items["P1"][c.member])
			}
			undone := now()
			// The pause before the agent applies anything again leaves time for the second fragment.
			stop := s.start("watch.settle=0s", "batch.quiet=0s", "retry.base=1s")
			for n := 1; n <= 2; n++ {
				s.drop(n, fmt.Sprintf(c.fragment, n))
				s.until(time.Minute, func() bool { return now() != undone && len(s.left()) == 0 })
				if n <= c.undos {
					must(t, them.rename(before))
				}
			}
			s.until(5*time.Second, func() bool { return now() == c.want })
			log := stop()
			if got := now(); got != c.want {
				t.Errorf("it is %s in the end, not %s\n%s", got, c.want, log)
			}
		})
	}
}
