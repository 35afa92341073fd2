package doctor

import (
	"fmt"
	"time"

	"github.com/sessionsync/sessionsync/lockfile"
)

const (
	// grain is how coarse a file system may date: FAT knows even seconds only.
	grain = 2100 * time.Millisecond
	// lapse is what a lock of the npm package proper-lockfile, which is refreshed every 5 s and stale after 10, can stand.
	lapse = 5 * time.Second
)

func judgeClock(ahead time.Duration, lock lockfile.Kind) (level Level, says, remedy string) {
	off := ahead.Abs()
	if off < grain {
		return OK, "that of its file system agrees with this machine's", ""
	}
	direction := "ahead of"
	if ahead < 0 {
		direction = "behind"
	}
	says = fmt.Sprintf("that of its file system is %v %s this machine's", off.Round(100*time.Millisecond), direction)
	remedy = "have both machines set their clocks (NTP)"
	if lock == lockfile.ProperLockfile && off >= lapse {
		return Error, says + ": a lock that is held looks stale to others, or a stale one held", remedy
	}
	return Warning, says, remedy
}
