//go:build unix

package writer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

// inPlace is another program that truncates the tasks file and writes it again.
func (b *bench) inPlace(text string) {
	b.Helper()
	f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// between runs act in front of each operation of a commit in turn, and check after each commit. Without an exchange it
// leaves out the rename: what comes between the last look and that is lost, as the package's documentation says.
func between(t *testing.T, setUp func(b *bench), act func(b *bench), check func(b *bench)) {
	bothWays(t, func(t *testing.T, renames bool) { betweenEach(t, renames, setUp, act, check) })
}

func betweenEach(t *testing.T, renames bool, setUp func(b *bench), act func(b *bench), check func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.renames = renames
		acted := 0
		for at := 1; ; at++ {
			b.put(original)
			setUp(b)
			n, hit := 0, ""
			b.config.Hook = func(op vfs.Op, path string) error {
				if n++; n == at {
					hit = step{op, path}.String()
					if op != vfs.OpRename {
						acted++
						act(b)
					}
				}
				return nil
			}
			w := b.writer()
			if err := w.Check(context.Background()); err != nil {
				t.Fatalf("Check: %v", err)
			}
			r := b.mustCommit(w, adding(t, "a")...)
			if hit == "" {
				break
			}
			if r.Fragments != 1 || r.Updates != 1 || r.Items != 1 || len(b.kept) > 0 {
				t.Errorf("result is %+v", r)
			}
			b.applied("a")
			if !strings.HasPrefix(hit, "rename ") {
				check(b)
			}
			b.noTemp()
			if t.Failed() {
				t.Fatalf("this was before operation %d, %s", at, hit)
			}
		}
		if acted < 20 {
			t.Errorf("only %d operations were tried", acted)
		}
	})
}

func nothing(*bench) {}

func TestANeighbourReplacesTheFileBetweenAnyTwoOperations(t *testing.T) {
	between(t, nothing, (*bench).retitle, (*bench).retitled)
}

// Without leases: where one is held the neighbour waits until the exchange is over.
func TestANeighbourRewritesTheFileInPlaceBetweenAnyTwoOperations(t *testing.T) {
	between(t, func(b *bench) { b.leaseless = true }, func(b *bench) {
		// As long as before, and with the old modification time: a copying tool keeps that.
		info, err := os.Stat(b.path)
		if err != nil {
			b.Fatal(err)
		}
		b.inPlace(strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1))
		if err := os.Chtimes(b.path, info.ModTime(), info.ModTime()); err != nil {
			b.Fatal(err)
		}
	}, (*bench).retitled)
}

func TestANeighbourDeletesTheFileAndMakesItAnewBetweenAnyTwoOperations(t *testing.T) {
	between(t, nothing, func(b *bench) { b.put(strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1)) }, (*bench).retitled)
}

func TestANeighbourMovesTheFolderAwayAndPutsAnotherOneThereBetweenAnyTwoOperations(t *testing.T) {
	between(t, func(b *bench) {
		inner := filepath.Join(filepath.Dir(b.dir), "inner")
		b.dir, b.path = inner, filepath.Join(inner, "tasks.json")
		b.config.Path = b.path
		for _, dir := range []string{inner, inner + ".old"} {
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
		}
		if err := os.Mkdir(inner, 0o755); err != nil {
			b.Fatal(err)
		}
		b.put(original)
	}, func(b *bench) {
		text := strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1)
		if err := os.Rename(b.dir, b.dir+".old"); err != nil {
			b.Fatal(err)
		}
		if err := os.Mkdir(b.dir, 0o755); err != nil {
			b.Fatal(err)
		}
		b.put(text)
	}, func(b *bench) {
		b.retitled()
		if left := temps(b.T, b.dir+".old"); len(left) > 0 {
			b.Errorf("left in the old folder are %q", left)
		}
	})
}

func TestANeighbourTurnsTheLinkBetweenAnyTwoOperations(t *testing.T) {
	link := func(b *bench, target string) {
		b.Helper()
		if err := os.Symlink(target, b.path+".new"); err != nil {
			b.Fatal(err)
		}
		if err := os.Rename(b.path+".new", b.path); err != nil {
			b.Fatal(err)
		}
	}
	between(t, func(b *bench) {
		put(b.T, filepath.Join(b.dir, "a.json"), original)
		put(b.T, filepath.Join(b.dir, "b.json"), original)
		link(b, "a.json")
	}, func(b *bench) {
		put(b.T, filepath.Join(b.dir, "b.json"), strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1))
		link(b, "b.json")
	}, func(b *bench) {
		b.retitled()
		if target, err := os.Readlink(b.path); target != "b.json" {
			b.Errorf("the link leads to %q, %v", target, err)
		}
	})
}

func TestANeighbourMakesTheFileALinkBetweenAnyTwoOperations(t *testing.T) {
	between(t, nothing, func(b *bench) {
		put(b.T, filepath.Join(b.dir, "b.json"), strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1))
		if err := os.Remove(b.path); err != nil {
			b.Fatal(err)
		}
		if err := os.Symlink("b.json", b.path); err != nil {
			b.Fatal(err)
		}
	}, (*bench).retitled)
}

// In two steps, with the file torn in between for a number of operations. Where the exchange lies between the two, its second
// step writes over what is merged: that is an undo, and the agent's to see.
func TestANeighbourWritesInPlaceAndIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.leaseless = true
		for at := 1; ; at++ {
			b.put(original)
			n, exchange, reached, text := 0, 0, false, ""
			b.config.Hook = func(op vfs.Op, _ string) error {
				n++
				if op == vfs.OpExchange {
					exchange = n
				}
				switch {
				case n == at:
					reached = true
					text = strings.Replace(b.content(), `"Two"`, `"Zwo"`, 1)
					b.inPlace(text[:len(text)/2])
				case n == at+7 && text != "":
					b.inPlace(text)
					text = ""
				}
				return nil
			}
			w := b.writer()
			_, err := b.commit(w, adding(t, "a")...)
			if !reached {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if n >= at+7 && !(at <= exchange && exchange < at+7) {
				b.applied("a")
				b.noTemp()
			}
		}
	})
}

func TestANeighbourDeletesTheFileBetweenAnyTwoOperations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for at := 1; ; at++ {
			b.put(original)
			b.intent, b.records = Intent{}, 0
			n, hit, deleted := 0, "", false
			b.config.Hook = func(op vfs.Op, path string) error {
				if n++; n == at {
					hit = step{op, path}.String()
					if op != vfs.OpRename {
						deleted = os.Remove(b.path) == nil
					}
				}
				return nil
			}
			w := b.writer()
			_, err := b.commit(w, adding(t, "a")...)
			b.config.Hook, w.config.Hook = nil, nil
			if hit == "" {
				break
			}
			if err != nil {
				if got := trouble(t, err); got.Code != "ENOENT" || got.Attempts == 3 || got.Replaced || !deleted {
					t.Errorf("trouble is %+v", got)
				}
				b.noTemp()
				if _, err := os.Lstat(b.path); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("the deleted file is there again: %v", err)
				}
				b.put(strings.Replace(original, `"Two"`, `"Zwo"`, 1))
				b.mustCommit(w, adding(t, "a")...)
				b.applied("a")
				b.retitled()
			} else if _, err := os.Lstat(b.path); err == nil { // deleted behind the commit, or not at all
				b.applied("a")
			}
			b.noTemp()
			if t.Failed() {
				t.Fatalf("this was before operation %d, %s", at, hit)
			}
		}
	})
}

func TestANeighbourThatIsFasterManyTimesCostsNoAttempt(t *testing.T) {
	b := newFastBench(t)
	n := 0
	b.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpWrite && path == "intent" && n < 2*50 { // each intent is withdrawn too
			if n++; n%2 == 1 {
				b.retitle()
			}
		}
		return nil
	}
	if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 1 || b.records != 101 {
		t.Errorf("result is %+v, %d records", r, b.records)
	}
	b.applied("a")
	b.retitled()
	b.noTemp()
}

// It may be what undoes the commit, and the last one for long.
func TestAForeignWriteRightBehindTheExchangeIsCounted(t *testing.T) {
	cases := map[string]func(b *bench){
		"by rename": (*bench).retitle,
		"in place":  func(b *bench) { b.inPlace(strings.Replace(b.content(), `"Two"`, `"Zwoelf"`, 1)) },
	}
	for name, write := range cases {
		t.Run(name, func(t *testing.T) {
			b := newFastBench(t)
			exchanged, written := false, false
			b.config.Hook = func(op vfs.Op, _ string) error {
				if exchanged && !written && op == vfs.OpStat {
					written = true
					write(b)
				}
				exchanged = exchanged || op == vfs.OpExchange
				return nil
			}
			w := b.writer()
			b.mustCommit(w, adding(t, "a")...)
			w.Look()
			if !written || w.ForeignWrites() != 1 {
				t.Errorf("%d foreign writes were counted; there was one: %v", w.ForeignWrites(), written)
			}
		})
	}
}
