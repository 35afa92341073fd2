package service

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/health"
	"github.com/sessionsync/sessionsync/heap"
	"github.com/sessionsync/sessionsync/metrics"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/status"
)

// nameOf is what a session is called in health and metrics; one that has no name, as people do: by its tasks file's folder.
func nameOf(c config.Config) string {
	return cmp.Or(c.Session, filepath.Base(filepath.Dir(c.Tasks)))
}

// session runs the agent of one session. When that ends though nobody has asked for it, health says why until the next run.
func (s *Service) session(ctx context.Context, c config.Config) error {
	name, log := nameOf(c), s.options.Log
	if c.Session != "" {
		log = log.With("session", c.Session)
	}
	state := s.health.Add(name)
	down := func(cause error) {
		if c.Session != "" { // else it is the end of all, which nobody should take for a beginning
			state.Down(cause)
		}
	}
	counts, forget, err := s.counts(ctx, name, c, state)
	if err != nil {
		down(err)
		return err
	}
	keeper := status.NewKeeper(c.Drop, log)
	a, err := agent.New(c, agent.Options{
		Once: s.options.Once, Log: log, Notifier: &s.notifier,
		Trace: agent.JoinTraces(s.options.Trace, keeper.Trace(), state.Trace(), counts.Trace(),
			agent.Trace{Committed: func(agent.Commit) { heap.Busy() }}),
	})
	if err != nil {
		down(err)
		return err
	}
	// Whether it can begin is not known yet: another agent may have the drop directory.
	log.Info("starting", "drop", c.Drop, "tasks", c.Tasks, "recovery", c.Recovery, "config", c.File)
	state.Ask(a.Alive)
	heap.Busy() // it is about to read its document
	var report agent.Report
	err = keeper.Around(func() (err error) {
		report, err = a.Run(ctx)
		return err
	})
	s.add(report)
	counts.Down()
	if err == nil || ctx.Err() != nil {
		forget() // before another one of its name can come
	} else {
		down(err)
	}
	if inUse := (*spool.InUseError)(nil); errors.As(err, &inUse) {
		return err
	}
	log.Info("ended", "commits", report.Commits, "fragments", report.Fragments, "updates", report.Updates,
		"unchanged", report.Unchanged, "rejected", report.Rejected, "foreign_writes", report.ForeignWrites,
		"reasserted", report.Reasserted, "overwritten", report.Overwritten)
	return err
}

// tally is what is known of a session from when it is wanted until it is not, however often it is run meanwhile.
type tally struct {
	*metrics.Session
	wanted context.Context
	state  *health.Session // of the latest run
}

// counts are those of a session; of one that is run again they go on. What it returns beside them forgets the session, and is
// called by itself when ctx is done, where there are several: it may be between two runs then.
func (s *Service) counts(ctx context.Context, name string, c config.Config, state *health.Session) (*metrics.Session, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.counted[name]
	if t != nil && t.wanted != ctx { // that of another one before it, about to be forgotten
		s.drop(name, t)
		t = nil
	}
	if t == nil {
		counts, err := s.metrics.Add(name, c.Drop)
		if err != nil {
			return nil, nil, err
		}
		t = &tally{Session: counts, wanted: ctx}
		s.counted[name] = t
		if c.Session != "" {
			context.AfterFunc(ctx, func() { s.forget(name, t) }) // once, not for each run
		}
	}
	t.state = state
	return t.Session, func() { s.forget(name, t) }, nil
}

// forget drops what is known of a session, unless that is another one's of its name by now.
func (s *Service) forget(name string, t *tally) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(name, t)
}

func (s *Service) drop(name string, t *tally) {
	s.health.Remove(t.state)
	if s.counted[name] == t {
		delete(s.counted, name)
		s.metrics.Remove(t.Session)
	}
}

// add counts the run of one session for all.
func (s *Service) add(r agent.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.report.Commits += r.Commits
	s.report.Fragments += r.Fragments
	s.report.Updates += r.Updates
	s.report.Unchanged += r.Unchanged
	s.report.Rejected += r.Rejected
	s.report.ForeignWrites += r.ForeignWrites
	s.report.Reasserted += r.Reasserted
	s.report.Overwritten += r.Overwritten
}
