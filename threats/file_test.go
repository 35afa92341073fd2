//go:build unix

package threats

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const password = "correct horse battery staple"

// secret is a file that the agent may read and who drops may not.
func (s *session) secret(content string) string {
	s.t.Helper()
	path := s.path("secret.json")
	must(s.t, os.WriteFile(path, []byte(content), 0o600))
	if s.user != 0 {
		must(s.t, os.Chown(path, s.user, s.user))
	}
	return path
}

// silent checks that nothing that others may read tells the secret.
func (s *session) silent(r run) {
	s.t.Helper()
	if strings.Contains(r.log, password) {
		s.t.Errorf("the log tells:\n%s", r.log)
	}
	if strings.Contains(s.read("tasks.json"), password) {
		s.t.Error("the tasks file tells")
	}
	if s.user != 0 {
		out, _ := s.attack(`grep -rs "$1" .. ; find .. -type f -exec cat {} + 2>/dev/null`, password)
		if strings.Contains(out, password) {
			s.t.Errorf("who attacks can read it:\n%s", out)
		}
	}
}

// Linux forbids such links (fs.protected_hardlinks); other systems do not, and an administrator may turn it off.
func TestAHardLinkToASecretTellsNothing(t *testing.T) {
	s := newSession(t)
	s.asUsers(0o1777)
	secret := s.secret(fmt.Sprintf(`{"user": "root", "password": %q}`, password))
	if text, err := os.ReadFile("/proc/sys/fs/protected_hardlinks"); err == nil && strings.TrimSpace(string(text)) == "1" {
		if _, err := s.attack("ln ../secret.json link.json"); err == nil {
			t.Error("the system lets who attacks link to it")
		}
	}
	must(t, os.Link(secret, s.path("drop", "link.json")))
	must(t, os.WriteFile(s.path("drop", "good.json"), []byte(appending("good")), 0o644))
	r := s.once()
	s.exactly("good")
	s.refused(r, "link.json", "missing_id")
	s.silent(r)
	info, err := os.Stat(secret)
	must(t, err)
	if st := info.Sys().(*syscall.Stat_t); info.Mode().Perm() != 0o600 || st.Uid != agentUser || !strings.Contains(s.read("secret.json"), password) {
		t.Errorf("the secret itself was changed: %v", info.Mode())
	}
}

// refused finds the code in the log: who runs the test may not be who may read the manifest.
func (s *session) refused(r run, name, code string) {
	s.t.Helper()
	for line := range strings.Lines(r.log) {
		if strings.Contains(line, name) && strings.Contains(line, code) {
			return
		}
	}
	s.t.Errorf("%s was not rejected as %s:\n%s", name, code, r.log)
}

func TestWhatIsNoRegularFileIsNeitherOpenedNorFollowed(t *testing.T) {
	s := newSession(t)
	s.secret(appending(password))
	want := map[string]string{"link.json": "not_regular", "endless.json": "not_regular", "dangling.json": "not_regular",
		"pipe.json": "not_regular", "socket.json": "not_regular", "loop.json": "not_regular"}
	s.mustAttack("ln -s ../secret.json link.json; ln -s /dev/zero endless.json; ln -s nowhere dangling.json; ln -s loop.json loop.json; mkfifo pipe.json")
	listener, err := net.Listen("unix", s.path("drop", "socket.json"))
	must(t, err)
	defer listener.Close()
	if err := unix.Mknod(s.path("drop", "zero.json"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err == nil {
		want["zero.json"] = "not_regular"
	} else {
		t.Logf("without a device: %v", err)
	}
	must(t, os.WriteFile(s.path("drop", "good.json"), []byte(appending("good")), 0o644))
	r := s.once()
	s.exactly("good")
	list := s.rejected(want)
	s.silent(r)
	if target, err := os.Readlink(list["link.json"].file); err != nil || target != "../secret.json" {
		t.Errorf("in the recovery folder the link is %q, %v", target, err)
	}
}

// A file of who attacks that is set-user-ID must not become one of the agent's user by being copied.
func TestSetUserIDBitsAreNotCarriedOver(t *testing.T) {
	s := newSessionIn(t, inMemory(t))
	s.asUsers(0o777)
	elsewhere, err := os.MkdirTemp("", "sessionsync-threats-")
	must(t, err)
	defer os.RemoveAll(elsewhere)
	must(t, os.Chown(elsewhere, agentUser, agentUser))
	const file = `printf '#!/bin/sh\n' > x.json; chmod 6755 x.json`
	for _, folder := range []string{s.path("recovery"), elsewhere} {
		s.mustAttack(file)
		r := s.start([]string{"--once", "--recovery", folder}).ended()
		s.refused(r, "x.json", "invalid_json")
		found, err := findFile(folder, "x.json")
		must(t, err)
		info, err := os.Stat(found)
		must(t, err)
		owner := info.Sys().(*syscall.Stat_t).Uid
		if info.Mode()&(os.ModeSetuid|os.ModeSetgid) != 0 && owner != attackUser {
			t.Errorf("%s is %v of user %d", found, info.Mode(), owner)
		}
	}
}

// A sticky folder lets only the owner of a file move it, and an agent who is another user may not.
func TestFilesThatTheAgentMayNotMoveAreInNobodysWay(t *testing.T) {
	s := newSession(t)
	s.asUsers(0o777)
	must(t, os.Chown(s.path("drop"), 0, 0)) // else its owner might move everything
	s.mustAttack(`for i in $(seq 1500); do echo '{}' > old-$i.json; done; touch -d '10 years ago' old-*`)
	must(t, os.MkdirAll(s.path("drop", ".sessionsync"), 0o700))
	must(t, os.Chown(s.path("drop", ".sessionsync"), agentUser, agentUser))
	must(t, os.Chmod(s.path("drop"), 0o777|os.ModeSticky))
	path := s.path("drop", "good.json")
	must(t, os.WriteFile(path, []byte(appending("good")), 0o644))
	must(t, os.Chown(path, agentUser, agentUser))
	agent := s.start(nil)
	s.until("the one that it may move is applied", func() bool { return s.notes()["good"] == 1 })
	r := agent.stop()
	if lines := strings.Count(r.log, "\n"); r.code != 0 || lines > 100 {
		t.Errorf("exit code %d, %d lines of log:\n%.3000s", r.code, lines, r.log)
	}
	if gone(s.path("drop", "old-1.json")) {
		t.Error("a file that the agent may not move is gone")
	}
}
