//go:build unix

package writer

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

// errDead is what a process that was killed would have heard of each further call.
var errDead = errors.New("dead")

// restart is what the agent does after a crash: a new writer settles what was intended, and sweeps.
func (b *bench) restart(batch []Fragment) {
	b.Helper()
	b.config.Hook = nil
	w := b.writer()
	b.settle(w, batch)
	if err := w.Sweep(); err != nil {
		b.Fatalf("Sweep: %v", err)
	}
	b.noTemp()
}

func TestACrashAtEveryOperation(t *testing.T) { bothWays(t, crashAtEveryOperation) }

func crashAtEveryOperation(t *testing.T, renames bool) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.renames = renames
		intended, replaced := 0, 0
		for at := 1; ; at++ {
			b.put(original)
			b.intent, b.records = Intent{}, 0
			f := &fault{at: at, forGood: true, err: errDead}
			b.config.Hook = f.hook
			_, err := b.attempt(b.writer(), adding(t, "a")...)
			if f.hit == "" {
				break
			}
			if err == nil && !strings.HasPrefix(f.hit, "close ") {
				t.Errorf("%s: no error", f.hit)
			}
			if len(b.items()["P1"].Log) == 1 {
				replaced++
			} else if b.records > 0 {
				intended++
			}
			b.restart(adding(t, "a"))
			b.applied("a")
			if t.Failed() {
				t.Fatalf("the crash was at operation %d, %s", at, f.hit)
			}
		}
		if intended == 0 || replaced == 0 {
			t.Errorf("%d crashes between intent and rename, %d behind the rename: the test does not reach what it is for", intended, replaced)
		}
	})
}

// A crash during the restart, and another one.
// stride is the distance of the second ones of two points: every one, but with -short.
func stride() int {
	if testing.Short() {
		return 7
	}
	return 1
}

func TestACrashAtEveryOperationOfTheRestart(t *testing.T) {
	bothWays(t, crashAtEveryOperationOfTheRestart)
}

func crashAtEveryOperationOfTheRestart(t *testing.T, renames bool) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.renames = renames
		for first := 1; ; first++ {
			for second := 1; ; second += stride() {
				b.put(original)
				b.intent, b.records = Intent{}, 0
				f := &fault{at: first, forGood: true, err: errDead}
				b.config.Hook = f.hook
				b.attempt(b.writer(), adding(t, "a")...)
				if f.hit == "" {
					return
				}
				g := &fault{at: second, forGood: true, err: errDead}
				b.config.Hook = g.hook
				w := b.writer()
				replaced := false
				var err error
				if b.records > 0 {
					replaced, err = w.Replaced(b.intent)
				}
				if err == nil && !replaced {
					_, err = b.attempt(w, adding(t, "a")...)
				}
				if err == nil {
					w.Sweep() // dies too, where it gets that far
				}
				b.restart(adding(t, "a"))
				b.applied("a")
				if t.Failed() {
					t.Fatalf("the crashes were at %d, %s, and %d, %s", first, f.hit, second, g.hit)
				}
				if g.hit == "" {
					break
				}
			}
		}
	})
}

// Another program writes before the restart: it is up first.
func TestACrashAndAForeignWriteBeforeTheRestart(t *testing.T) { bothWays(t, crashAndForeignWrite) }

func crashAndForeignWrite(t *testing.T, renames bool) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.renames = renames
		for at := 1; ; at++ {
			b.put(original)
			b.intent, b.records = Intent{}, 0
			f := &fault{at: at, forGood: true, err: errDead}
			b.config.Hook = f.hook
			b.attempt(b.writer(), adding(t, "a")...)
			if f.hit == "" {
				break
			}
			b.retitle()
			b.restart(adding(t, "a"))
			b.applied("a")
			b.retitled()
			if t.Failed() {
				t.Fatalf("the crash was at operation %d, %s", at, f.hit)
			}
		}
	})
}

// Another program writes during the commit, the agent dies, another program writes again.
func TestACrashAfterAForeignWriteAndAnotherOneBeforeTheRestart(t *testing.T) {
	bothWays(t, crashBetweenForeignWrites)
}

func crashBetweenForeignWrites(t *testing.T, renames bool) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.renames = renames
		for write := 1; ; write++ {
			reached := false
			for at := write; ; at += stride() {
				b.put(original)
				b.intent, b.records, b.kept = Intent{}, 0, nil
				f := &fault{at: at, forGood: true, err: errDead}
				n, op := 0, vfs.Op("")
				b.config.Hook = func(o vfs.Op, path string) error {
					if n++; n == write && o != vfs.OpRename { // there it would be lost, see the package's documentation
						b.retitle()
						op = o
					}
					return f.hook(o, path)
				}
				b.attempt(b.writer(), adding(t, "a")...)
				if f.hit == "" {
					break
				}
				reached = true
				b.restate()
				b.restart(adding(t, "a"))
				b.applied("a")
				b.restated()
				// Three things at once, a write in the moment before the exchange, a crash behind it and another write: then
				// theirs is not merged any more, but it is kept.
				if kept := len(b.kept) == 1 && strings.Contains(b.kept[0], "Zwo"); op != "" && !(op == vfs.OpExchange && kept) {
					b.retitled()
				}
				if t.Failed() {
					t.Fatalf("the foreign write was at %d, %s, the crash at %d, %s", write, op, at, f.hit)
				}
			}
			if !reached {
				break
			}
		}
	})
}

// retitle is another program that reads the tasks file and replaces it with a new title in it.
func (b *bench) retitle()  { b.Helper(); b.foreign(`"Two"`, `"Zwo"`) }
func (b *bench) retitled() { b.Helper(); b.has("Zwo", b.items()["P2"].Title) }

// restate is one that changes a status.
func (b *bench) restate() {
	b.Helper()
	b.foreign(`"title": "Two", "status": "Planned"`, `"title": "Two", "status": "Failed"`)
	b.foreign(`"title": "Zwo", "status": "Planned"`, `"title": "Zwo", "status": "Failed"`)
}
func (b *bench) restated() { b.Helper(); b.has("Failed", b.items()["P2"].Status) }

func (b *bench) has(want, have string) {
	b.Helper()
	if have != want {
		b.Errorf("the foreign change is lost: %q, want %q", have, want)
	}
}

func (b *bench) foreign(old, new string) {
	b.Helper()
	text := strings.Replace(b.content(), old, new, 1)
	temp := filepath.Join(b.dir, "foreign.tmp")
	put(b.T, temp, text)
	if err := os.Rename(temp, b.path); err != nil {
		b.Fatal(err)
	}
}
