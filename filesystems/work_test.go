//go:build linux

package filesystems

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

// books are what has to come of a session.
type books struct {
	mu                sync.Mutex
	good, bad, theirs map[string]bool
}

func newBooks() *books {
	return &books{good: map[string]bool{}, bad: map[string]bool{}, theirs: map[string]bool{}}
}

func (b *books) enter(in map[string]bool, note string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	in[note] = true
}

// fragmentOf is the fragment that puts a note into the log of an item. That of a bad one is not there.
func fragmentOf(note string) string {
	id := fmt.Sprintf("P%d", crc32.ChecksumIEEE([]byte(note))%phases+1)
	if strings.HasPrefix(note, "bad") {
		id = "P777"
	}
	return fmt.Sprintf(`{"id":%q,"$op":"patch","$patch":[{"op":"add","path":"/log/-","value":%q}]}`, id, note)
}

// produce has three producers drop fragments until stop is closed: one renames them into the folder, one writes them there,
// one drops bad ones.
func (s *session) produce(name string, b *books, stop <-chan struct{}, end func()) (wait func()) {
	var producers sync.WaitGroup
	for kind, pause := range map[string]time.Duration{"renamed": 12, "written": 17, "bad": 90} {
		producers.Go(func() {
			ticker := time.NewTicker(pause * time.Millisecond)
			defer ticker.Stop()
			for i := 0; ; i++ {
				note := fmt.Sprintf("%s-%s-%d", kind, name, i)
				if kind == "bad" {
					b.enter(b.bad, note)
				} else {
					b.enter(b.good, note)
				}
				path, hidden := filepath.Join(s.drop, note+".json"), filepath.Join(s.drop, "."+note)
				first := hidden
				if kind == "written" {
					first = path
				}
				err := os.WriteFile(first, []byte(fragmentOf(note)), 0o644)
				if err == nil && first != path {
					err = os.Rename(first, path)
				}
				if err != nil {
					s.t.Error(err)
					return
				}
				select {
				case <-stop:
					return
				case <-ticker.C:
				}
			}
		})
	}
	return s.ends(end, &producers)
}

// neighbour is another program of the tasks file: it reads, appends a note of its own and replaces the file, until stop is
// closed. With a lock it takes that before.
func (s *session) neighbour(name string, b *books, kind lockfile.Kind, stop <-chan struct{}, end func()) (wait func()) {
	var done sync.WaitGroup
	done.Go(func() {
		for i := 0; ; i++ {
			note := fmt.Sprintf("theirs-%s-%d", name, i)
			if err := s.save(note, kind); err != nil {
				s.t.Errorf("the neighbour: %v", err)
				return
			}
			b.enter(b.theirs, note)
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(10+rand.IntN(20)) * time.Millisecond):
			}
		}
	})
	return s.ends(end, &done)
}

func (s *session) save(note string, kind lockfile.Kind) error {
	dir, err := vfs.Open(filepath.Dir(s.tasks), nil)
	if err != nil {
		return err
	}
	defer dir.Close()
	lock, err := lockfile.Acquire(context.Background(), kind, dir, filepath.Base(s.tasks))
	if err != nil {
		return err
	}
	defer lock.Release()
	text, err := s.read()
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("the file is torn: %w: %q", err, text)
	}
	item := doc["backlog"].([]any)[rand.IntN(phases)].(map[string]any)
	item["theirs"] = append(item["theirs"].([]any), note)
	if text, err = json.MarshalIndent(doc, "", "  "); err != nil {
		return err
	}
	temp := s.tasks + ".theirs"
	if err := os.WriteFile(temp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, s.tasks)
}

// balance compares the books with what stands in the tasks file and in the recovery folder, each once.
func (s *session) balance(b *books) {
	s.t.Helper()
	ours, theirs := s.logs()
	s.each("of ours", b.good, ours)
	s.each("of theirs", b.theirs, theirs)
	if rejected := s.rejected(); !maps.Equal(rejected, b.bad) {
		s.t.Errorf("rejected: %d, not %d", len(rejected), len(b.bad))
	}
}

func (s *session) each(whose string, want map[string]bool, got map[string]int) {
	s.t.Helper()
	wrong := 0
	for note := range want {
		if got[note] != 1 {
			if wrong++; wrong <= 5 {
				s.t.Errorf("%s, %s stands %d times in the tasks file", whose, note, got[note])
			}
		}
	}
	if wrong > 5 {
		s.t.Errorf("%s, %d such in all", whose, wrong)
	}
	if len(got) > len(want) {
		s.t.Errorf("%s, %d notes stand there, and only %d were written", whose, len(got), len(want))
	}
}

// settled reports whether all that was written so far is where it belongs.
func (s *session) settled(b *books) bool {
	if s.waiting() > 0 {
		return false
	}
	ours, _ := s.logs()
	b.mu.Lock()
	defer b.mu.Unlock()
	for note := range b.good {
		if ours[note] == 0 {
			return false
		}
	}
	return true
}
