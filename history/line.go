package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"time"
)

// format is the version of the lines, which the head of a file tells.
const format = 1

// lineMax bounds a line that is read: far more than any that is written.
const lineMax = 8 << 20

// line is any line; which one shows by the member that is set.
type line struct {
	Record
	History   int      `json:"history"`
	Books     totals   `json:"books"`
	Open      []string `json:"open"`
	Pending   Outcome  `json:"pending"`
	Start     *start   `json:"start"`
	Seen      []string `json:"seen"`
	Merged    int      `json:"merged"`
	Committed bool     `json:"committed"`
	Retried   []string `json:"retried"`
	Returned  []string `json:"returned"`
	Gap       bool     `json:"gap"`
}

type start struct {
	PID  int    `json:"pid"`
	Boot string `json:"boot"`
}

// totals are the sums at the head of a file.
type totals struct {
	Since     time.Time `json:"since"`
	Seen      int       `json:"seen"`
	Applied   int       `json:"applied"`
	Unchanged int       `json:"unchanged"`
	Rejected  int       `json:"rejected"`
}

func parseLine(text []byte) (line, error) {
	var l line
	err := json.Unmarshal(text, &l)
	if err == nil && l.At.IsZero() {
		err = errors.New("it is no line of a history")
	}
	l.File = decodeName(l.File)
	for _, names := range [][]string{l.Open, l.Seen, l.Retried, l.Returned} {
		for i, name := range names {
			names[i] = decodeName(name)
		}
	}
	return l, err
}

// skimRecord reads of a record what the books want to know, when it is laid out as a Log does it and its names need no
// decoding: that is most of a history, and ten times as fast. What is wrong with the changes it does not see.
func skimRecord(text []byte) (line, bool) {
	var l line
	if len(text) <= atWidth || text[len(text)-1] != '}' {
		return l, false
	}
	at, err := time.Parse(stamp, string(text[len(`{"at":"`):atWidth-len(`",`)]))
	rest := text[atWidth:]
	batch, rest := skimMember(rest, `"batch":"`)
	file, rest := skimMember(rest, `,"file":"`)
	outcome, rest := skimMember(rest, `,"outcome":"`)
	if err != nil || batch == nil || file == nil || outcome == nil {
		return l, false
	}
	by, _ := skimMember(rest, `,"by":"`)
	l.At, l.Batch, l.File, l.Outcome, l.By = at, string(batch), string(file), Outcome(outcome), string(by)
	return l, true
}

// skimMember cuts a member of that beginning off the text; nil where it does not stand there, or has an escape.
func skimMember(text []byte, begin string) (value, rest []byte) {
	inside, found := bytes.CutPrefix(text, []byte(begin))
	end := bytes.IndexByte(inside, '"')
	if !found || end < 0 || bytes.IndexByte(inside[:end], '\\') >= 0 {
		return nil, text
	}
	return inside[:end:end], inside[end+1:]
}

// eachLine calls f with each whole line and returns how many bytes those take; what has no newline yet is none. A line is
// f's only until it returns, and f ends it by false. Empty lines are passed over, and one that is too long comes as nil.
func eachLine(r io.Reader, f func(text []byte) bool) (read int64, err error) {
	br := bufio.NewReaderSize(r, 64<<10)
	var long []byte // of a line that the buffer does not hold
	var size int64
	for {
		part, err := br.ReadSlice('\n')
		size += int64(len(part))
		if errors.Is(err, bufio.ErrBufferFull) {
			if len(long) <= lineMax {
				long = append(long, part...)
			}
			continue
		}
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			return read, err
		}
		text := part
		if len(long) > 0 {
			long = append(long, part...)
			text = long
		}
		read += size
		if size > lineMax {
			text = nil
		}
		if text = bytes.TrimSuffix(text, []byte("\n")); size > 1 && !f(text) {
			return read, nil
		}
		long, size = long[:0], 0
	}
}
