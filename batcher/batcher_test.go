package batcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestABatchCloses(t *testing.T) {
	usual := Config{Quiet: 100 * ms, MaxWait: time.Second, MaxFragments: 1000, MaxBytes: 1 << 20}
	few := Config{Quiet: 100 * ms, MaxWait: time.Second, MaxFragments: 3, MaxBytes: 1 << 20}
	small := Config{Quiet: 100 * ms, MaxWait: time.Second, MaxFragments: 1000, MaxBytes: 10}
	leading := usual
	leading.Leading = true
	cases := []struct {
		name string
		scene
		want []departure
	}{
		{"with nothing to flush, nothing is sent", scene{config: usual}, nil},
		{"with nothing to flush at the end, nothing is sent", scene{config: usual, closed: 5 * time.Second}, nil},
		{"an empty slice is no batch, and ends the waiting for more",
			scene{config: usual, arrivals: []arrival{{0, ""}, {20 * ms, "a"}, {90 * ms, ""}}},
			[]departure{{90 * ms, "a"}}},
		{"a batch of one leaves after quiet",
			scene{config: usual, arrivals: []arrival{{0, "a"}}}, []departure{{100 * ms, "a"}}},
		{"a batch of a hundred leaves in one piece",
			scene{config: usual, arrivals: []arrival{{0, words(100)}}}, []departure{{100 * ms, words(100)}}},
		{"each arrival starts quiet again",
			scene{config: usual, arrivals: []arrival{{0, "a"}, {99 * ms, "b"}, {198 * ms, "c"}}},
			[]departure{{298 * ms, "a b c"}}},
		{"a pause longer than quiet parts two batches",
			scene{config: usual, arrivals: []arrival{{0, "a"}, {101 * ms, "b"}}},
			[]departure{{100 * ms, "a"}, {201 * ms, "b"}}},
		{"a steady trickle closes at max_wait, not later, and the next batch counts from its own first item",
			scene{config: usual, arrivals: trickle(72, 30*ms)},
			[]departure{
				{1000 * ms, join(0, 34)},  // the last of them came at 990 ms
				{2020 * ms, join(34, 68)}, // the first of them came at 1020 ms
				{2230 * ms, join(68, 72)}, // quiet after 2130 ms
			}},
		{"exactly max_fragments leave at once",
			scene{config: few, arrivals: []arrival{{0, "a b c"}}}, []departure{{0, "a b c"}}},
		{"of max_fragments and one, the one waits its quiet",
			scene{config: few, arrivals: []arrival{{0, "a b c d"}}},
			[]departure{{0, "a b c"}, {100 * ms, "d"}}},
		{"the last missing one fills it",
			scene{config: few, arrivals: []arrival{{0, "a"}, {30 * ms, "b"}, {60 * ms, "c"}}},
			[]departure{{60 * ms, "a b c"}}},
		{"a slice of many batches is cut in order",
			scene{config: few, arrivals: []arrival{{0, "a"}, {10 * ms, "b c d e f g h"}}},
			[]departure{{10 * ms, "a b c"}, {10 * ms, "d e f"}, {110 * ms, "g h"}}},
		{"exactly max_bytes leave at once",
			scene{config: small, arrivals: []arrival{{0, "12345"}, {10 * ms, "67890"}}},
			[]departure{{10 * ms, "12345 67890"}}},
		{"what would exceed max_bytes closes the batch and begins the next",
			scene{config: small, arrivals: []arrival{{0, "12345"}, {10 * ms, "123456"}}},
			[]departure{{10 * ms, "12345"}, {110 * ms, "123456"}}},
		{"a single item over max_bytes is a batch of its own, at once",
			scene{config: small, arrivals: []arrival{{0, "a"}, {10 * ms, "12345678901234567890 b"}}},
			[]departure{{10 * ms, "a"}, {10 * ms, "12345678901234567890"}, {110 * ms, "b"}}},
		{"an oversized item alone leaves at once",
			scene{config: small, arrivals: []arrival{{0, "12345678901"}}}, []departure{{0, "12345678901"}}},
		{"with quiet 0 every arrival leaves at once",
			scene{config: Config{MaxWait: time.Second, MaxFragments: 9, MaxBytes: 99},
				arrivals: []arrival{{0, "a b"}, {1 * ms, "c"}}},
			[]departure{{0, "a b"}, {1 * ms, "c"}}},
		{"without any limits everything passes",
			scene{arrivals: []arrival{{0, words(5000)}}}, []departure{{0, words(5000)}}},
		{"a max_wait below quiet wins",
			scene{config: Config{Quiet: time.Second, MaxWait: 30 * ms},
				arrivals: []arrival{{0, "a"}, {20 * ms, "b"}}},
			[]departure{{30 * ms, "a b"}}},
		{"leading: the first ever leaves at once, what follows it gathers",
			scene{config: leading, arrivals: []arrival{{0, "a"}, {10 * ms, "b"}, {20 * ms, "c"}}},
			[]departure{{0, "a"}, {120 * ms, "b c"}}},
		{"leading: the first after a silence of quiet leaves at once",
			scene{config: leading, arrivals: []arrival{{0, "a"}, {100 * ms, "b"}, {199 * ms, "c"}}},
			[]departure{{0, "a"}, {100 * ms, "b"}, {299 * ms, "c"}}},
		{"leading: while a commit is under way the rest gathers",
			scene{config: leading, commit: 500 * ms,
				arrivals: []arrival{{0, "a"}, {10 * ms, "b"}, {200 * ms, "c"}}},
			[]departure{{0, "a"}, {500 * ms, "b c"}}},
		{"while a commit is under way the next one gathers and goes out in one piece when the receiver is ready",
			scene{config: usual, commit: 700 * ms,
				arrivals: []arrival{{0, "a"}, {150 * ms, "b"}, {300 * ms, "c"}, {799 * ms, "d"}}},
			[]departure{{100 * ms, "a"}, {800 * ms, "b c d"}}},
		{"a commit that ends in the middle of gathering does not cut it short",
			scene{config: usual, commit: 200 * ms,
				arrivals: []arrival{{0, "a"}, {250 * ms, "b"}, {320 * ms, "c"}}},
			[]departure{{100 * ms, "a"}, {420 * ms, "b c"}}},
		{"closed input flushes what gathers, at once",
			scene{config: usual, arrivals: []arrival{{0, "a"}, {10 * ms, "b"}}, closed: 40 * ms},
			[]departure{{40 * ms, "a b"}}},
		{"closed input flushes what is too much for one batch",
			scene{config: few, commit: 100 * ms, arrivals: []arrival{{0, "a b c d e f g h"}}, closed: 1 * ms},
			[]departure{{0, "a b c"}, {100 * ms, "d e f"}, {200 * ms, "g h"}}},
		{"closed input waits for the commit under way",
			scene{config: usual, commit: 900 * ms, arrivals: []arrival{{0, "a"}, {150 * ms, "b"}}, closed: 160 * ms},
			[]departure{{100 * ms, "a"}, {1000 * ms, "b"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, accepted, err := c.play(t)
				if !slices.Equal(got, c.want) {
					t.Errorf("left\n%v\nwant\n%v", got, c.want)
				}
				if len(accepted) != len(c.arrivals) {
					t.Errorf("%d of %d slices were accepted", len(accepted), len(c.arrivals))
				}
				if want := c.end(); !errors.Is(err, want) {
					t.Errorf("Run returned %v, want %v", err, want)
				}
			})
		})
	}
}

// The timer and the arrival are due at the same instant; when the arrival is seen first, it must not begin quiet again.
func TestAnArrivalAtTheInstantOfClosingDelaysNothing(t *testing.T) {
	start := time.Now()
	b := batch[string]{Config: Config{Quiet: 100 * ms, MaxWait: time.Second}, size: size}
	b.add([]string{"a"}, start)
	if wait, ok := b.closable(start.Add(99 * ms)); ok || wait != 1*ms {
		t.Fatalf("closable %v after 99ms, waits %v", ok, wait)
	}
	b.add([]string{"b"}, start.Add(100*ms))
	if _, ok := b.closable(start.Add(100 * ms)); !ok {
		t.Error("not closable after 100ms")
	}
}

func TestNothingLeavesWhileABatchGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := make(chan []string), make(chan []string)
		go Run(t.Context(), Config{Quiet: 100 * ms, MaxWait: time.Hour, MaxFragments: 1000}, size, nil, in, out)
		for i := range 500 {
			in <- []string{fmt.Sprint("t", i)}
			time.Sleep(99 * ms)
			synctest.Wait()
			select {
			case early := <-out:
				t.Fatalf("%d items left after arrival %d", len(early), i)
			default:
			}
		}
		time.Sleep(1 * ms)
		if all := <-out; strings.Join(all, " ") != join(0, 500) {
			t.Errorf("the one flush holds %d items, want every item that arrived, in order", len(all))
		}
	})
}

func TestAFullBatchHoldsTheSenderBack(t *testing.T) {
	for _, c := range []struct {
		name   string
		config Config
		text   string
	}{
		{"by number", Config{Quiet: 100 * ms, MaxWait: time.Second, MaxFragments: 2}, "a b"},
		{"by bytes", Config{Quiet: 100 * ms, MaxWait: time.Second, MaxBytes: 2}, "a b"},
		{"by what did not fit", Config{Quiet: 100 * ms, MaxWait: time.Second, MaxBytes: 3}, "aa bb"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in, out := make(chan []string), make(chan []string)
				go Run(t.Context(), c.config, size, nil, in, out)
				in <- strings.Fields(c.text)
				synctest.Wait()
				select {
				case in <- []string{"more"}:
					t.Fatal("a full batch received more")
				case <-time.After(time.Hour):
				}
				<-out
				select {
				case in <- []string{"more"}:
				case <-time.After(time.Hour):
					t.Fatal("nothing is received although the full batch has left")
				}
			})
		})
	}
}

func TestWhatDidNotFitWaitsFromItsArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := scene{config: Config{Quiet: time.Second, MaxWait: 300 * ms, MaxFragments: 2},
			commit: 150 * ms, arrivals: []arrival{{0, "a b"}, {1 * ms, "c d e"}}}
		got, accepted, _ := s.play(t)
		want := []departure{{0, "a b"}, {150 * ms, "c d"}, {301 * ms, "e"}}
		if !slices.Equal(got, want) || accepted[1] != 1*ms {
			t.Errorf("left %v, accepted at %v; want %v and 1ms", got, accepted, want)
		}
	})
}

func TestACancelledContextEndsRunAtOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		give []string
	}{
		{"idle", nil}, {"gathering", []string{"a"}}, {"full and not taken", []string{"a", "b", "c"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				in, out, ended := make(chan []string), make(chan []string), make(chan error)
				go func() {
					ended <- Run(ctx, Config{Quiet: time.Minute, MaxWait: time.Hour, MaxFragments: 2}, size, nil, in, out)
				}()
				if c.give != nil {
					in <- c.give
				}
				synctest.Wait()
				start := time.Now()
				cancel()
				if err := <-ended; err != context.Canceled || time.Since(start) != 0 {
					t.Errorf("Run returned %v after %v", err, time.Since(start))
				}
				if batch, open := <-out; open {
					t.Errorf("%q left after the end", batch)
				}
			})
		})
	}
}

// The watcher closes its end when the context is cancelled: both are seen at once, and nothing may leave then.
func TestInputThatIsClosedByACancelledSenderIsNoFlush(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			in, out, ended := make(chan []string), make(chan []string, 1), make(chan error)
			go func() { ended <- Run(ctx, Config{Quiet: time.Minute, MaxWait: time.Hour}, size, nil, in, out) }()
			in <- []string{"a"}
			cancel()
			close(in)
			if err := <-ended; err != context.Canceled {
				t.Errorf("Run returned %v", err)
			}
			if batch, open := <-out; open {
				t.Errorf("%q left", batch)
			}
		})
	}
}

func TestNothingIsLostDoubledOrReordered(t *testing.T) {
	for _, c := range []Config{
		{Quiet: 7 * ms, MaxWait: 20 * ms, MaxFragments: 3, MaxBytes: 9},
		{Quiet: 1 * ms, MaxWait: 5 * ms, MaxFragments: 1, MaxBytes: 1},
		{Quiet: 3 * ms, MaxWait: 4 * ms, MaxFragments: 50, MaxBytes: 40, Leading: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := scene{config: c, commit: 2 * ms, closed: time.Minute}
			for i := range 300 {
				s.arrivals = append(s.arrivals, arrival{time.Duration(i*i%17) * ms, fmt.Sprintf("n%d m%d o%d", i, i, i)})
			}
			got, _, err := s.play(t)
			var sent, left []string
			for _, a := range s.arrivals {
				sent = append(sent, strings.Fields(a.text)...)
			}
			for _, d := range got {
				batch := strings.Fields(d.text)
				left = append(left, batch...)
				if len(batch) > c.MaxFragments || len(batch) > 1 && int64(len(strings.Join(batch, ""))) > c.MaxBytes {
					t.Errorf("batch %q is over the limits of %+v", batch, c)
				}
			}
			if err != nil || !slices.Equal(sent, left) {
				t.Errorf("sent %d items, %d left, or not in order; Run returned %v", len(sent), len(left), err)
			}
		})
	}
}

func TestIdleIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		in, out := make(chan []string), make(chan []string)
		calls := 0
		go Run(ctx, Config{Quiet: 100 * ms, MaxWait: time.Second}, func(string) int64 { calls++; return 1 }, nil, in, out)
		in <- []string{"a"}
		if got := <-out; len(got) != 1 {
			t.Fatalf("left %q", got)
		}
		// With a timer still firing, fake time could not pass a year in no time.
		start := time.Now()
		time.Sleep(365 * 24 * time.Hour)
		if calls != 1 || time.Since(start) != 365*24*time.Hour {
			t.Errorf("size was asked %d times", calls)
		}
		cancel()
	})
}

func ExampleRun() {
	in, out := make(chan []string, 1), make(chan []string)
	in <- []string{"a", "b", "c"}
	close(in)
	config := Config{Quiet: 100 * ms, MaxWait: time.Second, MaxFragments: 2}
	go Run(context.Background(), config, size, nil, in, out)
	for batch := range out {
		fmt.Println(batch)
	}
	// Output:
	// [a b]
	// [c]
}

func TestAnEmptySliceEndsTheWaiting(t *testing.T) {
	b := batch[string]{Config: Config{Quiet: time.Minute, MaxWait: time.Hour}, size: size}
	now := time.Unix(0, 0)
	b.add(nil, now)
	b.add([]string{"a"}, now)
	if _, ok := b.closable(now); ok {
		t.Error("closable with the first item, because something empty came before")
	}
	b.add(nil, now)
	if _, ok := b.closable(now); !ok {
		t.Error("not closable")
	}
}

// What took a while to get here is not waited for as long once more.
func TestAnItemCountsSinceItWasThere(t *testing.T) {
	start := time.Unix(0, 0)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	since := map[string]time.Time{"a": at(0), "b": at(70 * ms), "future": at(time.Hour)}
	b := batch[string]{Config: Config{Quiet: 100 * ms, MaxWait: time.Second}, size: size, since: func(s string) time.Time { return since[s] }}
	b.add([]string{"a"}, at(60*ms))
	if wait, ok := b.closable(at(60 * ms)); ok || wait != 40*ms {
		t.Errorf("closable in %v, %v", wait, ok)
	}
	b.add([]string{"b"}, at(90*ms))
	if wait, ok := b.closable(at(90 * ms)); ok || wait != 80*ms {
		t.Errorf("closable in %v, %v", wait, ok)
	}
	b.add([]string{"future"}, at(100*ms))
	if wait, ok := b.closable(at(100 * ms)); ok || wait != 100*ms {
		t.Errorf("closable in %v, %v", wait, ok)
	}
	if !b.first.Equal(at(0)) {
		t.Errorf("its waiting began at %v", b.first)
	}
}

func TestAPulseIsReceivedAndChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out, pulse := make(chan []string), make(chan []string), make(chan struct{})
		go Run(t.Context(), Config{Quiet: 100 * ms, MaxWait: time.Hour, MaxFragments: 1000, Pulse: pulse}, size, nil, in, out)
		pulse <- struct{}{}
		start := time.Now()
		in <- []string{"a"}
		for range 9 {
			time.Sleep(10 * ms)
			pulse <- struct{}{}
		}
		if batch := <-out; len(batch) != 1 || time.Since(start) != 100*ms {
			t.Errorf("%q left after %v", batch, time.Since(start))
		}
	})
}
