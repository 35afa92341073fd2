//go:build linux

package threats

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestAnAgentDoesNotMoveIntoAStateFolderThatSomebodyElseHasMade(t *testing.T) {
	for _, c := range []struct{ name, attack, says string }{
		{"a link to a folder of the agent's", "ln -s ../precious .sessionsync", "it is a link or a file"},
		{"a link that leads nowhere", "ln -s ../nowhere .sessionsync", "it is a link or a file"},
		{"a file", "touch .sessionsync", "it is a link or a file"},
		{"a FIFO", "mkfifo .sessionsync", "it is a link or a file"},
		{"a folder", "mkdir -m 777 .sessionsync", fmt.Sprintf("it belongs to user %d", attackUser)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSession(t)
			s.asUsers(0o1777)
			must(t, os.Mkdir(s.path("precious"), 0o755))
			must(t, os.Chown(s.path("precious"), agentUser, agentUser))
			s.mustAttack(c.attack)
			s.mustAttack("echo '{}' > x.json")
			r := s.once()
			if r.code != 1 || !strings.Contains(r.log, c.says) {
				t.Errorf("exit code %d:\n%s", r.code, r.log)
			}
			if info, err := os.Stat(s.path("precious")); err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("the folder that the link leads to: %v, %v", info, err)
			}
			if list, err := os.ReadDir(s.path("precious")); err != nil || len(list) > 0 || gone(s.path("drop", "x.json")) || !gone(s.path("nowhere")) {
				t.Errorf("something was moved: %v, %v", list, err)
			}
		})
	}
}

func TestTheStateFolderIsClosedToOthers(t *testing.T) {
	s := newSession(t)
	s.asUsers(0o777)
	must(t, os.Mkdir(s.path("drop", ".sessionsync"), 0o777))
	must(t, os.Chown(s.path("drop", ".sessionsync"), agentUser, agentUser))
	must(t, os.Chmod(s.path("drop", ".sessionsync"), 0o777))
	agent := s.start(nil)
	s.until("the agent has it", func() bool { return !gone(s.path("drop", ".sessionsync", "claimed")) })
	for _, attack := range []string{"ls .sessionsync", "ls .sessionsync/claimed", "cat .sessionsync/lock", "flock -n .sessionsync/lock true",
		"touch .sessionsync/claimed/x", "mv .sessionsync/claimed .sessionsync/other", "rm -rf .sessionsync/claimed && test ! -e .sessionsync/claimed/.",
		"chmod 777 .sessionsync"} {
		if out, err := s.attack(attack); err == nil {
			t.Errorf("%s: done\n%s", attack, out)
		}
	}
	if r := agent.stop(); r.code != 0 || !strings.Contains(r.log, "set to 0700") {
		t.Errorf("exit code %d:\n%s", r.code, r.log)
	}
}

// Without the sticky bit whoever may drop may rename the agent's own folder. That stops the agent, and it takes what is
// claimed; once the folder is back nothing is lost, nothing was followed and nothing is applied twice.
func TestAStateFolderThatIsSwappedAgainAndAgainLosesNothing(t *testing.T) {
	s := newSessionIn(t, inMemory(t))
	s.asUsers(0o777)
	must(t, os.Mkdir(s.path("precious"), 0o755))
	must(t, os.WriteFile(s.path("precious", "mine"), nil, 0o644))
	must(t, os.Chown(s.path("precious"), agentUser, agentUser))
	s.mustAttack("ln -s ../precious decoy")
	first := s.start(nil)
	s.until("the agent has a folder", func() bool { return !gone(s.path("drop", ".sessionsync", "claimed")) })
	if r := first.stop(); r.code != 0 {
		t.Fatal(r.log)
	}
	const n = 150
	stop := make(chan struct{})
	var work sync.WaitGroup
	swaps := 0
	own, decoy := s.path("drop", ".sessionsync"), s.path("drop", "decoy")
	work.Go(func() {
		for ; ; swaps++ {
			select {
			case <-stop:
				return
			default:
			}
			// As root; whoever may write to the folder may do the same.
			if err := unix.Renameat2(unix.AT_FDCWD, own, unix.AT_FDCWD, decoy, unix.RENAME_EXCHANGE); err != nil {
				t.Error(err)
				return
			}
			time.Sleep(time.Duration(1+swaps%7) * time.Millisecond)
		}
	})
	var want []string
	work.Go(func() {
		defer close(stop)
		for i := range n {
			hidden, path := s.path("drop", ".x"), s.path("drop", fmt.Sprintf("%d.json", i))
			if err := os.WriteFile(hidden, []byte(appending(fmt.Sprint(i))), 0o644); err != nil {
				t.Error(err)
			}
			if err := os.Rename(hidden, path); err != nil {
				t.Error(err)
			}
			want = append(want, fmt.Sprint(i))
			time.Sleep(10 * time.Millisecond)
		}
	})
	ends := 0
	for done := false; !done; ends++ { // a supervisor
		agent := s.start(nil, "batch.quiet=5ms", "watch.settle=1ms")
		select {
		case <-stop:
			done = true
			agent.stop()
		case <-agent.done:
		}
	}
	work.Wait()
	if info, err := os.Lstat(own); err != nil || !info.IsDir() {
		must(t, unix.Renameat2(unix.AT_FDCWD, own, unix.AT_FDCWD, decoy, unix.RENAME_EXCHANGE))
	}
	if r := s.once(); r.code != 0 {
		t.Fatalf("exit code %d\n%s", r.code, r.log)
	}
	s.exactly(want...)
	s.rejected(nil)
	if list, err := os.ReadDir(s.path("precious")); err != nil || len(list) != 1 {
		t.Errorf("where the link leads to: %v, %v", list, err)
	}
	t.Logf("%d swaps, %d lives of the agent", swaps, ends)
}

// Names change places under the agent's eyes: fragments with each other, with a link, with a FIFO, with a folder.
func TestNamesThatChangePlacesAreAppliedOnceEach(t *testing.T) {
	s := newSessionIn(t, inMemory(t))
	s.secret(appending(password))
	must(t, os.Mkdir(s.path("drop", "folder"), 0o755))
	must(t, os.Symlink("../secret.json", s.path("drop", "link")))
	must(t, unix.Mkfifo(s.path("drop", "pipe"), 0o644))
	agent := s.start(nil, "batch.quiet=0s", "watch.settle=0s")
	s.until("the agent is there", func() bool { return !gone(s.path("drop", ".sessionsync", "claimed")) })
	const rounds = 150
	var want []string
	exchange := func(a, b string) {
		for range 4 {
			err := unix.Renameat2(unix.AT_FDCWD, s.path("drop", a), unix.AT_FDCWD, s.path("drop", b), unix.RENAME_EXCHANGE)
			if err != nil && err != syscall.ENOENT { // claimed meanwhile
				t.Fatal(err)
			}
		}
	}
	for i := range rounds {
		a, b := fmt.Sprintf("%d-a.json", i), fmt.Sprintf("%d-b.json", i)
		for _, name := range []string{a, b} {
			hidden := s.path("drop", "."+name)
			must(t, os.WriteFile(hidden, []byte(appending(name)), 0o644))
			must(t, os.Rename(hidden, s.path("drop", name)))
			want = append(want, name)
		}
		exchange(a, b)
		exchange(a, []string{"folder", "link", "pipe"}[i%3])
	}
	// Where one was claimed in between, the fragment lies under the other's name, which is no fragment's.
	for _, name := range []string{"folder", "link", "pipe"} {
		if info, err := os.Lstat(s.path("drop", name)); err == nil && info.Mode().IsRegular() {
			must(t, os.Rename(s.path("drop", name), s.path("drop", name+"-back.json")))
		}
	}
	s.until("all is handled", func() bool {
		left, err := filepath.Glob(s.path("drop", "*.json"))
		must(t, err)
		for _, path := range left {
			if info, err := os.Lstat(path); err == nil && !info.IsDir() {
				return false
			}
		}
		return true
	})
	r := agent.stop()
	if r.code != 0 {
		t.Errorf("exit code %d\n%s", r.code, r.log)
	}
	s.exactly(want...)
	s.silent(r)
	for name, f := range s.recovered() {
		if f.code != "not_regular" {
			t.Errorf("%s is in the recovery folder: %s, %s", name, f.code, f.message)
		}
	}
}
