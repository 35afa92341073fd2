package history

import (
	"os"
	"strings"
)

// bootID names the boot of this machine, "" where the system has no name for it. Within one boot nothing of what was written
// is lost.
func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
