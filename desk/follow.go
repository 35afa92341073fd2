package desk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

// A fragment that is tried again goes one way: from its entry through a hidden folder into a claimed batch, and from there it
// is deleted because it is applied, or goes through another hidden folder into a new entry. One look goes that way too, so what
// moves on meanwhile is met further on. Only trouble with the tasks file turns a fragment back, and that waits for 100 ms at
// least before the next step; so what two looks in a row have met nowhere is gone.
//
// tracker follows fragments on that way.
type tracker struct {
	desk     *Desk
	before   map[string]bool // the entries that were there at the start
	news     map[string]*news
	tracked  []*tracked
	known    int // of tracked
	progress Progress
}

// tracked is one fragment on its way.
type tracked struct {
	recovery.File
	entry  string // where it is, as far as is known
	batch  string
	sha256 string
	held   bool // by the agent, because of trouble with the tasks file
	missed int  // looks in a row that have not met it
	at     string
	fate   Fate
	known  bool
}

// news is an entry that was not there at the start.
type news struct {
	recovery.Entry
	taken []bool // which of its fragments were recognized
}

func (d *Desk) newTracker(chosen []choice) (*tracker, error) {
	found, err := d.store.Snapshot()
	if err != nil {
		return nil, err
	}
	t := &tracker{desk: d, before: found.Entries, news: map[string]*news{}}
	for _, c := range chosen {
		for _, f := range c.files {
			tr := &tracked{File: f, entry: c.entry.Name, batch: c.entry.Batch, held: c.entry.Retryable}
			tr.fate = Fate{Entry: c.entry.Name, Fragment: f.Own, Code: c.entry.Error.Code, Message: c.entry.Error.Message}
			if tr.sha256, err = d.digest(c.entry.Name, f); err != nil {
				return nil, err
			}
			t.tracked = append(t.tracked, tr)
		}
	}
	return t, nil
}

// digest is what a new manifest would say of the raw file: "" where it has no bytes to read.
func (d *Desk) digest(entry string, f recovery.File) (_ string, err error) {
	dir, err := d.store.Fragments(entry)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	return recovery.Digest(dir, f.Stored)
}

func (t *tracker) done() bool { return t.known == len(t.tracked) }

// entries are those that hold fragments whose fates are not known.
func (t *tracker) entries() (names []string) {
	seen := map[string]bool{}
	for _, tr := range t.tracked {
		if !tr.known && !seen[tr.entry] {
			seen[tr.entry] = true
			names = append(names, tr.entry)
		}
	}
	return names
}

// fates tells of all fragments, in their order.
func (t *tracker) fates() []Fate {
	var fates []Fate
	for _, tr := range t.tracked {
		f := tr.fate
		switch {
		case tr.known:
		case tr.held:
			f.State, f.In = Held, tr.entry
		default:
			f.State, f.In, f.Code, f.Message = Waiting, tr.entry, "", cmp.Or(tr.at, "it is marked to be tried again")
		}
		fates = append(fates, f)
	}
	return fates
}

// follow looks again and again until all fates are known, ctx is done, or, with a limit, that time is over. Calm says that
// nothing moves any more: what two looks find where it was is as known as it will be.
func (t *tracker) follow(ctx context.Context, limit time.Duration, calm bool) error {
	const first, longest, rest = 5 * time.Millisecond, 100 * time.Millisecond, 4
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	pause := first
	for looks := 1; ; looks++ {
		begun := time.Now()
		if err := t.look(); err != nil {
			return err
		}
		t.progress.tell("trying again", t.known, len(t.tracked))
		if t.done() || calm && looks > 2 {
			return nil
		}
		timer := time.NewTimer(max(pause, rest*time.Since(begun))) // a large folder is no reason to look at it all the time
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		pause = min(2*pause, longest)
	}
}

// look goes the way of the fragments once.
func (t *tracker) look() error {
	store, drop := t.desk.store, t.desk.config.Drop
	start, err := store.Snapshot()
	if err != nil {
		return err
	}
	claims, err := spool.Claims(drop)
	if err != nil {
		return err
	}
	end, err := store.Snapshot()
	if err != nil {
		return err
	}
	if err := t.learn(end); err != nil {
		return err
	}
	at := map[string][]spool.Claim{} // by name and by batch
	for _, c := range claims {
		at[c.Name] = append(at[c.Name], c)
		at["/"+c.Batch] = append(at["/"+c.Batch], c)
	}
	for _, tr := range t.tracked {
		if tr.known {
			continue
		}
		if err := t.find(tr, start, at, end); err != nil {
			return err
		}
	}
	return nil
}

// learn reads the entries that are new.
func (t *tracker) learn(now recovery.Snapshot) error {
	for name := range now.Entries {
		if t.before[name] || t.news[name] != nil {
			continue
		}
		e, err := t.desk.store.Head(name)
		switch {
		case err == nil:
			t.news[name] = &news{e, make([]bool, len(e.Fragments))}
		case !recovery.NotAnEntry(err):
			return err
		}
	}
	return nil
}

// find looks for one fragment in what a look has shown.
func (t *tracker) find(tr *tracked, start recovery.Snapshot, claims map[string][]spool.Claim, end recovery.Snapshot) error {
	at, err := t.meet(tr, start, claims, end)
	if err != nil || tr.known {
		return err
	}
	if at != "" {
		tr.at, tr.missed = at, 0
		return nil
	}
	// What turns up in a listing only half the time is on its way within the folder.
	if len(end.Adding) > 0 && tr.missed < 50 {
		tr.missed++
		return nil
	}
	if tr.missed++; tr.missed < 2 {
		return nil
	}
	path, aside, err := spool.IsSetAside(t.desk.config.Drop, tr.batch, tr.Own)
	if err != nil {
		return err
	}
	tr.fate.State, tr.fate.Code, tr.fate.Message = Applied, "", ""
	if aside {
		tr.fate.State, tr.fate.Message = Rejected, "not even the recovery folder can take it; it is "+path
	}
	t.settle(tr)
	return nil
}

func (t *tracker) settle(tr *tracked) {
	tr.known = true
	t.known++
}

// meet goes the way of a fragment, and says where it is; "" where it was not met.
func (t *tracker) meet(
	tr *tracked, start recovery.Snapshot, claims map[string][]spool.Claim, end recovery.Snapshot,
) (string, error) {
	there, returning := start.Entries[tr.entry], start.Returning[tr.entry]
	if tr.missed > 0 && !there && !returning { // a listing can miss what is renamed
		var err error
		if there, returning, err = t.desk.store.Where(tr.entry); err != nil {
			return "", err
		}
	}
	switch {
	case there:
		return "it is marked to be tried again", nil
	case returning:
		return "it is being taken back", nil
	case isClaimed(tr, claims):
		return "it is claimed", nil
	case t.isBack(tr, end):
		return "it is in the recovery folder again", nil
	}
	dropped, err := t.isDropped(tr)
	if dropped {
		return "it is in the drop directory again", nil
	}
	return "", err
}

// isClaimed looks among the claims: in its batch for its name, or that with a number; in others for the same file.
func isClaimed(tr *tracked, claims map[string][]spool.Claim) bool {
	for _, c := range claims["/"+tr.batch] {
		if isNumbered(c.Name, tr.Own) {
			return true
		}
	}
	for _, c := range claims[tr.Own] {
		if c.Size == tr.Size && c.ModTime.Equal(tr.ModTime) {
			return true
		}
	}
	return false
}

// isNumbered reports whether a name is another one, or that with a number, as what is given back gets where its own is taken.
func isNumbered(name, own string) bool {
	if name == own {
		return true
	}
	ext := filepath.Ext(own)
	stem, ok := strings.CutSuffix(name, ext)
	number, found := strings.CutPrefix(stem, strings.TrimSuffix(own, ext)+"-")
	if !ok || !found {
		return false
	}
	_, err := strconv.Atoi(number)
	return err == nil
}

// isBack looks for the fragment in the entries that are new. One that the agent holds goes on from there.
func (t *tracker) isBack(tr *tracked, end recovery.Snapshot) bool {
	same := func(n *news, f recovery.Fragment) bool {
		return n.Batch == tr.batch && f.OwnName() == tr.Own && f.SHA256 == tr.sha256
	}
	moved := func(_ *news, f recovery.Fragment) bool {
		return isNumbered(f.OwnName(), tr.Own) && f.SHA256 == tr.sha256
	}
	grown := func(n *news, f recovery.Fragment) bool { return n.Batch == tr.batch && isNumbered(f.OwnName(), tr.Own) }
	for _, is := range []func(*news, recovery.Fragment) bool{same, moved, grown} {
		for name, n := range t.news {
			for i, f := range n.Fragments {
				if n.taken[i] || !end.Entries[name] || !is(n, f) {
					continue
				}
				n.taken[i] = true
				tr.entry, tr.held = name, n.Retryable
				tr.fate.Code, tr.fate.Message = n.Error.Code, n.Error.Message
				if f.Error != nil {
					tr.fate.Code, tr.fate.Message = f.Error.Code, f.Error.Message
				}
				if !n.Retryable {
					tr.fate.State, tr.fate.In = Rejected, name
					t.settle(tr)
				}
				return true
			}
		}
	}
	return false
}

// isDropped looks for the same file in the drop directory, to which an agent returns what it cannot read at the moment.
func (t *tracker) isDropped(tr *tracked) (bool, error) {
	dir, err := vfs.Open(t.desk.config.Drop, nil)
	if err != nil {
		return false, fmt.Errorf("look into the drop directory: %w", err)
	}
	defer dir.Close()
	now, err := dir.Status(tr.Own)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && now.Size == tr.Size && now.ModTime.Equal(tr.ModTime), err
}
