// Package logging makes the program's logger: text for people (tint), JSON for programs.
//
// What comes from outside (file names, values, the errors that quote them) is data. Whatever is logged, in whichever of
// the two forms:
//
//   - One record is one line. The only control characters in the output are its final newline and, in colour, the escape
//     sequences that tint makes by itself.
//   - Nothing is dropped in silence: characters that cannot be seen are shown as escapes, as [Printable] does, and what is
//     cut off a value of more than 4 KiB is announced with the value's length.
//
// Times and durations of a JSON record are as slog writes them (RFC 3339, nanoseconds as a number).
package logging

import (
	"io"
	"log/slog"

	"github.com/lmittmann/tint"
)

// Options say how to log. All of it is decided by the caller: nothing is asked of the environment here.
type Options struct {
	Level    slog.Level
	Format   string // text, json; auto or "": text on a terminal, JSON elsewhere
	Terminal bool   // the writer is a terminal
	NoColor  bool   // no colour, on a terminal either
}

// New makes a logger that writes each record to w with one Write.
func New(w io.Writer, o Options) *slog.Logger {
	if o.Format == "json" || o.Format != "text" && !o.Terminal {
		return slog.New(&handler{next: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: o.Level})})
	}
	return slog.New(&handler{text: true, next: tint.NewTextHandler(w, &tint.Options{
		Level:      o.Level,
		TimeFormat: "15:04:05.000",
		NoColor:    o.NoColor || !o.Terminal,
	})})
}
