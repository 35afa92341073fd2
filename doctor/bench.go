package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// mark is in the names of all files that are made here. The dot before it keeps them from being fragments.
const mark = "sessionsync-doctor"

// abandoned is when a file of another examination counts as left behind by one that was killed: none lasts that long.
const abandoned = time.Minute

// bench is a folder with the files of ours that lie in it.
type bench struct {
	ctx   context.Context
	dir   *vfs.Dir
	names []string
}

// newBench removes what a killed examination has left. Whatever goes wrong with that does no harm.
func newBench(ctx context.Context, dir *vfs.Dir) *bench {
	b := &bench{ctx: ctx, dir: dir}
	var old []string
	dir.List(func(entry fs.DirEntry) bool {
		if vfs.IsTemp(entry.Name(), mark) && entry.Type().IsRegular() {
			old = append(old, entry.Name())
		}
		return ctx.Err() == nil
	})
	for _, name := range old {
		if info, err := dir.Lstat(name); err == nil && time.Since(info.ModTime()) > abandoned &&
			ownerOf(info).uid == self().uid {
			dir.Remove(name)
		}
	}
	return b
}

// file makes a file of ours, open for writing.
func (b *bench) file() (*vfs.File, error) {
	if err := b.ctx.Err(); err != nil {
		return nil, err
	}
	f, err := b.dir.CreateTemp(mark)
	if err == nil {
		b.names = append(b.names, f.Name())
	}
	return f, err
}

// closed makes a file of ours that nobody has open, and gives its name.
func (b *bench) closed() (string, error) {
	f, err := b.file()
	if err != nil {
		return "", err
	}
	_, err = f.Write([]byte("x"))
	return f.Name(), errors.Join(err, f.Close())
}

// pair makes two files.
func (b *bench) pair() (first, second string, err error) {
	if first, err = b.closed(); err == nil {
		second, err = b.closed()
	}
	return first, second, err
}

// free is a name for what is not made yet.
func (b *bench) free() string {
	name := vfs.TempName(mark)
	b.names = append(b.names, name)
	return name
}

// clear removes what was made.
func (b *bench) clear() error {
	var all error
	for _, name := range b.names {
		if err := b.dir.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	b.names = nil
	return all
}

// end removes what was made and closes the folder.
func (b *bench) end(at place) {
	if err := errors.Join(b.clear(), b.dir.Close()); err != nil {
		at.find("clean-up", Warning, fmt.Sprintf("remove the files .%s* there", mark),
			"what was tried may have left a file: %v", err)
	}
}
