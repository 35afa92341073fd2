package history

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Config says how large the history may become, and where trouble with it is told. Log may be nil.
type Config struct {
	MaxBytes int64 // of each of the two files; 0: there is no history
	Log      *slog.Logger
}

// owedMax bounds what is kept in memory of what could not be written.
const owedMax = 1 << 20

// Log writes the history. None of its methods fails: see the package's promise. A nil Log writes nothing. It is used by one
// goroutine, and each method is given the folder to write to, which is the batch's.
type Log struct {
	config Config
	boot   string
	dir    *vfs.Dir // that it wrote to last
	unsure bool     // the file may end in the middle of a line
	owed   []byte   // lines that could not be written yet
	gap    bool     // and some that never will be
	told   bool     // that there is trouble
	buffer []byte
	recent recent
}

// New returns a Log, or nil where there is to be none. It touches no file of the history.
func New(c Config) *Log {
	if c.MaxBytes <= 0 {
		return nil
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Log{config: c, boot: bootID()}
}

// Seen says that fragments of a batch are claimed and read.
func (l *Log) Seen(dir *vfs.Dir, batch string, files []string) {
	if l == nil || len(files) == 0 {
		return
	}
	l.put(dir, batch, seen, appendNames(l.buffer[:0], time.Now(), batch, "seen", files, ""))
}

// Returned says that a fragment is about to go back to the drop directory.
func (l *Log) Returned(dir *vfs.Dir, batch, file string) {
	l.reopen(dir, batch, "returned", []string{file})
}

// Retried says that fragments which were rejected are about to be given back to their batch.
func (l *Log) Retried(dir *vfs.Dir, batch string, files []string) {
	l.reopen(dir, batch, "retried", files)
}

func (l *Log) reopen(dir *vfs.Dir, batch, what string, files []string) {
	if l == nil || len(files) == 0 {
		return
	}
	l.recent.forget(batch)
	l.buffer = appendNames(l.buffer[:0], time.Now(), batch, what, files, "")
	l.append(dir, l.buffer)
}

// Merged says what the fragments of a batch are about to do. It counts when the batch is committed.
func (l *Log) Merged(dir *vfs.Dir, batch string, records []Record) {
	if l == nil || len(records) == 0 {
		return
	}
	now := time.Now()
	b := append(appendInt(appendBatch(l.buffer[:0], now, batch), "merged", len(records)), "}\n"...)
	room := l.config.MaxBytes / 4 // for changes: the lines themselves are as many as the fragments
	for _, r := range records {
		if int64(len(b)) > room {
			r.More, r.Changes = r.More+len(r.Changes), nil
		}
		b = appendRecord(b, now, batch, r)
	}
	l.put(dir, batch, merged, b)
}

// Committed says that a batch is committed, with more records that become true by it. What was seen of the batch and has no
// record waits for its item, in another batch.
func (l *Log) Committed(dir *vfs.Dir, batch string, more ...Record) {
	if l == nil {
		return
	}
	now := time.Now()
	b := l.buffer[:0]
	for _, r := range more {
		b = appendRecord(b, now, batch, r)
	}
	l.put(dir, batch, committed, append(appendBatch(b, now, batch), `"committed":true}`+"\n"...))
}

// put writes a block, unless it says what was said of the batch before: an agent that holds tries the same again and again.
func (l *Log) put(dir *vfs.Dir, batch string, step step, block []byte) {
	l.buffer = block
	if dir != l.dir {
		l.recent = recent{}
	}
	if l.recent.news(batch, step, block) {
		l.append(dir, block)
	}
}

// append writes a block of lines, behind what is owed.
func (l *Log) append(dir *vfs.Dir, block []byte) {
	if dir != l.dir {
		l.dir, l.owed, l.gap = dir, nil, false
		l.unsure = true
		l.owed = appendStart(l.owed, time.Now(), l.boot)
	}
	all := block
	if len(l.owed) > 0 || l.gap {
		all = nil
		if l.gap {
			all = append(appendAt(nil, time.Now()), `"gap":true}`+"\n"...)
		}
		all = append(append(all, l.owed...), block...)
	}
	err := l.write(dir, all)
	if err == nil {
		l.owed, l.gap, l.told = nil, false, false
		return
	}
	if len(l.owed)+len(block) > owedMax {
		l.owed, l.gap = nil, true
	} else {
		l.owed = append(l.owed, block...)
	}
	if !l.told {
		l.told = true
		l.config.Log.Warn("history cannot be written; nothing else depends on it, and it is written later", "error", err)
	}
}

// Owes reports whether there is something that could not be written yet.
func (l *Log) Owes() bool { return l != nil && l.dir != nil && (len(l.owed) > 0 || l.gap) }

// Flush tries once more to write what could not be written.
func (l *Log) Flush() {
	if l.Owes() {
		l.append(l.dir, nil)
	}
}

// write appends lines in one write. After an error some of them may be there, and the last one torn.
func (l *Log) write(dir *vfs.Dir, lines []byte) error {
	f, size, err := openAppend(dir)
	if err != nil {
		return err
	}
	var head []byte
	if size > 0 && size+int64(len(lines)) > l.config.MaxBytes {
		if err := f.Close(); err != nil {
			return err
		}
		books, err := rotate(dir)
		if err != nil {
			return err
		}
		if f, size, err = openAppend(dir); err != nil {
			return err
		}
		head = l.head(books)
	}
	switch {
	case size == 0 && head == nil:
		books := newBooks()
		if err := books.readAll(dir); err != nil {
			return errors.Join(err, f.Close())
		}
		head = l.head(books)
	case size > 0 && l.unsure:
		head = []byte{'\n'}
	}
	if len(head) > 0 {
		lines = append(head, lines...)
	}
	_, err = f.Write(lines)
	l.unsure = err != nil
	if closeErr := f.Close(); err == nil && closeErr != nil {
		l.config.Log.Debug("history: close", "error", closeErr) // written it is
	}
	return err
}

func openAppend(dir *vfs.Dir) (*vfs.File, int64, error) {
	f, err := dir.OpenFile(fileName, os.O_WRONLY|os.O_APPEND|os.O_CREATE, filePerm)
	if errors.Is(err, syscall.ELOOP) {
		return nil, 0, fmt.Errorf("%w; it is a link, and must be a file of the agent's own: remove it", err)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := regular(f)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// rotate gives the file its second name, and returns the books that it closes with.
func rotate(dir *vfs.Dir) (*Books, error) {
	books := newBooks()
	f, info, err := openRead(dir, fileName)
	if err != nil {
		return nil, err
	}
	if f == nil {
		return nil, &fs.PathError{Op: "rotate", Path: dir.Join(fileName), Err: fs.ErrNotExist}
	}
	err = books.read(f, info.Size())
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if !books.headed {
		books = newBooks()
		if err := books.readAll(dir); err != nil {
			return nil, err
		}
	}
	return books, dir.Rename(fileName, dir, previousName)
}

// head is what a file begins with: the totals, and what is open.
func (l *Log) head(books *Books) []byte {
	now := time.Now()
	t := books.totals()
	if t.Since.IsZero() {
		t.Since = now
	}
	b := append(appendInt(appendAt(nil, now), "history", format), `,"books":{"since":"`...)
	b = append(t.Since.UTC().AppendFormat(b, stamp), '"')
	for _, sum := range []struct {
		name string
		n    int
	}{{"seen", t.Seen}, {"applied", t.Applied}, {"unchanged", t.Unchanged}, {"rejected", t.Rejected}} {
		b = appendInt(append(b, ','), sum.name, sum.n)
	}
	b = append(b, "}}\n"...)
	if books.boot != "" { // the same agent goes on, or its successor tells another boot
		b = appendStart(b, now, books.boot)
	}
	for batch, files := range books.batches {
		by := map[Outcome][]string{}
		for file := range files {
			o := books.pending[batch][file]
			by[o] = append(by[o], file)
		}
		for outcome, files := range by {
			b = appendNames(b, now, batch, "open", files, outcome)
		}
	}
	return b
}

func appendStart(b []byte, at time.Time, boot string) []byte {
	b = append(appendInt(append(appendAt(b, at), `"start":{`...), "pid", os.Getpid()), ',')
	return append(appendString(b, "boot", boot), "}}\n"...)
}
