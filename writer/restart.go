package writer

import (
	"errors"
	"io/fs"
	"slices"

	"github.com/sessionsync/sessionsync/vfs"
)

// ErrUnclear says that it cannot be told any more whether a commit took place: somebody has removed the temporary file that
// would tell, or moved the tasks file away from it, and has written the tasks file since.
var ErrUnclear = errors.New("the temporary file that tells whether a batch was applied is gone, and another program has written the tasks file since")

// Replaced tells after a crash, or after Trouble.Replaced, whether the commit of an intent took place. If it did, it has
// been made durable when Replaced returns, so that the fragments may be deleted; if not, they have to be committed again.
// After an error, a *Trouble, nothing is known, and it may be asked again. ErrUnclear is what will stay so: the evidence
// is gone. When it is settled, its temporary files (Intent.Temps) are due to be given to Discard.
func (w *Writer) Replaced(intent Intent) (bool, error) {
	replaced, err := w.settle(intent)
	if errors.Is(err, ErrUnclear) {
		return false, err
	}
	if err != nil {
		return false, w.trouble(err, 1, true)
	}
	return replaced, nil
}

// settle is Replaced; true with an error says that it is not durable. Where it says false, w.pending is what another program
// has written meanwhile and a commit has to bring into the tasks file.
func (w *Writer) settle(in Intent) (replaced bool, err error) {
	w.pending = nil
	if in.Digest == in.Base || slices.ContainsFunc(in.Temps(), isForeign) {
		return false, nil // withdrawn, or never ours: we name no other files
	}
	v, err := w.read()
	if err != nil {
		return false, err
	}
	defer v.close()
	temp, err := w.displaced(v.dir, in.Temp, nil)
	if errors.Is(err, errNoFile) { // a link, which is followed and never replaced: it goes back to its place
		if err = v.dir.Exchange(in.Temp, v.name); err == nil {
			err = errNoFile
		}
	}
	if err != nil {
		return false, err
	}
	switch {
	case temp == nil && v.digest != in.Base && v.digest != in.Digest && in.Exchange:
		return false, &pathError{path: v.dir.Join(in.Temp), err: ErrUnclear}
	case temp == nil && v.digest != in.Base, temp != nil && temp.digest == in.Base, v.digest == in.Digest && temp != nil && temp.digest == in.Digest:
	case len(in.Displaced) == 0 && (temp == nil || temp.digest == in.Digest):
		return false, nil
	default:
		if again, err := w.revive(in, v, temp); again || err != nil {
			return false, err
		}
	}
	return true, v.dir.Sync()
}

func isForeign(name string) bool { return !vfs.IsTempName(name) }

// Sweep removes the temporary files that a crash has left beside the tasks file. It is for the start, when the batches that
// the crash has left are settled: as long as one of their intents is not carried out, its temporary file is what says so.
func (w *Writer) Sweep() error {
	dir, name, err := w.locate()
	if err != nil {
		return err
	}
	defer dir.Close()
	var names []string
	err = dir.List(func(entry fs.DirEntry) bool {
		if vfs.IsTemp(entry.Name(), name) && entry.Type().IsRegular() {
			names = append(names, entry.Name())
		}
		return true
	})
	for _, name := range names {
		w.config.Log.Info("tasks file: removing a temporary file that a crash has left", "file", dir.Join(name))
		if e := dir.Remove(name); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = join(err, e)
		}
	}
	return err
}
