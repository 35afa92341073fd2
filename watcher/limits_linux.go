package watcher

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// limited says which limit is reached and how to raise it, "" for other trouble. The kernel's own words are misleading: no
// disk is full, and few files are open.
func limited(cause error) string {
	switch {
	case errors.Is(cause, syscall.ENOSPC):
		return raise("max_user_watches", 524288)
	case errors.Is(cause, syscall.EMFILE):
		null, err := os.Open(os.DevNull)
		if err != nil { // it is not about events
			return "raise the limit of open files (ulimit -n, LimitNOFILE= of a systemd unit)"
		}
		null.Close()
		return raise("max_user_instances", 1024)
	}
	return ""
}

// raise is a command that doubles a limit of inotify, or sets it to the usual value for much use.
func raise(limit string, usual int) string {
	text, err := os.ReadFile("/proc/sys/fs/inotify/" + limit)
	now, bad := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || bad != nil {
		return fmt.Sprintf("raise it: sysctl fs.inotify.%s=%d", limit, usual)
	}
	return fmt.Sprintf("raise it: sysctl fs.inotify.%s=%d (now %d)", limit, max(2*now, usual), now)
}
