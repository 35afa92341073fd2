package producer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Drop puts a fragment into the drop directory and returns its name; ending is OneValue or Lines.
//
// After nil the agent will find it, also after a loss of power. A *fragment.Error says that the text is no fragment: dropping
// it again is of no use. After that and any other error there is no fragment, except where the directory could not be made
// durable and the agent took it in that very moment.
func (p *Producer) Drop(text []byte, ending string) (string, error) {
	if _, err := fragment.Parse("x"+ending, text, p.config.Limits); err != nil {
		return "", err
	}
	dir, name, err := p.drop(text, ending, func(dir *vfs.Dir, hidden, name string) error {
		return dir.RenameNew(hidden, dir, name)
	})
	if err != nil {
		return "", fmt.Errorf("drop fragment: %w", err)
	}
	dir.Close() // nothing was written through it: the fragment is there, whatever this says
	return name, nil
}

// DropWithReceipt is Drop for somebody who wants to know what becomes of the fragment. Where the file system has no hard
// links the error is vfs.ErrNoLinks, and nothing was dropped. Close the receipt.
func (p *Producer) DropWithReceipt(text []byte, ending string) (*Receipt, error) {
	if _, err := fragment.Parse("x"+ending, text, p.config.Limits); err != nil {
		return nil, err
	}
	shelf := newShelf(p.config)
	if err := shelf.passOver(); err != nil { // what is there now cannot be about a fragment that is not
		return nil, fmt.Errorf("drop fragment: %w", err)
	}
	dir, name, err := p.drop(text, ending, (*vfs.Dir).Link)
	if err != nil {
		return nil, fmt.Errorf("drop fragment: %w", err)
	}
	return &Receipt{Name: name, config: p.config, dir: dir, hidden: hiddenName(name), shelf: shelf}, nil
}

// drop writes the text under a hidden name and publishes it under its own, which takes nobody's place. The directory is open
// when there is no error.
func (p *Producer) drop(text []byte, ending string, publish func(dir *vfs.Dir, hidden, name string) error) (*vfs.Dir, string, error) {
	dir, err := p.open()
	if err != nil {
		return nil, "", err
	}
	sweep(dir, time.Now())
	name, err := put(dir, text, ending, publish)
	if err != nil {
		return nil, "", errors.Join(err, dir.Close())
	}
	return dir, name, nil
}

func put(dir *vfs.Dir, text []byte, ending string, publish func(dir *vfs.Dir, hidden, name string) error) (string, error) {
	perm, whatever, err := permissions(dir)
	if err != nil {
		return "", err
	}
	for {
		name := newName(ending)
		hidden := hiddenName(name)
		f, err := dir.OpenFile(hidden, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(text)
		if err == nil && whatever {
			err = f.Chmod(perm)
		}
		if err == nil {
			err = f.Sync()
		}
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = publish(dir, hidden, name)
		}
		if err != nil {
			dir.Remove(hidden) // else it is swept one day
			if errors.Is(err, fs.ErrExist) {
				continue
			}
			return "", err
		}
		if err := dir.Sync(); err != nil {
			// It cannot be said that it will last, so it must not be there: the caller is going to drop it again.
			dir.Remove(name)
			dir.Remove(hidden)
			return "", err
		}
		return name, nil
	}
}

// permissions are those of a fragment: 0644, less the umask, as for any file that a program writes. In the directory of
// another user the umask does not count: that user's agent has to read the fragment, else it is rejected, and who else may
// reach it is for the directory's permissions to say.
func permissions(dir *vfs.Dir) (perm fs.FileMode, whateverTheUmask bool, err error) {
	info, err := dir.Stat()
	if err != nil {
		return 0, false, err
	}
	return 0o644, isAnothers(info), nil
}

// newName is the time to the nanosecond, so that of two fragments with the same modification time the one that was named first
// is applied first, and 40 random bits.
func newName(ending string) string {
	return time.Now().UTC().Format("20060102T150405.000000000Z") + "-" + strings.ToLower(rand.Text()[:8]) + ending
}

// hiddenName is the name under which a fragment is written, and that of its receipt.
func hiddenName(name string) string { return "." + name }
