package producer

import (
	"io/fs"
	"os"
	"regexp"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

const (
	// stale is how long nothing has happened to a hidden file of ours when it counts as left behind by a producer that was
	// killed. One that still waits has seen long before that its fragment is gone.
	stale = 24 * time.Hour
	// lookedAt bounds what a drop pays for others: a drop directory may hold millions of files.
	lookedAt = 4096
)

var hiddenForm = regexp.MustCompile(`^\.\d{8}T\d{6}\.\d{9}Z-[0-9a-z]{8}\.jsonl?$`)

// sweep removes what this user's producers have left behind: receipts whose fragment has its fate, and what was never
// published. It is a courtesy: what it cannot remove stays, and is in nobody's way.
func sweep(dir *vfs.Dir, now time.Time) {
	var left []string
	seen := 0
	_ = dir.List(func(e fs.DirEntry) bool {
		if hiddenForm.MatchString(e.Name()) && e.Type().IsRegular() {
			left = append(left, e.Name())
		}
		seen++
		return seen < lookedAt
	})
	for _, name := range left {
		links, err := dir.Links(name)
		if err == nil && links.Count == 1 && links.Owner == os.Getuid() && now.Sub(links.Changed) > stale {
			_ = dir.Remove(name)
		}
	}
}
