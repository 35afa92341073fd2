// Package dashboard is the live view of a session in a terminal: who serves, what waits, how fast updates are applied, the
// newest updates and rejects, and how far the items of the tasks file are.
//
// It only shows what it is given (Config.Look, Config.Updates), four times a second at most and by one goroutine at a time,
// on the terminal's alternate screen, which is gone when it ends: by q, Ctrl-C, or its context. Then, and after a panic too,
// the terminal is as it was. It needs 20 columns and 5 lines to be of use, takes no harm from fewer, and leaves out first
// what matters least. Colours are the terminal's own sixteen; without any (NO_COLOR) shapes and words say the same.
//
// What it shows may come from anybody's files: no text of theirs reaches the terminal but through logging.Printable.
package dashboard
