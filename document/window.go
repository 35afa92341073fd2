package document

import (
	"bytes"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// window is a stretch of one list, as a small list of its own: a child that comes or goes concerns its neighbours only,
// however many brothers and sisters it has.
type window struct {
	n             *node
	first, last   int    // the children in it
	before, after []byte // what stands outside of it in the first and the last gap
	opened        bool   // the list begins in the window
	closed        bool   // the list ends in it
	text          []byte
	holes         []int
}

// window returns the stretch of the children from first to last, which are in one list.
func (n *node) window(first, last int) window {
	w := window{n: n, first: first, last: last, before: n.gap(first), after: n.gap(last + 1)}
	list := n.kids[first].list
	if w.opened = first == 0 || n.kids[first-1].list != list; w.opened {
		open := jsonedit.LastOpen(w.before)
		w.text, w.before = append(w.text, w.before[open:]...), w.before[:open]
	} else {
		w.text = append(append(w.text, '['), lineBreak(w.before)...)
	}
	for i := first; i <= last; i++ {
		if i > first {
			w.text = append(w.text, n.gap(i)...)
		}
		w.holes = append(w.holes, len(w.text))
		w.text = append(w.text, jsonedit.Hole...)
	}
	if w.closed = last+1 == len(n.kids) || n.kids[last+1].list != list; w.closed {
		end := jsonedit.FirstClose(w.after) + 1
		w.text, w.after = append(w.text, w.after[:end]...), w.after[end:]
	} else {
		w.text = append(w.text, ']')
	}
	return w
}

// edit begins to edit the window.
func (w *window) edit(style jsonedit.Style) *jsonedit.Text {
	indent := ""
	if bytes.IndexByte(w.text, '\n') < 0 {
		indent = w.n.lineIndent(w.first)
	}
	return jsonedit.New(w.text, w.holes, style, indent)
}

// gaps returns what the edited window makes of the gaps before, between and behind its children.
func (w *window) gaps(t *jsonedit.Text) [][]byte {
	gaps := split(t.Bytes(), t.Marks())
	last := len(gaps) - 1
	if !w.opened {
		gaps[0] = nil
	}
	if !w.closed {
		gaps[last] = nil
	}
	gaps[0] = append(w.before[:len(w.before):len(w.before)], gaps[0]...)
	gaps[last] = append(gaps[last][:len(gaps[last]):len(gaps[last])], w.after...)
	return gaps
}

// lineBreak returns the last line break in a gap with the blanks behind it.
func lineBreak(gap []byte) []byte {
	before, after, ok := cutLastLine(gap)
	if !ok {
		return nil
	}
	start := len(before) - 1
	if start > 0 && gap[start-1] == '\r' {
		start--
	}
	return gap[start : len(before)+len(blanks(after))]
}
