//go:build !linux

package watcher

import (
	"errors"
	"syscall"
)

// limited says which limit is reached, "" for other trouble. Kqueue has a file open for each that it watches.
func limited(cause error) string {
	if errors.Is(cause, syscall.EMFILE) {
		return "raise the limit of open files (ulimit -n)"
	}
	return ""
}
