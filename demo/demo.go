package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/desk"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/producer"
	"github.com/sessionsync/sessionsync/scaffold"
)

// Options are how it is shown.
type Options struct {
	Out     io.Writer
	Pause   time.Duration // between two parts, for people who read along; 0: none
	Colour  bool
	Command string // by which the program is run here, for what is to be typed next
}

// patience bounds each wait for the agent: here nothing takes longer than that, unless the disk stands still.
const patience = 30 * time.Second

// Run makes a session in a folder and shows what happens to it. The agent that it starts has ended when it returns.
func Run(ctx context.Context, folder string, o Options) (err error) {
	if _, err := scaffold.Make(folder); err != nil {
		return err
	}
	cfg, err := config.Load(config.Options{Dir: folder})
	if err != nil {
		return err
	}
	s := &show{teller: teller{Options: o, ctx: ctx}, cfg: cfg, droppedBy: map[string]string{}}
	a, err := agent.New(cfg, agent.Options{Trace: agent.Trace{Committed: s.committed}})
	if err != nil {
		return err
	}
	if s.desk, err = deskOf(cfg); err != nil {
		return err
	}
	watching, stop := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := a.Run(watching)
		stop(err)
		ended <- err
	}()
	err = s.tell(watching)
	if cause := context.Cause(watching); err != nil && cause != nil {
		err = cause // why the agent has ended, or the person's wish
	}
	stop(nil)
	return errors.Join(err, <-ended)
}

// show is one run of the story.
type show struct {
	teller
	cfg       config.Config
	desk      *desk.Desk
	droppedBy map[string]string // fragment → who has dropped it

	mu        sync.Mutex // for what follows; the agent counts while the story goes on
	writes    int
	fragments int
}

func (s *show) committed(c agent.Commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	s.fragments += c.Fragments
}

func deskOf(cfg config.Config) (*desk.Desk, error) {
	layout, err := agent.Layout(cfg.Document.Layout)
	if err != nil {
		return nil, err
	}
	schema, err := agent.Schema(cfg.Document)
	if err != nil {
		return nil, err
	}
	back, err := agent.New(cfg, agent.Options{Back: true})
	if err != nil {
		return nil, err
	}
	return desk.New(desk.Config{
		Drop: cfg.Drop, Recovery: cfg.Recovery,
		Against: preview.Config{Tasks: cfg.Tasks, Layout: layout, Options: document.Options{Schema: schema}, Limits: limits(cfg)},
		Run: func(ctx context.Context) error {
			_, err := back.Run(ctx)
			return err
		},
	}), nil
}

func limits(cfg config.Config) fragment.Limits {
	return fragment.Limits{MaxBytes: int64(cfg.Fragment.MaxBytes), MaxDepth: cfg.Fragment.MaxDepth}
}

// tell is the story, in the order in which it is told.
func (s *show) tell(ctx context.Context) error {
	s.say("A session in %s:\ntasks.json is the plan of a web shop; drop/ is empty, and an agent watches it.", filepath.Dir(s.cfg.Tasks))
	before, err := os.ReadFile(s.cfg.Tasks)
	if err != nil {
		return err
	}
	p := producer.New(producer.Config{Drop: s.cfg.Drop, Recovery: s.cfg.Recovery, Limits: limits(s.cfg)})
	for _, part := range []func() error{
		func() error { return s.drop(ctx, p) },
		func() error { return s.difference(before) },
		func() error { return s.putRight(ctx) },
		func() error { return s.past() },
		func() error { return s.balance(ctx) },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	s.next()
	return s.trouble
}

// next is what a person types to go on.
func (s *show) next() {
	flag := " --config " + shellescape.Quote(filepath.Join(filepath.Dir(s.cfg.Tasks), config.FileName))
	s.title("Go on with it, in two terminals:")
	for _, command := range []string{"run", "drop P1.M1.T1.S3 status=Complete --wait 5s", "status --watch"} {
		s.say("  %s %s%s", s.Command, command, flag)
	}
	s.say("\nWith a tasks.json of your own: %s init", s.Command)
}

// limited bounds a wait.
func limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, patience,
		fmt.Errorf("the agent has not answered for %v; is the disk full, or standing still?", patience))
}
