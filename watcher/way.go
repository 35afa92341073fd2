package watcher

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

	"github.com/sessionsync/sessionsync/vfs"
)

// way is what one look at a path has shown: how it leads to a file, and the state of that.
type way struct {
	folders []folder  // in which a name is looked up: one, and one more for each link
	file    stamp     // zero: there is none
	changed time.Time // when the file's status changed: a program can set the other time as it likes
	err     error     // why it could not be followed to its end; what is above is as far as it got
}

type folder struct {
	path string // without links
	name string // what is looked up in it
	info fs.FileInfo
}

// Linux follows no more.
const maxLinks = 40

var errLinks = errors.New("too many links")

// follow looks where a path leads. A link from one folder to another has a step of its own; the links on the way to a
// folder have not.
func follow(path string, hook vfs.Hook) (w way) {
	for range maxLinks + 1 {
		if path, w.err = w.enter(path, hook); path == "" || w.err != nil {
			return w
		}
	}
	w.err = errLinks
	return w
}

// enter adds the folder of a path, and what is in it under its name: a file, nothing, or a link, whose target it returns.
func (w *way) enter(path string, hook vfs.Hook) (target string, err error) {
	at, name := filepath.Split(path) // which, unlike filepath.Dir, takes no ".." behind a link for the folder before it
	at, err = filepath.EvalSymlinks(cmp.Or(at, "."))
	if err != nil {
		return "", err
	}
	dir, err := vfs.Open(at, hook)
	if err != nil {
		return "", err
	}
	defer dir.Close() // soon: Linux tells of its removal only when nobody has it open
	here, err := dir.Stat()
	if err != nil {
		return "", err
	}
	w.folders = append(w.folders, folder{at, name, here})
	switch info, err := dir.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	case info.Mode()&fs.ModeSymlink == 0:
		w.file, w.changed = stampOfInfo(info), changeTime(info)
		return "", nil
	}
	target, err = os.Readlink(dir.Join(name))
	if err == nil && !filepath.IsAbs(target) {
		target = at + string(filepath.Separator) + target
	}
	return target, err
}

// along says whether it is the same way, whatever is at its end.
func (w way) along(o way) bool {
	return (w.err == nil) == (o.err == nil) && slices.EqualFunc(w.folders, o.folders, func(a, b folder) bool {
		return a.path == b.path && a.name == b.name && os.SameFile(a.info, b.info)
	})
}

// ends says whether the same is at its end.
func (w way) ends(o way) bool { return w.file.same(o.file) && w.changed.Equal(o.changed) }

// paths are those of the folders, each once.
func (w way) paths() (paths []string) {
	for _, f := range w.folders {
		if !slices.Contains(paths, f.path) {
			paths = append(paths, f.path)
		}
	}
	return paths
}

// hear is an ear for the names on the way. Here every event counts: that a name went is a change as well, and a folder
// that is being removed loses the file at some point.
func (w way) hear(h *hint, name string, op fsnotify.Op) {
	// Where case does not matter, the event may have another one than the path. Elsewhere a look too many does no harm.
	if slices.ContainsFunc(w.folders, func(f folder) bool { return strings.EqualFold(f.name, name) }) {
		h.name(name)
		h.gone = h.gone || op.Has(fsnotify.Remove)
	}
}
