package history

import (
	"io"
	"io/fs"
	"iter"
	"os"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Read gives the records that are committed, the oldest first. After an error, which is trouble with the disk or a permission,
// there are no more. A drop directory without a history has none.
func Read(drop string) iter.Seq2[Record, error] { return Open(drop).Records() }

// Reader reads a history while it is written. It holds no file open between two calls, so it is in nobody's way.
type Reader struct {
	drop    string
	info    fs.FileInfo // of the file that was read last, up to offset; nil at the beginning
	offset  int64
	pending pending
}

// Open begins at the oldest record. It touches no file.
func Open(drop string) *Reader { return &Reader{drop: drop, pending: newPending()} }

// Records gives what was committed since the last call, and ends.
func (r *Reader) Records() iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		more := true
		err := withFolder(r.drop, func(dir *vfs.Dir) error {
			return r.next(dir, func(rec Record) bool {
				more = yield(rec, nil)
				return more
			})
		})
		if err != nil && more {
			yield(Record{}, err)
		}
	}
}

// lookAgain is how often Follow looks whether there is something new.
const lookAgain = 250 * time.Millisecond

// Follow is Records without an end, until done is closed.
func (r *Reader) Follow(done <-chan struct{}) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		ticker := time.NewTicker(lookAgain)
		defer ticker.Stop()
		for {
			for rec, err := range r.Records() {
				if !yield(rec, err) || err != nil {
					return
				}
			}
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}
}

func (r *Reader) next(dir *vfs.Dir, yield func(Record) bool) error {
	last, offset := r.info, r.offset
	ended := false
	read := func(f *vfs.File, size int64) error {
		info, err := f.Stat()
		if err != nil || ended {
			return err
		}
		begin := int64(0)
		if last != nil && os.SameFile(info, last) && size >= offset {
			begin = offset
		}
		n, err := eachLine(io.NewSectionReader(f, begin, size-begin), func(text []byte) bool {
			ended = !r.pending.add(text, yield)
			return !ended
		})
		r.info, r.offset = info, begin+n
		return err
	}
	// Where the newer file is the one that was read last, nothing has come to the older one.
	if last != nil {
		if f, info, err := openRead(dir, fileName); err != nil {
			return err
		} else if f != nil {
			defer f.Close()
			if os.SameFile(info, last) {
				return read(f, info.Size())
			}
		}
	}
	return eachFile(dir, read)
}

// pending are records that wait for their commit.
type pending struct {
	blocks map[string]*block // by batch
	told   told
}

func newPending() pending { return pending{blocks: map[string]*block{}} }

type block struct {
	records []Record
	at      map[string]int // by file
}

// add takes a line, and gives the records that it commits. It reports whether more are wanted.
func (p *pending) add(text []byte, yield func(Record) bool) bool {
	l, err := parseLine(text)
	switch {
	case err != nil: // the books count it
	case l.Merged > 0:
		delete(p.blocks, l.Batch)
	case l.Retried != nil:
		p.told.forget(l.Batch)
	case l.Outcome != "":
		l.Line = append([]byte(nil), text...)
		p.put(l.Record)
	case l.Committed:
		b := p.blocks[l.Batch]
		delete(p.blocks, l.Batch)
		if b == nil {
			break
		}
		for _, rec := range b.records {
			if !p.told.before(rec) && !yield(rec) {
				return false
			}
		}
	}
	return true
}

// put keeps a record, in the place of one of the same file: a block that was written half is written again.
func (p *pending) put(rec Record) {
	b := p.blocks[rec.Batch]
	if b == nil {
		b = &block{at: map[string]int{}}
		p.blocks[rec.Batch] = b
	}
	if i, twice := b.at[rec.File]; twice {
		b.records[i] = rec
		return
	}
	b.at[rec.File] = len(b.records)
	b.records = append(b.records, rec)
}

// toldMax is how many batches told remembers: more than a start ever finds half done.
const toldMax = 16

// told remembers of which rejects, and of which fragments that changed nothing, was told last. When the agent is killed
// behind such a record and before the fragment is where it belongs, the next start writes it once more.
type told struct {
	batches map[string]map[string]Outcome
	order   []string // of the batches, the oldest first
}

// before reports whether this was told before, and notes that it is now.
func (t *told) before(rec Record) bool {
	if rec.Outcome != Rejected && rec.Outcome != Unchanged {
		return false
	}
	files := t.batches[rec.Batch]
	if files == nil {
		if t.batches == nil {
			t.batches = map[string]map[string]Outcome{}
		}
		if len(t.order) == toldMax {
			delete(t.batches, t.order[0])
			t.order = t.order[1:]
		}
		files = map[string]Outcome{}
		t.batches[rec.Batch], t.order = files, append(t.order, rec.Batch)
	}
	last := files[rec.File]
	files[rec.File] = rec.Outcome
	return last == rec.Outcome
}

// forget makes what is told of a batch new: its rejects are tried once more.
func (t *told) forget(batch string) { clear(t.batches[batch]) }

// Tail gives the newest n records that are committed, the oldest of them first. It reads the end of the history only, as far
// as that has so many.
func Tail(drop string, n int) ([]Record, error) {
	const first = 64 << 10
	var records []Record
	err := withFolder(drop, func(dir *vfs.Dir) error {
		for size := int64(first); ; size *= 4 {
			var whole bool
			var err error
			records, whole, err = tail(dir, size)
			if err != nil || whole || len(records) >= n {
				return err
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return records[max(0, len(records)-n):], nil
}

// tail reads the last bytes of each file and reports whether those are all.
func tail(dir *vfs.Dir, size int64) (records []Record, whole bool, err error) {
	whole = true
	p := newPending()
	err = eachFile(dir, func(f *vfs.File, all int64) error {
		begin := max(0, all-size)
		cut := begin > 0
		if whole = whole && !cut; cut {
			records, p = nil, newPending() // what comes from the older file does not go on here
		}
		_, err := eachLine(io.NewSectionReader(f, begin, all-begin), func(text []byte) bool {
			if cut { // the first line may be the end of one
				cut = false
				return true
			}
			return p.add(text, func(rec Record) bool { records = append(records, rec); return true })
		})
		return err
	})
	return records, whole, err
}
