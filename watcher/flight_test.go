package watcher

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func TestInFlight(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(b *bench)
	}{
		{"an unchanged file is not sent twice, whatever is heard and scanned", func(b *bench) {
			b.tell("x.json")
			b.hints <- hint{all: true}
			b.silent(time.Hour)
		}},
		{"a file that was claimed is not missed", func(b *bench) {
			b.claim("x.json")
			b.silent(time.Hour)
		}},
		{"a new file of the name is sent although the old one is not done", func(b *bench) {
			b.old(".y", whole+" ", 10*time.Minute)
			b.must(os.Rename(b.path(".y"), b.path("x.json")))
			b.tell("x.json")
			b.sends(0, "x.json")
			b.claim("x.json")
			b.done <- Done{Others: []string{"x.json"}}
			b.silent(time.Hour)
		}},
		{"a new file of the name, size and time is another one by its inode", func(b *bench) {
			b.old(".y", whole, time.Hour)
			b.must(os.Chtimes(b.path(".y"), b.start.Add(-time.Hour), b.start.Add(-time.Hour)))
			b.must(os.Rename(b.path(".y"), b.path("x.json")))
			b.tell("x.json")
			b.sends(0, "x.json")
		}},
		{"a new file of the name that nobody told of is sent when the old one is done", func(b *bench) {
			time.Sleep(time.Second)
			b.old("x.json", whole+" ", 10*time.Minute)
			b.done <- Done{Others: []string{"x.json"}}
			b.sends(time.Second, "x.json")
		}},
		{"a new file of the name is sent at once after the claim", func(b *bench) {
			b.claim("x.json")
			time.Sleep(time.Second)
			b.old("x.json", whole, 10*time.Minute)
			b.tell("x.json")
			b.sends(time.Second, "x.json")
		}},
		{"a file that came back unfinished is waited for again", func(b *bench) {
			b.write("x.json", half)
			b.done <- Done{Others: []string{"x.json"}}
			b.silent(time.Second)
			b.grow("x.json", `lete"}`)
			b.tell("x.json")
			b.sends(1050*ms, "x.json")
		}},
		{"a file that nobody can claim is sent again by the rescan, not at once", func(b *bench) {
			b.done <- Done{Others: []string{"x.json"}}
			b.tell("x.json")
			b.hints <- hint{all: true}
			b.sends(30*time.Second, "x.json")
			b.done <- Done{Others: []string{"x.json"}}
			b.sends(60*time.Second, "x.json")
		}},
		{"a file that nobody can claim is sent when it has changed", func(b *bench) {
			b.done <- Done{Others: []string{"x.json"}}
			synctest.Wait()
			b.old("x.json", whole+" ", time.Minute)
			b.tell("x.json")
			b.sends(0, "x.json")
		}},
		{"names that were never sent may be done", func(b *bench) {
			b.done <- Done{Others: []string{"y.json", "", "../x", "x.json"}}
			b.silent(time.Second)
		}},
		{"done may be closed", func(b *bench) {
			close(b.done)
			b.old("y.json", whole, time.Second)
			b.tell("y.json")
			b.sends(0, "y.json")
		}},
		{"a folder that has taken the name is left alone", func(b *bench) {
			b.must(os.Remove(b.path("x.json")))
			b.must(os.Mkdir(b.path("x.json"), 0o755))
			b.done <- Done{Others: []string{"x.json"}}
			b.silent(time.Hour)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				b.old("x.json", whole, time.Hour)
				b.run()
				b.sends(0, "x.json")
				c.play(b)
				b.said()
			})
		})
	}
}

func TestWhileNobodyTakesTheSliceItGrowsInOrderAndHoldsTheNewestState(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("b.json", whole, time.Hour)
		b.old("c.json", whole, 30*time.Minute)
		b.run()
		synctest.Wait()
		b.old("a.json", whole, 2*time.Hour)
		b.tell("a.json")
		b.old("b.json", whole+" ", 45*time.Minute)
		b.tell("b.json")
		synctest.Wait()
		files := <-b.out
		if fmt.Sprint(namesOf(files)) != "[a.json b.json c.json]" || files[1].Size != int64(len(whole))+1 {
			t.Errorf("sent %+v", files)
		}
	})
}

func TestDoneIsHeardWhileNobodyTakesTheSlice(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.old("x.json", whole, time.Hour)
		b.run()
		b.sends(0, "x.json")
		b.old("y.json", whole, time.Hour)
		b.tell("y.json")
		synctest.Wait()
		for range 100 {
			select {
			case b.done <- Done{Others: []string{"x.json"}}:
			case <-time.After(time.Second):
				t.Fatal("done is not heard")
			}
		}
		b.sends(0, "y.json")
	})
}

func TestFilesThatNobodyCanClaim(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(*Config)
		want time.Duration // when it is sent again
	}{
		{"are polled no more often than rescan says", func(c *Config) { c.Mode = Poll }, 30 * time.Second},
		{"are tried again after a minute where there is no rescan", func(c *Config) {
			c.Mode, c.Rescan = Poll, 0
		}, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(b *bench) {
				c.set(&b.Config)
				b.old("x.json", whole, 2*time.Hour)
				b.run()
				b.sends(0, "x.json")
				b.done <- Done{Others: []string{"x.json"}}
				b.sends(c.want, "x.json")
			})
		})
	}
	t.Run("are not remembered without limit: beyond it each scan sends them", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.Mode, b.Candidates = Poll, 1
			b.old("remembered.json", whole, 2*time.Hour)
			b.run()
			b.sends(0, "remembered.json")
			b.done <- Done{Others: []string{"remembered.json"}}
			b.old("x.json", whole, time.Hour)
			for second := range 5 {
				b.sends(time.Duration(second+1)*time.Second, "x.json")
				b.done <- Done{Others: []string{"x.json"}}
			}
		})
	})
}
