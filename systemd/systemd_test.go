//go:build unix

package systemd

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/health"
)

// patience is a failsafe against waiting for ever, not a timing.
const patience = 30 * time.Second

// manager is a service manager as far as a service sees one: its socket.
type manager struct {
	t *testing.T
	c *net.UnixConn
}

func newManager(t *testing.T, watchdog time.Duration) *manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "")
	if watchdog > 0 {
		t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	}
	return &manager{t, c}
}

// hears waits for a message; "" is none within the time.
func (m *manager) hears(within time.Duration) string {
	m.t.Helper()
	if err := m.c.SetReadDeadline(time.Now().Add(within)); err != nil {
		m.t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := m.c.Read(text)
	var timeout net.Error
	if err != nil && !(errors.As(err, &timeout) && timeout.Timeout()) {
		m.t.Fatal(err)
	}
	return string(text[:n])
}

func (m *manager) wants(messages ...string) {
	m.t.Helper()
	for _, want := range messages {
		if got := m.hears(patience); got != want {
			m.t.Fatalf("heard %q, want %q", got, want)
		}
	}
}

// running is a Run; it ends with the test.
func running(t *testing.T, sessions *health.Sessions, stopping <-chan struct{}, log *slog.Logger) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); Run(ctx, stopping, sessions, log) }()
	t.Cleanup(func() {
		cancel()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("it does not end")
		}
	})
}

func TestTheManagerHearsOfTheBeginningOfWhatIsDoneAndOfTheEnd(t *testing.T) {
	m := newManager(t, 0)
	sessions, stopping := health.New(), make(chan struct{})
	trace := sessions.Add("plan").Trace()
	running(t, sessions, stopping, slog.New(slog.DiscardHandler))
	m.wants("STATUS=starting", "STATUS=starting: the agent has not begun yet; nothing merged yet")
	trace.Began()
	m.wants("READY=1\nSTATUS=serving; nothing merged yet")
	begin := time.Now()
	trace.Held(errors.New("tasks.json: no space left;\nfree some"))
	m.wants(`STATUS=held: tasks.json: no space left;\nfree some; nothing merged yet`)
	if time.Since(begin) < restAfterStatus/2 {
		t.Error("one status right after another")
	}
	trace.Resumed()
	trace.Rejected(agent.Rejection{Fragments: 1})
	m.wants("STATUS=serving; nothing merged yet, 1 rejected")
	close(stopping)
	m.wants("STOPPING=1\nSTATUS=ending: the commit under way is finished")
}

func TestTheWatchdogHearsOnlyOfAnAgentThatAnswers(t *testing.T) {
	const watchdog = 400 * time.Millisecond
	m := newManager(t, watchdog)
	sessions, stopping := health.New(), make(chan struct{})
	s := sessions.Add("plan")
	s.Trace().Began()
	var stuck atomic.Bool
	s.Ask(func(ctx context.Context) error {
		if stuck.Load() {
			<-ctx.Done()
		}
		return ctx.Err()
	})
	log := make(chan string, 100)
	running(t, sessions, stopping, slog.New(slog.NewTextHandler(lines(log), nil)))
	m.wants("STATUS=starting", "READY=1\nSTATUS=serving; nothing merged yet", "WATCHDOG=1", "WATCHDOG=1")
	stuck.Store(true)
	if !strings.Contains(next(t, log), "does not answer") {
		t.Error("it is not logged")
	}
	for m.hears(time.Millisecond) != "" { // what was on its way
	}
	if got := m.hears(3 * watchdog); got != "" {
		t.Errorf("heard %q of an agent that is stuck", got)
	}
	stuck.Store(false)
	m.wants("WATCHDOG=1")
	close(stopping) // it may still have a commit to finish
	for m.hears(patience) == "WATCHDOG=1" {
	}
	m.wants("WATCHDOG=1")
}

func next(t *testing.T, log <-chan string) string {
	t.Helper()
	select {
	case line := <-log:
		return line
	case <-time.After(patience):
		t.Fatal("nothing is logged")
		return ""
	}
}

// lines sends what is written.
type lines chan<- string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}

func TestWithoutAManagerThereIsNothingToDo(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	Run(t.Context(), nil, health.New(), slog.New(slog.DiscardHandler)) // returns at once
}

func TestWhatIsWrongWithTheManagerIsSaidOnce(t *testing.T) {
	newManager(t, 0)
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "gone"))
	t.Setenv("WATCHDOG_USEC", "soon")
	log := make(chan string, 100)
	sessions := health.New()
	trace := sessions.Add("plan").Trace()
	trace.Began()
	running(t, sessions, nil, slog.New(slog.NewTextHandler(lines(log), nil)))
	for _, want := range []string{"cannot be told how the agent does", "watchdog is not served"} {
		if line := next(t, log); !strings.Contains(line, want) {
			t.Errorf("logged %q", line)
		}
	}
	trace.Held(errors.New("x"))
	select {
	case line := <-log:
		t.Errorf("logged %q", line)
	case <-time.After(2 * restAfterStatus):
	}
}
