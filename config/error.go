package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// Error is wrong use: all that is wrong with the configuration. The program ends with exit code 2.
type Error struct {
	Problems []Problem // at least one; those of the file first, in its order, then variables, then flags
}

// Problem is one thing that is wrong.
type Problem struct {
	Place   string // sessionsync.yaml:7:3, SESSIONSYNC_BATCH_QUIET, --log-level; "" where there is none
	Key     string // batch.quiet; "" where it is about no key
	Message string // one line
	Excerpt string // the lines of the file around the place, the place marked; "" where it is not in a file

	layer, line, column int // by which problems are ordered
}

// Error is for a person: one line a problem, and below it the lines of the file.
func (e *Error) Error() string {
	const enough = 20 // more of them are one mistake, such as another program's file
	var lines []string
	for i, p := range e.Problems {
		if i == enough {
			return strings.Join(append(lines, fmt.Sprintf("and %d more problems", len(e.Problems)-i)), "\n")
		}
		line := p.Message
		if p.Place != "" {
			line = p.Place + ": " + line
		}
		lines = append(lines, line)
		if p.Excerpt != "" {
			lines = append(lines, p.Excerpt)
		}
	}
	return strings.Join(lines, "\n")
}

func sorted(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.layer, b.layer), cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	return problems
}

// excerpt draws the place as goccy/go-yaml does. Its own printer works on tokens, not on lines: it shows a null where the
// file has nothing, loses count behind blank lines and puts the mark in the wrong column of a line with tabs.
func excerpt(lines []string, line, column int) string {
	if line < 1 || line > len(lines) {
		return ""
	}
	const width = 120
	start := max(0, column-width*2/3) // of a long line, the part around the place
	cut := func(s string) []rune {
		runes := []rune(strings.TrimSuffix(s, "\r"))
		runes = runes[min(start, len(runes)):]
		for i, r := range runes {
			if r == '\t' {
				runes[i] = ' ' // as wide as any other character, so that the mark stands below its place
			} else if !unicode.IsPrint(r) {
				runes[i] = unicode.ReplacementChar // it goes to a terminal
			}
		}
		return runes[:min(width, len(runes))]
	}

	var b strings.Builder
	for n := max(1, line-2); n <= min(len(lines), line+1); n++ {
		mark := "  "
		if n == line {
			mark = "> "
		}
		shown := cut(lines[n-1])
		if n > line && len(shown) == 0 {
			break
		}
		fmt.Fprintf(&b, "%s%s\n", mark, strings.TrimRight(fmt.Sprintf("%2d | %s", n, string(shown)), " "))
		if n != line {
			continue
		}
		indent := len(fmt.Sprintf("> %2d | ", n)) + max(0, column-1-start)
		b.WriteString(strings.Repeat(" ", indent) + "^\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
