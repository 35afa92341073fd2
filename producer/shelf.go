package producer

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
)

// shelf is the recovery folder as somebody sees it who looks for a fragment. An entry appears whole, so each is looked at
// once.
type shelf struct {
	config Config
	seen   map[string]bool // entries that do not hold the fragment
	moving bool            // the last find has seen it in a hidden folder
}

func newShelf(c Config) *shelf { return &shelf{config: c, seen: map[string]bool{}} }

// names are the entries, and the hidden folders in which one comes or goes; not what else may lie there, such as lost+found,
// which not everybody may open. There need be no recovery folder.
func (s *shelf) names() (dir *vfs.Dir, entries, hidden []string, err error) {
	dir, err = vfs.Open(s.config.Recovery, s.config.Hook)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	err = dir.List(func(e fs.DirEntry) bool {
		switch name := e.Name(); {
		case !e.IsDir():
		case strings.HasPrefix(name, ".adding-"), strings.HasPrefix(name, ".returning-"):
			hidden = append(hidden, name)
		case recovery.BatchOf(name) != "" && !s.seen[name]:
			entries = append(entries, name)
		}
		return true
	})
	if err != nil {
		return nil, nil, nil, errors.Join(err, dir.Close())
	}
	return dir, entries, hidden, nil
}

// passOver takes what is there now for seen.
func (s *shelf) passOver() error {
	dir, entries, _, err := s.names()
	if dir == nil {
		return err
	}
	for _, name := range entries {
		s.seen[name] = true
	}
	return dir.Close()
}

// find gives the entry that holds a fragment of that name; "" where there is none. Whether the fragment is on its way into one,
// or out of it, is in moving.
func (s *shelf) find(name string) (entry string, err error) {
	for {
		entry, changed, err := s.look(name)
		if err != nil || !changed {
			return entry, err
		}
	}
}

// look is find once. Changed: a folder got another name meanwhile, so that the fragment may have been passed over.
func (s *shelf) look(name string) (entry string, changed bool, err error) {
	s.moving = false
	dir, entries, hidden, err := s.names()
	if dir == nil {
		return "", false, err
	}
	defer dir.Close() // nothing is written
	for _, folder := range append(hidden, entries...) {
		has, err := holds(dir, folder, name)
		switch {
		case errors.Is(err, errRenamed):
			changed = true
		case err != nil:
			return "", false, err
		case has && folder[0] == '.':
			s.moving = true
			return "", false, nil
		case has:
			return folder, false, nil
		case folder[0] != '.':
			s.seen[folder] = true
		}
	}
	return "", changed, nil
}

var errRenamed = errors.New("the folder has another name now")

// holds reports whether an entry's folder holds a fragment of that name.
func holds(dir *vfs.Dir, entry, name string) (bool, error) {
	folder, err := dir.OpenDir(entry)
	if errors.Is(err, fs.ErrNotExist) {
		return false, errRenamed
	}
	if err != nil {
		return false, err
	}
	defer folder.Close()
	fragments, err := folder.OpenDir(fragmentsName)
	if errors.Is(err, fs.ErrNotExist) { // somebody's folder, or one that is just being made
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer fragments.Close()
	_, err = fragments.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// reason is what the manifest of an entry says about the fragment.
func (s *shelf) reason(entry, name string) (r Reason, err error) {
	e, err := recovery.New(recovery.Config{Dir: s.config.Recovery, Hook: s.config.Hook}).Entry(entry)
	if err != nil {
		return Reason{}, err
	}
	r = Reason{Entry: entry, Code: e.Error.Code, Message: e.Error.Message, retryable: e.Retryable}
	for _, f := range e.Fragments {
		if f.Error != nil && f.OwnName() == name {
			r.Code, r.Message = f.Error.Code, f.Error.Message
		}
	}
	return r, nil
}
