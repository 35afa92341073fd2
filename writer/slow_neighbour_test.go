//go:build unix

package writer

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

// One has the file open for longer than a commit is willing to wait for what it has exchanged away, and another one saves
// meanwhile. The agent has been running all the time and could know what the second one has changed.
func TestASlowNeighbourAndAnotherOneAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		var slow *os.File
		b.config.Hook = func(op vfs.Op, _ string) error {
			if op == vfs.OpLease && slow == nil {
				return vfs.ErrCannotTell // or the slow one would wait for the exchange
			}
			if op == vfs.OpExchange && slow == nil {
				var err error
				if slow, err = os.OpenFile(b.path, os.O_RDWR, 0); err != nil {
					b.Fatal(err)
				}
			}
			return nil
		}
		w := b.writer()
		text := strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1)
		_, err := b.commit(w, adding(t, "a")...)
		var held *Trouble
		if !errors.As(err, &held) || !held.Replaced {
			t.Skipf("the file system does not tell who has a file open: %v", err)
		}
		if _, err := slow.WriteAt([]byte(text), 0); err != nil {
			t.Fatal(err)
		}
		if err := slow.Close(); err != nil {
			t.Fatal(err)
		}
		b.foreign(`"status": "Planned"`, `"status": "Failed"`) // over our document
		replaced, err := w.Replaced(b.intent)
		if err != nil {
			t.Fatal(err)
		}
		if !replaced {
			b.mustCommit(w, adding(t, "a")...)
		}
		b.applied("a")
		b.retitled()
		if len(b.kept) > 0 {
			t.Errorf("%d versions are kept for a person", len(b.kept))
		}
		b.noTemp()
	})
}
