//go:build unix

package writer

import (
	"context"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

// fault is a hook that makes one operation fail, or that and all later ones.
type fault struct {
	at      int // from 1
	forGood bool
	err     error
	n       int    // operations so far
	hit     string // the operation that failed, once it has
}

func (f *fault) hook(op vfs.Op, path string) error {
	f.n++
	if f.n == f.at {
		f.hit = step{op, path}.String()
	}
	if f.n == f.at || f.n > f.at && f.forGood {
		return f.err
	}
	return nil
}

// settle does like the agent with what a commit has left, faults being over: it commits again unless the first one took place.
func (b *bench) settle(w *Writer, again []Fragment) {
	b.Helper()
	if b.records > 0 {
		replaced, err := w.Replaced(b.intent)
		if err != nil {
			b.Fatalf("Replaced: %v", err)
		}
		if replaced {
			b.discard(w, b.intent.Temps())
			return
		}
	}
	b.mustCommit(w, again...)
}

func TestEveryErrorAtEveryOperation(t *testing.T) {
	for _, number := range slices.Concat(passingNumbers, lastingNumbers) {
		for _, forGood := range []bool{false, true} {
			name := codeOf(number) + " once"
			if forGood {
				name = codeOf(number) + " for good"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := newFastBench(t)
					for at := 1; ; at++ {
						f := &fault{at: at, forGood: forGood, err: number}
						if faultOnce(b, f); f.hit == "" {
							break
						}
						if t.Failed() {
							t.Fatalf("this was operation %d, %s", at, f.hit)
						}
					}
				})
			})
		}
	}
}

// faultOnce commits with a fault, looks at what is there and commits again without one.
func faultOnce(b *bench, f *fault) {
	b.put(original)
	b.config.Hook = f.hook
	b.intent, b.records = Intent{}, 0
	w := b.writer()
	batch := adding(b.T, "a")
	r, err := b.commit(w, batch...)

	whole := len(b.items()["P1"].Log) // it parses, or the test ends
	switch {
	case err == nil:
		if whole != 1 || !r.Written || r.Bytes == 0 {
			b.Errorf("no error, but the log has %d marks, result %+v", whole, r)
		}
		if f.err != syscall.ENOENT { // a removal that says "gone" is believed; the next start finds out
			b.noTemp()
		}
	default:
		got := trouble(b.T, err)
		if got.Code != codeOf(f.err) {
			b.Errorf("code is %s", got.Code)
		}
		if !got.Replaced && whole != 0 {
			b.Errorf("%v, but the tasks file has changed", err)
		}
		if !got.Replaced && !f.forGood {
			b.noTemp()
		}
	}
	b.config.Hook, w.config.Hook = nil, nil
	if err != nil {
		b.settle(w, batch)
	}
	b.applied("a")
	b.mustCommit(w, adding(b.T, "b")...) // takes what could not be removed away
	b.applied("a", "b")
	if f.err == syscall.ENOENT {
		if err := w.Sweep(); err != nil {
			b.Error(err)
		}
	}
	b.noTemp()
}

func TestEveryErrorAtEveryOperationOfCheckAndProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		for _, number := range []syscall.Errno{syscall.EIO, syscall.EACCES} {
			for at := 1; ; at++ {
				f := &fault{at: at, err: number}
				b.config.Hook = f.hook
				w := b.writer()
				err := w.Probe(context.Background())
				if f.hit == "" {
					break
				}
				if err == nil && !strings.HasPrefix(f.hit, "close ") {
					t.Errorf("%s: no error", f.hit)
				}
				if err != nil && trouble(t, err).Attempts != 1 {
					t.Errorf("%s: %v", f.hit, err)
				}
				b.config.Hook, w.config.Hook = nil, nil
				if err := w.Probe(context.Background()); err != nil {
					t.Error(err)
				}
				b.noTemp()
			}
		}
		if b.content() != original {
			t.Error("the tasks file was touched")
		}
	})
}

func TestTwoErrorsInOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		for first := 1; ; first++ {
			reached := false
			for gap := 1; gap <= 10; gap++ { // what is done about the first error, and a bit more
				f := &fault{at: first, err: syscall.EIO}
				g := &fault{at: first + gap, err: syscall.ENOSPC}
				b.put(original)
				b.intent, b.records = Intent{}, 0
				b.config.Hook = func(op vfs.Op, path string) error {
					if err := g.hook(op, path); err != nil {
						return err
					}
					return f.hook(op, path)
				}
				w := b.writer()
				_, err := b.commit(w, adding(t, "a")...)
				b.config.Hook, w.config.Hook = nil, nil
				reached = reached || f.hit != ""
				if err != nil {
					if trouble(t, err).Attempts != 3 {
						t.Error(err)
					}
					b.settle(w, adding(t, "a"))
				}
				b.applied("a")
				b.mustCommit(w, adding(t, "b")...)
				b.applied("a", "b")
				b.noTemp()
				if t.Failed() {
					t.Fatalf("these were %d, %s, and %d, %s", f.at, f.hit, g.at, g.hit)
				}
				if g.hit == "" {
					break
				}
			}
			if !reached {
				break
			}
		}
	})
}
