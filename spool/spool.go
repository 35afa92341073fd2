// Package spool makes a queue on disk of the drop directory: it claims
// fragments, remembers what is about to be done with them, and tells after a
// crash what was.
//
// Everything of its own lies in <drop>/.sessionsync (0700, a real folder of our
// user, never a link):
//
//	.sessionsync/lock                          held by flock while the agent runs
//	.sessionsync/claimed/<batch>/              the claimed fragments of one batch
//	.sessionsync/claimed/<batch>/.intent.json  what is about to be done with them
//	.sessionsync/foreign/<batch>/              what was found among them and is no fragment
//	.sessionsync/retry/<entry>                 a note: that recovery entry is to be tried again
//
// # The promise
//
// A fragment is at any time in exactly one of: the drop directory, one batch. It
// gets from one to the other by rename alone, so nobody sees half of it, and a
// file that is claimed cannot be changed by name any more. Nothing is deleted but
// by [Batch.Settle], and that deletes only the names in [Batch.Files].
//
// # The crash argument
//
// The steps of a batch, and what a crash leaves after each:
//
//  1. [Spool.Claim] makes the batch folder and renames each fragment into it. A
//     crash leaves some in the batch, the others in the drop directory, and no
//     intent. Power loss may undo any of the renames that are not durable yet,
//     which puts the fragment back where it was, still in one place. At the start
//     the batch is found without an intent and is processed from the beginning;
//     what fell back is claimed like any other fragment (and then comes after the
//     batch, whatever its time: order is promised within a batch).
//  2. [Batch.Record] makes the claims and the intent durable, in that order: first
//     the folders of all batches, also of those that an earlier run has left, then
//     the drop directory, so that no name goes there for good whose new one may be lost. A
//     crash within it leaves no intent, a temporary one (deleted at the start),
//     or a whole one. All mean the same, because the tasks file is untouched: the
//     intent's digest is not the file's, and the batch starts again.
//  3. The tasks file is replaced, by the writer. That is the commit point; at the
//     start the intent's digests tell on which side of it the crash was. When
//     it was after, the batch must not be processed again, only settled. Power
//     loss cannot keep the replacement and lose the claims: they were
//     durable before.
//  4. [Batch.Settle] deletes the fragments, makes that durable, then deletes the
//     intent and the folder. A crash leaves fragments with the intent (settled
//     again), the intent without fragments, or an empty folder (both deleted at
//     the start). What no crash leaves is a fragment without the intent that says
//     it was applied: hence the fsync between the two.
//
// [Batch.Return] is one rename where the system can do it without replacing; where it
// must link and remove, a crash can leave both names: the start removes ours.
// So can a loss of power of the rename of a claim whose other half was durable: the
// start removes the one in the drop directory where an intent was recorded.
//
// # What it is not safe for
//
// Others may do what they like in the drop directory, except to .sessionsync
// itself: whoever may rename it away, which a folder without the sticky bit
// allows to everybody who may drop, can stop the agent and take what is claimed.
// They could have taken the fragments as well. A Spool and its batches are used by
// one goroutine at a time, but for [Batch.Delete].
package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// Config says where the queue is. Hook and Log may be nil.
type Config struct {
	Drop string
	Hook vfs.Hook
	Log  *slog.Logger
}

// Spool is an open, locked queue.
type Spool struct {
	config   Config
	home     *home   // what Config.Drop names, as of the last look
	former   []*home // what it named before, while batches of theirs are unsettled
	last     uint64  // the largest batch id seen or given
	reopened bool    // not yet told to the caller
}

// Open takes the drop directory into service: the folder .sessionsync and its
// lock. The error is an [*InUseError] when another process has it.
func Open(c Config) (*Spool, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	h, err := openHome(c)
	if err != nil {
		return nil, err
	}
	s := &Spool{config: c, home: h}
	if err := s.learnIDs(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close gives up the lock. What is claimed stays so, for the next start.
func (s *Spool) Close() error {
	err := s.home.close()
	for _, h := range s.former {
		err = errors.Join(err, h.close())
	}
	s.former = nil
	return err
}

// State is the agent's own folder in the drop directory, for what else is kept there. It is the Spool's to close.
func (s *Spool) State() *vfs.Dir { return s.home.state }

// refresh goes over to the directory that the path names now, if that is
// another one. Batches of the former one can still be settled.
func (s *Spool) refresh() error {
	same, err := s.home.current()
	if err != nil {
		return err
	}
	if same {
		return s.home.mend(s.config)
	}
	next, err := s.reopen()
	if err != nil {
		return err
	}
	s.former = append(s.former, s.home)
	s.home, s.reopened = next, true
	s.config.Log.Warn("drop directory was replaced, serving the new one", "drop", s.config.Drop)
	kept := s.former[:0]
	for _, h := range s.former {
		if h == next {
			continue
		}
		if len(h.live) > 0 {
			kept = append(kept, h)
		} else if err := h.close(); err != nil {
			s.config.Log.Warn("former drop directory could not be closed", "err", err)
		}
	}
	s.former = kept
	return s.learnIDs()
}

// reopen prefers a former directory that was moved back: its lock is ours
// already.
func (s *Spool) reopen() (*home, error) {
	for _, h := range s.former {
		if same, err := h.current(); err == nil && same {
			return h, nil
		}
	}
	return openHome(s.config)
}

// learnIDs keeps new batches behind those on disk, also when the clock went
// back.
func (s *Spool) learnIDs() error {
	return s.home.claimed.List(func(e fs.DirEntry) bool {
		s.After(e.Name())
		return true
	})
}

// After makes the ids of new batches larger than id, which comes from elsewhere
// (a recovery entry). What is no id is ignored.
func (s *Spool) After(id string) {
	if n, ok := parseID(id); ok {
		s.last = max(s.last, n)
	}
}

func (s *Spool) nextID() string {
	s.last = max(s.last+1, uint64(max(0, time.Now().UnixNano())))
	return fmt.Sprintf("%016x", s.last)
}

// parseID knows a batch id: nanoseconds since 1970 in 16 hexadecimal digits,
// which sort by time as text. Those from the year 2225 on are none, so that
// there is always a larger one.
func parseID(id string) (uint64, bool) {
	if len(id) != 16 || id >= "7" {
		return 0, false
	}
	var n uint64
	for _, c := range []byte(id) {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			n = n<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return n, true
}

// InUseError says that another process serves the drop directory. PID is 0 where
// the lock file does not tell.
type InUseError struct {
	Drop  string
	PID   int
	Host  string
	Since time.Time
}

func (e *InUseError) Error() string {
	who := "another process"
	if e.PID > 0 {
		who = fmt.Sprintf("pid %d on host %q since %s", e.PID, e.Host, e.Since.Format(time.RFC3339))
	}
	return fmt.Sprintf("drop directory %s is served by %s; stop it or choose another drop directory", e.Drop, who)
}

// still reports whether name in dir is what is held open as child.
func still(dir *vfs.Dir, name string, child *vfs.Dir) (bool, error) {
	held, err := child.Stat()
	if err != nil {
		return false, err
	}
	there, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(held, there), err
}
