package vfs

import (
	"io/fs"
	"time"
)

// Status is what has to be known of many files: it costs a system call and
// nothing else, where an fs.FileInfo costs twice that.
type Status struct {
	Size    int64
	ModTime time.Time
	Mode    fs.FileMode // what kind of file, and the permissions
	Inode   uint64      // 0 where the system has none to offer
	Changed time.Time   // when it was written, renamed or else changed last, which no program can set; zero where the system does not tell
}

// Same reports whether nothing was written between two looks, as far as they tell.
func (s Status) Same(o Status) bool {
	return s.Size == o.Size && s.ModTime.Equal(o.ModTime) && s.Inode == o.Inode && s.Mode.Type() == o.Mode.Type()
}

// Status describes name itself, also where it is a link.
func (d *Dir) Status(name string) (s Status, err error) {
	if err := d.before(OpStat, name); err != nil {
		return Status{}, err
	}
	s, err = d.status(name)
	return s, d.fail(OpStat, name, err)
}

// ReadFile reads a small file whole, in as few system calls as there can be, and
// tells what it was like behind the read. Expected is its size, which it is read in
// one piece with; no more than a byte beyond that is read. It follows no link (ELOOP)
// and waits for nothing; what is no regular file is read as nothing: look at the
// status.
func (d *Dir) ReadFile(name string, expected int64) (text []byte, s Status, err error) {
	if err := d.before(OpOpen, name); err != nil {
		return nil, Status{}, err
	}
	f, err := d.openPlain(name)
	if err != nil {
		return nil, Status{}, d.fail(OpOpen, name, err)
	}
	defer f.close()
	text = make([]byte, expected+1)
	for n := 0; ; {
		if err := d.before(OpRead, name); err != nil {
			return nil, Status{}, err
		}
		more, err := f.read(text[n:])
		n += more
		if err != nil {
			return nil, Status{}, d.fail(OpRead, name, err)
		}
		if err := d.before(OpStat, name); err != nil {
			return nil, Status{}, err
		}
		if s, err = f.status(); err != nil {
			return nil, Status{}, d.fail(OpStat, name, err)
		}
		if more == 0 || n == len(text) || int64(n) == s.Size {
			d.before(OpClose, name) // what that says does not matter: nothing was written
			return text[:n], s, nil
		}
	}
}
