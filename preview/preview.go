// Package preview shows what fragments would change, without changing anything: it reads the tasks file and the named
// files, applies them in memory in the order in which a batch would, and gives the difference.
//
// What it says holds for the tasks file as it is now. It asks no agent, takes no lock and claims nothing.
package preview

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Config is what a fragment is held against.
type Config struct {
	Tasks   string
	Layout  document.Layout
	Options document.Options
	Limits  fragment.Limits
}

// Verdict is what would become of one fragment.
type Verdict struct {
	Path    string
	Outcome document.Outcome
	Reject  *fragment.Error // nil where it would apply
}

// Preview is what would become of all of them.
type Preview struct {
	Items      int                  // in the tasks file now
	Duplicates []document.Duplicate // ids that stand there more than once
	Verdicts   []Verdict            // in the order in which they would apply: by modification time, then by name
	Diff       string               // of the tasks file, unified; "" where nothing would change
}

// Fragment is one that is to be looked at.
type Fragment struct {
	Path     string // for the verdict
	Modified time.Time
	Read     func() ([]fragment.Update, error) // a *fragment.Error where it is at fault
}

// Run looks at the tasks file and at the fragments. The error is about the tasks file, or about a fragment that could not
// be found or read at the moment; a fragment that is at fault is a Verdict.
func Run(c Config, paths []string) (Preview, error) {
	var batch []Fragment
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			return Preview{}, err
		}
		batch = append(batch, Fragment{path, info.ModTime(), func() ([]fragment.Update, error) { return read(path, c.Limits) }})
	}
	return Of(c, batch)
}

// Of is Run for fragments that lie anywhere, in several batches, one after the other. One fragment is in memory at a time.
func Of(c Config, batches ...[]Fragment) (Preview, error) {
	doc, before, err := Document(c)
	if err != nil {
		return Preview{}, err
	}
	p := Preview{Items: doc.Len(), Duplicates: doc.Duplicates()}
	for _, batch := range batches {
		order(batch)
		for _, f := range batch {
			v := Verdict{Path: f.Path}
			updates, err := f.Read()
			if err == nil {
				v.Outcome, err = doc.Apply(updates, c.Options)
			}
			if err != nil && !errors.As(err, &v.Reject) {
				return Preview{}, err
			}
			p.Verdicts = append(p.Verdicts, v)
		}
	}
	if after := doc.Bytes(); !bytes.Equal(before, after) {
		p.Diff = string(diff.Diff(c.Tasks, before, c.Tasks+" (applied)", after))
	}
	return p, nil
}

// Document reads the tasks file as it is now, and gives its bytes too. The error says what a person can do.
func Document(c Config) (*document.Document, []byte, error) {
	text, err := readTasks(c.Tasks)
	if err != nil {
		return nil, nil, err
	}
	doc, err := document.Parse(text, c.Layout)
	if err != nil {
		return nil, nil, &fs.PathError{Op: "read", Path: c.Tasks, Err: err}
	}
	return doc, text, nil
}

// readTasks reads the tasks file as the writer does: a link leads to it, and nothing is waited for.
func readTasks(path string) (_ []byte, err error) {
	f, err := vfs.OpenRegular(path)
	if err != nil {
		if remedy := remedyFor(err); remedy != "" {
			err = fmt.Errorf("%w; %s", err, remedy)
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(f)
}

func remedyFor(err error) string {
	switch {
	case errors.Is(err, vfs.ErrNotRegular):
		return "let the path in the configuration lead to a regular file"
	case errors.Is(err, syscall.ELOOP):
		return "let the link lead to a file"
	case errors.Is(err, fs.ErrNotExist):
		return "create it, or correct the path in the configuration"
	case errors.Is(err, fs.ErrPermission):
		return "give your user read permission on it and on the folders that lead to it"
	}
	return ""
}

// order puts the fragments in the order of a batch.
func order(batch []Fragment) {
	slices.SortStableFunc(batch, func(a, b Fragment) int {
		return cmp.Or(a.Modified.Compare(b.Modified), cmp.Compare(filepath.Base(a.Path), filepath.Base(b.Path)))
	})
}

// read reads a fragment as the agent would: a link is not followed, a FIFO not waited for.
func read(path string, limits fragment.Limits) (_ []fragment.Update, err error) {
	name := filepath.Base(path)
	if !fragment.IsName(name) {
		return nil, &fs.PathError{Op: "check", Path: path, Err: errNoFragmentName}
	}
	dir, err := vfs.Open(filepath.Dir(path), nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	data, err := Bytes(dir, name, limits)
	if err != nil {
		return nil, err
	}
	return fragment.Parse(name, data, limits)
}

// Bytes reads a fragment, within the limits. A *fragment.Error says that the agent would reject it unread.
func Bytes(dir *vfs.Dir, name string, limits fragment.Limits) (_ []byte, err error) {
	info, err := dir.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fragment.Error{Code: fragment.NotRegular, Message: "it is not a regular file", Remedy: "write the update into a file of its own"}
	case limits.MaxBytes > 0 && info.Size() > limits.MaxBytes:
		return nil, &fragment.Error{
			Code:    fragment.TooLarge,
			Message: fmt.Sprintf("the file has %d bytes, more than the limit of %d", info.Size(), limits.MaxBytes),
			Remedy:  "split it into several files, or raise fragment.max_bytes",
		}
	}
	f, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return io.ReadAll(io.LimitReader(f, info.Size()+1)) // not one that grows without end
}

var errNoFragmentName = errors.New("the agent takes no file of this name: it must end in .json, .jsonl or .ndjson and not begin with a dot")
