//go:build unix

package deploy

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// manager is a service manager as far as a service sees one: its socket, and what was said on it.
type manager struct {
	t    *testing.T
	path string

	mu   sync.Mutex
	said []string // a variable each, READY=1
}

func newManager(t *testing.T) *manager {
	t.Helper()
	folder, err := os.MkdirTemp("", "notify") // the path of a socket must be short
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	m := &manager{t: t, path: folder + "/socket"}
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { c.Close() })
	go func() {
		text := make([]byte, 4096)
		for {
			n, err := c.Read(text)
			if err != nil {
				return
			}
			m.mu.Lock()
			m.said = append(m.said, strings.Split(string(text[:n]), "\n")...)
			m.mu.Unlock()
		}
	}()
	return m
}

// environment is what the manager gives its service.
func (m *manager) environment(watchdog time.Duration) []string {
	env := []string{"NOTIFY_SOCKET=" + m.path}
	if watchdog > 0 {
		env = append(env, "WATCHDOG_USEC="+strconv.FormatInt(watchdog.Microseconds(), 10))
	}
	return env
}

func (m *manager) count(prefix string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.said {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

func (m *manager) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.said)
}

func (m *manager) hears(prefix string, more int) {
	m.t.Helper()
	until(m.t, fmt.Sprintf("%d times %s; heard before: %q", more, prefix, m.all()), func() bool { return m.count(prefix) >= more }, nil)
}

func TestAServiceManagerIsToldOfTheStartOfWorkOfTroubleAndOfTheEnd(t *testing.T) {
	m, s := newManager(t), newSession(t, t.TempDir())
	a := s.start(m.environment(200 * time.Millisecond)...)
	m.hears("READY=1", 1)
	if _, err := os.Stat(s.path("drop", ".sessionsync", "lock")); err != nil {
		t.Errorf("ready, but: %v", err)
	}
	m.hears("STATUS=serving; nothing merged yet", 1)
	m.hears("WATCHDOG=1", 3)
	s.drop("a")
	m.hears("STATUS=serving; 1 fragment merged in 1 batch, the last at ", 1)
	must(t, os.Rename(s.path("tasks.json"), s.path("away.json")))
	s.drop("b")
	m.hears("STATUS=held: open "+s.path("tasks.json")+": no such file or directory; create it, or correct the path", 1)
	beats := m.count("WATCHDOG=1")
	m.hears("WATCHDOG=1", beats+3) // one that holds is alive
	must(t, os.Rename(s.path("away.json"), s.path("tasks.json")))
	m.hears("STATUS=serving; 2 fragments merged in 2 batches", 1)
	a.stop()
	m.hears("STOPPING=1", 1)
	if n := m.count("READY=1"); n != 1 {
		t.Errorf("said %d times that it is ready", n)
	}
}

func TestASecondAgentNeverSaysThatItIsReady(t *testing.T) {
	m, s := newManager(t), newSession(t, t.TempDir())
	first := s.start()
	first.answers("/readyz", 200, "ready")
	second := s.start(m.environment(0)...)
	if err := second.cmd.Wait(); err == nil || second.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ended with %v", err)
	}
	if m.count("READY=1") > 0 {
		t.Errorf("it said %q", m.all())
	}
	first.stop()
}

// What a supervisor does to a service that misbehaves, while producers go on.
func TestStartedAndKilledAHundredTimesUnderASupervisorTheBooksBalance(t *testing.T) {
	t.Parallel()
	starts := 100
	if testing.Short() {
		starts = 10
	}
	s := newSession(t, t.TempDir())
	stop, counts := make(chan struct{}), make(chan int)
	for p := range 2 {
		go func() {
			n := 0
			for {
				select {
				case <-stop:
					counts <- n
					return
				case <-time.After(20 * time.Millisecond):
					s.drop(fmt.Sprintf("p%d-%d", p, n))
					n++
				}
			}
		}()
	}
	for range starts {
		m := newManager(t)
		a := s.start(m.environment(0)...)
		m.hears("READY=1", 1)
		s.drop(fmt.Sprint("last-", a.cmd.Process.Pid))
		must(t, a.cmd.Process.Signal(syscall.SIGKILL))
		a.cmd.Wait()
	}
	close(stop)
	dropped := map[string]bool{}
	want := starts + <-counts + <-counts
	a := s.start()
	a.answers("/metrics", 200, "sessionsync_waiting_fragments{")
	until(t, "all is applied", func() bool {
		list, err := os.ReadDir(s.path("drop"))
		must(t, err)
		return len(list) == 1 // .sessionsync
	}, nil)
	a.stop()
	text, err := os.ReadFile(s.path("tasks.json"))
	must(t, err)
	_, log, _ := strings.Cut(string(text), `"log":[`)
	log, _, _ = strings.Cut(log, "]")
	for note := range strings.SplitSeq(log, ",") {
		if note = strings.Trim(note, "\" \n"); dropped[note] {
			t.Errorf("%s was applied twice", note)
		}
		dropped[note] = true
	}
	if len(dropped) != want {
		t.Errorf("%d fragments were applied of %d", len(dropped), want)
	}
	if left, err := os.ReadDir(s.path("recovery")); err == nil && len(left) > 0 {
		t.Errorf("%d entries in the recovery folder", len(left))
	}
	t.Logf("%d starts, each ended by SIGKILL; %d fragments dropped, all applied once", starts, len(dropped))
}
