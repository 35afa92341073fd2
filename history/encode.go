package history

import (
	"encoding/hex"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/zeebo/xxh3"
)

const (
	// valueMax bounds one value: a page of text. Lists that grow would otherwise stand in the history at each length.
	valueMax = 2 << 10
	// changesMax bounds the changes of one fragment, and with them a line.
	changesMax = 1 << 20
	// namesMax bounds the names in one line.
	namesMax = 1000
	// messageMax bounds the message of a reject; the recovery entry has the whole.
	messageMax = 512
)

// stamp is of one width, so that what comes behind it can be told from the time.
const stamp = "2006-01-02T15:04:05.000000Z"

// atWidth is the length of what appendAt appends.
const atWidth = len(`{"at":"` + stamp + `",`)

func appendAt(b []byte, at time.Time) []byte {
	b = append(b, `{"at":"`...)
	return append(at.UTC().AppendFormat(b, stamp), `",`...)
}

func appendString(b []byte, name, value string) []byte {
	b = append(append(append(b, '"'), name...), `":`...)
	b, _ = jsontext.AppendQuote(b, value) // what is no text becomes U+FFFD: only ids and messages can be so
	return b
}

func appendInt(b []byte, name string, n int) []byte {
	b = append(append(append(b, '"'), name...), `":`...)
	return strconv.AppendInt(b, int64(n), 10)
}

func appendBatch(b []byte, at time.Time, batch string) []byte {
	return append(appendString(appendAt(b, at), "batch", batch), ',')
}

// appendNames appends lines that name files of a batch. With an outcome they are those that wait for the commit.
func appendNames(b []byte, at time.Time, batch, what string, files []string, outcome Outcome) []byte {
	for len(files) > 0 {
		n := min(len(files), namesMax)
		b = append(append(append(appendBatch(b, at, batch), '"'), what...), `":[`...)
		for i, f := range files[:n] {
			if i > 0 {
				b = append(b, ',')
			}
			b, _ = jsontext.AppendQuote(b, encodeName(f)) // it is text
		}
		b = append(b, ']')
		if outcome != "" {
			b = appendString(append(b, ','), "pending", string(outcome))
		}
		b = append(b, "}\n"...)
		files = files[n:]
	}
	return b
}

func appendRecord(b []byte, at time.Time, batch string, r Record) []byte {
	b = appendString(appendBatch(b, at, batch), "file", encodeName(r.File))
	for _, member := range []struct{ name, value string }{
		{"outcome", string(r.Outcome)}, {"by", r.By}, {"code", r.Code}, {"id", r.ID}, {"message", cut(r.Message)},
	} {
		if member.value != "" {
			b = appendString(append(b, ','), member.name, member.value)
		}
	}
	more := r.More
	if len(r.Changes) > 0 {
		b = append(b, `,"changes":[`...)
		begin := len(b)
		for i, c := range r.Changes {
			if len(b)-begin > changesMax {
				more += len(r.Changes) - i
				break
			}
			if i > 0 {
				b = append(b, ',')
			}
			b = appendChange(b, c)
		}
		b = append(b, ']')
	}
	if more > 0 {
		b = appendInt(append(b, ','), "more", more)
	}
	return append(b, "}\n"...)
}

func appendChange(b []byte, c Change) []byte {
	b = append(b, '{')
	if c.Scope != "" {
		b = append(appendString(b, "scope", c.Scope), ',')
	}
	b = appendString(append(appendString(b, "id", c.ID), ','), "path", string(c.Path))
	b = appendValue(b, "old", c.Old)
	return append(appendValue(b, "new", c.New), '}')
}

func appendValue(b []byte, name string, value jsontext.Value) []byte {
	if value == nil {
		return b
	}
	b = append(append(b, `,"`...), name...)
	if len(value) <= valueMax {
		return append(append(b, `":`...), value...)
	}
	sum := xxh3.Hash128(value).Bytes()
	b = append(appendInt(append(b, `_cut":{`...), "bytes", len(value)), `,"xxh3":"`...)
	return append(hex.AppendEncode(b, sum[:]), `"}`...)
}

// cut bounds a message. Half a character at its end becomes U+FFFD.
func cut(message string) string {
	if len(message) <= messageMax {
		return message
	}
	return message[:messageMax] + "…"
}
