//go:build unix

package neighbours

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

// pace is 50 saves a second.
const pace = 20 * time.Millisecond

// program is a neighbour at work.
type program struct {
	path   string
	books  books
	memory map[string]any // of one that keeps the document there
	until  time.Time      // it reads again
}

// ways are the ways of saving once.
var ways = map[string]func(p *program) error{
	"rename":         func(p *program) error { return p.save(p.rename) },
	"fsync":          func(p *program) error { return p.save(p.renameDurably) },
	"in-place":       func(p *program) error { return p.save(p.inPlace) },
	"in-pieces":      func(p *program) error { return p.save(p.inPieces) },
	"one-descriptor": (*program).throughOneDescriptor,
	"lock":           func(p *program) error { return p.locked(lockfile.ProperLockfile) },
	"flock":          func(p *program) error { return p.locked(lockfile.Flock) },
	"memory":         (*program).fromMemory,
	"anew":           func(p *program) error { return p.save(p.anew) },
}

// run saves at its pace until the time is over.
func (p *program) run(save func(p *program) error, lasts time.Duration) error {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for end := time.Now().Add(lasts); time.Now().Before(end); <-ticker.C {
		if err := save(p); err != nil {
			return err
		}
		p.books.Writes++
	}
	return nil
}

// save is what most programs do: read, change, write. What it reads must be whole, as nobody but itself may tear it.
func (p *program) save(write func(text []byte) error) error {
	text, err := os.ReadFile(p.path)
	if err != nil {
		return err
	}
	doc, err := parse(text)
	if err != nil {
		return err
	}
	text, err = p.change(doc)
	if err != nil {
		return err
	}
	return write(text)
}

func parse(text []byte) (doc map[string]any, err error) {
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("the file is torn: %w: %q", err, text)
	}
	return doc, nil
}

// change makes the next change, in the item whose turn it is, and enters it.
func (p *program) change(doc map[string]any) ([]byte, error) {
	n := p.books.Writes + 1
	id := phase(n)
	item := doc["backlog"].([]any)[n%phases].(map[string]any)
	if item["id"] != id {
		return nil, fmt.Errorf("%v stands in the place of %s", item["id"], id)
	}
	switch n % 5 {
	case 0:
		child := fmt.Sprintf("%s.M2%05d", id, n)
		list, _ := item["milestones"].([]any)
		item["milestones"] = append(list, map[string]any{"id": child, "type": "Milestone", "title": "x", "status": "Planned", theirs: n})
		p.books.Last[child] = n
	case 1:
		note := fmt.Sprintf("t-%d", n)
		item[listOf(theirs)] = append(item[listOf(theirs)].([]any), note)
		p.books.Notes[id] = append(p.books.Notes[id], note)
	default:
		item[theirs] = n
		p.books.Last[id] = n
	}
	return json.MarshalIndent(doc, "", "    ")
}

func (p *program) rename(text []byte) error { return p.replace(text, false) }

func (p *program) renameDurably(text []byte) error { return p.replace(text, true) }

// replace replaces the file itself where the path is a link.
func (p *program) replace(text []byte, durably bool) error {
	path, err := filepath.EvalSymlinks(p.path)
	if err != nil {
		return err
	}
	temp := path + ".theirs"
	f, err := os.Create(temp)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil && durably {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

func (p *program) inPlace(text []byte) error { return p.overwrite(os.O_TRUNC, text) }

// inPieces has the file torn for some milliseconds.
func (p *program) inPieces(text []byte) error {
	a, b := len(text)/3, 2*len(text)/3
	return p.overwrite(os.O_TRUNC, text[:a], text[a:b], text[b:])
}

// overwrite opens the file, writes and closes it; between the pieces it pauses.
func (p *program) overwrite(flag int, pieces ...[]byte) error {
	from := time.Now()
	f, err := os.OpenFile(p.path, os.O_WRONLY|flag, 0o644)
	if err != nil {
		return err
	}
	return p.writeAndClose(f, from, pieces...)
}

func (p *program) writeAndClose(f *os.File, from time.Time, pieces ...[]byte) error {
	info, err := f.Stat()
	for i, piece := range pieces {
		if i > 0 {
			time.Sleep(rand.N(4 * time.Millisecond))
		}
		if err == nil {
			_, err = f.Write(piece)
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	p.tore(from, inode(info))
	return nil
}

func inode(info fs.FileInfo) uint64 { return uint64(info.Sys().(*syscall.Stat_t).Ino) }

func (p *program) tore(from time.Time, inode uint64) {
	p.books.Tears = append(p.books.Tears, tear{from.UnixNano(), time.Now().UnixNano(), inode})
}

// throughOneDescriptor reads and writes through one descriptor, and thinks in between.
func (p *program) throughOneDescriptor() error {
	from := time.Now()
	f, err := os.OpenFile(p.path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close() // again, where all is well
	text, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	doc, err := parse(text)
	if err != nil {
		return err
	}
	if text, err = p.change(doc); err != nil {
		return err
	}
	time.Sleep(rand.N(8 * time.Millisecond))
	if _, err = f.Seek(0, io.SeekStart); err == nil {
		err = f.Truncate(0)
	}
	if err != nil {
		return err
	}
	return p.writeAndClose(f, from, text[:len(text)/2], text[len(text)/2:])
}

// locked writes in place under the lock.
func (p *program) locked(kind lockfile.Kind) (err error) {
	dir, err := vfs.Open(filepath.Dir(p.path), nil)
	if err != nil {
		return err
	}
	defer dir.Close()
	lock, err := lockfile.Acquire(context.Background(), kind, dir, filepath.Base(p.path))
	if err != nil {
		return err
	}
	err = p.save(p.inPieces)
	return errors.Join(err, lock.Held(), lock.Release())
}

// fromMemory reads now and then, and writes what it has in memory.
func (p *program) fromMemory() error {
	if time.Now().After(p.until) {
		text, err := os.ReadFile(p.path)
		if err != nil {
			return err
		}
		if p.memory, err = parse(text); err != nil {
			return err
		}
		p.until = time.Now().Add(300*time.Millisecond + rand.N(1700*time.Millisecond))
	}
	text, err := p.change(p.memory)
	if err != nil {
		return err
	}
	return p.rename(text)
}

// anew deletes the file and, after a moment, creates another one.
func (p *program) anew(text []byte) error {
	from := time.Now()
	if err := os.Remove(p.path); err != nil {
		return err
	}
	time.Sleep(rand.N(3 * time.Millisecond))
	err := p.overwrite(os.O_CREATE|os.O_EXCL, text)
	p.tore(from, 0)
	return err
}
