package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/sessionsync/sessionsync/vfs"
)

// Batch is a folder of claimed fragments. It ends with Settle.
type Batch struct {
	ID       string
	Files    []File    // by modification time, then by name
	Refused  []Refusal // what Claim had to leave
	Reopened bool      // Claim went over to a replaced drop directory
	Own      bool      // Put has made it: no producer's

	home    *home
	dir     *vfs.Dir
	log     *slog.Logger
	fresh   bool                  // nobody has been at it since the claim
	seen    map[string]vfs.Status // by the claim or the last Reload, until it is read
	read    map[string]stamp      // what of each fragment is applied
	durable bool                  // all names in dir are
	again   bool                  // a loss of power had brought something back to the drop directory
	deleted bool                  // nothing is left but the folder
	settled bool
}

// Dir is the batch's folder, open until Settle or Close: the recovery moves
// fragments out of it and back into it.
func (b *Batch) Dir() *vfs.Dir { return b.dir }

// State is the agent's own folder in the drop directory that the batch was claimed from.
func (b *Batch) State() *vfs.Dir { return b.home.state }

// Return puts a fragment back into the drop directory, durably, because it was still
// being written. It never replaces: when there is a new file of that name,
// fs.ErrExist, and the fragment stays in the batch. After another error look into
// Files, whether it is still in the batch. Only before Record.
func (b *Batch) Return(name string) error {
	if err := b.home.sync(); err != nil { // it cannot be told from the claims that the next one makes durable
		return err
	}
	if err := b.dir.RenameNew(name, b.home.drop, name); err != nil {
		return err
	}
	b.forget(name)
	return b.home.drop.Sync()
}

// SetAside moves something out of the batch into .sessionsync/foreign/<batch>,
// where nothing looks at it any more, with a warning in the log: what is
// no fragment, or a fragment that not even the recovery can take (on another file
// system, and unreadable). After an error it is still in the batch.
func (b *Batch) SetAside(name string) error {
	foreign, err := own(Config{Log: b.log}, b.home.state, foreignName)
	if err != nil {
		return err
	}
	defer foreign.Close()
	// Names of one folder do not collide, unless it is the second time.
	for i := 1; ; i++ {
		into := b.ID
		if i > 1 {
			into = fmt.Sprintf("%s-%d", b.ID, i)
		}
		err := moveInto(b.dir, name, foreign, into)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		b.forget(name)
		b.log.Warn("no fragment, set aside", "name", name, "folder", foreign.Join(into))
		return nil
	}
}

func moveInto(from *vfs.Dir, name string, parent *vfs.Dir, into string) error {
	if err := parent.Mkdir(into, ownPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := parent.OpenDir(into)
	if err != nil {
		return err
	}
	defer dir.Close()
	return from.RenameNew(name, dir, name)
}

func (b *Batch) forget(name string) {
	b.Files = slices.DeleteFunc(b.Files, func(f File) bool { return f.Name == name })
}

// Settle ends the batch: the fragments in Files are applied, or somewhere
// else by now, and are deleted; then the intent and the folder. It is called only
// when what they did is durable. After an error everything that says so is still
// there, and Settle is called again, now or after the next start.
//
// A fragment that its producer has written to since Read (through a descriptor from
// before the claim) is not deleted: a *LateError names it. Move it elsewhere, then
// call Settle again. What is written between the last look and the deletion, some
// microseconds, goes with the file.
//
// What is in the folder beside Files (given back to the batch after its intent was
// recorded) stays, and is a batch for Claimed.
func (b *Batch) Settle() error {
	if b.settled {
		return nil
	}
	if err := b.Delete(); err != nil {
		return err
	}
	b.discard()
	return nil
}

// Delete is the part of Settle that takes time. It may be called in a goroutine of
// its own while other batches are at work; Settle is still due, with the same
// outcome.
func (b *Batch) Delete() error {
	if b.deleted {
		return nil
	}
	if err := b.deleteClaims(); err != nil {
		return fmt.Errorf("settle batch %s: %w", b.ID, err)
	}
	b.deleted = true
	return nil
}

func (b *Batch) deleteClaims() error {
	if b.again { // it might come back once more, when the claim has gone
		if err := b.home.sync(); err != nil {
			return err
		}
		b.again = false
	}
	for _, f := range b.Files {
		if err := b.isAsRead(f.Name); err != nil {
			return err
		}
		if err := b.dir.Remove(f.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// The fragments must be gone for good before the intent goes: one that a
	// power loss brings back without it would be applied a second time.
	if err := b.dir.Sync(); err != nil {
		return err
	}
	err := b.dir.Remove(intentName)
	if b.Own && (err == nil || errors.Is(err, fs.ErrNotExist)) {
		err = b.dir.Remove(ownName)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// discard ends the batch and removes its folder if that is empty. Nothing
// depends on it: an empty folder that stays, or that power loss brings back, is
// removed at the next start.
func (b *Batch) discard() {
	b.settled = true
	err := b.home.claimed.Remove(b.ID)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) { // ErrExist: not empty
		err = nil
	}
	if err := errors.Join(err, b.Close()); err != nil {
		b.log.Warn("batch folder stays until the next start", "batch", b.ID, "err", err)
	}
}

// Close gives the batch up without settling it: its fragments stay claimed,
// for Claimed to find.
func (b *Batch) Close() error {
	if b.home.live[b.ID] != b {
		return nil
	}
	b.home.mu.Lock()
	delete(b.home.live, b.ID)
	b.home.mu.Unlock()
	return b.dir.Close()
}
