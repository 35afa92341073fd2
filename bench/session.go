package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/bench/work"
)

// session is a folder with a tasks file and a drop directory, in which one program works.
type session struct {
	folder   string
	subtasks int
	markAt   int64 // where the mark stands that shows what was applied last
	mark     int   // what was dropped last
}

// newSession makes one in a folder of its own below where.
func newSession(where string, tasks []byte, subtasks int) (*session, error) {
	folder, err := os.MkdirTemp(where, "sessionsync-bench-")
	if err != nil {
		return nil, err
	}
	s := &session{folder: folder, subtasks: subtasks, markAt: int64(work.MarkAt(tasks))}
	err = errors.Join(os.Mkdir(s.path("drop"), 0o755), os.WriteFile(s.path("tasks.json"), tasks, 0o644))
	return s, err
}

func (s *session) path(elements ...string) string {
	return filepath.Join(append([]string{s.folder}, elements...)...)
}

func (s *session) log() string { return s.path("log") }

// lastWords is the end of the program's log.
func (s *session) lastWords() string {
	text, _ := os.ReadFile(s.log())
	return strings.ToValidUTF8(string(text[max(0, len(text)-2000):]), "")
}

func (s *session) remove() { os.RemoveAll(s.folder) }

// wait lets n fragments wait before a program is started. They are old enough to be taken at once.
func (s *session) wait(n int) error {
	for i := range n {
		if err := os.WriteFile(s.path("drop", fmt.Sprintf("%07d.json", i)), work.Update(i%s.subtasks, i+1), 0o644); err != nil {
			return err
		}
	}
	time.Sleep(100 * time.Millisecond) // twice watch.settle
	return nil
}

// drop lets n fragments arrive, the first one's mark being the one that shows, and returns when the last one did.
func (s *session) drop(n int) (time.Time, error) {
	s.mark++
	hidden := func(i int) string { return s.path("drop", fmt.Sprintf(".%d", i)) }
	for i := range n {
		if err := os.WriteFile(hidden(i), work.Update(i*s.subtasks/n, s.mark), 0o644); err != nil {
			return time.Time{}, err
		}
	}
	var last time.Time
	for i := range n {
		last = time.Now()
		if err := os.Rename(hidden(i), s.path("drop", fmt.Sprintf("%d-%d.json", s.mark, i))); err != nil {
			return last, err
		}
	}
	return last, nil
}

// visible reports whether the tasks file holds what was dropped last.
func (s *session) visible() bool {
	f, err := os.Open(s.path("tasks.json"))
	if err != nil {
		return false
	}
	defer f.Close()
	var digits [8]byte
	f.ReadAt(digits[:], s.markAt)
	return string(digits[:]) == fmt.Sprintf("%08d", s.mark)
}

// empty reports whether no fragment waits or is claimed.
func (s *session) empty() bool {
	left, err := os.ReadDir(s.path("drop", ".sessionsync", "claimed"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) || len(left) > 0 {
		return false
	}
	left, err = os.ReadDir(s.path("drop"))
	return err == nil && (len(left) == 0 || len(left) == 1 && left[0].IsDir())
}

// changeAsAnother replaces the tasks file by another version, as another program does that knows what it holds.
func (s *session) changeAsAnother() error {
	text, err := os.ReadFile(s.path("tasks.json"))
	if err != nil {
		return err
	}
	const first = `"title": "`
	text[bytes.Index(text, []byte(first))+len(first)] ^= 'a' ^ 'A'
	return errors.Join(os.WriteFile(s.path(".theirs"), text, 0o644), os.Rename(s.path(".theirs"), s.path("tasks.json")))
}
