package history

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Outcome is what became of a fragment.
type Outcome string

// The outcomes. Overwritten tells of an update that was applied and that another program has undone for good; its changes are
// what that program did.
const (
	Applied     Outcome = "applied"
	Unchanged   Outcome = "unchanged" // everything was as it wanted it
	Rejected    Outcome = "rejected"
	Overwritten Outcome = "overwritten"
)

// ByAgent is Record.By of a batch that no producer has dropped: updates that another program had undone, applied again.
const ByAgent = "agent"

// Record tells what became of one fragment.
type Record struct {
	At      time.Time `json:"at"`
	Batch   string    `json:"batch"`
	File    string    `json:"file"` // the fragment's name as it was dropped, which may hold any byte
	Outcome Outcome   `json:"outcome"`
	By      string    `json:"by,omitempty"`      // ByAgent, or "" for who dropped the file
	Code    string    `json:"code,omitempty"`    // of a reject
	ID      string    `json:"id,omitempty"`      // of a reject: the item, where it is about one
	Message string    `json:"message,omitempty"` // of a reject
	Changes []Change  `json:"changes,omitempty"`
	More    int       `json:"more,omitempty"` // changes that were too much to be told

	Line []byte `json:"-"` // as it stands in the file, without the newline; nil in what is to be written
}

// Change is one value that a fragment has replaced.
type Change struct {
	Scope string           `json:"scope,omitempty"`
	ID    string           `json:"id"`
	Path  jsontext.Pointer `json:"path"` // in the item; "" is the item itself
	Old   jsontext.Value   `json:"old,omitempty"`
	New   jsontext.Value   `json:"new,omitempty"` // nil, as Old: absent, or cut

	OldCut *Cut `json:"old_cut,omitempty"`
	NewCut *Cut `json:"new_cut,omitempty"`
}

// Cut stands for a value that was too large to be told.
type Cut struct {
	Bytes int    `json:"bytes"`
	XXH3  string `json:"xxh3"` // 128 bits in hex, of the value as JSON without white space
}

// encodeName is a file's name as it stands in a line: itself where it is text, else in quotes with Go's escapes.
func encodeName(name string) string {
	if utf8.ValidString(name) && !strings.HasPrefix(name, `"`) {
		return name
	}
	return strconv.Quote(name)
}

func decodeName(name string) string {
	if own, err := strconv.Unquote(name); err == nil && strings.HasPrefix(name, `"`) {
		return own
	}
	return name
}
