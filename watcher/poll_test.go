package watcher

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// inPoll is a bench that polls, and counts how often the directory was listed.
func inPoll(t *testing.T, play func(b *bench, listed *atomic.Int64)) {
	t.Helper()
	inBubble(t, func(b *bench) {
		if info, err := os.Stat(b.Dir); err != nil || changeTime(info).IsZero() {
			t.Skip("a directory has no time here that nobody can set: ", err)
		}
		var listed atomic.Int64
		b.Mode = Poll
		b.Trace.Scanned = func(int) { listed.Add(1) }
		play(b, &listed)
	})
}

func TestAPollOfADirectoryThatDoesNotChangeIsALookAtItsTimes(t *testing.T) {
	inPoll(t, func(b *bench, listed *atomic.Int64) {
		var reads atomic.Int64
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpReadDir {
				reads.Add(1)
			}
			return nil
		}
		b.run()
		b.silent(29 * time.Second)
		// At once, after one second and after two, when the first time is old enough to be believed.
		if listed.Load() != 3 || reads.Load() != 3 {
			t.Errorf("listed %d times, in %d reads, want 3", listed.Load(), reads.Load())
		}
		b.silent(10 * time.Minute)
		if listed.Load() != 23 { // and by the rescan, each half minute
			t.Errorf("listed %d times, want 23", listed.Load())
		}
	})
}

func TestAPollFindsWhatComes(t *testing.T) {
	inPoll(t, func(b *bench, listed *atomic.Int64) {
		b.run()
		b.silent(10500 * ms)
		b.old("x.json", whole, time.Hour)
		b.sends(11*time.Second, "x.json")
		b.claim("x.json")
		b.silent(10 * time.Second)
		if listed.Load() > 8 {
			t.Errorf("listed %d times", listed.Load())
		}
		b.old(".x", whole, time.Hour)
		b.silent(5 * time.Second)
		b.must(os.Rename(b.path(".x"), b.path("x.json")))
		b.sends(27*time.Second, "x.json")
	})
}

func TestAPollLooksAtWhatIsUnfinishedByItsOwnTime(t *testing.T) {
	inPoll(t, func(b *bench, listed *atomic.Int64) {
		b.write("x.json", half)
		b.run()
		b.silent(3500 * ms)
		before := listed.Load()
		b.grow("x.json", `lete"}`) // which moves no time of the directory
		b.sends(3600*ms, "x.json")
		if listed.Load() != before {
			t.Errorf("listed %d times for it", listed.Load()-before)
		}
	})
}

// Nobody could claim it, and so it is left alone until it changes.
func TestAPollLooksAtWhatIsDoneWithAndStillThere(t *testing.T) {
	inPoll(t, func(b *bench, listed *atomic.Int64) {
		b.old("x.json", whole, time.Hour)
		b.run()
		b.sends(0, "x.json")
		b.done <- Done{Others: []string{"x.json"}}
		b.silent(5500 * ms)
		before := listed.Load()
		b.old("x.json", whole+" ", time.Hour)
		b.sends(6*time.Second, "x.json")
		if listed.Load() != before {
			t.Errorf("listed %d times for it", listed.Load()-before)
		}
	})
}

func TestALossOfEventsListsInAnyCase(t *testing.T) {
	inPoll(t, func(b *bench, listed *atomic.Int64) {
		b.Mode, b.kind = Auto, "nfs"
		b.run()
		b.silent(10500 * ms)
		before := listed.Load()
		b.hints <- hint{all: true}
		b.silent(100 * ms)
		if listed.Load() != before+1 {
			t.Errorf("listed %d times for it", listed.Load()-before)
		}
	})
}

func TestWhenTheTimesOfADirectoryAreBelieved(t *testing.T) {
	dir := t.TempDir()
	old, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if changeTime(old).IsZero() {
		t.Skip("a directory has no time here that nobody can set")
	}
	changed := old
	for !changed.ModTime().After(old.ModTime()) {
		if err := os.WriteFile(dir+"/x", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(dir + "/x"); err != nil {
			t.Fatal(err)
		}
		if changed, err = os.Stat(dir); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	l := listed{fullAt: at(time.Hour)}
	for _, c := range []struct {
		what          string
		before, after os.FileInfo
		at            time.Duration
		unchanged     bool
	}{
		{"seen for the first time", old, old, 0, false},
		{"a change may have been in the same moment", old, old, coarsest - 1, false},
		{"old enough", old, old, coarsest, true},
		{"changed before a listing", changed, changed, 3 * time.Second, false},
		{"and now old enough", changed, changed, 5 * time.Second, true},
		{"changed during one, to what it was", old, changed, 6 * time.Second, false},
		{"changed again", changed, old, 7 * time.Second, false},
		{"it counts from when that was seen", old, old, 7*time.Second + coarsest - 1, false},
		{"old enough once more", old, old, 7*time.Second + coarsest, true},
		{"an hour later it is listed nevertheless", old, old, time.Hour, false},
	} {
		l.take(c.before, c.after, at(c.at), at(c.at))
		if got := l.unchanged(c.after, at(c.at)); got != c.unchanged {
			t.Errorf("%s: unchanged is %v", c.what, got)
		}
	}

	r := newRun(New(Config{Dir: dir}))
	for _, after := range []time.Duration{0, coarsest} {
		r.scanned = at(after)
		r.remember(old, old, at(after), false, false)
	}
	if !r.listed.unchanged(old, at(3*time.Second)) {
		t.Error("not believed")
	}
	r.remember(old, old, at(4*time.Second), true, false) // names came all the same
	if r.listed.unchanged(old, at(5*time.Second)) {
		t.Error("believed although it lied")
	}
	r.remember(old, old, at(10*time.Second), false, false)
	if r.listed.unchanged(old, at(11*time.Second)) {
		t.Error("believed again although it lied")
	}
}
