package watcher

import (
	"slices"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

const ms = time.Millisecond

func TestWhatToDoWithAFile(t *testing.T) {
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	r := rules{settle: 50 * ms, incompleteAfter: 5 * time.Second, maxBytes: 100}
	file := func(mtime, since, first time.Duration) sight {
		return sight{stamp: stamp{size: 10, mtime: ago(mtime), regular: true}, since: ago(since), first: ago(first)}
	}
	unfinished := func(s sight) sight { s.unfinished = true; return s }
	sized := func(size int64, s sight) sight { s.size = size; return s }
	irregular := func(s sight) sight { s.regular = false; return s }
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		name  string
		s     sight
		want  verdict
		pause time.Duration
	}{
		{"just written: wait the rest of settle", file(0, 0, 0), wait, 50 * ms},
		{"written 49 ms ago, seen now: wait 1 ms", file(49*ms, 0, 0), wait, 1 * ms},
		{"written exactly settle ago: read", file(50*ms, 0, 0), read, 0},
		{"written in the future, seen now: wait by our clock", file(-year, 0, 0), wait, 50 * ms},
		{"written in the future, unchanged for 20 ms: wait the rest", file(-year, 20*ms, time.Minute), wait, 30 * ms},
		{"written in the future, unchanged for settle: read", file(-year, 50*ms, 50*ms), read, 0},
		{"known to be unfinished, 60 ms old: look when it is twice as old", unfinished(file(60*ms, 0, 0)), wait, 60 * ms},
		{"known to be unfinished, 3 s old: a second at most", unfinished(file(3*time.Second, 0, 0)), wait, time.Second},
		{"known to be unfinished, 4.7 s old: its deadline", unfinished(file(4700*ms, 0, 0)), wait, 300 * ms},
		{"unfinished for incomplete_after: send", unfinished(file(5*time.Second, time.Second, time.Minute)), send, 0},
		{"unfinished, from the future, unchanged for incomplete_after: send",
			unfinished(file(-year, 5*time.Second, time.Minute)), send, 0},
		{"unfinished for long, but changed 4.9 s ago: not yet",
			unfinished(file(4900*ms, 4900*ms, time.Hour)), wait, 100 * ms},
		{"older than incomplete_after: read, for whoever claims it", file(year, 0, 0), read, 0},
		{"as large as allowed: read", sized(100, file(time.Second, 0, 0)), read, 0},
		{"too large and settled: send without reading", sized(101, file(50*ms, 0, 0)), send, 0},
		{"too large and just written: wait", sized(101, file(0, 0, 0)), wait, 50 * ms},
		{"too large, and its writer never pauses: send", sized(101, file(0, 0, 5*time.Second)), send, 0},
		{"no regular file: send at once", irregular(file(0, 0, 0)), send, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, pause := r.judge(c.s, now)
			if got != c.want || pause != c.pause {
				t.Errorf("verdict %v after %v, want %v after %v", got, pause, c.want, c.pause)
			}
		})
	}
}

func TestWithoutSettleAnUnfinishedFileIsNotLookedAtInALoop(t *testing.T) {
	now := time.Now()
	s := sight{stamp: stamp{mtime: now, regular: true}, since: now, first: now, unfinished: true}
	if got, pause := (rules{incompleteAfter: time.Second}).judge(s, now); got != wait || pause != shortestWait {
		t.Errorf("verdict %v after %v", got, pause)
	}
}

func TestTwoLooks(t *testing.T) {
	now := time.Now()
	base := stamp{size: 1, mtime: now, inode: 7, regular: true}
	known := sight{stamp: base, first: now.Add(-time.Hour), since: now.Add(-time.Minute), unfinished: true}
	for _, c := range []struct {
		name    string
		change  func(*stamp)
		changed bool
	}{
		{"nothing changed", func(*stamp) {}, false},
		{"the same time in another zone is no change", func(s *stamp) { s.mtime = s.mtime.UTC() }, false},
		{"the size changed", func(s *stamp) { s.size++ }, true},
		{"the time went on", func(s *stamp) { s.mtime = s.mtime.Add(1) }, true},
		{"the time went back", func(s *stamp) { s.mtime = s.mtime.Add(-time.Hour) }, true},
		{"another file has the name", func(s *stamp) { s.inode++ }, true},
		{"it has become a link", func(s *stamp) { s.regular = false }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen := base
			c.change(&seen)
			got := known.then(seen, now)
			want := known
			if c.changed {
				want = sight{stamp: seen, first: known.first, since: now}
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
	if got := (sight{}).then(base, now); got != (sight{stamp: base, first: now, since: now}) {
		t.Errorf("the first look gives %+v", got)
	}
}

func TestTheDelayDoublesUpToFiveSeconds(t *testing.T) {
	var got []time.Duration
	for failures := range 9 {
		got = append(got, backoff(failures))
	}
	want := []time.Duration{100 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 3200 * ms, 5000 * ms, 5000 * ms}
	if !slices.Equal(got, want) || backoff(1<<40) != lastDelay {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestALookThatFails(t *testing.T) {
	r := rules{incompleteAfter: time.Second}
	for _, c := range []struct {
		name     string
		failures int
		lasted   time.Duration
		want     verdict
		pause    time.Duration
	}{
		{"once: again after 100 ms", 1, 0, wait, 100 * ms},
		{"three times: after 400 ms", 3, 300 * ms, wait, 400 * ms},
		{"near the end: at the end", 4, 700 * ms, wait, 300 * ms},
		{"for incomplete_after: the claim shall judge", 5, time.Second, send, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, pause := r.stumble(c.failures, c.lasted); got != c.want || pause != c.pause {
				t.Errorf("verdict %v after %v, want %v after %v", got, pause, c.want, c.pause)
			}
		})
	}
}

// The quiet of a batch counts from the arrival, not from when it was noticed, as far as the clocks agree.
func TestAnArrivalIsDatedByTheFileSystemWhereThatMayBe(t *testing.T) {
	now := time.Now()
	for late, want := range map[time.Duration]time.Duration{
		time.Millisecond: time.Millisecond, noticedWithin: noticedWithin,
		0: 0, noticedWithin + 1: 0, time.Hour: 0, -time.Millisecond: 0, // another clock, or noticed late
	} {
		if got := now.Sub(arrival(vfs.Status{Changed: now.Add(-late)}, now)); got != want {
			t.Errorf("%v late is dated back by %v", late, got)
		}
	}
	if got := arrival(vfs.Status{}, now); got != now {
		t.Errorf("%v, where the system does not tell", got)
	}
}
