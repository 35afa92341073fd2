package watcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The limits are those of a user namespace as well, where whoever makes one may set them.
const (
	limitName  = "SESSIONSYNC_TEST_INOTIFY_LIMIT" // in the child: which one is set to nothing
	limitedDir = "SESSIONSYNC_TEST_INOTIFY_DIR"
)

func TestARealLimitIsMetByPollingAndItsNameIsSaid(t *testing.T) {
	for limit, message := range map[string]string{
		"max_inotify_instances": `raise it: sysctl fs\.inotify\.max_user_instances=\d+ \(now \d+\)`,
		"max_inotify_watches":   `raise it: sysctl fs\.inotify\.max_user_watches=\d+ \(now \d+\)`,
	} {
		t.Run(limit, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestWithALimitOfNothing$", "-test.v")
			cmd.Env = append(os.Environ(), limitName+"="+limit, limitedDir+"="+t.TempDir())
			cmd.SysProcAttr = &syscall.SysProcAttr{
				Cloneflags:  syscall.CLONE_NEWUSER,
				UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
				GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
			}
			out, err := cmd.CombinedOutput()
			if errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOSPC) ||
				strings.Contains(string(out), "no limit to set") {
				t.Skipf("no user namespace here whose limits can be set: %v %s", err, out)
			}
			if err != nil || !regexp.MustCompile(message).Match(out) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// It is the child of the test above.
func TestWithALimitOfNothing(t *testing.T) {
	limit := os.Getenv(limitName)
	if limit == "" {
		t.Skip("it runs in another test")
	}
	if err := os.WriteFile("/proc/sys/user/"+limit, []byte("0"), 0); err != nil {
		t.Fatal("no limit to set: ", err)
	}
	dir := os.Getenv(limitedDir)
	deaf, out, ended := make(chan error, 1), make(chan []File), make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	w := New(Config{
		Dir: dir, Rescan: time.Hour, Settle: 20 * ms, IncompleteAfter: time.Second,
		Log: slog.New(slog.NewTextHandler(os.Stdout, nil)), Trace: Trace{Deaf: func(cause error) { deaf <- cause }},
	})
	go func() { ended <- w.Run(ctx, out, nil) }()
	if cause := <-deaf; !errors.Is(cause, syscall.EMFILE) && !errors.Is(cause, syscall.ENOSPC) {
		t.Errorf("deaf because of %v", cause)
	}
	if err := os.WriteFile(filepath.Join(dir, "x.json"), []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
	if files := <-out; len(files) != 1 {
		t.Errorf("sent %v", namesOf(files))
	}
	cancel()
	if err := <-ended; err != context.Canceled {
		t.Errorf("Run returned %v", err)
	}
}

func TestTheLimitOfOpenFilesIsNotTakenForInotifys(t *testing.T) {
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 3, Max: before.Max}); err != nil {
		t.Skip("the limit of open files cannot be set: ", err)
	}
	said := limited(syscall.EMFILE)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(said, "raise the limit of open files (ulimit -n") {
		t.Error(said)
	}
	if said := limited(fmt.Errorf("x: %w", syscall.EIO)); said != "" {
		t.Error(said)
	}
	if said := raise("max_no_such_thing", 7); said != "raise it: sysctl fs.inotify.max_no_such_thing=7" {
		t.Error(said)
	}
}
