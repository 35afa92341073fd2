package writer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/vfs"
)

// pending is what an exchange has brought out and is not in the tasks file yet: a version that another program has
// written in the moment between the last look and the exchange.
type pending struct {
	version *version // theirs; where merged is set, a document with theirs and the fragments in it
	merged  bool
	ours    []byte   // the document that took its place
	files   []string // the temporary names under which their versions lie; they go when the next document stands
	spent   string   // that of a document of ours which a crash has left; "" for none
	intent  Intent   // the one that is recorded
}

// unsettled is a document of ours that stands or has stood, while what came out for it is not known yet, or not merged.
type unsettled struct {
	digest string
	text   []byte
}

var (
	errBeingWritten = errors.New("another program has it open for writing")
	errNoFile       = errors.New("the exchange brought out no regular file")
)

// displaced looks at what an exchange has brought out, once nobody can write to it any more: programs that had the tasks
// file open write into what is now under the temporary name. It returns nil where that is the version that was merged
// into, and else theirs, read whole.
func (w *Writer) displaced(dir *vfs.Dir, name string, v *version) (*version, error) {
	f, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) { // somebody removes hidden files there
		return nil, nil
	}
	if err != nil {
		return nil, noFile(err)
	}
	out := &version{dir: dir, name: name}
	if err = final(f); err == nil {
		err = out.readFrom(f)
	}
	if errors.Is(err, errChanged) {
		err = errBeingWritten
	}
	if err = join(noFile(err), f.Close()); err != nil {
		return nil, err
	}
	if v != nil && out.digest == v.digest && sameIdentity(v.info, out.info) {
		return nil, nil
	}
	return out, nil
}

// noFile tells what is no regular file, a link say, from trouble with reading one.
func noFile(err error) error {
	if isNoFile(err) {
		return errNoFile
	}
	return err
}

func isNoFile(err error) bool { return errors.Is(err, syscall.ELOOP) || errors.Is(err, errNotRegular) }

// Between two looks at who writes. A program that saves in place has its file open for some milliseconds.
const (
	shortestLook = time.Millisecond
	longestLook  = 128 * time.Millisecond
	settle       = 50 * time.Millisecond // where the system does not tell: nothing was written for so long
)

// final waits for the end of the writing to a file that nobody can open by its name: a quarter of a second at most, then
// it is errBeingWritten.
func final(f *vfs.File) error {
	err := quiet(f)
	if !errors.Is(err, vfs.ErrCannotTell) {
		return err
	}
	before, err := f.Stat()
	if err != nil {
		return err
	}
	for range 5 {
		time.Sleep(settle)
		now, err := f.Stat()
		if err != nil || sameVersion(before, now) {
			return err
		}
		before = now
	}
	return errBeingWritten
}

// quiet waits until nobody has the file open for writing. vfs.ErrCannotTell where that cannot be found out.
func quiet(f *vfs.File) error {
	for pause := shortestLook; ; pause *= 2 {
		has, err := f.HasWriter()
		if err != nil || !has {
			return err
		}
		if pause > longestLook {
			return errBeingWritten
		}
		time.Sleep(pause)
	}
}

// conclude ends a commit whose document stands: durably. The temporary files are evidence of that until the fragments are
// settled.
func (w *Writer) conclude(dir *vfs.Dir, c *commit) error {
	temps := c.temps()
	if len(temps) == 0 {
		return nil // nothing was written
	}
	c.result.Temps = temps
	return dir.Sync()
}

// temps are the files that are of no use once the document stands.
func (c *commit) temps() []string {
	var files []string
	if c.displaced != nil {
		files = slices.Clone(c.displaced.files)
		if c.displaced.spent != "" {
			files = append(files, c.displaced.spent)
		}
	}
	if c.replacing != nil {
		files = append(files, c.replacing.Temp)
	}
	return files
}

// Discard removes the temporary files of a commit, when nothing is left of its batch and its intent. After an error some are
// there, and the next Commit removes them, or the Sweep of the next start.
func (w *Writer) Discard(temps []string) error {
	if len(temps) == 0 {
		return nil
	}
	w.left = slices.DeleteFunc(w.left, func(l leftover) bool { return slices.Contains(temps, l.temp) })
	for _, name := range temps {
		w.left = append(w.left, leftover{temp: name})
	}
	dir := w.open[temps[0]]
	delete(w.open, temps[0])
	if dir == nil { // after a restart
		var err error
		if dir, _, err = w.locate(); err != nil {
			return err
		}
	}
	err := w.clear(dir, nil)
	dir.Close() // nothing was written through it
	return err
}

// keepOpen keeps the folder of temporary files until Discard: the path may lead elsewhere by then.
func (w *Writer) keepOpen(dir *vfs.Dir, temps []string) {
	if len(temps) == 0 {
		dir.Close()
		return
	}
	w.open[temps[0]] = dir
}

// makeRoom takes note of somebody else's version that the exchange of a target has brought out: the next round of the
// commit brings it into the tasks file. What cannot be merged is kept for a person.
func (w *Writer) makeRoom(theirs *version, t target, c *commit) error {
	w.countForeign()
	intent := *c.replacing
	next := &pending{version: theirs, ours: w.unsettled.text, files: []string{intent.Temp}, intent: intent}
	if before := c.displaced; before != nil {
		next.files, next.spent = append(slices.Clone(before.files), intent.Temp), before.spent
	}
	_, err := document.Parse(theirs.data, w.config.Layout)
	if err == nil && c.displaced != nil {
		var doc *document.Document
		if doc, err = t.doc.Adopt(t.stands.data, theirs.data); err == nil {
			next.version, next.merged = &version{data: doc.Bytes(), info: theirs.info}, true
		}
	}
	if err != nil {
		if err := w.keep(t.stands.dir, intent.Temp, err); err != nil {
			return err
		}
		return w.conclude(t.stands.dir, c)
	}
	w.config.Log.Debug("tasks file: another program has written at the same moment; its change is merged", "tasks", w.config.Path)
	c.displaced, c.replacing = next, nil
	return &pathError{path: w.config.Path, err: errChanged}
}

// keep hands somebody else's version, which cannot be merged, to Config.Keep.
func (w *Writer) keep(dir *vfs.Dir, name string, why error) error {
	if w.config.Keep == nil {
		return fmt.Errorf("keep %s: %w", dir.Join(name), why)
	}
	if err := w.config.Keep(dir, name, why); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &recordError{err}
	}
	return nil
}

// takeDisplaced returns what settle has found to be displaced, once.
func (w *Writer) takeDisplaced() *pending {
	p := w.pending
	w.pending = nil
	return p
}

// revive finds out what is displaced after a crash, when only the intent and the files tell: a commit has to merge the
// fragments into it once more. It reports false where that is not possible any more, because the tasks file has been written
// again since: then what is displaced is kept for a person, and the fragments count as applied, to the document that was
// written over.
func (w *Writer) revive(in Intent, stands, temp *version) (bool, error) {
	exchanged := temp != nil && temp.digest != in.Digest
	p := &pending{ours: stands.data, intent: in}
	expected := ""
	switch {
	case exchanged && len(in.Displaced) == 0:
		p.version, p.files, expected = temp, []string{in.Temp}, in.Digest
	case !exchanged && len(in.Displaced) == 1:
		theirs, err := w.displaced(stands.dir, in.Displaced[0], nil)
		if err != nil {
			return false, err
		}
		p.version, p.files, p.spent, expected = theirs, in.Displaced, in.Temp, in.Base
	}
	known := stands.digest == expected
	if exchanged && !known && w.unsettled.digest == in.Digest { // what has been written over ours can be told
		p.ours, known = w.unsettled.text, true
	}
	if p.version != nil && known {
		if _, err := document.Parse(p.version.data, w.config.Layout); err == nil {
			w.pending = p
			return true, nil
		}
	}
	lost := in.Displaced
	if exchanged {
		lost = []string{in.Temp}
	}
	for _, name := range lost {
		if err := w.keep(stands.dir, name, errors.New("the tasks file has been written again since")); err != nil {
			return false, err
		}
	}
	return false, nil
}
