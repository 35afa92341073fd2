//go:build unix

package writer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// delays commits while every creation of a temporary file fails, and returns how long the writer waited before each
// further attempt.
func delays(b *bench, r Retry) []time.Duration {
	b.Helper()
	var waited []time.Duration
	var last time.Time
	b.config.Retry = r
	b.config.Hook = func(op vfs.Op, _ string) error {
		if op != vfs.OpCreate {
			return nil
		}
		if !last.IsZero() {
			waited = append(waited, time.Since(last))
		}
		last = time.Now()
		return syscall.EAGAIN
	}
	_, err := b.commit(b.writer(), adding(b.T, "a")...)
	if got := trouble(b.T, err); got.Attempts != r.Attempts || len(waited) != r.Attempts-1 {
		b.Fatalf("%d delays, trouble is %+v", len(waited), got)
	}
	return waited
}

func TestDelaysDoubleAndAreCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := delays(newBench(t), Retry{Attempts: 9, Base: 100 * time.Millisecond, Max: 2 * time.Second})
		ms := time.Millisecond
		want := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1600 * ms, 2000 * ms, 2000 * ms, 2000 * ms}
		if !slices.Equal(got, want) {
			t.Errorf("delays are %v, want %v", got, want)
		}
	})
}

func TestDelaysJitterWithinTenPercentAndReallyVary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		seen := map[int]map[time.Duration]bool{}
		for range 60 {
			for i, d := range delays(b, Retry{Attempts: 8, Base: 100 * time.Millisecond, Max: 2 * time.Second, Jitter: 10}) {
				mid := min(100*time.Millisecond<<i, 2*time.Second)
				if d < mid*9/10 || d > min(mid*11/10, 2*time.Second) {
					t.Errorf("delay %d is %v, which is not within 10%% of %v and 2 s at most", i+1, d, mid)
				}
				if seen[i] == nil {
					seen[i] = map[time.Duration]bool{}
				}
				seen[i][d] = true
			}
		}
		for i := range 7 {
			if len(seen[i]) < 5 {
				t.Errorf("delay %d had %d values in 60 commits", i+1, len(seen[i]))
			}
		}
	})
}

func TestPassingTroubleIsTriedThreeTimes(t *testing.T) {
	for _, number := range passingNumbers {
		t.Run(codeOf(number), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				n := 3
				b.config.Hook = failing(vfs.OpSync, ".tasks.json", &n, number)
				w, start := b.writer(), time.Now()
				r, err := b.commit(w, adding(t, "a")...)
				got := trouble(t, err)
				if got.Code != codeOf(number) || got.Attempts != 3 || got.Path != b.path || got.Replaced || !errors.Is(err, number) {
					t.Errorf("trouble is %+v", got)
				}
				if r.Attempts != 3 || r.Written {
					t.Errorf("result is %+v", r)
				}
				if took := time.Since(start); took < 270*time.Millisecond || took > 330*time.Millisecond {
					t.Errorf("took %v, want 100 ms and 200 ms", took)
				}
				if b.content() != original {
					t.Error("the tasks file has changed")
				}
				b.noTemp()
				// Trouble passes: the same batch, the same writer.
				if r = b.mustCommit(w, adding(t, "a")...); r.Attempts != 1 {
					t.Errorf("result is %+v", r)
				}
				b.applied("a")
			})
		})
	}
}

func TestPassingTroubleThatPassesIsNoTrouble(t *testing.T) {
	for _, number := range passingNumbers {
		t.Run(codeOf(number), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				n := 2
				b.config.Hook = failing(vfs.OpCreate, ".tasks.json", &n, number)
				if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 3 || !r.Written {
					t.Errorf("result is %+v", r)
				}
				b.applied("a")
				log := b.log.String()
				if strings.Count(log, "trying again") != 2 || !strings.Contains(log, "attempt=2 code="+codeOf(number)) {
					t.Errorf("log is\n%s", log)
				}
			})
		})
	}
}

func TestLastingTroubleIsNotTriedAgain(t *testing.T) {
	for _, number := range lastingNumbers {
		t.Run(codeOf(number), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				n := 1
				b.config.Hook = failing(vfs.OpCreate, ".tasks.json", &n, number)
				start := time.Now()
				r, err := b.commit(b.writer(), adding(t, "a")...)
				if got := trouble(t, err); got.Code != codeOf(number) || got.Attempts != 1 || r.Attempts != 1 {
					t.Errorf("trouble is %+v, result %+v", got, r)
				}
				if time.Since(start) != 0 || b.log.Len() != 0 {
					t.Errorf("took %v, log %q", time.Since(start), b.log)
				}
				if b.content() != original {
					t.Error("the tasks file has changed")
				}
				b.noTemp()
			})
		})
	}
}

func TestATornTasksFileThatBecomesWholeIsWaitedOut(t *testing.T) {
	for _, call := range []string{"Check", "Commit"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.put(original[:len(original)/2])
				time.AfterFunc(250*time.Millisecond, func() { b.put(original) })
				w := b.writer()
				if call == "Check" {
					if err := w.Check(context.Background()); err != nil {
						t.Fatal(err)
					}
					return
				}
				if r := b.mustCommit(w, adding(t, "a")...); r.Attempts != 3 {
					t.Errorf("result is %+v", r)
				}
				b.applied("a")
			})
		})
	}
}

func TestATasksFileThatStaysTornIsTroubleWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, place string }{
		"half a document":              {original[:130], "line 4, column "},
		"no byte at all":               {"", "the text ends before the document does"},
		"a second value":               {original + "{}", "line 7, column 1"},
		"a list where an object is":    {"[]", "the document is an array"},
		"another layout's document":    {`{"tasks": []}`, "backlog"},
		"no UTF-8":                     {"{\"backlog\": [\n\"\xff\"]}", "line 2, column 2"},
		"a member that is no list":     {`{"backlog": {}}`, "backlog"},
		"what an editor left of a run": {"\x00\x00\x00", "line 1, column 1"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				b.put(c.text)
				w := b.writer()
				_, commitErr := b.commit(w, adding(t, "a")...)
				for _, err := range []error{commitErr, w.Check(context.Background())} {
					got := trouble(t, err)
					if got.Code != InvalidTasksFile || got.Attempts != 3 {
						t.Errorf("trouble is %+v", got)
					}
					if s := err.Error(); !strings.HasPrefix(s, b.path+": ") || !strings.Contains(s, c.place) || !strings.HasSuffix(s, "; repair it; nothing is lost meanwhile") {
						t.Errorf("message is %q, want %q in it", s, c.place)
					}
				}
				if b.content() != c.text {
					t.Error("the tasks file was touched")
				}
				b.noTemp()
			})
		})
	}
}

func TestTheContextEndsTheWaitingAndNotAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		reason := errors.New("the second signal")
		ctx, cancel := context.WithCancelCause(context.Background())
		n := 3
		b.config.Hook = failing(vfs.OpSync, ".tasks.json", &n, syscall.EIO)
		time.AfterFunc(50*time.Millisecond, func() { cancel(reason) })
		start := time.Now()
		r, err := b.writer().Commit(ctx, adding(t, "a"), nil, b.record)
		if !errors.Is(err, reason) || r.Attempts != 1 || time.Since(start) != 50*time.Millisecond {
			t.Errorf("Commit = %+v, %v after %v", r, err, time.Since(start))
		}
		b.noTemp()
		b.applied()

		ctx, cancel = context.WithCancelCause(context.Background())
		b.config.Hook = func(op vfs.Op, _ string) error {
			if op == vfs.OpWrite {
				cancel(reason)
			}
			return nil
		}
		if r, err := b.writer().Commit(ctx, adding(t, "a"), nil, b.record); err != nil || !r.Written {
			t.Errorf("Commit = %+v, %v", r, err)
		}
		b.applied("a")
	})
}

func TestTheContextDoesNotHideThatTheFileWasReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		ctx, cancel := context.WithCancel(context.Background())
		renamed := false
		b.config.Hook = func(op vfs.Op, _ string) error {
			renamed = renamed || replaces(op)
			if renamed && op == vfs.OpSync {
				cancel()
				return syscall.EIO
			}
			return nil
		}
		w := b.writer()
		r, err := w.Commit(ctx, adding(t, "a"), nil, b.record)
		if got := trouble(t, err); !got.Replaced || !r.Written || r.Attempts != 1 {
			t.Errorf("trouble is %+v, result %+v", got, r)
		}
		w.config.Hook = nil
		if replaced, err := w.Replaced(b.intent); !replaced || err != nil {
			t.Errorf("Replaced = %v, %v", replaced, err)
		}
		b.applied("a")
	})
}

func TestANeighbourThatNeverStopsWritingIsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		n := 0
		b.config.Hook = func(op vfs.Op, _ string) error {
			if op == vfs.OpSync {
				n++
				b.put(strings.Replace(original, "Two", fmt.Sprint(n), 1))
			}
			return nil
		}
		_, err := b.commit(b.writer(), adding(t, "a")...)
		got := trouble(t, err)
		if got.Code != "EBUSY" || got.Attempts != 3 || got.Remedy != "" {
			t.Errorf("trouble is %+v", got)
		}
		if want := b.path + ": the file changes faster than it can be merged into (after 3 attempts)"; err.Error() != want {
			t.Errorf("message is %q", err)
		}
		b.noTemp()
		b.applied()
	})
}
