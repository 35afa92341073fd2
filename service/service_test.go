package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
)

// patience is a failsafe against waiting for ever, not a timing.
const patience = time.Minute

// newConfig is a session with one fragment that waits; it listens on a port that is free.
func newConfig(t *testing.T) config.Config {
	t.Helper()
	t.Setenv("NOTIFY_SOCKET", "")
	folder := filepath.Join(t.TempDir(), "plan")
	c := config.Default()
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery")
	c.Listen = "127.0.0.1:0"
	must(t, os.MkdirAll(c.Drop, 0o755))
	must(t, os.WriteFile(c.Tasks, []byte(`{"backlog":[{"type":"Phase","id":"P1","title":"One","status":"Planned"}]}`), 0o644))
	must(t, os.WriteFile(filepath.Join(c.Drop, "a.json"), []byte(`{"id":"P1","status":"Complete"}`), 0o644))
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// running is a service at work.
type running struct {
	t       *testing.T
	address string
	cancel  context.CancelFunc
	ended   chan error
	report  agent.Report
}

func start(t *testing.T, c config.Config) *running {
	t.Helper()
	listening := make(chan string, 1)
	s, err := New(c, Options{Version: "v1", Log: slog.New(addresses{slog.DiscardHandler, listening})})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, cancel: cancel, ended: make(chan error, 1)}
	go func() {
		var err error
		r.report, err = s.Run(ctx)
		r.ended <- err
	}()
	select {
	case r.address = <-listening:
	case <-time.After(patience):
		t.Fatal("it does not listen")
	}
	return r
}

// addresses is a log from which the address is taken where somebody listens.
type addresses struct {
	slog.Handler
	to chan<- string
}

func (a addresses) Enabled(context.Context, slog.Level) bool { return true }
func (a addresses) Handle(_ context.Context, record slog.Record) error {
	record.Attrs(func(attr slog.Attr) bool {
		if attr.Key == "address" {
			a.to <- attr.Value.String()
		}
		return true
	})
	return nil
}
func (a addresses) WithAttrs([]slog.Attr) slog.Handler { return a }

// stop ends it, soon.
func (r *running) stop() {
	r.t.Helper()
	begin := time.Now()
	r.cancel()
	if err := <-r.ended; err != nil {
		r.t.Error(err)
	}
	if took := time.Since(begin); took > endWithin+10*time.Second {
		r.t.Errorf("the end took %v", took)
	}
}

func (r *running) ask(method, path string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.address+path, nil)
	must(r.t, err)
	response, err := http.DefaultClient.Do(request)
	must(r.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(r.t, err)
	return response.StatusCode, string(text)
}

func (r *running) answers(path string, code int, text string) {
	r.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got, body := r.ask("GET", path)
		if got == code && strings.Contains(body, text) {
			return
		}
		if time.Now().After(end) {
			r.t.Fatalf("%s answers %d %s", path, got, body)
		}
	}
}

func TestAServiceAnswersWhatItsAgentDoes(t *testing.T) {
	c := newConfig(t)
	r := start(t, c)
	r.answers("/readyz", 200, "ready\n")
	r.answers("/livez", 200, "alive\n")
	r.answers("/", 200, "/readyz")
	r.answers("/metrics", 200, `sessionsync_applied_fragments_total{session="plan"} 1`)
	r.answers("/metrics", 200, `version="v1"`)
	r.answers("/metrics", 200, "process_start_time_seconds")
	must(t, os.Rename(c.Drop, c.Drop+".away"))
	r.answers("/readyz", 503, "no drop directory: the drop directory is missing: ")
	must(t, os.Rename(c.Drop+".away", c.Drop))
	r.answers("/readyz", 200, "ready\n")
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"POST", "/livez", 405}, {"DELETE", "/metrics", 405}, {"GET", "/livez/", 404}, {"GET", "/debug/pprof/", 404}, {"HEAD", "/readyz", 200},
	} {
		if code, _ := r.ask(c.method, c.path); code != c.code {
			t.Errorf("%s %s answers %d", c.method, c.path, code)
		}
	}
	r.stop()
	if r.report.Fragments != 1 {
		t.Errorf("report %+v", r.report)
	}
}

func TestWhoeverHoldsAConnectionDoesNotKeepTheAgentFromEnding(t *testing.T) {
	r := start(t, newConfig(t))
	for _, text := range []string{"", "GET /metrics HTTP/1.1\r\nHost:", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"} {
		conn, err := net.Dial("tcp", r.address)
		must(t, err)
		defer conn.Close()
		_, err = io.WriteString(conn, text)
		must(t, err)
	}
	r.answers("/readyz", 200, "ready\n")
	r.stop()
}

func TestARunThatEndsByItselfListensToNothing(t *testing.T) {
	c := newConfig(t)
	c.Listen = "192.0.2.1:9464" // could not be listened to
	s, err := New(c, Options{Once: true})
	must(t, err)
	if report, err := s.Run(t.Context()); err != nil || report.Fragments != 1 {
		t.Errorf("report %+v, error %v", report, err)
	}
}

func TestWithoutAnAddressNothingIsListenedTo(t *testing.T) {
	c := newConfig(t)
	c.Listen = ""
	done := make(chan struct{})
	s, err := New(c, Options{Trace: agent.Trace{Committed: func(agent.Commit) { close(done) }}})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-done; cancel() }()
	if report, err := s.Run(ctx); err != nil || report.Fragments != 1 {
		t.Errorf("report %+v, error %v", report, err)
	}
}

func TestAnAddressThatSomebodyHasIsAnErrorBeforeAnythingIsTouched(t *testing.T) {
	c := newConfig(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c.Listen = l.Addr().String()
	s, err := New(c, Options{})
	must(t, err)
	_, err = s.Run(t.Context())
	var deaf *ListenError
	if !errors.As(err, &deaf) || !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("error %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.Drop, ".sessionsync")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("touched: %v", err)
	}
}

func TestAnAddressThatCannotBeListenedToSaysWhatToDo(t *testing.T) {
	at := func(err error) error {
		return &net.OpError{Op: "listen", Net: "tcp", Err: os.NewSyscallError("bind", err)}
	}
	for want, err := range map[string]error{
		"listen on a:1: address already in use; end the program that has the port, or choose another one with listen in the configuration":                   at(syscall.EADDRINUSE),
		"listen on a:1: cannot assign requested address; it is none of this machine's; use :PORT for this machine alone, 0.0.0.0:PORT for all its addresses": at(syscall.EADDRNOTAVAIL),
		"listen on a:1: permission denied; choose a port from 1024 on; those below need CAP_NET_BIND_SERVICE":                                                at(syscall.EACCES),
		"listen on a:1: no address for the host a; correct listen in the configuration":                                                                      &net.OpError{Op: "listen", Err: &net.DNSError{Name: "a", Err: "no such host"}},
		"listen on a:1: too many open files; correct listen in the configuration":                                                                            at(syscall.EMFILE),
		"listen on a:1: something else; correct listen in the configuration":                                                                                 errors.New("something else"),
	} {
		if got := unheard("a:1", err); got.Error() != want || !strings.Contains(fmt.Sprint(got.Unwrap()), strings.Split(want, ";")[0][len("listen on a:1: "):]) {
			t.Errorf("%v\nwant %s", got, want)
		}
	}
}

func TestWhatIsWrongWithTheAgentsConfigurationIsSaid(t *testing.T) {
	c := newConfig(t)
	c.Document.Schema = filepath.Join(t.TempDir(), "none.json")
	if _, err := New(c, Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}
