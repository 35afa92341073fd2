package dashboard

import (
	"context"
	"errors"
	"io"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/sessionsync/sessionsync/status"
)

// Config is what the view shows.
type Config struct {
	Look    func() status.Report
	Updates func(most int) []Update // the newest ones first; nil where nobody keeps them
}

// Update is one update that was applied.
type Update struct {
	Time time.Time
	ID   string // of the item
	Text string // what has changed
	From string // the fragment
}

// frames is how often the terminal is written to, at most.
const frames = 10 // a second

// Run shows the view until a key or ctx ends it, neither of which is an error. out is the terminal, and environ says what it
// can. Keys come from stdin, or from the controlling terminal where stdin is none.
func Run(ctx context.Context, c Config, out io.Writer, environ []string) error {
	p := tea.NewProgram(newModel(c), tea.WithContext(ctx), tea.WithOutput(out), tea.WithEnvironment(environ),
		tea.WithFPS(frames), tea.WithoutSignalHandler())
	_, err := p.Run()
	if ctx.Err() != nil && errors.Is(err, tea.ErrProgramKilled) {
		return nil // asked to end
	}
	return err
}

// model is the state of the view.
type model struct {
	config        Config
	width, height int // 0 until the terminal has told
	report        status.Report
	looked        bool
	updates       []Update
	applied       rate
}

func newModel(c Config) *model { return &model{config: c} }

// seen is what a look has found.
type seen struct {
	report  status.Report
	updates []Update
}

// again asks for another look.
type again struct{}

// mostUpdates is as many as the tallest terminal shows.
const mostUpdates = 100

// look is one look; the next one is asked for when it is shown, so there is never more than one.
func (m *model) look() tea.Msg {
	s := seen{report: m.config.Look()}
	if m.config.Updates != nil {
		s.updates = m.config.Updates(mostUpdates)
	}
	return s
}

// Init begins with a look.
func (m *model) Init() tea.Cmd { return m.look }

// Update takes in what has happened.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		switch msg.String() {
		case "q", "Q", "esc", "ctrl+c":
			return m, tea.Quit
		case "ctrl+z":
			return m, tea.Suspend
		}
	case seen:
		m.report, m.updates, m.looked = msg.report, msg.updates, true
		if n := m.report.Agent.Counters; n != nil {
			m.applied.add(m.report.Time, m.report.Agent.Since, n.Applied)
		}
		return m, tea.Tick(status.Every, func(time.Time) tea.Msg { return again{} })
	case again:
		return m, m.look
	}
	return m, nil
}

// View draws the whole.
func (m *model) View() tea.View {
	v := tea.NewView(m.draw())
	v.AltScreen = true
	return v
}
