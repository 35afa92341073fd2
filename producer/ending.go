package producer

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// The endings of the fragments that this package drops.
const (
	OneValue = ".json"  // an update, or an array of them
	Lines    = ".jsonl" // one update a line
)

// Ending is the one that a fragment's text asks for: Lines where its first line is a JSON value and another one follows,
// else OneValue.
func Ending(text []byte) string {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if len(bytes.TrimSpace(rest)) > 0 && jsontext.Value(bytes.TrimSpace(first)).IsValid(jsontext.AllowInvalidUTF8(true)) {
		return Lines
	}
	return OneValue
}
