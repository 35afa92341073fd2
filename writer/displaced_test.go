//go:build linux

package writer

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/vfs"
)

// struckThen lets a neighbour write in the moment before the exchange, and calls a hook for every operation behind that.
func (b *bench) struckThen(behind func(vfs.Op, string) error) func(vfs.Op, string) error {
	return b.struck(1, behind, b.retitle)
}

// struckTwiceThen lets it write again, knowing what stands then, in the moment before that exchange is undone: so what was put
// back has to give way once more, and what came out first is merged with it.
func (b *bench) struckTwiceThen(behind func(vfs.Op, string) error) func(vfs.Op, string) error {
	return b.struck(3, behind, b.retitle, b.restate)
}

// struck has strikes in the moments before the first exchanges, and calls a hook for every operation behind so many of them.
func (b *bench) struck(exchanges int, behind func(vfs.Op, string) error, strikes ...func()) func(vfs.Op, string) error {
	n := 0
	return func(op vfs.Op, path string) error {
		if n == exchanges {
			return behind(op, path)
		}
		if op == vfs.OpExchange {
			if n++; n <= len(strikes) {
				strikes[n-1]()
			}
		}
		return nil
	}
}

// A neighbour that strikes twice: in the moment before the exchange, and again somewhere behind it, knowing what stands.
func TestANeighbourStrikesBeforeTheExchangeAndAgainBehindIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		for again := 1; ; again++ {
			b.put(original)
			n, reached := 0, false
			b.config.Hook = b.struckThen(func(vfs.Op, string) error {
				if n++; n == again {
					reached = true
					b.restate()
				}
				return nil
			})
			r := b.mustCommit(b.writer(), adding(t, "a")...)
			b.applied("a")
			b.retitled()
			b.noTemp()
			if reached {
				b.restated()
			}
			if r.Fragments != 1 || r.Updates != 1 || len(b.kept) > 0 || t.Failed() {
				t.Fatalf("this was %d behind the exchange: result is %+v, kept %q", again, r, b.kept)
			}
			if !reached {
				return
			}
		}
	})
}

// One that strikes in the moment before each exchange, for a while.
func TestANeighbourIsFasterAtEachExchange(t *testing.T) {
	b := newFastBench(t)
	const times = 20
	n := 0
	b.config.Hook = func(op vfs.Op, _ string) error {
		if op == vfs.OpExchange && n < times {
			n++
			b.foreign(`"id": "P2",`, fmt.Sprintf(`"id": "P2", "strike-%d": true,`, n))
		}
		return nil
	}
	w := b.writer()
	b.mustCommit(w, adding(t, "a")...)
	b.applied("a")
	for n := range times {
		if !strings.Contains(b.content(), fmt.Sprintf(`"strike-%d": true`, n+1)) {
			t.Errorf("strike %d is lost:\n%s", n+1, b.content())
		}
	}
	b.noTemp()
	if w.foreign == 0 || w.foreign > times { // some of them stood for no longer than another strike takes
		t.Errorf("%d foreign writes were counted", w.foreign)
	}
}

// The fragments are judged by what the neighbour has written, as if they had come behind it.
func TestAPreconditionIsHeldAgainstWhatCameOut(t *testing.T) {
	b := newBench(t)
	once := true
	b.config.Hook = func(op vfs.Op, _ string) error {
		if op == vfs.OpExchange && once {
			once = false
			b.restate()
		}
		return nil
	}
	r := b.mustCommit(b.writer(), fragments(t,
		`{"id": "P2", "status": "Implementing", "$if": {"status": "Planned"}}`, `{"id": "P1", "title": "Eins"}`)...)
	if len(r.Rejects) != 1 || r.Rejects[0].Index != 0 || r.Fragments != 1 || len(b.intent.Rejects) != 1 {
		t.Errorf("result is %+v, intent %+v", r, b.intent)
	}
	b.restated()
	b.has("Eins", b.items()["P1"].Title)
}

func TestACrashBehindANeighboursStrike(t *testing.T) {
	for name, struckThen := range strikes {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newFastBench(t)
				for at := 1; ; at++ {
					b.put(original)
					b.intent, b.records = Intent{}, 0
					f := &fault{at: at, forGood: true, err: errDead}
					b.config.Hook = struckThen(b, f.hook)
					b.attempt(b.writer(), adding(t, "a")...)
					if f.hit == "" {
						return
					}
					b.restart(adding(t, "a"))
					b.applied("a")
					if len(b.kept) == 0 || name == "once" { // else nobody can tell any more what the second strike was made of
						b.retitled()
					} else if !strings.Contains(b.kept[0], "Zwo") {
						t.Errorf("kept is %q", b.kept)
					}
					if b.kept = nil; t.Failed() {
						t.Fatalf("the crash was %d behind the exchange, %s", at, f.hit)
					}
				}
			})
		})
	}
}

var strikes = map[string]func(b *bench, behind func(vfs.Op, string) error) func(vfs.Op, string) error{
	"once": (*bench).struckThen, "twice": (*bench).struckTwiceThen,
}

// And another crash while that is mended.
func TestTwoCrashesBehindANeighboursStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		for first := 1; ; first++ {
			for second := 1; ; second += stride() {
				b.put(original)
				b.intent, b.records = Intent{}, 0
				f := &fault{at: first, forGood: true, err: errDead}
				b.config.Hook = b.struckThen(f.hook)
				b.attempt(b.writer(), adding(t, "a")...)
				if f.hit == "" {
					return
				}
				g := &fault{at: second, forGood: true, err: errDead}
				b.config.Hook = g.hook
				w := b.writer()
				replaced, err := w.Replaced(b.intent)
				if err == nil && !replaced {
					b.attempt(w, adding(t, "a")...)
				}
				b.restart(adding(t, "a"))
				b.applied("a")
				b.retitled()
				if len(b.kept) > 0 || t.Failed() {
					t.Fatalf("the crashes were at %d, %s, and %d, %s; kept %q", first, f.hit, second, g.hit, b.kept)
				}
				if g.hit == "" {
					break
				}
			}
		}
	})
}

func TestAnErrorBehindANeighboursStrike(t *testing.T) {
	for name, struckThen := range strikes {
		for _, forGood := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %t", name, forGood), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { errorBehindAStrike(t, struckThen, forGood) })
			})
		}
	}
}

func errorBehindAStrike(t *testing.T, struckThen func(*bench, func(vfs.Op, string) error) func(vfs.Op, string) error, forGood bool) {
	b := newFastBench(t)
	for at := 1; ; at++ {
		b.put(original)
		b.intent, b.records = Intent{}, 0
		f := &fault{at: at, forGood: forGood, err: errDead}
		b.config.Hook = struckThen(b, f.hook)
		w := b.writer()
		_, err := b.commit(w, adding(t, "a")...)
		if f.hit == "" {
			return
		}
		b.config.Hook, w.config.Hook = nil, nil
		if err != nil {
			b.settle(w, adding(t, "a"))
		}
		b.applied("a")
		b.retitled()
		b.mustCommit(w, adding(t, "b")...)
		b.applied("a", "b")
		b.noTemp()
		if len(b.kept) > 0 || t.Failed() {
			t.Fatalf("the error was %d behind the exchange, %s; kept %q", at, f.hit, b.kept)
		}
	}
}

// Whoever reads while a commit finds out that it was not alone reads what they have written, so that to write that back
// takes nothing of it away.
func TestWhatANeighbourHasWrittenIsGoneForNoTime(t *testing.T) {
	b := newFastBench(t)
	exchanges := 0
	b.config.Hook = func(op vfs.Op, _ string) error {
		if op == vfs.OpExchange {
			if exchanges++; exchanges == 1 {
				b.retitle()
			}
		} else if exchanges > 1 {
			b.retitled()
		}
		return nil
	}
	b.mustCommit(b.writer(), adding(t, "a")...)
	if exchanges != 3 { // there, back, and there again
		t.Errorf("%d exchanges", exchanges)
	}
	b.applied("a")
	b.retitled()
	b.noTemp()
}

// A program that saves in place has opened the file before the exchange, and writes and closes at any moment behind it.
func TestANeighbourWritesInPlaceAcrossTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.leaseless = true
		for opened := 1; ; opened++ {
			reached := false
			for looks := 1; looks < 8; looks++ {
				b.put(original)
				b.kept = nil
				n, waits, exchanged := 0, 0, false
				var f *os.File
				text := strings.Replace(original, `"Two"`, `"Zwo"`, 1)
				finish := func() {
					if f != nil {
						f.WriteString(text[10:])
						f.Close()
						f = nil
					}
				}
				b.config.Hook = func(op vfs.Op, _ string) error {
					exchanged = exchanged || op == vfs.OpExchange
					if n++; n == opened {
						reached = true
						var err error
						if f, err = os.OpenFile(b.path, os.O_WRONLY|os.O_TRUNC, 0); err != nil {
							t.Fatal(err)
						}
						f.WriteString(text[:10])
					} else if op == vfs.OpStat && f != nil && exchanged {
						if waits++; waits == looks {
							finish()
						}
					}
					return nil
				}
				b.commit(b.writer(), adding(t, "a")...)
				if !reached {
					break
				}
				if f != nil {
					finish()
					continue // opened behind all looks: that is not this commit's to see
				}
				b.noTemp()
				// Of one that paused for longer than is waited what it had written is kept, in a file that gets the rest.
				if len(b.kept) == 1 && strings.HasPrefix(text, b.kept[0]) {
					continue
				}
				if len(b.items()["P1"].Log) == 1 {
					b.retitled()
				}
				if len(b.kept) > 0 || t.Failed() {
					t.Fatalf("opened before operation %d, closed at look %d: kept %q", opened, looks, b.kept)
				}
			}
			if !reached {
				return
			}
		}
	})
}

// Where a lease is held the program waits in its open, for these few system calls, and then has what came out.
func TestANeighbourThatOpensTheFileInTheMomentOfTheExchangeWaitsAndIsMerged(t *testing.T) {
	text := strings.Replace(original, `"Two"`, `"Zwo"`, 1)
	for range 100 {
		b := newFastBench(t)
		opened := make(chan os.FileInfo, 1)
		var once sync.Once
		b.config.Hook = func(op vfs.Op, _ string) error {
			if op != vfs.OpExchange {
				return nil
			}
			once.Do(func() {
				go func() {
					f, err := os.OpenFile(b.path, os.O_WRONLY|os.O_TRUNC, 0)
					if err != nil {
						t.Error(err)
					}
					defer f.Close()
					info, err := f.Stat()
					if err != nil {
						t.Error(err)
					}
					f.WriteString(text)
					opened <- info
				}()
				runtime.Gosched() // it may be in its open by now, or come later
			})
			return nil
		}
		before, err := os.Stat(b.path)
		if err != nil {
			t.Fatal(err)
		}
		b.mustCommit(b.writer(), adding(t, "a")...)
		if had := <-opened; os.SameFile(had, before) {
			b.applied("a")
			b.retitled()
			return
		}
	}
	t.Skip("it never came in that moment")
}

func TestAModeThatIsChangedInTheLastMomentIsKept(t *testing.T) {
	b := newBench(t)
	once := true
	b.config.Hook = func(op vfs.Op, _ string) error {
		if op == vfs.OpExchange && once {
			once = false
			return os.Chmod(b.path, 0o600)
		}
		return nil
	}
	b.mustCommit(b.writer(), adding(t, "a")...)
	b.applied("a")
	if got := mode(t, b.path); got != 0o600 {
		t.Errorf("mode is %v", got)
	}
	b.noTemp()
}

func TestALinkThatTakesTheFilesPlaceInTheLastMomentIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		put(t, b.dir+"/b.json", strings.Replace(original, `"Two"`, `"Zwo"`, 1))
		once := true
		b.config.Hook = func(op vfs.Op, _ string) error {
			if op == vfs.OpExchange && once {
				once = false
				if err := os.Remove(b.path); err != nil {
					return err
				}
				return os.Symlink("b.json", b.path)
			}
			return nil
		}
		b.mustCommit(b.writer(), adding(t, "a")...)
		if target, err := os.Readlink(b.path); target != "b.json" {
			t.Errorf("the link leads to %q, %v", target, err)
		}
		b.applied("a")
		b.retitled()
		b.noTemp()
	})
}

// What does not parse and nobody has open any more is what a program left that died while it saved.
func TestATornVersionThatComesOutIsKept(t *testing.T) {
	b := newBench(t)
	b.leaseless = true
	once := true
	b.config.Hook = func(op vfs.Op, _ string) error {
		if op == vfs.OpExchange && once {
			once = false
			b.inPlace(original[:40])
		}
		return nil
	}
	b.mustCommit(b.writer(), adding(t, "a")...)
	b.applied("a")
	if len(b.kept) != 1 || b.kept[0] != original[:40] {
		t.Errorf("kept %q", b.kept)
	}
	b.noTemp()
}

func TestAFileThatSomebodyHasOpenForWritingIsNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		f, err := os.OpenFile(b.path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		w := b.writer()
		_, err = b.commit(w, adding(t, "a")...)
		if got := trouble(t, err); got.Code != "EBUSY" || got.Attempts != 3 || got.Replaced ||
			!strings.Contains(err.Error(), "another program has it open for writing (after 3 attempts); let that program close it") {
			t.Errorf("trouble is %+v", err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		b.mustCommit(w, adding(t, "a")...)
		b.applied("a")
	})
}

// Where the system does not tell who writes, what came out counts when it was left alone for a moment.
func TestWithoutLeasesAWriterInPlaceIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, pieces := range []int{1, 2, 4} {
			b := newFastBench(t)
			var f *os.File
			text, looks := strings.Replace(original, `"Two"`, `"Zwo"`, 1), 0
			b.config.Hook = func(op vfs.Op, path string) error {
				switch {
				case op == vfs.OpLease:
					return vfs.ErrCannotTell
				case op == vfs.OpExchange && looks == 0:
					var err error
					if f, err = os.OpenFile(b.path, os.O_WRONLY|os.O_TRUNC, 0); err != nil {
						t.Fatal(err)
					}
				case op == vfs.OpStat && f != nil && strings.Contains(path, ".tasks.json"):
					from := len(text) * looks / pieces
					looks++
					f.WriteString(text[from : len(text)*looks/pieces])
					if looks == pieces {
						f.Close()
						f = nil
					}
				}
				return nil
			}
			b.mustCommit(b.writer(), adding(t, "a")...)
			b.applied("a")
			b.retitled()
			b.noTemp()
			if len(b.kept) > 0 {
				t.Errorf("kept %q", b.kept)
			}
		}
	})
}

func TestAWriterInPlaceThatNeverStopsIsTroubleAndIsMergedInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFastBench(t)
		b.leaseless = true
		var f *os.File
		text, n := strings.Replace(original, `"Two"`, `"Zwo"`, 1), 0
		b.config.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpExchange && f == nil {
				var err error
				if f, err = os.OpenFile(b.path, os.O_WRONLY, 0); err != nil {
					t.Fatal(err)
				}
			}
			if f != nil { // a blank more each time
				n++
				f.WriteAt([]byte(text+strings.Repeat(" ", n)), 0)
			}
			return nil
		}
		w := b.writer()
		_, err := b.commit(w, adding(t, "a")...)
		if got := trouble(t, err); got.Code != "EBUSY" || !got.Replaced || !strings.Contains(err.Error(), "has it open for writing") {
			t.Errorf("trouble is %v", err)
		}
		b.config.Hook, w.config.Hook = nil, nil
		f.Close()
		b.settle(w, adding(t, "a"))
		b.applied("a")
		b.retitled()
		b.noTemp()
	})
}

func TestForeignWritesAreCountedAndOursAreNot(t *testing.T) {
	b := newBench(t)
	b.config.Options.Effects = true
	w := b.writer()
	count := func(want int) {
		t.Helper()
		if w.Look(); w.ForeignWrites() != want {
			t.Errorf("%d foreign writes, want %d", w.ForeignWrites(), want)
		}
	}
	count(0)
	r := b.mustCommit(w, fragments(t, `{"id":"P1","status":"Failed"}`, `[{"id":"P2","title":"Zwei"},{"id":"P2","status":"Failed"}]`)...)
	if len(r.Effects) != 3 || r.Effects[0].Fragment != 0 || r.Effects[2].Fragment != 1 || r.Effects[2].Update != 1 {
		t.Errorf("effects are %+v", r.Effects)
	}
	count(0)
	b.foreign(`"Zwei"`, `"Two"`)
	count(1)
	count(1)
	title := func() (title string) {
		t.Helper()
		err := w.Lend(context.Background(), func(doc *document.Document) {
			value, _ := doc.Value("", "P2", "/title")
			title = string(value)
			if _, err := doc.Apply(fragments(t, `{"id":"P2","title":"Deux"}`)[0].Updates, document.Options{}); err != nil {
				t.Error(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return title
	}
	for range 2 { // what is made of it when it is lent is nobody else's
		if got := title(); got != `"Two"` {
			t.Errorf("the title is %s", got)
		}
	}
	b.inPlace(b.content() + " ")
	b.mustCommit(w, adding(t, "a")...)
	count(2)
	if err := os.Remove(b.path); err != nil {
		t.Fatal(err)
	}
	count(2)
	if err := w.Lend(context.Background(), func(*document.Document) {}); trouble(t, err).Code != "ENOENT" {
		t.Errorf("Lend: %v", err)
	}
}

// What was written last is not read again as long as it stands, and it is what the next batch is merged into.
func TestTheDocumentIsReadOnceWhileNobodyElseWrites(t *testing.T) {
	b := newBench(t)
	reads := 0
	b.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpRead && path == b.path {
			reads++
		}
		return nil
	}
	w := b.writer()
	for i, mark := range []string{"a", "b", "c", "d"} {
		if i == 2 {
			b.mustCommit(w, fragments(t, `{"id":"P9","status":"Failed"}`, `{"id":"P1","status":"Planned"}`)...) // nothing to write
		}
		if err := w.Check(context.Background()); err != nil {
			t.Fatal(err)
		}
		b.mustCommit(w, adding(t, mark)...)
	}
	if once := 2; reads != once { // the last one finds the end
		t.Errorf("it was read in %d pieces", reads)
	}
	b.applied("a", "b", "c", "d")
	b.retitle()
	b.mustCommit(w, adding(t, "e")...)
	b.applied("a", "b", "c", "d", "e")
	b.retitled()
}

// An attempt that fails has merged already: the next one must not do it again on the same document.
func TestADocumentThatWasMergedIntoAndNotWrittenIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		w := b.writer()
		b.mustCommit(w, adding(t, "a")...)
		n := 2
		w.config.Hook = failing(vfs.OpSync, ".tasks.json", &n, 5)
		b.mustCommit(w, adding(t, "b")...)
		b.applied("a", "b")
	})
}
