package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/sessionsync/sessionsync/logging"
)

// printJSON prints one value for programs, and for people who look what a program gets.
func printJSON(w io.Writer, v any) error { return encodeJSON(w, v, "  ") }

// encodeJSON writes one value and a newline, with nothing in it that has power over a terminal.
func encodeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, escapeJSON(b.String()))
	return err
}

// escapeJSON gives the same JSON, of one or many lines, in which what has no visible form is escaped: it can only be in
// strings, line ends apart.
func escapeJSON(text string) string {
	var b strings.Builder
	for _, r := range text {
		if shown := string(r); r == '\n' || logging.Printable(shown) == shown {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// count is a number of things whose plural has an s.
func count(n int, what string) string { return countOf(n, what, what+"s") }

func countOf(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}

// shortened is the beginning of a text on one line.
func shortened(text string, most int) string {
	runes := []rune(logging.Printable(text))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// parseAge reads a duration, which may be in days or weeks.
func parseAge(text string) (age time.Duration, ok bool) {
	const day = 24 * time.Hour
	for suffix, unit := range map[string]time.Duration{"d": day, "w": 7 * day} {
		number, found := strings.CutSuffix(text, suffix)
		if n, err := strconv.Atoi(number); found && err == nil && n >= 0 && time.Duration(n) <= (1<<62)/unit {
			return time.Duration(n) * unit, true
		}
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// hasColours reports whether what is written there may be coloured: on a terminal, unless NO_COLOR (https://no-color.org)
// says otherwise.
func (e environment) hasColours(w io.Writer) bool {
	return isTerminal(w) && e.variable("NO_COLOR") == "" && e.variable("TERM") != "dumb"
}
