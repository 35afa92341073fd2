package spool

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/sessionsync/sessionsync/fragment"
)

const (
	intentName = ".intent.json"
	intentTemp = "intent.json" // CreateTemp puts the dot before it
)

// Intent says what is about to be done with a batch. Kept with the claims, it
// tells after a crash whether it was done.
type Intent struct {
	Temp    string                     // the temporary file, a name beside the tasks file
	Digest  string                     // in hex, of the new document
	Base    string                     // of the one that it replaces
	Rejects map[string]*fragment.Error // by name: the fragments that have no part in the new document

	// Displaced are names beside the tasks file: versions of other programs that
	// the new document takes in.
	Displaced []string
	Exchange  bool // how the new document comes to its place; see package writer
}

// storedIntent is an Intent on disk. Names are bytes (base64 in JSON), because a
// file name need not be text.
type storedIntent struct {
	Version   int            `json:"version"`
	Temp      []byte         `json:"temp"`
	Digest    string         `json:"digest"`
	Base      string         `json:"base"`
	Files     []storedFile   `json:"files"` // what it is about: a later file in the folder is not
	Rejects   []storedReject `json:"rejects"`
	Displaced [][]byte       `json:"displaced,omitempty"`
	Exchange  bool           `json:"exchange,omitempty"`
	Batch     string         `json:"batch"`
}

type storedFile struct {
	Name []byte `json:"name"`
	Read *stamp `json:"read"` // nil: it was not read
}

type storedReject struct {
	Name  []byte          `json:"name"`
	Error *fragment.Error `json:"error"`
}

const intentVersion = 1

// intentMax bounds what a start reads: room for some ten thousand rejects, and a
// batch has a thousand fragments by default. A variable for its test.
var intentMax int64 = 64 << 20

// Record keeps the intent with the claims. After nil both are durable: the tasks
// file may be replaced. After an error the intent may be there or not, which is
// the same as long as the tasks file is not replaced; Record may be called
// again, also with another intent.
func (b *Batch) Record(in Intent) error {
	if err := b.record(in); err != nil {
		return fmt.Errorf("record intent of batch %s: %w", b.ID, err)
	}
	return nil
}

func (b *Batch) record(in Intent) error {
	if !isDigest(in.Digest) || !isDigest(in.Base) {
		// It would be taken for a foreign one after a crash.
		return fmt.Errorf("digests %q and %q: not in hex", in.Digest, in.Base)
	}
	stored := storedIntent{Version: intentVersion, Batch: b.ID, Exchange: in.Exchange, Temp: []byte(in.Temp), Digest: in.Digest, Base: in.Base}
	for _, name := range in.Displaced {
		stored.Displaced = append(stored.Displaced, []byte(name))
	}
	for _, f := range b.Files {
		file := storedFile{Name: []byte(f.Name)}
		if read, ok := b.read[f.Name]; ok {
			file.Read = &read
		}
		stored.Files = append(stored.Files, file)
		if e := in.Rejects[f.Name]; e != nil {
			stored.Rejects = append(stored.Rejects, storedReject{[]byte(f.Name), e})
		}
	}
	text, err := json.Marshal(stored)
	if err != nil {
		return err
	}
	if int64(len(text)) > intentMax {
		return fmt.Errorf("%d bytes, and at most %d could be read again; make batch.max_fragments smaller", len(text), intentMax)
	}
	if err := b.writeIntent(text); err != nil {
		return err
	}
	// The fragments' new names and the intent's, and that the old names are gone: one that came back beside its claim would be
	// applied twice.
	b.home.mu.Lock()
	b.durable = false
	b.home.mu.Unlock()
	return b.home.sync()
}

// writeIntent replaces the intent in one step, so that one of an earlier attempt
// is whole or gone.
func (b *Batch) writeIntent(text []byte) error {
	f, err := b.dir.CreateTemp(intentTemp)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync() // else the name could be durable before the bytes
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = b.dir.Rename(f.Name(), b.dir, intentName)
	}
	if err != nil {
		b.dir.Remove(f.Name()) // else the next start does
	}
	return err
}

// Intent gives the recorded intent; false when there is none, or one that is
// half, of another version, of another batch or not ours: none was ever acted
// on.
func (b *Batch) Intent() (Intent, bool, error) {
	stored, ok, err := b.readIntent()
	if err != nil || !ok {
		return Intent{}, false, err
	}
	in := Intent{Temp: string(stored.Temp), Digest: stored.Digest, Base: stored.Base, Exchange: stored.Exchange,
		Rejects: make(map[string]*fragment.Error, len(stored.Rejects))}
	for _, r := range stored.Rejects {
		if r.Error != nil {
			in.Rejects[string(r.Name)] = r.Error
		}
	}
	for _, name := range stored.Displaced {
		in.Displaced = append(in.Displaced, string(name))
	}
	return in, true, nil
}

func (b *Batch) readIntent() (in storedIntent, ok bool, err error) {
	f, err := b.dir.OpenFile(intentName, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return in, false, nil
	}
	if err != nil {
		return in, false, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > intentMax {
		return in, false, err
	}
	text, err := io.ReadAll(io.LimitReader(f, intentMax))
	if err != nil {
		return in, false, err
	}
	if json.Unmarshal(text, &in) != nil || in.Version != intentVersion || in.Batch != b.ID || !isDigest(in.Digest) || !isDigest(in.Base) {
		return storedIntent{}, false, nil
	}
	return in, true, nil
}

func isDigest(s string) bool {
	sum, err := hex.DecodeString(s)
	return err == nil && len(sum) >= 16
}
