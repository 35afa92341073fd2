//go:build linux

package filesystems

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/doctor"
	"github.com/sessionsync/sessionsync/lockfile"
)

// place is a file system and what the doctor has to say of it.
type place struct {
	name      string
	mount     func(t *testing.T) string
	kind      string       // as the mount table has it
	level     doctor.Level // of the finding about that
	exchanges doctor.Level
	others    bool // a program serves it: leases, hard links and what a reader sees of a replacement depend on that
}

var places = []place{
	{"ext4", loop("ext4", 64, "-q"), "ext4", doctor.OK, doctor.OK, false},
	{"xfs", loop("xfs", 320, "-q"), "xfs", doctor.OK, doctor.OK, false},
	{"btrfs", loop("btrfs", 128, "-q"), "btrfs", doctor.OK, doctor.OK, false},
	{"tmpfs", tmpfs, "tmpfs", doctor.Warning, doctor.OK, false},
	{"overlay", overlay, "overlay", doctor.Note, doctor.OK, false},
	{"FUSE (bindfs)", served, "fuse", doctor.Note, doctor.Warning, true},
}

// outcome is a row of the table.
type outcome struct {
	name                                          string
	good, bad, theirs, kills                      int
	exchange, leases, links, events, moves, durab doctor.Level
}

func TestNothingIsLostOnAnyFileSystem(t *testing.T) {
	rows := make([]*outcome, len(places)+1)
	t.Run("on", func(t *testing.T) {
		for i, p := range places {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				folder := p.mount(t)
				prepare(t, folder)
				s := newSession(t, filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery"))
				rows[i] = s.work(p, p, p)
			})
		}
		t.Run("a file system for each place", func(t *testing.T) {
			t.Parallel()
			drop, tasks, recovery := places[3], places[1], places[0] // tmpfs, xfs, ext4
			at := []string{drop.mount(t), tasks.mount(t), recovery.mount(t)}
			prepare(t, at[0])
			prepare(t, at[1])
			s := newSession(t, filepath.Join(at[0], "drop"), filepath.Join(at[1], "tasks.json"), filepath.Join(at[2], "recovery"))
			rows[len(places)] = s.work(drop, tasks, recovery)
		})
	})
	const line = "%-29s %9v %8v %12v %5v  %-8v %-7v %-10v %-6v %-10v %v\n"
	var table strings.Builder
	fmt.Fprintf(&table, line, "file system", "fragments", "rejected", "their writes", "kills", "exchange", "leases", "hard links", "events", "durability", "moves")
	for _, o := range rows {
		if o != nil {
			fmt.Fprintf(&table, line, o.name, o.good, o.bad, o.theirs, o.kills, o.exchange, o.leases, o.links, o.events, o.durab, o.moves)
		}
	}
	if !t.Failed() {
		t.Logf("lost: nothing\n%s", table.String())
	}
}

// Small batches, and many of them.
var quick = []string{"watch.settle=0s", "batch.quiet=5ms", "batch.max_wait=50ms", "document.reassert=1h"}

// work is a session on up to three file systems: first beside a neighbour that takes no lock, where the agent can defend
// itself against that; then with kills, which take the memory that this needs, beside one that does.
func (s *session) work(drop, tasks, recovery place) *outcome {
	s.gaps = tasks.others
	b := newBooks()
	lock := lockfile.None
	if tasks.exchanges != doctor.OK {
		lock = lockfile.Flock
	}
	s.beside(b, lock)
	kills := s.killed(b)
	o := &outcome{name: s.t.Name()[strings.LastIndex(s.t.Name(), "/")+1:], good: len(b.good), bad: len(b.bad), theirs: len(b.theirs), kills: kills}
	report := s.examine(quick...)
	s.isRight(report, drop, tasks, recovery, o)
	return o
}

// beside works for some seconds with one agent. The doctor comes while it does.
func (s *session) beside(b *books, lock lockfile.Kind) {
	s.t.Helper()
	settings := append([]string{"document.lock=" + string(lock)}, quick...)
	agent := s.start(settings...)
	stop, end := s.stopper()
	produced := s.produce("beside", b, stop, end)
	saved := s.neighbour("beside", b, lock, stop, end)
	enough := time.After(2 * time.Second)
	s.until("the agent has begun", func() bool { ours, _ := s.logs(); return len(ours) > 0 })
	if f := find(s.t, s.examine(settings...), "agent", "running"); f.Level != doctor.OK {
		s.t.Errorf("the doctor, while the agent runs: %+v", f)
	}
	<-enough
	end()
	produced()
	saved()
	s.until("all is applied", func() bool { return s.settled(b) })
	log := agent.stop()
	s.balance(b)
	if s.t.Failed() {
		s.t.Logf("the agent's log:\n%.4000s", log)
	}
}

// killed kills the agent again and again while it works.
func (s *session) killed(b *books) (kills int) {
	s.t.Helper()
	settings := append([]string{"document.lock=flock"}, quick...)
	stop, end := s.stopper()
	produced := s.produce("killed", b, stop, end)
	saved := s.neighbour("killed", b, lockfile.Flock, stop, end)
	for ; kills < 6; kills++ {
		agent := s.start(settings...)
		time.Sleep(100*time.Millisecond + rand.N(400*time.Millisecond)) // any moment will do
		agent.kill()
	}
	end()
	produced()
	saved()
	agent := s.start(settings...)
	s.until("all is applied", func() bool { return s.settled(b) })
	log := agent.stop()
	s.balance(b)
	if s.t.Failed() {
		s.t.Logf("the log of the last agent:\n%.4000s", log)
	}
	return kills
}

// isRight compares what the doctor has found with what is known of the file systems.
func (s *session) isRight(r doctor.Report, drop, tasks, recovery place, o *outcome) {
	t := s.t
	t.Helper()
	level := func(place, check string, want doctor.Level) doctor.Level {
		t.Helper()
		f := find(t, r, place, check)
		if f.Level != want {
			t.Errorf("the doctor on %s of %s: %+v; should be %s", check, place, f, want)
		}
		if f.Level != doctor.OK && f.Remedy == "" && check != "file system" {
			t.Errorf("no remedy: %+v", f)
		}
		return f.Level
	}
	for name, p := range map[string]place{"drop": drop, "tasks": tasks, "recovery": recovery} {
		level(name, "file system", p.level)
		if f := find(t, r, name, "file system"); !strings.HasPrefix(f.Message, p.kind) {
			t.Errorf("%s is on %s: %s", name, p.kind, f.Message)
		}
		level(name, "rename", doctor.OK)
		o.durab = level(name, "durability", doctor.OK)
		level(name, "permissions", doctor.OK)
	}
	o.exchange = level("tasks", "exchange", tasks.exchanges)
	if o.leases = find(t, r, "tasks", "leases").Level; !tasks.others {
		level("tasks", "leases", doctor.OK)
	}
	if o.links = find(t, r, "drop", "hard links").Level; !drop.others {
		level("drop", "hard links", doctor.OK)
	}
	o.events = level("drop", "events", doctor.OK)
	level("tasks", "events", doctor.OK)
	level("drop", "clock", doctor.OK)
	level("tasks", "clock", doctor.OK)
	level("drop", "claims", doctor.OK)
	level("drop", "own folder", doctor.OK)
	level("tasks", "content", doctor.OK)
	moves := doctor.OK
	if drop.name != recovery.name {
		moves = doctor.Note
	}
	o.moves = level("recovery", "moves", moves)
	if f := find(t, r, "recovery", "entries"); f.Level != doctor.Warning {
		t.Errorf("%d rejected fragments, and the doctor: %+v", o.bad, f)
	}
	for _, f := range r.Findings {
		if f.Level == doctor.Error {
			t.Errorf("the doctor: %+v", f)
		}
	}
}

func find(t *testing.T, r doctor.Report, place, check string) doctor.Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Place == place && f.Check == check {
			return f
		}
	}
	t.Errorf("the doctor says nothing of %s of %s", check, place)
	return doctor.Finding{}
}
