package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sessionsync/sessionsync/vfs"
)

// Each try says what happened to files of its own; what follows from that is for others to say.

// errLied says that a call has reported success, and what it should have done was not so.
var errLied = errors.New("the call reports success and has done something else")

// tryRename puts a file in the place of another one.
func (b *bench) tryRename() error {
	from, to, err := b.pair()
	if err != nil {
		return err
	}
	before, err := b.dir.Lstat(from)
	if err != nil {
		return err
	}
	if err := b.dir.Rename(from, b.dir, to); err != nil {
		return err
	}
	return b.is(to, before)
}

// tryExchange gives two files each other's name; errors.ErrUnsupported where that cannot be had.
func (b *bench) tryExchange() error {
	first, second, err := b.pair()
	if err != nil {
		return err
	}
	before, err := b.dir.Lstat(first)
	if err != nil {
		return err
	}
	other, err := b.dir.Lstat(second)
	if err != nil {
		return err
	}
	if err := b.dir.Exchange(first, second); err != nil {
		return err
	}
	return errors.Join(b.is(second, before), b.is(first, other))
}

// is returns nil if the file called name is the one that info describes.
func (b *bench) is(name string, info fs.FileInfo) error {
	now, err := b.dir.Lstat(name)
	if err == nil && !os.SameFile(now, info) {
		err = errLied
	}
	return err
}

// errLate says that the number of a file's names was told wrong for a while: a file system keeps what it knows of a file.
var errLate = errors.New("how many names a file has is told late")

// countingTakes is how long is waited for the right number: FUSE keeps a wrong one for a second, NFS for three or more.
const countingTakes = 4 * time.Second

// tryLink gives a file a second name and takes it away again. A receipt reads the number of names, so that is looked at,
// where the system tells it.
func (b *bench) tryLink() error {
	name, err := b.closed()
	if err != nil {
		return err
	}
	second := b.free()
	if err := b.dir.Link(name, second); err != nil {
		return err
	}
	if err := b.hasNames(name, 2); err != nil {
		return err
	}
	if err := b.dir.Remove(second); err != nil {
		return err
	}
	err = b.hasNames(name, 1)
	for end := time.Now().Add(countingTakes); errors.Is(err, errLied) && time.Now().Before(end) && b.ctx.Err() == nil; {
		time.Sleep(countingTakes / 40)
		if err = b.hasNames(name, 1); err == nil {
			return errLate
		}
	}
	return err
}

func (b *bench) hasNames(name string, want uint64) error {
	info, err := b.dir.Lstat(name)
	if err != nil {
		return err
	}
	if got := namesOf(info); got != 0 && got != want {
		return fmt.Errorf("%w: %d names, not %d", errLied, got, want)
	}
	return nil
}

// tryLease asks who has a file open for writing, while somebody has and while nobody has. vfs.ErrCannotTell where that
// cannot be had.
func (b *bench) tryLease() error {
	written, err := b.file()
	if err != nil {
		return err
	}
	during, err := b.hasWriter(written.Name())
	if err = errors.Join(err, written.Close()); err != nil {
		return err
	}
	after, err := b.hasWriter(written.Name())
	if err == nil && (!during || after) {
		err = errLied
	}
	return err
}

func (b *bench) hasWriter(name string) (bool, error) {
	f, err := b.dir.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return false, err
	}
	has, err := f.HasWriter()
	return has, errors.Join(err, f.Close())
}

// trySync makes a file and its name durable. errors.ErrUnsupported where the folder does not know the call, which the agent
// takes for done.
func (b *bench) trySync() error {
	f, err := b.file()
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("x"))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := b.dir.Sync(); err != nil {
		return err
	}
	return syncFolder(b.dir.Path())
}

// tryClock tells how far the time that the file system gives a file is ahead of this machine's clock.
func (b *bench) tryClock() (ahead time.Duration, err error) {
	before := time.Now().Round(0)
	f, err := b.file()
	if err != nil {
		return 0, err
	}
	_, err = f.Write([]byte("x"))
	if err = errors.Join(err, f.Close()); err != nil {
		return 0, err
	}
	after := time.Now().Round(0)
	info, err := b.dir.Lstat(f.Name())
	if err != nil {
		return 0, err
	}
	switch at := info.ModTime(); {
	case at.Before(before):
		return at.Sub(before), nil
	case at.After(after):
		return at.Sub(after), nil
	}
	return 0, nil
}

// tryMove renames a file of ours into another folder: EXDEV where that is on another file system.
func (b *bench) tryMove(to *bench) error {
	name, err := b.closed()
	if err != nil {
		return err
	}
	return b.dir.Rename(name, to.dir, to.free())
}

// hearingTakes is how long is waited for an event: no local system takes a tenth of it.
const hearingTakes = 2 * time.Second

// errDeaf says that events were listened to, and none came.
var errDeaf = errors.New("a file was made, and nothing was told of it")

// tryEvents listens to the folder while a file is made in it.
func (b *bench) tryEvents() error {
	return hears(b.ctx, b.dir.Path(), hearingTakes, b.closed)
}

// hears listens to a folder for the name of what make makes.
func hears(ctx context.Context, folder string, patience time.Duration, make func() (string, error)) (err error) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, watcher.Close()) }()
	if err := watcher.Add(folder); err != nil {
		return err
	}
	name, err := make()
	if err != nil {
		return err
	}
	enough := time.NewTimer(patience)
	defer enough.Stop()
	for {
		select {
		case event := <-watcher.Events:
			if filepath.Base(event.Name) == name {
				return nil
			}
		case <-watcher.Errors: // events were lost: others may be coming
		case <-enough.C:
			return errDeaf
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// cannot says whether an error of a try is that the system cannot do such a thing.
func cannot(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, vfs.ErrCannotTell)
}
