// Package scaffold makes what a new session needs: a configuration, the folders and, where there is no tasks file yet, a sample
// of one. It replaces nothing and removes nothing; what is there is kept, and said to be.
package scaffold

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sessionsync/sessionsync"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/sample"
	"github.com/sessionsync/sessionsync/vfs"
)

// Item is one thing that a session needs.
type Item struct {
	Name string // within the folder; of a folder with a slash at its end
	Made bool   // false: it was there
	Note string // what it is, or what is to be known about the one that was there
}

// Session is what Make has made, or found.
type Session struct {
	Items []Item
	Known bool // the tasks file is one that the program understands; else document.layout has to be set
}

// Sampled reports whether the tasks file is the sample, just made.
func (s Session) Sampled() bool {
	return slices.ContainsFunc(s.Items, func(i Item) bool { return i.Name == tasksName && i.Made })
}

// tasksName is the tasks file's name within the folder.
const tasksName = "tasks.json"

// mostTasks bounds what is read to find out the layout of a tasks file that is there.
const mostTasks = 1 << 30

// Make makes a session in a folder, and the folder too. A tasks file that is there tells the layout, which goes into the
// configuration. After an error some of it may have been made; Make may be called again.
func Make(folder string) (Session, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return Session{}, err
	}
	s := Session{Known: true}
	tasks, layout, err := s.tasks(folder)
	if err != nil {
		return s, err
	}
	text := exampleFor(layout)
	made, err := write(filepath.Join(folder, config.FileName), text)
	if err != nil {
		return s, err
	}
	s.add(config.FileName, made, "every setting, with its default and what it means")
	s.Items = append(s.Items, tasks)
	for _, f := range []Item{{Name: "drop/", Note: "who wants something changed puts a fragment here"},
		{Name: "recovery/", Note: "what cannot be applied comes here, with the reason"}} {
		err := os.Mkdir(filepath.Join(folder, f.Name), 0o755)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return s, err
		}
		s.add(f.Name, err == nil, f.Note)
	}
	return s, nil
}

func (s *Session) add(name string, made bool, note string) {
	s.Items = append(s.Items, Item{Name: name, Made: made, Note: note})
}

// tasks looks at the tasks file, or makes a sample.
func (s *Session) tasks(folder string) (Item, document.Layout, error) {
	item := Item{Name: tasksName}
	path := filepath.Join(folder, item.Name)
	text, err := contents(path)
	if errors.Is(err, fs.ErrNotExist) {
		item.Made, err = write(path, string(sample.Tasks()))
		item.Note = "a sample; put your own in its place"
		if !item.Made {
			s.Known = false
			item.Note = "it leads to nothing: let the link lead to a tasks file, or remove it"
		}
		return item, document.Backlog, err
	}
	if err != nil {
		return item, document.Layout{}, err
	}
	var first error
	for _, layout := range []document.Layout{document.Backlog, document.Taskmaster, document.Flat} {
		doc, err := document.Parse(text, layout)
		if err == nil {
			item.Note = fmt.Sprintf("of the layout %s, with %d items", layout.Name, doc.Len())
			return item, layout, nil
		}
		if first == nil {
			first = err
		}
	}
	s.Known = false
	item.Note = fmt.Sprintf("of no layout that is known (%v): describe it under document.layout in %s", first, config.FileName)
	return item, document.Backlog, nil
}

func contents(path string) ([]byte, error) {
	f, err := vfs.OpenRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostTasks))
}

// write makes a file that is not there yet.
func write(path, text string) (made bool, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(text)
	return true, errors.Join(err, f.Close())
}

// exampleFor is the example of a configuration with that layout, without what makes sense in this repository only.
func exampleFor(layout document.Layout) string {
	var b strings.Builder
	for line := range strings.Lines(sessionsync.ExampleConfig) {
		if strings.HasPrefix(line, "# yaml-language-server") {
			continue
		}
		if rest, found := strings.CutPrefix(line, "  layout: backlog"); found {
			line = "  layout: " + layout.Name + rest
		}
		b.WriteString(line)
	}
	return b.String()
}
