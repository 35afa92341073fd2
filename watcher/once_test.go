package watcher

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestOnceEndsWhenWhatWasThereIsHandled(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(b *bench)
		end  time.Duration
	}{
		{"an empty directory: at once", func(b *bench) { b.run() }, 0},
		{"whole files: when they are done", func(b *bench) {
			b.old("x.json", whole, time.Hour)
			b.old("y.json", whole, time.Minute)
			b.run()
			b.sends(0, "x.json", "y.json")
			b.silent(time.Second)
			b.claim("x.json")
			b.silent(time.Second)
			b.claim("y.json")
		}, 2 * time.Second},
		{"nobody says what is done: when all was taken", func(b *bench) {
			b.done = nil
			b.old("x.json", whole, time.Hour)
			b.run()
			b.silentOut(time.Second)
			b.sends(time.Second, "x.json")
		}, time.Second},
		{"done is closed: when all was taken", func(b *bench) {
			close(b.done)
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(0, "x.json")
		}, 0},
		{"a young file: when it settled", func(b *bench) {
			b.write("x.json", whole)
			b.run()
			b.sends(50*ms, "x.json")
			b.claim("x.json")
		}, 50 * ms},
		{"an unfinished file: when it was finished", func(b *bench) {
			b.write("x.json", half)
			b.run()
			b.silent(time.Second)
			b.grow("x.json", `lete"}`)
			b.sends(1600*ms, "x.json") // looks at 50, 100 … 800, 1600 ms
			b.claim("x.json")
		}, 1600 * ms},
		{"a file that is never finished: after incomplete_after", func(b *bench) {
			b.write("x.json", half)
			b.run()
			b.sends(5*time.Second, "x.json")
			b.claim("x.json")
		}, 5 * time.Second},
		{"a file that comes meanwhile: handled too", func(b *bench) {
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(0, "x.json")
			time.Sleep(time.Second)
			b.write("y.json", whole)
			b.claim("x.json")
			b.sends(1050*ms, "y.json")
			b.claim("y.json")
		}, 1050 * ms},
		{"a file that comes while an unfinished one is waited for: handled at the end", func(b *bench) {
			b.write("x.json", half)
			b.run()
			b.silent(time.Second)
			b.write("y.json", whole)
			b.sends(5*time.Second, "x.json")
			b.claim("x.json")
			b.sends(5*time.Second, "y.json")
			b.claim("y.json")
		}, 5 * time.Second},
		{"files that come without end: only those before the first moment of rest", func(b *bench) {
			b.old("0.json", whole, time.Hour)
			b.run()
			at := time.Duration(0)
			b.sends(at, "0.json")
			time.Sleep(time.Second)
			b.write("1.json", whole)
			b.claim("0.json")
			b.sends(1050*ms, "1.json")
			b.write("2.json", whole)
			b.claim("1.json")
		}, 1050 * ms},
		{"a name that is dropped again and again: likewise", func(b *bench) {
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(0, "x.json")
			time.Sleep(10 * ms)
			b.replace("x.json", whole)
			b.done <- Done{Others: []string{"x.json"}}
			b.sends(60*ms, "x.json")
			b.replace("x.json", whole)
			b.done <- Done{Others: []string{"x.json"}}
		}, 60 * ms},
		{"a file that came back unfinished: waited for again", func(b *bench) {
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(0, "x.json")
			time.Sleep(time.Second)
			b.must(os.Truncate(b.path("x.json"), 10))
			b.age("x.json", 0)
			b.done <- Done{Others: []string{"x.json"}}
			b.silent(time.Second)
			b.grow("x.json", whole[10:])
			b.sends(2600*ms, "x.json")
			b.claim("x.json")
		}, 2600 * ms},
		{"a file that nobody can claim: not tried again", func(b *bench) {
			b.old("x.json", whole, time.Hour)
			b.run()
			b.sends(0, "x.json")
			time.Sleep(time.Second)
			b.done <- Done{Others: []string{"x.json"}}
		}, time.Second},
		{"folders and others: left alone", func(b *bench) {
			b.must(os.Mkdir(b.path("x.json"), 0o755))
			b.old("y.tmp", half, time.Hour)
			b.run()
		}, 0},
		{"more files than are kept", func(b *bench) {
			b.Candidates = 3
			for i := range 10 {
				b.old(fmt.Sprintf("%d.json", i), whole, time.Hour)
			}
			b.run()
			for sent := 0; sent < 10; {
				files := <-b.out
				sent += len(files)
				b.claim(namesOf(files)...)
			}
		}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.Once = true
				c.play(b)
				if err := b.ends(c.end); err != nil {
					t.Errorf("Run returned %v", err)
				}
				if len(b.listened()) > 0 {
					t.Error("it listened, for nothing")
				}
				b.said()
			})
		})
	}
}

// replace drops a new file over an old one.
func (b *bench) replace(name, text string) {
	b.write(".new", text)
	b.must(os.Rename(b.path(".new"), b.path(name)))
}

// silentOut lets time pass without taking anything.
func (b *bench) silentOut(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestOnceListsAgainBeforeItCallsTheDirectoryEmpty(t *testing.T) {
	for _, c := range []struct {
		name, others string
		age, settles time.Duration
	}{
		{"the first listing misses the only file", "", time.Hour, 0},
		{"the first listing misses one of two", "x.json", time.Hour, 0},
		{"the first listing misses a file that is from the future", "x.json", -time.Hour, 50 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.Once = true
				if c.others != "" {
					b.old(c.others, whole, time.Hour)
				}
				b.old("missed.json", whole, c.age)
				hidden := filepath.Join(filepath.Dir(b.Dir), "hidden")
				first := true
				b.Hook = func(op vfs.Op, path string) error {
					switch {
					case op == vfs.OpReadDir && first:
						first = false
						return os.Rename(b.path("missed.json"), hidden)
					case op == vfs.OpStat && path == b.Dir && !first: // after the listing
						if err := os.Rename(hidden, b.path("missed.json")); !errors.Is(err, fs.ErrNotExist) {
							return err
						}
					}
					return nil
				}
				b.run()
				if c.others != "" {
					b.sends(0, c.others)
					b.claim(c.others)
				}
				b.sends(c.settles, "missed.json")
				b.claim("missed.json")
				if err := b.ends(c.settles); err != nil {
					t.Errorf("Run returned %v", err)
				}
			})
		})
	}
}

func TestOnceSaysWhatIsWrongWithTheDirectory(t *testing.T) {
	failing := func(op vfs.Op, cause error) func(b *bench) {
		return func(b *bench) {
			b.Hook = func(o vfs.Op, path string) error {
				if o == op {
					return cause
				}
				return nil
			}
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(b *bench)
		end   time.Duration
		is    error
		says  string
	}{
		{"it is missing", func(b *bench) { b.must(os.Remove(b.Dir)) }, 0, fs.ErrNotExist,
			`: no such file or directory; make it, or correct the setting drop`},
		{"it is a file", func(b *bench) {
			b.must(os.Remove(b.Dir))
			b.must(os.WriteFile(b.Dir, nil, 0o644))
		}, 0, syscall.ENOTDIR, ": not a directory; move the file away, or correct the setting drop"},
		{"it may not be opened", failing(vfs.OpOpen, syscall.EACCES), 0, fs.ErrPermission,
			": permission denied; let the agent's user read and enter it (chmod u+rwx, or chown)"},
		{"it may not be listed", failing(vfs.OpReadDir, syscall.EPERM), 0, fs.ErrPermission, "operation not permitted; let"},
		{"its disk is broken for good", failing(vfs.OpReadDir, syscall.EIO), 6300 * ms, syscall.EIO, "input/output error; "},
		{"it cannot be looked at", failing(vfs.OpStat, syscall.EIO), 6300 * ms, syscall.EIO, "input/output error; "},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.Once = true
				c.spoil(b)
				b.run()
				err := b.ends(c.end)
				start := fmt.Sprintf("watch drop directory %q", b.Dir)
				if !errors.Is(err, c.is) || !strings.HasPrefix(err.Error(), start) || !strings.Contains(err.Error(), c.says) ||
					strings.Count(err.Error(), b.Dir) != 1 {
					t.Errorf("Run returned %v", err)
				}
			})
		})
	}
}

func TestOnceWaitsForTroubleThatPasses(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Once = true
		b.old("x.json", whole, time.Hour)
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpOpen && time.Since(b.start) < time.Second {
				return syscall.EMFILE
			}
			return nil
		}
		b.run()
		b.sends(1500*ms, "x.json")
		b.claim("x.json")
		if err := b.ends(1500 * ms); err != nil {
			t.Error(err)
		}
		b.said(isTroubled, isThere)
	})
}

func TestOnceEndsWithAnErrorWhenTheDirectoryGoes(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Once = true
		b.old("x.json", whole, time.Hour)
		b.run()
		b.sends(0, "x.json")
		b.must(os.RemoveAll(b.Dir))
		b.done <- Done{Others: []string{"x.json"}}
		if err := b.ends(0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Run returned %v", err)
		}
	})
}

func TestOnceEndsWithAnErrorWhenTheLastListingFails(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Once = true
		listings := 0
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpReadDir {
				if listings++; listings == 2 {
					return syscall.EACCES
				}
			}
			return nil
		}
		b.run()
		if err := b.ends(0); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Run returned %v", err)
		}
	})
}
