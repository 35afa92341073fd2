package fleet

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sessionsync/sessionsync/config"
)

// settle is how long behind an event the sessions are looked for: a folder that is copied comes in pieces.
const settle = 100 * time.Millisecond

// lookout tells when there may be other sessions than before. Its hints are paths at which something came or went, "" where
// events were lost.
type lookout struct {
	system  *fsnotify.Watcher // nil: there are no patterns, or no events, which costs latency only
	hints   chan string
	stop    chan struct{}
	alarm   *time.Timer // the next look; it never rings where no pattern asks for one
	pending bool        // it is soon, because of a hint
}

func (l *lookout) watch() {
	l.hints, l.stop, l.alarm = make(chan string), make(chan struct{}), time.NewTimer(time.Hour)
	l.alarm.Stop()
}

// hear begins to pass events on.
func (l *lookout) hear() {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return
	}
	l.system = system
	go func() {
		for {
			hint := ""
			select {
			case <-l.stop:
				return
			case <-system.Errors:
			case e := <-system.Events:
				if !e.Has(fsnotify.Create) && !e.Has(fsnotify.Remove) && !e.Has(fsnotify.Rename) {
					continue
				}
				hint = e.Name
			}
			select {
			case <-l.stop:
				return
			case l.hints <- hint:
			}
		}
	}()
}

func (l *lookout) unwatch() {
	l.alarm.Stop()
	close(l.stop)
	if l.system != nil {
		l.system.Close()
	}
}

// follow listens to the folders in which sessions of the patterns can come and go, and sets the next look.
func (l *lookout) follow(c config.Config) {
	l.pending = false
	l.alarm.Stop()
	if slices.ContainsFunc(c.Sessions, func(s config.Session) bool { return s.Glob != "" }) {
		l.alarm.Reset(c.Watch.Rescan)
		if l.system == nil {
			l.hear() // not before: it takes one of the 128 inotify instances that a user has, and 60 kB
		}
	}
	if l.system == nil {
		return
	}
	// What came before its folder was listened to was told to nobody, and may be a folder itself.
	for range mostRounds {
		if !l.listen(c) {
			return
		}
	}
}

// mostRounds is more than any pattern has folders in each other; somebody may make new ones without an end.
const mostRounds = 20

// listen reports whether there are folders to which nobody has listened before.
func (l *lookout) listen(c config.Config) (more bool) {
	wanted := map[string]bool{}
	for _, s := range c.Sessions {
		if s.Glob == "" {
			continue
		}
		for _, folder := range foldersOf(s.Glob) {
			wanted[folder] = true
		}
	}
	for _, folder := range l.system.WatchList() {
		if !wanted[folder] {
			l.system.Remove(folder) // it may have gone, and be off the list by itself
		}
		delete(wanted, folder)
	}
	for folder := range wanted {
		if l.system.Add(folder) == nil { // what cannot be listened to is looked at now and then
			more = true
		}
	}
	return more
}

// soon looks within a moment, however many hints come meanwhile.
func (l *lookout) soon() {
	if !l.pending {
		l.pending = true
		l.alarm.Reset(settle)
	}
}

// concerns reports whether a hint tells of a session that came or went. What is no news is that a tasks file was replaced, as
// every commit does.
func (f *fleet) concerns(path string) bool {
	if path == "" {
		return true
	}
	at := split(path)
	for _, s := range f.Config.Sessions {
		pattern := split(s.Glob)
		if s.Glob == "" || len(at) > len(pattern) {
			continue
		}
		above := strings.Join(pattern[:len(at)], string(filepath.Separator))
		if fits, err := filepath.Match(above, path); err != nil || !fits {
			continue
		}
		if len(at) < len(pattern) || f.serves(path) != exists(path) {
			return true
		}
	}
	return false
}

func (f *fleet) serves(tasks string) bool {
	for _, m := range f.members {
		if m.config.Tasks == tasks {
			return true
		}
	}
	return false
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// foldersOf are the folders in which something that a pattern matches can appear.
func foldersOf(pattern string) (folders []string) {
	elements := split(pattern)
	first := slices.IndexFunc(elements, func(e string) bool { return strings.ContainsAny(e, `*?[\`) })
	at := func(n int) string {
		return cmp.Or(strings.Join(elements[:max(0, n)], string(filepath.Separator)), string(filepath.Separator))
	}
	// Above the first element that can vary nothing comes and goes, unless it is not there yet.
	for first > 0 && !exists(at(first)) {
		first--
	}
	for i := max(0, first); i < len(elements); i++ {
		found, err := filepath.Glob(at(i))
		if err != nil {
			return folders
		}
		for _, path := range found {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				folders = append(folders, path)
			}
		}
	}
	return folders
}

func split(path string) []string { return strings.Split(path, string(filepath.Separator)) }
