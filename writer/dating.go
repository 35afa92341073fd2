package writer

import (
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// dating is how finely a file system dates changes.
type dating int

const (
	datingUnknown dating = iota
	datingCoarse         // two changes within a moment may have one time
	datingFine           // a change behind a look at the status has another time than that showed
)

// youth is how coarse the times of a file system may be: two seconds on FAT, some milliseconds on Linux before 6.13, which
// brought multigrain timestamps (ext4, xfs, btrfs, tmpfs).
const youth = 2100 * time.Millisecond

// isYoung reports whether a version's times may not tell it from the next one.
func (w *Writer) isYoung(info fs.FileInfo) bool {
	return w.dates != datingFine && time.Since(changeTime(info)) < youth
}

// learnDating finds out how finely changes are dated: three changes, each behind a look, with three times within a
// millisecond cannot be three ticks of a clock, and two with one time are one. Where neither was seen, because the process
// was held up, the next file tells.
func (w *Writer) learnDating(f *vfs.File) error {
	if w.dates != datingUnknown {
		return nil
	}
	var times [4]time.Time
	for i := range times {
		if err := f.Chmod(tempMode); err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		times[i] = changeTime(info)
	}
	seen := times[1:] // nobody looked before the first change: multigrain timestamps date it by the tick
	switch distinct := seen[0].Before(seen[1]) && seen[1].Before(seen[2]); {
	case !distinct:
		w.dates = datingCoarse
	case seen[2].Sub(seen[0]) < time.Millisecond:
		w.dates = datingFine
	}
	return nil
}

const tempMode fs.FileMode = 0o600
