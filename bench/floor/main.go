// Command floor is what sessionsync is measured against: plain Go that does only what cannot be left out. It lists, opens,
// reads, closes and unlinks each fragment; for each batch it writes the document, makes that durable, renames it into place
// and makes the folder durable. It parses nothing, promises nothing and is of no other use.
//
// It works in the working directory, on ./drop and ./tasks.json, and is called as sessionsync is: run, or run --once, with
// the settings in the same variables. So that its effect can be seen it copies the mark of the last fragment (see package
// work) to where the document's first one stands.
package main

import (
	"bytes"
	"errors"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sessionsync/sessionsync/bench/work"
)

const (
	drop  = "drop"
	tasks = "tasks.json"
	temp  = ".tasks.json"
)

func main() {
	quiet, most := 100*time.Millisecond, 1000 // as sessionsync has them
	if d, err := time.ParseDuration(os.Getenv("SESSIONSYNC_BATCH_QUIET")); err == nil {
		quiet = d
	}
	if n, err := strconv.Atoi(os.Getenv("SESSIONSYNC_BATCH_MAX_FRAGMENTS")); err == nil {
		most = n
	}
	f := floor{buffer: make([]byte, 64<<10)}
	err := f.load()
	if err == nil && slices.Contains(os.Args[1:], "--once") {
		err = f.drain(most)
	} else if err == nil {
		err = f.watch(quiet, most)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// floor holds the document between batches.
type floor struct {
	text   []byte
	mark   int         // where it stands
	seen   os.FileInfo // the tasks file that text is
	buffer []byte      // for a fragment
}

func (f *floor) load() (err error) {
	if f.seen, err = os.Stat(tasks); err != nil {
		return err
	}
	if f.text, err = os.ReadFile(tasks); err != nil {
		return err
	}
	f.mark = work.MarkAt(f.text)
	return nil
}

// drain commits what is there.
func (f *floor) drain(most int) error {
	dir, err := os.Open(drop)
	if err != nil {
		return err
	}
	names, err := dir.Readdirnames(-1)
	if err := errors.Join(err, dir.Close()); err != nil {
		return err
	}
	for batch := range slices.Chunk(names, most) {
		if err := f.commit(batch); err != nil {
			return err
		}
	}
	return nil
}

func isFragment(name string) bool {
	return !strings.HasPrefix(name, ".") && strings.HasSuffix(name, ".json")
}

// watch commits what arrives once it has said that it is ready: when nothing has arrived for quiet, or there are as many
// as a batch may have.
func (f *floor) watch(quiet time.Duration, most int) error {
	watcher, err := fsnotify.NewBufferedWatcher(4096)
	if err != nil {
		return err
	}
	if err := watcher.Add(drop); err != nil {
		return err
	}
	os.Stderr.WriteString(`{"msg":"scanned"}` + "\n") // ready, as sessionsync says it
	var gathered []string
	pause := time.NewTimer(quiet)
	for {
		var over <-chan time.Time
		if len(gathered) > 0 {
			over = pause.C
		}
		select {
		case err := <-watcher.Errors:
			return err
		case event := <-watcher.Events:
			if name := filepath.Base(event.Name); event.Has(fsnotify.Create) && isFragment(name) {
				gathered = append(gathered, name)
				pause.Reset(quiet)
			}
			if len(gathered) < most {
				continue
			}
		case <-over:
		}
		if err := f.commit(gathered); err != nil {
			return err
		}
		gathered = gathered[:0]
	}
}

func (f *floor) commit(names []string) error {
	// What others have written is read again.
	if now, err := os.Stat(tasks); err != nil {
		return err
	} else if !os.SameFile(now, f.seen) || !now.ModTime().Equal(f.seen.ModTime()) {
		if err := f.load(); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := f.apply(filepath.Join(drop, name)); err != nil {
			return err
		}
	}
	if err := f.replace(); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(drop, name)); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) apply(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	n, err := file.Read(f.buffer)
	if err := errors.Join(noEOF(err), file.Close()); err != nil {
		return err
	}
	if _, mark, ok := bytes.Cut(f.buffer[:n], []byte(`"mark":"`)); ok {
		copy(f.text[f.mark:f.mark+8], mark)
	}
	return nil
}

func noEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

func (f *floor) replace() error {
	file, err := os.Create(temp)
	if err != nil {
		return err
	}
	_, err = file.Write(f.text)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		f.seen, err = file.Stat()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp, tasks); err != nil {
		return err
	}
	folder, err := os.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
