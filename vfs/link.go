package vfs

import (
	"errors"
	"time"
)

// ErrNoLinks says that a second name for a file cannot be had in this place: the file system has none.
var ErrNoLinks = errors.New("the file system has no hard links")

// Links is what is known of a file beside its bytes.
type Links struct {
	Count   uint64    // how many names it has
	Changed time.Time // when its bytes, names or permissions changed last; where the system does not tell, its bytes
	Owner   int       // the user's number; -1 where there is none
}

// Link gives the file old the second name new, in one step. It never replaces: fs.ErrExist when there is a new already.
// ErrNoLinks where the file system cannot do that; nothing has happened then. What links to old stays as it is.
func (d *Dir) Link(old, new string) error {
	if err := d.check(OpCreate, old); err != nil {
		return err
	}
	err := d.before(OpCreate, new)
	if err == nil {
		err = d.root.Link(old, new)
	}
	if err != nil && cannotLink(cause(err)) {
		err = ErrNoLinks
	}
	return d.fail(OpCreate, new, err)
}

// Links tells how many names the file has; of a link, that of the link itself.
func (d *Dir) Links(name string) (l Links, err error) {
	if err := d.before(OpStat, name); err != nil {
		return Links{}, err
	}
	l, err = d.links(name)
	return l, d.fail(OpStat, name, err)
}
