package recovery

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/sessionsync/sessionsync/vfs"
)

// attempts bounds the search for a free name; entries of one batch in one
// millisecond are few.
const attempts = 1000

// Add makes an entry of the named fragments, which it moves out of from, and
// gives its name. Of e it takes Batch, Error, Retryable, Timestamp (now, if zero),
// PendingUpdates and of each fragment Name, Updates (how many of PendingUpdates are its
// own, in this order) and Error; the rest it fills in. An entry without fragments but
// with PendingUpdates keeps just those.
//
// After nil the entry is whole and durable. After an error the fragments are where
// they were, and Add is called again when the trouble is over; only if it could not
// even put them back (the log says so) some of them wait in a half entry, which
// the next Add or Resume makes an entry of its own. A fragment that is not in from
// is left out: it is in such an entry. The name is "" when nothing was left to keep.
//
// An [*UnmovableError] names a fragment that no retry will move.
func (s *Store) Add(e Entry, from *vfs.Dir) (string, error) {
	name, err := s.add(e, from)
	if err != nil {
		return "", fmt.Errorf("recover batch %s: %w", e.Batch, err)
	}
	return name, nil
}

func (s *Store) add(e Entry, from *vfs.Dir) (string, error) {
	if err := vfs.MkdirAll(s.config.Dir, dirPerm, s.config.Hook); err != nil {
		return "", err
	}
	dir, err := s.open()
	if err != nil {
		return "", err
	}
	defer dir.Close()
	finished, err := s.finishHalves(dir, e.Batch, from)
	if err != nil {
		return "", err
	}
	e.Fragments = slices.Clone(e.Fragments) // the caller's own
	if err := s.complete(&e, from); err != nil {
		return "", err
	}
	if len(e.Fragments) == 0 && len(e.PendingUpdates) == 0 {
		return finished, nil
	}
	st, err := s.newStage(dir, entryName(e.Timestamp, e.Batch))
	if err != nil {
		return "", err
	}
	e.Retry = s.command(st.name)
	if err := st.fill(e, from); err != nil {
		return "", errors.Join(err, s.undo(st, e, from))
	}
	name, err := s.publish(st)
	if err != nil {
		return "", errors.Join(err, s.undo(st, e, from))
	}
	// Whatever this says: if power loss brings back the old name, Resume gives
	// it the new one.
	if err := dir.Sync(); err != nil {
		s.config.Log.Warn("recovery folder not synced", "path", dir.Path(), "err", err)
	}
	return name, nil
}

// finishHalves makes entries of what earlier calls left.
func (s *Store) finishHalves(dir *vfs.Dir, batch string, from *vfs.Dir) (name string, err error) {
	open := func(b string) (*vfs.Dir, error) {
		if b == batch {
			return from, nil
		}
		return nil, nil
	}
	for len(s.half) > 0 {
		if name, err = s.finishAdding(dir, s.half[0], open); err != nil {
			return "", err
		}
		s.half = s.half[1:]
	}
	return name, nil
}

// complete fills in what the manifest says beside what the caller has said.
func (s *Store) complete(e *Entry, from *vfs.Dir) error {
	e.Version = Version
	if e.Timestamp.IsZero() {
		e.Timestamp = time.Now()
	}
	s.about(e)
	e.Error.Message = cut(e.Error.Message)
	e.PendingUpdates = slices.Clone(e.PendingUpdates)
	for i, u := range e.PendingUpdates {
		text, err := harmless(u)
		if err != nil {
			return err
		}
		e.PendingUpdates[i] = text
	}
	e.PendingCount = len(e.PendingUpdates)
	e.perm = filePerm
	if len(e.Fragments) > 0 {
		if err := e.completeFragments(from); err != nil {
			return err
		}
	}
	room := updatesMax
	for i, u := range e.PendingUpdates {
		// All that come behind are left out too: Resume counts on their order.
		if room -= len(u); room < 0 {
			e.PendingUpdates = e.PendingUpdates[:i]
			break
		}
	}
	return nil
}

// harmless is an update as a manifest can hold it: one that would break it becomes a string.
func harmless(update json.RawMessage) (json.RawMessage, error) {
	if json.Valid(update) && utf8.Valid(update) {
		return update, nil
	}
	return json.Marshal(string(update))
}

// about says which tasks file the entry is about.
func (s *Store) about(e *Entry) {
	e.TasksFile = filepath.Base(s.config.TasksFile)
	e.SessionPath = filepath.Dir(s.config.TasksFile)
	if abs, err := filepath.Abs(e.SessionPath); err == nil { // else relative is all there is
		e.SessionPath = abs
	}
}

// completeFragments leaves out what is not in from, with its updates.
func (e *Entry) completeFragments(from *vfs.Dir) error {
	taken := map[string]bool{}
	for i := range e.Fragments {
		f := &e.Fragments[i]
		own := f.Name
		if !isFragment(own) {
			return &fs.PathError{Op: "recover", Path: from.Join(own), Err: fs.ErrInvalid}
		}
		sum, fi, err := digest(from, own, rawMax)
		if gone(err) {
			f.File = "" // which keepOnly passes over
			continue
		}
		if err != nil {
			return err
		}
		if f.SHA256 = sum; fi.Mode().IsRegular() {
			f.size = fi.Size()
		}
		// The manifest repeats what is in the fragment: whoever may not read the one may not read the other.
		e.perm &= fi.Mode().Perm() | ownerPerm
		stored := storedName(own, taken)
		f.File, f.Name = fragmentsName+"/"+stored, ""
		if stored != own {
			f.Name = quoted(own)
		}
		if f.Error != nil {
			reason := *f.Error // the caller's own
			reason.Message = cut(reason.Message)
			f.Error = &reason
		}
	}
	e.keepOnly(func(f Fragment) bool { return f.File != "" })
	return nil
}

// cut bounds a message, at the border of a character.
func cut(message string) string {
	if len(message) <= messageMax {
		return message
	}
	end := messageMax
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + "…"
}

// Digest is the SHA-256 of a file in hex; "" for what is larger than 64 MiB, has no bytes or may not be read.
func Digest(dir *vfs.Dir, name string) (string, error) {
	sum, _, err := digest(dir, name, rawMax)
	return sum, err
}

// digest is the SHA-256 of a file of at most max bytes, read piece by piece, and what Lstat says of it; "" for what is
// larger, has no bytes, or may not be read.
func digest(dir *vfs.Dir, name string, max int64) (string, fs.FileInfo, error) {
	fi, err := dir.Lstat(name)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > max {
		return "", fi, err
	}
	f, err := dir.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ELOOP) {
		return "", fi, nil
	}
	if err != nil {
		return "", fi, err
	}
	defer f.Close()
	hash := sha256.New()
	// Somebody may write to it faster than it is read.
	if _, err := io.Copy(hash, io.LimitReader(f, max)); err != nil {
		return "", fi, err
	}
	return hex.EncodeToString(hash.Sum(nil)), fi, nil
}
