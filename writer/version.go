package writer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/vfs"
)

var errNotRegular = errors.New("not a regular file")

// version is the tasks file as it was at one moment, links resolved.
type version struct {
	dir    *vfs.Dir // the folder of the file itself, open
	name   string   // in that folder
	info   fs.FileInfo
	young  bool   // when it was read: its times may not tell it from the next one
	data   []byte // nil where this is a document of ours
	digest string
	doc    *document.Document // nil until it is parsed; as it is on disk until fragments are merged into it
}

// close gives the handle back. What that says does not matter: nothing was written through it.
func (v *version) close() { v.dir.Close() }

// locate opens the folder in which the tasks file itself is.
func (w *Writer) locate() (*vfs.Dir, string, error) {
	path, err := filepath.EvalSymlinks(w.config.Path)
	if err != nil {
		return nil, "", w.unresolved(err)
	}
	dir, err := vfs.Open(filepath.Dir(path), w.config.Hook)
	return dir, filepath.Base(path), err
}

// unresolved makes of what filepath.EvalSymlinks says an error with path and number.
func (w *Writer) unresolved(err error) error {
	path := w.config.Path
	var named *fs.PathError
	var number syscall.Errno
	switch {
	case errors.As(err, &named):
		path, err = named.Path, named.Err
	case !errors.As(err, &number): // its own words for too many links
		err = syscall.ELOOP
	}
	return &fs.PathError{Op: "open", Path: path, Err: err}
}

// read reads the tasks file. A file that changed meanwhile is not a version: errChanged.
func (w *Writer) read() (_ *version, err error) {
	dir, name, err := w.locate()
	if err != nil {
		return nil, err
	}
	v := &version{dir: dir, name: name}
	defer func() {
		if err != nil {
			v.close()
		}
	}()
	f, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, syscall.ELOOP) { // it was no link a moment ago
		err = &pathError{path: w.config.Path, err: errChanged}
	}
	if err != nil {
		return nil, err
	}
	if err = v.readQuiet(f); errors.Is(err, errChanged) || errors.Is(err, errBeingWritten) {
		err = &pathError{path: w.config.Path, err: err}
	}
	if err = join(err, f.Close()); err == nil {
		v.young = w.isYoung(v.info)
		w.notice(v.info)
	}
	return v, err
}

// notice counts a version that somebody else has written, and reports whether it is one.
func (w *Writer) notice(now fs.FileInfo) (foreign bool) {
	if foreign = w.seen != nil && !sameVersion(w.seen, now); foreign {
		w.countForeign()
	}
	w.seen = now
	return foreign
}

// noticeOurs takes note of the document that has just taken the place of a version, and keeps it for the next commit; what
// somebody else has written over it since is counted. The exchange changes the time of the last change of the status, and
// nothing else.
func (w *Writer) noticeOurs(t target, ours fs.FileInfo, digest string) {
	v := t.stands
	w.seen, w.next = ours, nil
	now, err := v.dir.Lstat(v.name)
	switch {
	case err != nil:
	case os.SameFile(now, ours) && now.Size() == ours.Size() && now.ModTime().Equal(ours.ModTime()):
		w.seen = now
		w.next = &version{info: now, young: w.isYoung(now), digest: digest, doc: t.doc}
	default:
		w.notice(now)
	}
}

func (w *Writer) countForeign() {
	w.foreign++
	w.config.Log.Debug("tasks file: another program has written it", "tasks", w.config.Path, "foreign_writes", w.foreign)
}

// readQuiet reads the file at a moment when nobody has it open for writing, as far as that can be found out.
func (v *version) readQuiet(f *vfs.File) error {
	if err := quiet(f); err != nil && !errors.Is(err, vfs.ErrCannotTell) {
		return err
	}
	return v.readFrom(f)
}

func (v *version) readFrom(f *vfs.File) error {
	before, err := f.Stat()
	if err != nil {
		return err
	}
	if !before.Mode().IsRegular() {
		return fmt.Errorf("read %s: %w", v.dir.Join(v.name), errNotRegular)
	}
	v.data = make([]byte, 0, before.Size()+512) // room behind the end saves a reallocation to find it
	for {
		n, err := f.Read(v.data[len(v.data):cap(v.data)])
		v.data = v.data[:len(v.data)+n]
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if len(v.data) == cap(v.data) {
			v.data = append(v.data, 0)[:len(v.data)]
		}
	}
	if v.info, err = f.Stat(); err != nil {
		return err
	}
	if !sameVersion(before, v.info) {
		return errChanged
	}
	v.digest = digestOf(v.data)
	return nil
}

// isCurrent reports whether the tasks file still is this version: in the folder that is open and where the path leads to.
// What it looks at last costs least, so that next to nothing can happen between that and a replacement. What times do not
// tell an exchange brings to light; where there is none the bytes are compared.
func (w *Writer) isCurrent(v *version) (bool, error) {
	if v.young && w.renames {
		if same, err := w.holds(v.digest); err != nil || !same {
			return false, err
		}
	}
	now, err := v.dir.Lstat(v.name)
	if err != nil || !sameVersion(v.info, now) {
		return false, unlessGone(err)
	}
	now, err = os.Stat(w.config.Path)
	return err == nil && sameVersion(v.info, now), unlessGone(err)
}

// unlessGone is err, unless that says that there is no such file: then there is just another version, none.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// holds reports whether the tasks file has that digest.
func (w *Writer) holds(digest string) (bool, error) {
	v, err := w.read()
	if errors.Is(err, errChanged) {
		return false, nil
	}
	if err != nil {
		return false, unlessGone(err)
	}
	v.close()
	return v.digest == digest, nil
}

// sameVersion reports whether nothing has been written between two looks at a file, as far as its status tells.
func sameVersion(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && changeTime(a).Equal(changeTime(b))
}
