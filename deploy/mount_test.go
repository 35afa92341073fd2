//go:build linux

package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What happens when somebody mounts tasks.json alone into a container.
func TestATasksFileThatIsMountedByItselfHoldsTheAgentUntilItsFolderIsMounted(t *testing.T) {
	s := newSession(t, t.TempDir())
	real := filepath.Join(t.TempDir(), "tasks.json")
	must(t, os.WriteFile(real, []byte(tasks), 0o644))
	if err := unix.Mount(real, s.path("tasks.json"), "", unix.MS_BIND, ""); err != nil {
		t.Skipf("a file cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(s.path("tasks.json"), unix.MNT_DETACH) })
	a := s.start()
	a.answers("/readyz", 200, "ready") // it can be read: nothing is known yet
	s.drop("a")
	a.answers("/readyz", 503, "held: ")
	_, reason := a.ask("/readyz")
	for _, want := range []string{"device or resource busy", s.path("tasks.json"), "if this single file is a mount of its own (a container's bind mount), mount its folder instead"} {
		if !strings.Contains(reason, want) {
			t.Errorf("/readyz does not say %q:\n%s", want, reason)
		}
	}
	a.answers("/livez", 200, "alive") // a restart would not help
	a.answers("/metrics", 200, `sessionsync_held_reason{reason="EBUSY"`)
	if text, err := os.ReadFile(real); err != nil || string(text) != tasks {
		t.Errorf("the file has changed: %v\n%s", err, text)
	}
	must(t, unix.Unmount(s.path("tasks.json"), 0))
	until(t, "it goes on", func() bool { return s.applied("a") }, nil)
	a.answers("/readyz", 200, "ready")
	a.stop()
}

// A file system that does not answer any more, as a server of files may do: the process is there and ticks, but does not work.
func TestAnAgentThatIsStuckInTheFileSystemIsNotSaidToBeAlive(t *testing.T) {
	freeze, format := tool(t, "fsfreeze"), tool(t, "mkfs.ext4")
	folder := t.TempDir()
	image := filepath.Join(t.TempDir(), "image")
	must(t, os.WriteFile(image, nil, 0o644))
	must(t, os.Truncate(image, 16<<20))
	if out, err := exec.Command(format, "-q", "-F", image).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, folder).CombinedOutput(); err != nil {
		t.Skipf("an image cannot be mounted here: %s", out)
	}
	t.Cleanup(func() { unix.Unmount(folder, unix.MNT_DETACH) })
	const watchdog = 2 * time.Second
	m, s := newManager(t), newSession(t, folder)
	a := s.start(append(m.environment(watchdog), "SESSIONSYNC_BATCH_QUIET=1s")...) // time to freeze it before the commit
	m.hears("READY=1", 1)
	m.hears("WATCHDOG=1", 1)

	s.drop("a")
	until(t, "it works", func() bool { return s.applied("a") }, nil)
	hidden := s.path("drop", ".b")
	must(t, os.WriteFile(hidden, []byte(`{"id":"P1","status":"Complete"}`), 0o644))
	must(t, os.Rename(hidden, s.path("drop", "b.json")))
	if out, err := exec.Command(freeze, "--freeze", folder).CombinedOutput(); err != nil {
		t.Skipf("a file system cannot be frozen here: %s", out)
	}
	frozen := true
	thaw := func() {
		if out, err := exec.Command(freeze, "--unfreeze", folder).CombinedOutput(); err != nil && frozen {
			t.Errorf("%v\n%s", err, out)
		}
		frozen = false
	}
	t.Cleanup(func() {
		if frozen {
			thaw()
		}
	})
	a.answers("/livez", 503, "ask the committer whether it is alive: no answer")
	beats := m.count("WATCHDOG=1")
	a.answers("/metrics", 200, "sessionsync_held") // what only looks still answers
	time.Sleep(2 * watchdog)                       // as long as a manager would wait twice: only silence shows it
	if n := m.count("WATCHDOG=1"); n > beats {
		t.Errorf("it was said to be alive %d times", n-beats)
	}
	thaw()
	m.hears("WATCHDOG=1", beats+1)
	a.answers("/livez", 200, "alive")
	until(t, "it goes on", func() bool {
		text, err := os.ReadFile(s.path("tasks.json"))
		return err == nil && strings.Contains(string(text), "Complete")
	}, nil)
	a.stop()
}
