package writer

import (
	"errors"
	"io/fs"
	"os"

	"github.com/sessionsync/sessionsync/vfs"
)

// errTempGone says that somebody has taken our temporary file away before it was renamed.
var errTempGone = errors.New("another program has removed the temporary file beside it")

// replace puts the merged document in the place of the version that stands. After an error the tasks file is as it was and
// no temporary file is left but those in w.left, unless c.replaced().
func (w *Writer) replace(t target, intent Intent, c *commit) (err error) {
	v := t.stands
	temp, err := v.dir.CreateTemp(v.name)
	if err != nil {
		return err
	}
	intent.Temp = temp.Name()
	recorded := false
	defer func() {
		if c.replacing == nil && (c.displaced == nil || c.displaced.intent.Temp != intent.Temp) {
			l := leftover{temp: intent.Temp}
			if recorded {
				l.instead = c.before(intent)
			}
			w.left = append(w.left, l)
			err = join(err, w.clear(v.dir, c.record))
		}
	}()
	info, digest, err := w.fill(temp, t)
	if err = join(err, temp.Close()); err != nil {
		return err
	}
	// With the name durable too, nothing but the replacement takes it away once the intent is recorded.
	if err := v.dir.Sync(); err != nil {
		return err
	}
	intent.Digest = digest
	err = c.record(intent)
	recorded = !errors.Is(err, ErrCalledOff) // any other error may come from behind the recording
	if err != nil {
		return &recordError{err}
	}
	if err := c.lock.held(); err != nil {
		return err
	}
	c.result.Bytes = info.Size()
	theirs, err := w.exchangeFor(v, intent, info, c)
	if err != nil {
		if c.replacing != nil {
			w.unsettled = unsettled{digest, t.doc.Bytes()}
		}
		return err
	}
	if w.unsettled = (unsettled{}); theirs != nil {
		w.unsettled = unsettled{digest, t.doc.Bytes()}
	}
	if c.replacing == nil {
		return &pathError{path: w.config.Path, err: errChanged}
	}
	c.result.Written = true
	w.noticeOurs(t, info, digest)
	if theirs != nil {
		return w.makeRoom(theirs, t, c)
	}
	return w.conclude(v.dir, c)
}

// before is the intent to record where the next one is not carried out.
func (c *commit) before(next Intent) *Intent {
	before := next.withdrawn()
	if c.displaced != nil {
		before = c.displaced.intent
	}
	return &before
}

// exchangeFor exchanges the new document for a version, if that still stands. Where the tasks file is another one c.replacing
// stays nil.
func (w *Writer) exchangeFor(v *version, intent Intent, ours fs.FileInfo, c *commit) (*version, error) {
	if w.renames {
		same, err := w.isCurrent(v)
		if err == nil && same {
			c.replacing = &intent
			err = w.rename(v, c)
		}
		return nil, err
	}
	now, err := os.Stat(w.config.Path)
	if err != nil || !sameVersion(v.info, now) {
		return nil, unlessGone(err)
	}
	c.replacing = &intent
	return w.exchange(v, ours, c)
}

// exchange is the commit point. It returns what has come out, where that is not the version that was merged into. Some file
// systems report an error for what they have done (NFS, when the answer was lost): c.replacing stays set, for the next
// attempt to find out, unless it is certain that nothing was done.
func (w *Writer) exchange(v *version, ours fs.FileInfo, c *commit) (*version, error) {
	temp := c.replacing.Temp
	exchanged, quiet, err := v.dir.ExchangeIf(temp, v.name, func(now fs.FileInfo) bool { return sameVersion(v.info, now) })
	if exchanged {
		if gone, err := w.strayed(v, ours, c); gone || err != nil {
			return nil, err
		}
		if quiet && w.cameOut(v, temp) {
			return nil, nil
		}
		if now, err := v.dir.Lstat(temp); err == nil && !os.SameFile(v.info, now) {
			if back, err := v.putBack(ours, c); back || err != nil {
				return nil, err
			}
		}
		return w.displaced(v.dir, temp, v)
	}
	if now, statErr := v.dir.Lstat(temp); statErr != nil || !os.SameFile(now, ours) {
		return nil, w.ifTempGone(v, c, err)
	}
	c.replacing = nil
	switch {
	case err == nil:
	case errors.Is(err, errors.ErrUnsupported):
		w.renames = true
		w.config.Log.Info("tasks file: its file system cannot exchange two names; what another program writes in the moment before a replacement is lost",
			"tasks", w.config.Path)
	case errors.Is(err, fs.ErrNotExist), isNoFile(err): // the tasks file was deleted at the last moment, or became a link
	default:
		return nil, err
	}
	return nil, &pathError{path: w.config.Path, err: errChanged}
}

// cameOut reports whether a version that nobody has opened for writing is what has come out. Its times tell the rest, unless
// they are too coarse: an exchange changes only that of the last change of the status.
func (w *Writer) cameOut(v *version, temp string) bool {
	now, err := v.dir.Lstat(temp)
	return err == nil && !(v.young && w.dates != datingFine) && os.SameFile(v.info, now) && v.info.Size() == now.Size() &&
		v.info.ModTime().Equal(now.ModTime()) && sameIdentity(v.info, now)
}

// rename is the commit point where two names cannot be exchanged. Its errors are as those of exchange.
func (w *Writer) rename(v *version, c *commit) error {
	err := v.dir.Rename(c.replacing.Temp, v.dir, v.name)
	if err == nil {
		return nil
	}
	if _, statErr := v.dir.Lstat(c.replacing.Temp); statErr == nil {
		c.replacing = nil
		return err
	}
	return w.ifTempGone(v, c, err)
}

// strayed reports whether the path leads elsewhere by now, because a folder was moved or a link was turned in the last
// moment: then the exchange is undone.
func (w *Writer) strayed(v *version, ours fs.FileInfo, c *commit) (bool, error) {
	if now, err := os.Stat(w.config.Path); err == nil && os.SameFile(now, ours) {
		return false, nil
	}
	dir, name, err := w.locate()
	if err == nil {
		var here, there fs.FileInfo
		if here, err = v.dir.Stat(); err == nil {
			there, err = dir.Stat()
		}
		err = join(err, dir.Close())
		if err == nil && name == v.name && os.SameFile(here, there) {
			return false, nil // somebody has replaced the new document already
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return v.putBack(ours, c)
}

// putBack undoes an exchange that has brought out another file than it should, so that the merge is done again with that. It
// is done at once: who reads ours meanwhile, without what came out, and writes it back when the next round is over takes that
// away, and nobody could tell it from a wish. It reports false where somebody has taken our document's place in this moment:
// then theirs stands again, and what came out first is still out.
func (v *version) putBack(ours fs.FileInfo, c *commit) (bool, error) {
	temp := c.replacing.Temp
	if err := v.dir.Exchange(temp, v.name); err != nil {
		return false, err
	}
	if now, err := v.dir.Lstat(temp); err != nil || !os.SameFile(now, ours) {
		return false, join(err, v.dir.Exchange(temp, v.name))
	}
	c.replacing = nil
	return true, nil
}

// ifTempGone looks whether a replacement has failed because somebody has taken our temporary file away.
func (w *Writer) ifTempGone(v *version, c *commit, err error) error {
	_, tempErr := v.dir.Lstat(c.replacing.Temp)
	now, statErr := v.dir.Lstat(v.name)
	if errors.Is(tempErr, fs.ErrNotExist) && statErr == nil && sameVersion(now, v.info) {
		c.replacing = nil
		return &pathError{path: w.config.Path, err: errTempGone}
	}
	return err
}

// fill writes the document, gives it the mode and the owner of the version that it replaces and makes it durable.
func (w *Writer) fill(temp *vfs.File, t target) (fs.FileInfo, string, error) {
	digest, err := writeDigested(temp, t.doc)
	if err == nil {
		err = w.learnDating(temp)
	}
	if err != nil {
		return nil, "", err
	}
	info, err := w.identify(temp, t.like.info)
	if err != nil {
		return nil, "", err
	}
	return info, digest, temp.Sync()
}

// identify gives a file the mode and the owner of another one, and returns what it was before.
func (w *Writer) identify(f *vfs.File, like fs.FileInfo) (fs.FileInfo, error) {
	before, kept, err := keepOwner(f, like)
	if err != nil {
		return nil, err
	}
	if !kept && !w.warnedOnce {
		w.warnedOnce = true
		w.config.Log.Warn("tasks file: its owner cannot be kept, the agent's user owns it from now on; run the agent as the owner", "tasks", w.config.Path)
	}
	mode := like.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	if !kept {
		mode &^= fs.ModeSetuid | fs.ModeSetgid // they would lend somebody else's rights now
	}
	// Behind the owner: changing that takes the set-user-ID bits away.
	return before, f.Chmod(mode)
}

// identifyInPlace gives the tasks file itself the mode and the owner of another version, unless it has them.
func (w *Writer) identifyInPlace(stands *version, like fs.FileInfo) error {
	if sameIdentity(stands.info, like) {
		return nil
	}
	f, err := stands.dir.OpenFile(stands.name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	now, err := f.Stat()
	if err == nil && sameVersion(now, stands.info) {
		_, err = w.identify(f, like)
	}
	return join(err, f.Close())
}

// leftover is a temporary file that has to be removed.
type leftover struct {
	temp    string
	instead *Intent // to be recorded before, because the file's own intent is or may be; nil: there is none
}

// clear removes the temporary files that are of no use any more. An intent that may be recorded is withdrawn before: a
// restart that finds it, but not its temporary file, would take it for carried out. What cannot be done now stays in
// w.left; without a record only the files without an intent are removed.
func (w *Writer) clear(dir *vfs.Dir, record func(Intent) error) error {
	var kept []leftover
	var all error
	for _, l := range w.left {
		if l.instead != nil && record != nil {
			if err := record(*l.instead); err != nil {
				all = join(all, &recordError{err})
			} else {
				l.instead = nil
			}
		}
		if l.instead == nil {
			err := dir.Remove(l.temp)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			all = join(all, err)
		}
		kept = append(kept, l)
	}
	w.left = kept
	return all
}

// tryWrite writes a copy of a version beside it, makes it durable and removes it again.
func (w *Writer) tryWrite(v *version) error {
	temp, err := v.dir.CreateTemp(v.name)
	if err != nil {
		return err
	}
	if err = temp.WriteAll(v.doc.Pieces()); err == nil {
		err = temp.Sync()
	}
	err = join(err, temp.Close())
	w.left = append(w.left, leftover{temp: temp.Name()})
	return join(err, w.clear(v.dir, nil))
}
