package watcher

import (
	"io/fs"
	"time"
)

// A poll of a directory that has not changed costs a look at its times, not a listing. What is known of it and unfinished is
// looked at by its own time anyway, and each rescan lists it nevertheless.
//
// The times of a directory move when a name comes or goes, but only as far as its file system's clock does: a second change
// may leave them as the first did. So they are believed only when a listing began some time after they were seen to be what
// they still are; until then each poll lists, as git compares a file whose time is that of its index. Both moments are of our
// clock, so a server may have any other. Where a directory's times are remembered for a while (NFS, acdirmax), so are its
// names: that costs latency, nothing else.

// listed is what the directory was like when it was listed last.
type listed struct {
	modified, changed time.Time
	since             time.Time // when it was first seen to be so
	believed          bool      // the listing shows all that was there while the times are these
	whole             bool      // a listing since the beginning had all the names that were there
	lies              bool      // names came and the times did not move: they are of no use here
	fullAt            time.Time // when to list it nevertheless
}

// take compares what the directory was like before a listing and behind it.
func (l *listed) take(before, after fs.FileInfo, began, ended time.Time) {
	modified, changed := after.ModTime(), changeTime(after)
	if !l.are(modified, changed) {
		l.modified, l.changed, l.since = modified, changed, ended
	}
	// Where there is no second time, as on Windows, the file systems may not keep the first one either.
	l.believed = l.are(before.ModTime(), changeTime(before)) && began.Sub(l.since) >= coarsest && !changed.IsZero() && !l.lies
}

func (l *listed) are(modified, changed time.Time) bool {
	return l.modified.Equal(modified) && l.changed.Equal(changed)
}

// unchanged says that a listing would show nothing new.
func (l *listed) unchanged(now fs.FileInfo, began time.Time) bool {
	return l.believed && began.Before(l.fullAt) && l.are(now.ModTime(), changeTime(now))
}
