//go:build unix

package neighbours

import (
	"encoding/json"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// reader reads the tasks file without a pause.
type reader struct {
	stop  chan struct{}
	group sync.WaitGroup
	reads int
	torn  []tear // when it found the file torn, or no file
}

func read(path string) *reader {
	r := &reader{stop: make(chan struct{})}
	r.group.Go(func() {
		for {
			select {
			case <-r.stop:
				return
			default:
				r.once(path)
			}
		}
	})
	return r
}

func (r *reader) once(path string) {
	seen := tear{From: time.Now().UnixNano()}
	whole := false
	if f, err := os.Open(path); err == nil {
		if info, err := f.Stat(); err == nil {
			seen.Inode = inode(info)
		}
		text, err := io.ReadAll(f)
		whole = err == nil && json.Valid(text)
		f.Close()
	}
	seen.To = time.Now().UnixNano()
	r.reads++
	if !whole {
		r.torn = append(r.torn, seen)
	}
}

// end stops the reading. It returns how often the file was torn although the neighbour was not at it, and how often it was.
func (r *reader) end(tears []tear) (torn, byThem int) {
	close(r.stop)
	r.group.Wait()
	for _, seen := range r.torn {
		if slices.ContainsFunc(tears, seen.explainedBy) {
			byThem++
		} else {
			torn++
		}
	}
	return torn, byThem
}

// explainedBy reports whether a neighbour was at that file at that time.
func (t tear) explainedBy(by tear) bool {
	return t.From <= by.To && by.From <= t.To && (t.Inode == by.Inode || t.Inode == 0 || by.Inode == 0)
}
