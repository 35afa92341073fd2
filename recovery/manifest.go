package recovery

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/vfs"
)

const (
	// manifestMax bounds what is read of a manifest that somebody may have put
	// there. Ours stay far below it by the next two.
	manifestMax = 128 << 20
	// updatesMax bounds the updates in a manifest; the raw fragments hold them all.
	// It is four times the default batch.
	updatesMax = 32 << 20
	// fragmentsMax bounds the fragments of one entry. The intent of a batch of so many could not be recorded.
	fragmentsMax = 1_000_000
	// rawMax bounds what is read of a raw file, for its digest and to copy it: a sparse file of
	// a TiB takes no room where it was dropped, and would take an hour, or the disk, here.
	rawMax = 64 << 20
	// messageMax bounds one message: a page of text.
	messageMax = 4 << 10
)

// The manifest is written in two parts with the updates between them, because
// encoding/json would lay those out anew, and they are kept as they were written.
type firstPart struct {
	Version      string  `json:"version"`
	Timestamp    string  `json:"timestamp"`
	SessionPath  string  `json:"sessionPath"`
	Error        Failure `json:"error"`
	PendingCount int     `json:"pendingCount"`
}

type lastPart struct {
	Batch     string     `json:"batch"`
	TasksFile string     `json:"tasksFile"`
	Retryable bool       `json:"retryable"`
	Retry     string     `json:"retry,omitempty"`
	Fragments []Fragment `json:"fragments"`
}

// writeManifest writes e as text: indented, with a final newline.
func writeManifest(w io.Writer, e Entry) error {
	first, err := indented(firstPart{
		Version: e.Version, Timestamp: e.Timestamp.UTC().Format("2006-01-02T15:04:05.000Z"),
		SessionPath: e.SessionPath, Error: e.Error, PendingCount: e.PendingCount,
	})
	if err != nil {
		return err
	}
	fragments := e.Fragments
	if fragments == nil {
		fragments = []Fragment{} // an empty list, not null
	}
	last, err := indented(lastPart{
		Batch: e.Batch, TasksFile: e.TasksFile, Retryable: e.Retryable, Retry: e.Retry, Fragments: fragments,
	})
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10) // bufio keeps the first error for Flush
	out.WriteString(strings.TrimSuffix(first, "\n}\n"))
	out.WriteString(",\n  \"pendingUpdates\": [")
	for i, u := range e.PendingUpdates {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString("\n    ")
		out.Write(u)
	}
	if len(e.PendingUpdates) > 0 {
		out.WriteString("\n  ")
	}
	out.WriteString("],")
	out.WriteString(strings.TrimPrefix(last, "{"))
	return out.Flush()
}

func indented(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // for people to read
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.String(), err
}

// readManifest reads what writeManifest wrote, or something like it that
// somebody else has written. Without withUpdates the updates are passed over one by one
// and are never in memory.
func readManifest(r io.Reader, withUpdates bool) (e Entry, err error) {
	dec := jsontext.NewDecoder(io.LimitReader(r, manifestMax), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if kind := dec.PeekKind(); kind != '{' {
		return e, fmt.Errorf("it holds no JSON object")
	}
	if _, err := dec.ReadToken(); err != nil {
		return e, err
	}
	into := map[string]any{
		"version": &e.Version, "timestamp": &e.Timestamp, "sessionPath": &e.SessionPath, "error": &e.Error,
		"pendingCount": &e.PendingCount, "batch": &e.Batch, "tasksFile": &e.TasksFile,
		"retryable": &e.Retryable, "retry": &e.Retry,
	}
	if withUpdates {
		into["pendingUpdates"] = &e.PendingUpdates
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return e, err
		}
		if name.String() == "fragments" {
			if e.Fragments, err = readFragments(dec); err != nil {
				return e, err
			}
			continue
		}
		target := into[name.String()]
		if target == nil {
			if err := dec.SkipValue(); err != nil {
				return e, err
			}
			continue
		}
		value, err := dec.ReadValue()
		if err != nil {
			return e, err
		}
		if err := json.Unmarshal(value, target); err != nil {
			return e, err
		}
	}
	if _, err := dec.ReadToken(); err != nil { // the closing brace, or what is wrong
		return e, err
	}
	if e.Version != Version {
		return e, fmt.Errorf("version %q, and %q is known", e.Version, Version)
	}
	for i := range e.Fragments {
		e.Fragments[i].Updates = max(0, e.Fragments[i].Updates)
	}
	return e, nil
}

// readFragments reads the list one by one: what is three bytes in the text of a manifest that somebody has made for it is a
// hundred in memory.
func readFragments(dec *jsontext.Decoder) (list []Fragment, err error) {
	if dec.PeekKind() != '[' { // null, or a mistake
		var none []Fragment
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		return none, json.Unmarshal(value, &none)
	}
	if _, err := dec.ReadToken(); err != nil {
		return nil, err
	}
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return nil, err
		}
		if len(list) == fragmentsMax {
			return nil, fmt.Errorf("it names more than %d fragments", fragmentsMax)
		}
		var f Fragment
		if err := json.Unmarshal(value, &f); err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	_, err = dec.ReadToken()
	return list, err
}

// loadManifest reads the manifest of an entry's folder.
func loadManifest(dir *vfs.Dir, withUpdates bool) (Entry, error) {
	f, err := dir.OpenFile(manifestName, os.O_RDONLY, 0)
	if err != nil {
		return Entry{}, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return Entry{}, err
	}
	if !fi.Mode().IsRegular() {
		return Entry{}, &manifestError{f.Path(), fmt.Errorf("it is no regular file")}
	}
	watched := &errorWatcher{r: f}
	e, err := readManifest(watched, withUpdates)
	if watched.err != nil {
		return Entry{}, watched.err // trouble with the disk, not with the text
	}
	if err != nil {
		return Entry{}, &manifestError{f.Path(), err}
	}
	e.perm = fi.Mode().Perm()&filePerm | ownerPerm // as it is, if it is written again
	return e, nil
}

// saveManifest writes the manifest of an entry's folder, durable when nil.
func saveManifest(dir *vfs.Dir, e Entry) error {
	f, err := dir.CreateTemp(manifestName)
	if err != nil {
		return err
	}
	if err = writeManifest(f, e); err == nil {
		perm := e.perm
		if perm == 0 {
			perm = filePerm
		}
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = dir.Rename(f.Name(), dir, manifestName)
	}
	if err != nil {
		dir.Remove(f.Name()) // else it goes with the folder
	}
	return err
}

// manifestError is a manifest that was read and is none.
type manifestError struct {
	path string
	err  error
}

func (e *manifestError) Error() string { return fmt.Sprintf("read manifest %s: %v", e.path, e.err) }

func (e *manifestError) Unwrap() error { return e.err }

// errorWatcher keeps what the disk said apart from what the JSON decoder says
// about it.
type errorWatcher struct {
	r   io.Reader
	err error
}

func (w *errorWatcher) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}
