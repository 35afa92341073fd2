package demo

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// teller writes for people.
type teller struct {
	Options
	ctx     context.Context // ends the pauses
	trouble error           // of the first write that failed; nothing is written after it
}

func (t *teller) say(format string, values ...any) {
	if t.trouble == nil {
		_, t.trouble = fmt.Fprintf(t.Out, format+"\n", values...)
	}
}

// title begins a part, after a pause.
func (t *teller) title(text string) {
	if t.Pause > 0 {
		select {
		case <-time.After(t.Pause):
		case <-t.ctx.Done():
		}
	}
	t.say("\n%s\n", t.paint("1", text))
}

func (t *teller) paint(code, text string) string {
	if !t.Colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// unified shows a unified one, without its head.
func (t *teller) unified(diff string) {
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "diff "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		case strings.HasPrefix(line, "+"):
			t.say("  %s", t.paint("32", line))
		case strings.HasPrefix(line, "-"):
			t.say("  %s", t.paint("31", line))
		case strings.HasPrefix(line, "@@"):
			t.say("  %s", t.paint("2", line))
		default:
			t.say("  %s", line)
		}
	}
}
