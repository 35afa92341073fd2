package status

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// Config says where to look.
type Config struct {
	Drop, Tasks, Recovery string
	Layout                document.Layout
	Flags                 string // that the commands of an advice need to mean the same session, with a space before them
}

const (
	// The manifests of so many entries are read: a few hundred milliseconds at most.
	mostManifests = 1000

	// Rejects that are told of one by one.
	mostRejects = 50

	// A part that took so long to look at is looked at again after this many times that, so that a look never takes more than
	// a tenth of a processor.
	patience = 10
)

// Looker looks again and again. It is used by one goroutine.
type Looker struct {
	config  Config
	sight   part[spool.Sight]
	tally   part[recovery.Tally]
	tasks   part[Tasks]
	folder  fs.FileInfo // of the recovery, as it was when its entries were counted
	counted time.Time
	file    fs.FileInfo // the tasks file, as it was when it was read
}

// NewLooker makes a Looker. It looks at nothing yet.
func NewLooker(c Config) *Looker { return &Looker{config: c} }

// part is a part of the report that is expensive to look at.
type part[T any] struct {
	value T
	err   error
	next  time.Time // not to be looked at before
}

// look looks again, if it is time, and reports whether it was.
func (p *part[T]) look(f func() (T, error)) bool {
	start := time.Now()
	if start.Before(p.next) {
		return false
	}
	p.value, p.err = f()
	p.next = start.Add((patience + 1) * time.Since(start))
	return true
}

// Look tells how the session is now. What cannot be seen is a problem in the report.
func (l *Looker) Look() Report {
	r := Report{Time: time.Now(), Next: []Advice{}}
	r.Drop, r.Agent = l.lookAtDrop()
	r.Recovery = l.lookAtRecovery()
	r.Tasks = l.lookAtTasks()
	r.Next = append(r.Next, advise(r, l.config)...)
	return r
}

func (l *Looker) lookAtDrop() (d Drop, a Agent) {
	d = Drop{Path: l.config.Drop}
	l.sight.look(func() (spool.Sight, error) { return spool.See(d.Path) })
	if err := l.sight.err; err != nil {
		d.Problem, d.Missing = err.Error(), errors.Is(err, fs.ErrNotExist)
		a.Hidden = !d.Missing
		return d, a
	}
	s := l.sight.value
	d.Waiting, d.Claimed, d.Batches = Pile(s.Waiting), Pile(s.Claimed), s.Batches
	if s.Hidden != nil {
		a.Problem, a.Hidden = s.Hidden.Error(), true
		return d, a
	}
	state, err := l.state()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		a.Problem = err.Error()
	}
	if s.Holder != nil {
		a.Running, a.PID, a.Host, a.Since = true, s.Holder.PID, s.Holder.Host, s.Holder.Since
	}
	if state == nil {
		return d, a
	}
	a.LastCommit = state.LastCommit
	if a.Running && !state.of(s.Holder) {
		return d, a // it has not written yet
	}
	a.Held, a.Counters, a.Updated = state.Held, &state.Counters, state.Updated
	if !a.Running {
		a.Ended = state.Ended
	}
	if !a.Running && state.Ended.IsZero() {
		a.Held = nil // it was killed: whether it would still hold, nobody knows
	}
	return d, a
}

func (l *Looker) state() (_ *State, err error) {
	own, err := spool.OpenOwn(l.config.Drop)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, own.Close()) }()
	return readState(own)
}

// recount is how often entries are looked at although none has come or gone: a manifest may have been marked for a retry.
const recount = 5 * time.Second

func (l *Looker) lookAtRecovery() Recovery {
	r := Recovery{Path: l.config.Recovery, Rejected: map[string]int{}, Retryable: map[string]int{}}
	info, err := os.Stat(r.Path) // before it is counted: what changes meanwhile is seen the next time
	if err != nil || l.folder == nil || !same(info, l.folder) || time.Since(l.counted) > recount {
		looked := l.tally.look(func() (recovery.Tally, error) {
			return recovery.New(recovery.Config{Dir: r.Path}).Tally(mostManifests, mostRejects)
		})
		if looked {
			l.folder, l.counted = info, time.Now()
		}
	}
	if l.tally.err != nil {
		r.Problem = l.tally.err.Error()
		return r
	}
	t := l.tally.value
	r.Entries, r.More, r.Read, r.Newest = t.Entries, t.More, t.Read, t.Newest
	if t.Codes != nil {
		r.Rejected, r.Retryable = t.Codes, t.Retryable
	}
	return r
}

func (l *Looker) lookAtTasks() Tasks {
	info, err := os.Stat(l.config.Tasks)
	if err == nil && l.file != nil && l.tasks.err == nil && same(info, l.file) {
		return l.tasks.value
	}
	l.tasks.look(func() (Tasks, error) {
		t, info, err := readTasks(l.config)
		l.file = info
		return t, err
	})
	return l.tasks.value
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// errMoved says that a file changed while it was read.
var errMoved = errors.New("it was being written")

// readTasks reads the tasks file. What is wrong with it is in Tasks. The error is errMoved for what should be looked at again.
func readTasks(c Config) (Tasks, fs.FileInfo, error) {
	const tries, pause = 3, 50 * time.Millisecond // somebody who writes in place is done by then, or tears the file for longer
	for try := 1; ; try++ {
		t, info, err := readTasksOnce(c)
		if err == nil || try == tries {
			return t, info, err
		}
		time.Sleep(pause)
	}
}

func readTasksOnce(c Config) (Tasks, fs.FileInfo, error) {
	t := Tasks{Path: c.Tasks}
	f, err := vfs.OpenRegular(c.Tasks)
	if err != nil {
		t.Problem = err.Error()
		return t, nil, nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Problem = err.Error()
		return t, nil, nil
	}
	t.Modified, t.Bytes = info.ModTime(), info.Size()
	src, err := read(f, info.Size())
	if err == nil {
		after, serr := f.Stat()
		if serr == nil && !same(info, after) || int64(len(src)) != info.Size() {
			t.Problem = "read " + c.Tasks + ": " + errMoved.Error()
			return t, nil, errMoved
		}
		var d *document.Document
		if d, err = document.Parse(src, c.Layout); err == nil {
			measure(d, &t)
			t.Valid = true
			return t, info, nil
		}
		err = &fs.PathError{Op: "read", Path: c.Tasks, Err: err}
	}
	t.Problem = err.Error()
	return t, info, nil
}

// read reads a file of that size, and a byte more if there is one.
func read(f io.Reader, size int64) ([]byte, error) {
	src := make([]byte, size+1)
	n, err := io.ReadFull(f, src)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return src[:n], err
}
