// Package service runs agents as a service: one for each session of the configuration, and around them health and metrics over
// HTTP, where the configuration has an address for them (listen), each session's state for [status], and word to the service
// manager, where there is one.
//
// What is around an agent never decides over it: it ends when the agents have ended, and a scrape, a probe or a manager that
// does not answer keeps no agent from its work or from its end. Only an address that cannot be listened to is an error, before
// any agent begins: whoever asked for health would otherwise believe silence.
//
// How sessions come, go and are run again is said in package fleet.
package service

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/fleet"
	"github.com/sessionsync/sessionsync/health"
	"github.com/sessionsync/sessionsync/metrics"
	"github.com/sessionsync/sessionsync/systemd"
	"github.com/sessionsync/sessionsync/watcher"
)

// Options are what the configuration does not say.
type Options struct {
	Once    bool         // end when what lies in the drop directories is handled; then nothing is listened to
	Log     *slog.Logger // nil: nothing is logged
	Version string       // of the program
	Trace   agent.Trace  // is told as well, of every session

	// Load reads the configuration again, at each value of Reload. Both may be nil.
	Load   func() (config.Config, error)
	Reload <-chan os.Signal
}

// Service is the agents and what is around them.
type Service struct {
	config   config.Config
	options  Options
	health   *health.Sessions
	metrics  *metrics.Metrics
	notifier watcher.Notifier // one instance of the system's events for all: a user may have 128

	mu      sync.Mutex
	counted map[string]*tally // by name, of the sessions that are wanted
	report  agent.Report      // of all runs
}

// New makes a service of a configuration. It touches no file but a schema that the configuration names; its errors are those
// of [agent.Schema].
func New(c config.Config, o Options) (*Service, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if _, err := agent.Schema(c.Document); err != nil {
		return nil, err
	}
	return &Service{config: c, options: o, health: health.New(), metrics: metrics.New(o.Version), counted: map[string]*tally{}}, nil
}

// Run serves every session until ctx is done, as [agent.Agent.Run] does. Where the configuration is one session, it also ends
// when that ends, with its error; with Options.Once it ends when each has been run, with the errors of all. Beside that it
// returns, before anything is touched, a *ListenError when the configured address cannot be listened to.
func (s *Service) Run(ctx context.Context) (agent.Report, error) {
	if s.options.Once {
		err := s.once(ctx)
		return s.report, err
	}
	listener, err := s.listen(ctx)
	if err != nil {
		return agent.Report{}, err
	}
	s.expect()
	around, end := context.WithCancel(context.WithoutCancel(ctx)) // as long as the agents, which may outlive ctx for a commit
	var others sync.WaitGroup
	if listener != nil {
		others.Go(func() { s.serve(around, listener) })
	}
	others.Go(func() { systemd.Run(around, ctx.Done(), s.health, s.options.Log) })
	err = fleet.Run(ctx, fleet.Options{
		Config: s.config, Load: s.options.Load, Reload: s.options.Reload, Reloaded: s.reloaded, Start: s.session,
		LeftOut: s.health.LeftOut, Log: s.options.Log,
	})
	end()
	others.Wait()
	return s.report, err
}

// expect makes known to health, before anybody asks, the sessions that there are in any case: without them all would seem well.
func (s *Service) expect() {
	if !s.config.Many() {
		s.health.Add(nameOf(s.config))
	}
	each, _ := s.config.Each() // what is wrong with some is said by the fleet
	for _, c := range each {
		named := func(one config.Session) bool { return one.Glob == "" && one.Tasks == c.Tasks }
		if slices.ContainsFunc(s.config.Sessions, named) {
			s.health.Add(c.Session)
		}
	}
}

// onceAtATime is how many sessions are handled at once by a run that ends: a few, as each keeps its document in memory.
const onceAtATime = 4

// once runs each session until what lies there is handled.
func (s *Service) once(ctx context.Context) error {
	each, err := s.config.Each()
	errs := make([]error, len(each)+1)
	errs[len(each)] = err
	var runs errgroup.Group
	runs.SetLimit(onceAtATime)
	for i, c := range each {
		runs.Go(func() error {
			errs[i] = s.session(ctx, c)
			return nil // one in trouble is no reason to leave the others
		})
	}
	runs.Wait()
	return errors.Join(errs...)
}

// reloaded says what has become of a configuration that was read again. What is made once, at the start, stays as it is.
func (s *Service) reloaded(c config.Config, err error) {
	log := s.options.Log
	if err != nil {
		log.Error("the configuration was read again and is wrong; nothing has changed", "error", err)
		return
	}
	for _, warning := range c.Warnings {
		log.Warn("configuration", "warning", warning)
	}
	for _, fixed := range []struct {
		key     string
		changed bool
	}{{"listen", c.Listen != s.config.Listen}, {"log.level", c.Log.Level != s.config.Log.Level}, {"log.format", c.Log.Format != s.config.Log.Format}} {
		if fixed.changed {
			log.Warn("this setting cannot change while the program runs; it counts from the next start", "key", fixed.key)
		}
	}
	log.Info("the configuration was read again", "config", c.File)
}
