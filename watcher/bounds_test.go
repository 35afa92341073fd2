package watcher

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestSlicesAreOfAThousandAtMost(t *testing.T) {
	inBubble(t, func(b *bench) {
		for i := range maxSlice*2 + 1 {
			b.old(fmt.Sprintf("%05d.json", i), whole, time.Hour)
		}
		b.run()
		synctest.Wait() // so that each is as long as it can be
		var got []string
		for _, want := range []int{maxSlice, maxSlice, 1} {
			files := <-b.out
			if len(files) != want {
				t.Errorf("a slice of %d, want %d", len(files), want)
			}
			got = append(got, namesOf(files)...)
			synctest.Wait()
		}
		if !slices.IsSorted(got) {
			t.Error("not in order")
		}
		b.silent(time.Minute)
	})
}

func TestASliceThatWaitsDoesNotGrowBeyondThat(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("first.json", whole, 2*time.Hour)
		b.run()
		synctest.Wait()
		for i := range maxSlice {
			b.old(fmt.Sprintf("%05d.json", i), whole, time.Hour)
		}
		b.hints <- hint{all: true}
		synctest.Wait()
		if files := <-b.out; len(files) != maxSlice || files[0].Name != "first.json" {
			t.Errorf("a slice of %d", len(files))
		}
		b.sends(0, fmt.Sprintf("%05d.json", maxSlice-1))
	})
}

func TestMoreCandidatesThanAreKeptAreFoundByTheNextScan(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit int
		files int
		half  int // so many of them are unfinished
	}{
		{"one more", 10, 11, 0},
		{"thirty times as many", 10, 300, 0},
		{"a limit of one", 1, 20, 0},
		{"unfinished ones fill the memory", 10, 40, 20},
		{"a limit of one and all are unfinished", 1, 5, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.Candidates = c.limit
				for i := range c.files {
					name := fmt.Sprintf("%05d.json", i)
					if i < c.half {
						b.write(name, half)
					} else {
						b.old(name, whole, time.Duration(c.files-i)*time.Minute/100)
					}
				}
				scans := 0
				b.Hook = func(op vfs.Op, path string) error {
					if op == vfs.OpReadDir {
						scans++
					}
					return nil
				}
				b.run()
				got := map[string]int{}
				for len(got) < c.files {
					select {
					case files := <-b.out:
						for _, name := range namesOf(files) {
							got[name]++
							if got[name] > 1 {
								t.Fatalf("%s was sent twice", name)
							}
							b.must(os.Remove(b.path(name)))
						}
						b.done <- Done{Others: namesOf(files)}
					case <-time.After(time.Minute):
						t.Fatalf("only %d of %d were sent", len(got), c.files)
					}
				}
				b.silent(29 * time.Second)
				t.Logf("%d scans of two reads", scans)
				if scans > 4*c.files/c.limit+20 {
					t.Errorf("%d scans", scans)
				}
			})
		})
	}
}

func TestACancelledContextEndsRunPromptly(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(b *bench)
	}{
		{"idle", func(b *bench) {}},
		{"with a slice that nobody takes", func(b *bench) { b.old("x.json", whole, time.Hour) }},
		{"waiting for an unfinished file", func(b *bench) { b.write("x.json", half) }},
		{"without a directory", func(b *bench) { b.must(os.Remove(b.Dir)) }},
		{"once", func(b *bench) { b.Once = true; b.write("x.json", half) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				c.prepare(b)
				b.run()
				time.Sleep(20 * ms)
				b.stop()
				synctest.Wait()
				if _, open := <-b.out; open {
					t.Error("something was sent after the end")
				}
				if err := b.ends(20 * ms); err != context.Canceled {
					t.Errorf("Run returned %v", err)
				}
			})
		})
	}
}

func TestACancelledContextEndsAScanInTheMiddle(t *testing.T) {
	inBubble(t, func(b *bench) {
		for i := range 1000 {
			b.old(fmt.Sprintf("%05d.json", i), whole, time.Hour)
		}
		var looks atomic.Int32
		var over atomic.Bool
		b.Hook = func(op vfs.Op, path string) error {
			switch {
			case path == b.Dir:
			case op == vfs.OpOpen:
				over.Store(true) // what has been listed is read
			case op == vfs.OpStat && !over.Load():
				if looks.Add(1) == 10 {
					b.stop()
				}
			}
			return nil
		}
		b.run()
		if err := b.ends(0); err != context.Canceled || looks.Load() > 300 {
			t.Errorf("Run returned %v after %d looks", err, looks.Load())
		}
		b.said()
	})
}

// Each of these scans takes four seconds: two reads of the directory.
func TestSlowScansLeaveTimeForOtherThings(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Mode = Poll
		reads := 0
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpReadDir {
				reads++
				time.Sleep(2 * time.Second)
				return os.Chtimes(b.Dir, time.Now(), time.Now()) // or else a look at its time would do
			}
			return nil
		}
		b.run()
		b.silent(10*time.Minute - 1)
		if scans := reads / 2; scans != 30 {
			t.Errorf("%d scans of four seconds in ten minutes, want one every twenty seconds", scans)
		}
	})
}

func TestManyUnfinishedFilesDoNotCauseScans(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Candidates, b.Rescan = 10, time.Hour
		for i := range 100 {
			b.write(fmt.Sprintf("%05d.json", i), half)
			b.age(fmt.Sprintf("%05d.json", i), time.Duration(i)*ms)
		}
		var reads atomic.Int64
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpReadDir {
				reads.Add(1)
			}
			return nil
		}
		b.run()
		b.silent(2 * time.Second)
		for range 50 {
			b.tell("unknown.json")
		}
		b.silent(2 * time.Second)
		if got := reads.Load(); got != 2 {
			t.Errorf("the directory was read %d times, want one scan of two reads", got)
		}
	})
}

func TestIdleIsIdle(t *testing.T) {
	for _, c := range []struct {
		name   string
		set    func(*Config)
		listed int
	}{
		{"with events, only the rescan runs", func(c *Config) { c.Rescan = 10 * time.Minute }, 7},
		{"with events and no rescan, nothing runs", func(c *Config) { c.Rescan = 0 }, 1},
		{"polling, a scan a second", func(c *Config) { c.Mode = Poll }, 3601},
		{"polling, or as often as rescan says", func(c *Config) { c.Mode = Poll; c.Rescan = 500 * ms }, 7201},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				c.set(&b.Config)
				opened := 0
				b.Hook = func(op vfs.Op, path string) error {
					if op == vfs.OpOpen && path == b.Dir {
						opened++
					}
					return nil
				}
				b.run()
				b.silent(time.Hour)
				if opened != c.listed+1 { // and once to see that it is there
					t.Errorf("opened the directory %d times, want %d", opened, c.listed+1)
				}
			})
		})
	}
}
