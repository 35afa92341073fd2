package spool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// A whole life of a drop directory, again and again, with one more operation
// passed each time before a fault:
//
//	once      one operation fails, the agent goes on
//	for good  all operations fail from there on, until the next start
//	dead      nothing happens any more from there on, as after kill -9
//
// The tasks file is a ledger here, replaced in one step like the real one: each
// applied fragment's content is a line of it.

type life struct {
	t      *testing.T
	drop   string
	ledger string
}

var fragments = map[string]string{"a.json": "A", "b.json": "B", "c.jsonl": "C", "still-growing.json": "D"}

func newLife(t *testing.T) *life {
	base := quick(t)
	l := &life{t: t, drop: filepath.Join(base, "drop"), ledger: filepath.Join(base, "ledger")}
	must(t, os.Mkdir(l.drop, 0o755))
	must(t, os.WriteFile(l.ledger, nil, 0o644))
	for name, content := range fragments {
		must(t, os.WriteFile(filepath.Join(l.drop, name), []byte(content), 0o644))
	}
	return l
}

// quick is a temporary folder, in memory where there is such a place: the loops
// below sync thousands of times.
func quick(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func (l *life) document() string {
	text, err := os.ReadFile(l.ledger)
	must(l.t, err)
	return string(text)
}

var errDead = errors.New("dead")

// run is what the agent does: what an earlier run left, then what is there.
// Trouble is tried a second time, then given up.
func (l *life) run(hook vfs.Hook) error {
	s, err := Open(Config{Drop: l.drop, Hook: hook})
	if err != nil {
		return err
	}
	defer s.Close()
	for range 10 { // until none is left, with an end to it
		batches, err := s.Claimed()
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			break
		}
		for _, b := range batches {
			if err := l.process(b); err != nil {
				return err
			}
		}
	}
	names := l.waiting()
	for range 2 {
		b, err := s.Claim(names)
		if errors.Is(err, errDead) {
			return err
		}
		if b != nil {
			if err := l.process(b); err != nil {
				return err
			}
		}
		if err == nil {
			return nil
		}
	}
	return nil
}

func (l *life) waiting() []string {
	entries, err := os.ReadDir(l.drop)
	must(l.t, err)
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// twice does a step again after an error, as an agent does.
func twice(step func() error) error {
	err := step()
	if err != nil && !errors.Is(err, errDead) {
		err = step()
	}
	return err
}

func (l *life) process(b *Batch) error {
	var in Intent
	var ok bool
	err := twice(func() (err error) { in, ok, err = b.Intent(); return err })
	if err != nil {
		return err
	}
	old := l.document()
	if ok && sum(old) == in.Digest {
		return twice(b.Settle)
	}
	for _, f := range slices.Clone(b.Files) {
		if f.Name == "still-growing.json" {
			if err := twice(func() error {
				err := b.Return(f.Name)
				if errors.Is(err, fs.ErrNotExist) {
					return nil
				}
				return err
			}); err != nil {
				return err
			}
		}
	}
	text := old
	for _, f := range b.Files {
		var content []byte
		if err := twice(func() (err error) { content, err = b.Read(f.Name, 100); return err }); err != nil {
			return err
		}
		text += string(content) + "\n"
	}
	if text != old {
		if err := twice(func() error {
			return b.Record(Intent{Temp: ".x100000000000000", Digest: sum(text), Base: sum(old)})
		}); err != nil {
			return err
		}
		must(l.t, os.WriteFile(l.ledger+".new", []byte(text), 0o644))
		must(l.t, os.Rename(l.ledger+".new", l.ledger))
	}
	return twice(b.Settle)
}

// places counts where each content is: waiting, claimed, applied. Applied and
// still claimed is one place as long as the intent says so.
func (l *life) check(when string, finished bool) {
	l.t.Helper()
	waiting, claimed := map[string]int{}, map[string]int{}
	for path, content := range tree(l.t, l.drop) {
		switch {
		case strings.HasSuffix(path, "/") || strings.HasPrefix(filepath.Base(path), ".") || filepath.Base(path) == "lock":
		case strings.HasPrefix(path, ".sessionsync/claimed/"):
			claimed[content]++
		case !strings.Contains(path, "/"):
			waiting[content]++
		default:
			l.t.Errorf("%s: %s in an unknown place", when, path)
		}
	}
	applied := map[string]int{}
	for line := range strings.Lines(l.document()) {
		applied[strings.TrimSpace(line)]++
	}
	for name, content := range fragments {
		w, c, a := waiting[content], claimed[content], applied[content]
		unsettled := a == 1 && c == 1 && w == 0 && !finished
		if w+c+a != 1 && !unsettled {
			l.t.Errorf("%s: %s is %d times waiting, %d claimed, %d applied", when, name, w, c, a)
		}
		if finished && name != "still-growing.json" && a != 1 {
			l.t.Errorf("%s: %s was never applied", when, name)
		}
	}
}

func TestNoFaultAndNoCrashLosesOrDoublesAFragment(t *testing.T) {
	for _, kind := range []string{"once", "for good", "dead"} {
		t.Run(kind, func(t *testing.T) {
			last := 0
			for n := 1; ; n++ {
				l := newLife(t)
				calls := 0
				err := l.run(func(op vfs.Op, path string) error {
					calls++
					switch {
					case calls < n || kind == "once" && calls > n:
						return nil
					case kind == "dead":
						return errDead
					}
					return syscall.EIO
				})
				fired := calls >= n
				when := fmt.Sprintf("operation %d %s (%v)", n, kind, err)
				l.check(when, false)
				if err := l.run(nil); err != nil {
					t.Fatalf("%s: the next start: %v", when, err)
				}
				l.check(when+", after the next start", true)
				if got := tree(t, l.drop); len(got) != 4 { // .sessionsync, claimed, lock, still-growing.json
					t.Errorf("%s: left behind: %v", when, got)
				}
				if !fired {
					break
				}
				last = n
			}
			if last < 40 {
				t.Errorf("only %d operations were failed", last)
			}
		})
	}
}

// The next start can meet trouble too.
func TestNoFaultAfterACrashLosesOrDoublesAFragment(t *testing.T) {
	for n, crashed := 3, true; crashed; n += 6 {
		for m, faulted := 1, true; faulted; m++ {
			l := newLife(t)
			calls := 0
			err := l.run(func(vfs.Op, string) error {
				if calls++; calls >= n {
					return errDead
				}
				return nil
			})
			crashed = calls >= n
			calls = 0
			again := l.run(func(vfs.Op, string) error {
				if calls++; calls == m {
					return syscall.EIO
				}
				return nil
			})
			faulted = calls >= m
			when := fmt.Sprintf("dead at operation %d (%v), then operation %d failed (%v)", n, err, m, again)
			l.check(when, false)
			if err := l.run(nil); err != nil {
				t.Fatalf("%s: the next start: %v", when, err)
			}
			l.check(when+", after the next start", true)
			if !crashed {
				return
			}
		}
	}
}
