package watcher

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Notifier lets any number of watchers share one instance of the system's events: Linux gives a user 128 of them, and each
// costs a goroutine and 100 kB. Its zero value is ready; it has an instance for as long as anybody listens, and needs no
// closing. Its methods may be called from several goroutines.
//
// No watcher waits for another one: what one does not take is merged into one hint for it. Lost events are told to all of
// them, as is an error of the instance, after which the next who listens gets a new one; that a directory was moved or
// removed is told only to those who watch it.
type Notifier struct {
	admin sync.Mutex // held while a watch is set up or taken down
	now   *instance  // nil: nobody listens
}

// instance is one instance of the system's events and who listens to it.
type instance struct {
	system  *fsnotify.Watcher
	stop    chan struct{}
	stopped chan struct{}
	members int // of the Notifier's admin: who must say that they are done with it

	mu     sync.Mutex // never held while the system is asked for something: that may wait for dispatch
	dirs   map[string]*watched
	broken bool // it is told of nothing any more
	alive  map[string]struct{}
	asked  time.Time // when the system was asked what is alive: it says nothing of what it watches since
}

// watched is a directory. Where several paths lead to it, it has the one that came first: the system knows no other.
type watched struct {
	path  string
	info  fs.FileInfo
	by    []*subscription
	since time.Time // when the system had begun to watch it; zero: it is about to
}

// subscription is one who listens. All but hints is guarded by the mu of its instance.
type subscription struct {
	hear  ear
	dirs  []*watched
	hints chan hint // at most one, into which all is merged that was not taken yet
	over  bool      // it failed: nothing more is said
}

// The system's list of what is watched is as long as there are watches, so nobody asks for it more often.
const askEvery = time.Second

// listen watches directories, not what is in them: a file that is moved in has been written under another name.
func (n *Notifier) listen(dirs []string, hear ear) (*listener, error) {
	n.admin.Lock()
	defer n.admin.Unlock()
	in, err := n.instance()
	if err != nil {
		return nil, err
	}
	s := &subscription{hear: hear, hints: make(chan hint, 1)}
	in.members++
	for _, dir := range dirs {
		if err := in.add(s, filepath.Clean(dir)); err != nil {
			n.leave(in, s)
			return nil, err
		}
	}
	return &listener{
		hints: s.hints,
		alive: func() bool { return in.watches(s) },
		close: func() {
			n.admin.Lock()
			defer n.admin.Unlock()
			n.leave(in, s)
		},
	}, nil
}

// instance is the one that there is, or a new one.
func (n *Notifier) instance() (*instance, error) {
	if n.now != nil && n.now.works() {
		return n.now, nil
	}
	system, err := fsnotify.NewBufferedWatcher(eventBuffer)
	if err != nil {
		return nil, err
	}
	in := newInstance()
	in.system = system
	go func() {
		defer close(in.stopped)
		in.dispatch(system.Events, system.Errors)
		if !in.works() { // it may hold what others wait for until its errors are taken, which nobody does any more
			system.Close()
		}
	}()
	n.now = in
	return in, nil
}

func newInstance() *instance {
	return &instance{stop: make(chan struct{}), stopped: make(chan struct{}), dirs: make(map[string]*watched)}
}

// leave ends a subscription; the last one closes the instance and waits for its end.
func (n *Notifier) leave(in *instance, s *subscription) {
	for _, path := range in.unsubscribe(s) {
		in.system.Remove(path) // an error: the system has dropped it already
	}
	if in.members--; in.members > 0 {
		return
	}
	close(in.stop)
	<-in.stopped
	in.system.Close()
	if n.now == in {
		n.now = nil
	}
}

func (in *instance) works() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.broken
}

// add watches a directory for s. After an error it is not watched, unless for others.
func (in *instance) add(s *subscription, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	joined, stale := in.join(s, path, info)
	if joined {
		return nil
	}
	if stale { // what lay at this path was moved with a folder above it
		in.system.Remove(path)
	}
	w := &watched{path: path, info: info, by: []*subscription{s}}
	in.mu.Lock()
	in.dirs[path] = w
	s.dirs = append(s.dirs, w)
	in.mu.Unlock()
	if err := in.system.Add(path); err != nil {
		in.forget(w)
		return err
	}
	// Another one may have taken the path between the two calls; it may even be one that is watched by another path.
	if again, err := os.Stat(path); err != nil || !os.SameFile(info, again) {
		in.forget(w)
		in.system.Remove(path)
		return &fs.PathError{Op: "watch", Path: path, Err: fs.ErrNotExist}
	}
	in.mu.Lock()
	w.since = time.Now()
	in.mu.Unlock()
	return nil
}

// join subscribes to a directory that is watched already. If another one is watched at that path, whoever watches that
// must look again.
func (in *instance) join(s *subscription, path string, info fs.FileInfo) (joined, stale bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var same *watched
	for _, w := range in.dirs {
		if os.SameFile(w.info, info) {
			same = w
		}
	}
	if same != nil {
		in.mu.Unlock()
		dropped := !slices.Contains(in.system.WatchList(), same.path)
		in.mu.Lock()
		switch {
		case in.dirs[same.path] != same: // it was lost just now
		case dropped:
			in.lost(same, errDropped)
		default:
			if !slices.Contains(same.by, s) {
				same.by = append(same.by, s)
				s.dirs = append(s.dirs, same)
			}
			return true, false
		}
	}
	if w := in.dirs[path]; w != nil {
		in.lost(w, errMoved)
		return false, true
	}
	return false, false
}

// forget takes back a watch that could not be set up.
func (in *instance) forget(w *watched) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.dirs[w.path] == w {
		delete(in.dirs, w.path)
	}
}

// unsubscribe ends a subscription, and returns what nobody watches any more.
func (in *instance) unsubscribe(s *subscription) (unwatched []string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	s.over = true
	for _, w := range s.dirs {
		w.by = slices.DeleteFunc(w.by, func(o *subscription) bool { return o == s })
		if len(w.by) == 0 && in.dirs[w.path] == w {
			delete(in.dirs, w.path)
			unwatched = append(unwatched, w.path)
		}
	}
	return unwatched
}

// watches says whether the system still watches for s; it drops a watch without a word when a file system is unmounted.
func (in *instance) watches(s *subscription) bool {
	in.mu.Lock()
	over, fresh := s.over, time.Since(in.asked) < askEvery && !in.asked.IsZero()
	in.mu.Unlock()
	if over {
		return false
	}
	var alive map[string]struct{}
	asked := time.Now()
	if !fresh {
		alive = make(map[string]struct{})
		for _, path := range in.system.WatchList() {
			alive[path] = struct{}{}
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if !fresh && asked.After(in.asked) {
		in.alive, in.asked = alive, asked
	}
	return !s.over && len(s.dirs) > 0 && !slices.ContainsFunc(s.dirs, func(w *watched) bool {
		_, there := in.alive[w.path]
		return !there && !w.since.IsZero() && w.since.Before(in.asked)
	})
}

// dispatch takes events and errors as fast as they come, whatever those who listen do: both block the system's watcher when
// nobody takes them, and a blocked one loses events. It ends at stop, or when the instance is of no use any more.
func (in *instance) dispatch(events <-chan fsnotify.Event, errs <-chan error) {
	for {
		select {
		case <-in.stop:
			return
		case e, open := <-events:
			if !open {
				in.fail(fsnotify.ErrClosed)
				return
			}
			in.tell(e)
		case err, open := <-errs:
			switch {
			case !open:
				errs = nil
			case errors.Is(err, fsnotify.ErrEventOverflow):
				in.overflowed()
			default:
				// It may come again and again, as fast as it is taken: no more is taken.
				in.fail(err)
				return
			}
		}
	}
}

// tell tells those who watch the directory in which something happened, and those who watch what went.
func (in *instance) tell(e fsnotify.Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if w := in.dirs[e.Name]; w != nil && (e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename)) {
		in.lost(w, errMoved)
	}
	dir := filepath.Dir(e.Name)
	if dir == e.Name { // "." and "/" are in nothing that could be watched under that name
		return
	}
	// Windows and kqueue tell of writes to a directory, along with those of what is in it; there nobody watches its folder.
	if w := in.dirs[dir]; w != nil {
		for _, s := range w.by {
			s.say(func(h *hint) { s.hear(h, filepath.Base(e.Name), e.Op) })
		}
	}
}

// lost ends the watch of a directory, and with it the subscriptions. in.mu is held.
func (in *instance) lost(w *watched, cause error) {
	delete(in.dirs, w.path)
	for _, s := range w.by {
		s.say(func(h *hint) { h.fail(cause) })
		s.over = true
	}
}

// fail ends them all.
func (in *instance) fail(cause error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.broken = true
	for _, w := range in.dirs {
		in.lost(w, cause)
	}
}

func (in *instance) overflowed() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, w := range in.dirs {
		for _, s := range w.by {
			s.say((*hint).everything)
		}
	}
}

// say adds to what is not taken yet. The mu of the instance is held, so nobody else puts a hint there.
func (s *subscription) say(add func(*hint)) {
	if s.over {
		return
	}
	var next hint
	select {
	case next = <-s.hints:
	default:
	}
	if add(&next); next.worth() {
		s.hints <- next
	}
}
