// Package fleet runs one agent for each session of a configuration, and keeps doing so while sessions come and go.
//
// Each session has its own agent, its own goroutines and its own trouble: one that holds, or cannot begin, or ends with an
// error, is nobody else's business. It is tried again after a second, doubling to half a minute, for as long as the
// configuration has it. Where the configuration is one session only, its error is the end of Run: whoever started the program is
// to hear of it.
//
// Run looks which sessions there should be at its start, when it is told to read the configuration again, when something happens
// in a folder that a pattern speaks of, and every watch.rescan: events are hints, the folders are the truth. What is there and
// should not be is stopped, which finishes the commit under way; what should be and is not is started; what is to be run
// otherwise than it is is stopped and started anew. An agent may be stopped at any moment without loss, so that a new setting
// takes effect in one way only; what dies with it is the memory of what it has applied (document.reassert).
//
// A configuration that cannot be read changes nothing: it is said why, and what runs goes on.
package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/sessionsync/sessionsync/config"
)

// Options say what is run, and how.
type Options struct {
	Config config.Config // to begin with

	// Load reads the configuration again, at each value of Reload. Both may be nil.
	Load   func() (config.Config, error)
	Reload <-chan os.Signal

	// Start runs one session until its context is done, then finishes what it has begun and returns nil. It is called
	// again after an error, and when its configuration has changed.
	Start func(context.Context, config.Config) error

	// Reloaded is called when the configuration was read again, or could not be; nil where nobody wants to know.
	Reloaded func(config.Config, error)

	// LeftOut is called when it has changed which sessions of the configuration cannot be served beside the others, with
	// the reasons, a line each; with nil when there are no such any more. It may be nil.
	LeftOut func(error)

	Log *slog.Logger // nil: nothing is logged
}

// Between two tries of a session that cannot be run.
const (
	shortestPause = time.Second
	longestPause  = 30 * time.Second
)

// Run runs the sessions until ctx is done and all of them have ended, and then returns nil; or until the one session of a
// configuration without sessions has ended, and then returns its error.
func Run(ctx context.Context, o Options) error {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &fleet{Options: o, members: map[string]*member{}, ended: make(chan *member), gone: make(chan struct{})}
	defer close(f.gone)
	f.watch()
	defer f.unwatch()
	f.muster(ctx)
	for {
		select {
		case <-ctx.Done():
			return f.end()
		case m := <-f.ended:
			if err := f.leave(m); f.alone() && !m.replaced {
				return err
			}
			f.muster(ctx) // it may have been in the way of another one
		case <-f.Reload:
			f.reload()
			f.muster(ctx)
		case path := <-f.hints:
			if f.concerns(path) {
				f.soon()
			}
		case <-f.alarm.C:
			f.muster(ctx)
		}
	}
}

// endWithin is how long is waited for the end of all: the commit under way may take 5 s more, and a service manager kills what
// takes much longer.
const endWithin = 10 * time.Second

// end waits for those that are being stopped. One that is stuck, on a file system that does not answer, is left behind.
func (f *fleet) end() (last error) {
	enough := time.NewTimer(endWithin)
	defer enough.Stop()
	for len(f.members) > 0 {
		select {
		case m := <-f.ended:
			last = f.leave(m)
		case <-enough.C:
			names := slices.Sorted(maps.Keys(f.members))
			return fmt.Errorf("end the sessions: %d of them (%q) do not, after %v; nothing is lost: what they were doing is finished at the next start", len(names), names[0], endWithin)
		}
	}
	if !f.alone() {
		return nil
	}
	return last
}

// fleet is the state of one Run; only its goroutine touches it.
type fleet struct {
	Options
	members map[string]*member // by session; those that are being stopped too
	ended   chan *member
	gone    chan struct{} // closed at the end of Run
	said    string        // what is wrong with the sessions, as it was told last
	lookout
}

// alone reports whether the configuration is one session.
func (f *fleet) alone() bool { return !f.Config.Many() }

// muster starts and stops what has to be.
func (f *fleet) muster(ctx context.Context) {
	f.follow(f.Config) // first: what comes behind it is told of
	each, err := f.Config.Each()
	f.complain(err)
	wanted := make(map[string]bool, len(each))
	for _, c := range each {
		wanted[c.Session] = true
		m := f.members[c.Session]
		switch {
		case m == nil && ctx.Err() == nil:
			f.members[c.Session] = f.start(ctx, c)
		case m != nil && !m.config.Same(c):
			m.replaced = true
			m.stop()
		}
	}
	for name, m := range f.members {
		if !wanted[name] {
			if !m.unwanted && exists(m.config.Drop) && !exists(m.config.Tasks) {
				f.Log.Warn("the session went with its tasks file, and its drop directory is still there: what is dropped waits",
					"session", name, "drop", m.config.Drop, "remedy", "put the tasks file back: "+m.config.Tasks)
			}
			m.unwanted = true
			m.stop()
		}
	}
}

// complain says what is wrong with the sessions, when it is news.
func (f *fleet) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != f.said && text != "" {
		f.Log.Error("some sessions are not served", "error", err)
	}
	if text != f.said && f.LeftOut != nil {
		f.LeftOut(err)
	}
	f.said = text
}

// reload takes over a configuration that can be read.
func (f *fleet) reload() {
	if f.Load == nil {
		return
	}
	c, err := f.Load()
	if err == nil && c.Many() != f.Config.Many() {
		err = errors.New("whether there are sessions cannot change while it runs; restart it")
	}
	if err == nil {
		f.Config = c
	}
	if f.Reloaded != nil {
		f.Reloaded(c, err)
	}
}

// member is the agent of one session.
type member struct {
	config   config.Config
	stop     context.CancelFunc
	replaced bool  // it is being stopped for another one to take its place
	unwanted bool  // it is being stopped, and was said to be
	err      error // when it has ended
}

// start runs a session until it is stopped; where it is one of several, again and again.
func (f *fleet) start(ctx context.Context, c config.Config) *member {
	ctx, stop := context.WithCancel(ctx)
	m := &member{config: c, stop: stop}
	again := !f.alone()
	go func() {
		defer func() {
			select {
			case f.ended <- m:
			case <-f.gone:
			}
		}()
		pause := shortestPause
		for {
			began := time.Now()
			m.err = f.Start(ctx, c)
			if !again || ctx.Err() != nil {
				return
			}
			if time.Since(began) > longestPause {
				pause = shortestPause
			}
			f.Log.Error("the session is not served; it is tried again", "session", c.Session, "error", m.err, "after", pause)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			pause = min(2*pause, longestPause)
		}
	}()
	return m
}

// leave takes note of a member that has ended, and returns what it ended with.
func (f *fleet) leave(m *member) error {
	m.stop()
	delete(f.members, m.config.Session)
	return m.err
}
