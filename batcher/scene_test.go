package batcher

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// arrival is one slice sent to Run: the words of its text, each as large as it is long.
type arrival struct {
	at   time.Duration
	text string
}

// departure is one batch as the receiver saw it.
type departure struct {
	at   time.Duration
	text string
}

func size(word string) int64 { return int64(len(word)) }

// scene is one run in fake time: what arrives, how long the receiver commits each batch, and when in is closed
// (0: never, the context ends after an hour).
type scene struct {
	config   Config
	arrivals []arrival
	commit   time.Duration
	closed   time.Duration
}

// play returns what left and when, when each slice was accepted, and what Run returned.
func (s scene) play(t *testing.T) (left []departure, accepted []time.Duration, err error) {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	in, out := make(chan []string), make(chan []string)
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, a := range s.arrivals {
			time.Sleep(time.Until(start.Add(a.at)))
			select {
			case in <- strings.Fields(a.text):
				accepted = append(accepted, time.Since(start))
			case <-ctx.Done():
				return
			}
		}
		if s.closed > 0 {
			time.Sleep(time.Until(start.Add(s.closed)))
			close(in)
		}
	}()
	received := make(chan struct{})
	go func() {
		defer close(received)
		for words := range out {
			left = append(left, departure{time.Since(start), strings.Join(words, " ")})
			time.Sleep(s.commit)
		}
	}()
	err = Run(ctx, s.config, size, nil, in, out)
	<-received
	<-sent
	return left, accepted, err
}

func words(n int) string { return strings.TrimSpace(strings.Repeat("x ", n)) }

// trickle is one word every step, from zero on.
func trickle(n int, step time.Duration) (as []arrival) {
	for i := range n {
		as = append(as, arrival{time.Duration(i) * step, fmt.Sprint("t", i)})
	}
	return as
}

// join is the words of a trickle from one up to but without another.
func join(from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint("t", i))
	}
	return strings.Join(all, " ")
}

func (s scene) end() error {
	if s.closed > 0 {
		return nil
	}
	return context.DeadlineExceeded
}
