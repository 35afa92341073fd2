package history

import (
	"io"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Key names a fragment: a name is used again, a batch is not.
type Key struct{ Batch, File string }

// Books are what the history says of all fragments that were claimed. What lies in the drop directory is not in them.
//
// A fragment counts for what became of it last: a reject that was given back to its batch is seen once, and open again.
type Books struct {
	Since time.Time // since when they are kept; zero: never

	Seen, Applied, Unchanged, Rejected int

	Open   map[Key]bool    // seen, and nothing has become of them yet
	Untold map[Key]bool    // not counted: what they were seen for is in a part of the history that was lost
	Ended  map[Key]Outcome // as far back as the lines go: a part of those that are counted

	Unreadable int // lines that are none

	batches map[string]map[string]bool    // open, by batch
	pending map[string]map[string]Outcome // what a commit will count
	boot    string
	headed  bool // the totals of all that came before were there
}

func newBooks() *Books {
	return &Books{
		Open: map[Key]bool{}, Untold: map[Key]bool{}, Ended: map[Key]Outcome{},
		batches: map[string]map[string]bool{}, pending: map[string]map[string]Outcome{},
	}
}

// ReadBooks adds up what the history of a drop directory says. An error is trouble with the disk or a permission.
func ReadBooks(drop string) (*Books, error) {
	b := newBooks()
	return b, withFolder(drop, func(dir *vfs.Dir) error { return b.readAll(dir) })
}

// readAll reads both files, as they are at one moment.
func (b *Books) readAll(dir *vfs.Dir) error {
	return eachFile(dir, func(f *vfs.File, size int64) error { return b.read(f, size) })
}

func (b *Books) read(f *vfs.File, size int64) error {
	_, err := eachLine(io.NewSectionReader(f, 0, size), func(text []byte) bool {
		l, ok := skimRecord(text)
		if !ok {
			var err error
			if l, err = parseLine(text); err != nil {
				b.Unreadable++
				return true
			}
		}
		b.add(l)
		return true
	})
	return err
}

// add counts a line.
func (b *Books) add(l line) {
	if b.Since.IsZero() {
		b.Since = l.At
	}
	switch {
	case l.History != 0:
		b.head(l.Books)
	case l.Gap:
		b.lose()
	case l.Start != nil:
		// Another boot, or none that is known: the tail of what was written before may be lost.
		if l.Start.Boot != b.boot || b.boot == "" {
			b.lose()
		}
		b.boot = l.Start.Boot
	case l.Open != nil:
		for _, file := range l.Open {
			b.open(Key{l.Batch, file})
			if l.Pending != "" {
				b.await(Key{l.Batch, file}, l.Pending)
			}
		}
	case l.Seen != nil:
		for _, file := range l.Seen {
			b.see(Key{l.Batch, file})
		}
	case l.Merged > 0:
		delete(b.pending, l.Batch)
	case l.Outcome == Overwritten || l.By == ByAgent:
	case l.Outcome != "":
		b.await(Key{l.Batch, l.File}, l.Outcome)
	case l.Committed:
		b.commit(l.Batch)
	case l.Retried != nil:
		for _, file := range l.Retried {
			b.retry(Key{l.Batch, file})
		}
	case l.Returned != nil:
		for _, file := range l.Returned {
			b.unsee(Key{l.Batch, file})
		}
	}
}

// head begins with the totals of what came before. What is known of single fragments stays.
func (b *Books) head(t totals) {
	b.Since, b.Seen, b.Applied, b.Unchanged, b.Rejected = t.Since, t.Seen, t.Applied, t.Unchanged, t.Rejected
	clear(b.Open)
	clear(b.batches)
	b.boot, b.headed = "", true
}

func (b *Books) totals() totals {
	return totals{Since: b.Since, Seen: b.Seen, Applied: b.Applied, Unchanged: b.Unchanged, Rejected: b.Rejected}
}

func (b *Books) open(k Key) {
	if b.batches[k.Batch] == nil {
		b.batches[k.Batch] = map[string]bool{}
	}
	b.batches[k.Batch][k.File], b.Open[k] = true, true
	delete(b.Untold, k)
}

func (b *Books) close(k Key) {
	delete(b.Open, k)
	if delete(b.batches[k.Batch], k.File); len(b.batches[k.Batch]) == 0 {
		delete(b.batches, k.Batch)
	}
}

func (b *Books) see(k Key) {
	if b.Open[k] {
		return
	}
	if before, ended := b.Ended[k]; ended { // it is worked off once more
		*b.count(before)--
		delete(b.Ended, k)
	} else {
		b.Seen++
	}
	b.open(k)
}

// unsee takes back that a fragment was seen, and what became of it: it is in the drop directory again, or in another batch.
func (b *Books) unsee(k Key) {
	outcome, ended := b.Ended[k]
	switch {
	case ended:
		*b.count(outcome)--
		delete(b.Ended, k)
	case b.Open[k]:
		b.close(k)
	default:
		return
	}
	b.Seen--
}

func (b *Books) await(k Key, o Outcome) {
	if b.pending[k.Batch] == nil {
		b.pending[k.Batch] = map[string]Outcome{}
	}
	b.pending[k.Batch][k.File] = o
}

// commit counts what was pending. What else is open of the batch waits for its item, in a batch of its own.
func (b *Books) commit(batch string) {
	for file, outcome := range b.pending[batch] {
		k := Key{batch, file}
		b.see(k)
		b.close(k)
		b.Ended[k] = outcome
		*b.count(outcome)++
	}
	delete(b.pending, batch)
	for file := range b.batches[batch] {
		b.unsee(Key{batch, file})
	}
}

// retry opens what was rejected, also where the line that said so is gone by now.
func (b *Books) retry(k Key) {
	_, ended := b.Ended[k]
	switch {
	case ended:
		b.see(k)
	case b.Open[k]:
	case b.Rejected > 0:
		b.Rejected--
		b.open(k)
	default: // the books are younger
		b.see(k)
	}
}

// lose forgets what is open: the lines that tell what has become of it may be lost. What is still claimed is seen again.
func (b *Books) lose() {
	for k := range b.Open {
		b.Seen--
		b.Untold[k] = true
	}
	clear(b.Open)
	clear(b.batches)
}

func (b *Books) count(o Outcome) *int {
	switch o {
	case Applied:
		return &b.Applied
	case Unchanged:
		return &b.Unchanged
	}
	return &b.Rejected
}
