package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

const (
	stateName   = ".sessionsync"
	lockName    = "lock"
	claimedName = "claimed"
	foreignName = "foreign"
)

// ownPerm keeps everybody else out: who cannot reach a claim cannot change it.
const ownPerm fs.FileMode = 0o700

// home is one drop directory with its state, open and locked.
type home struct {
	drop, state, claimed *vfs.Dir
	lock                 *vfs.File
	mu                   sync.Mutex        // held for each claim, and by sync, which Delete may be at meanwhile
	live                 map[string]*Batch // handed out and not settled
}

func openHome(c Config) (h *home, err error) {
	h = &home{live: map[string]*Batch{}}
	defer func() {
		if err != nil {
			h.close()
			h = nil
		}
	}()
	if h.drop, err = vfs.Open(c.Drop, c.Hook); err != nil {
		return h, err
	}
	if h.state, err = own(c, h.drop, stateName); err != nil {
		return h, err
	}
	if err = h.takeLock(c); err != nil {
		return h, err
	}
	h.claimed, err = own(c, h.state, claimedName)
	return h, err
}

func (h *home) close() error {
	var errs []error
	for _, b := range h.live {
		errs = append(errs, b.dir.Close())
	}
	h.live = nil
	for _, d := range []*vfs.Dir{h.claimed, h.state, h.drop} {
		if d != nil {
			errs = append(errs, d.Close())
		}
	}
	if h.lock != nil { // last: whoever gets it finds nobody at work here
		errs = append(errs, h.lock.Close())
	}
	return errors.Join(errs...)
}

// sync makes durable what was moved, into the drop directory or out of it. A name goes for good only behind the fsync of the
// folder where the file is now, and the drop directory's fsync is about the names of all batches: so all of them come first.
func (h *home) sync() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.live {
		if b.durable {
			continue
		}
		if err := b.dir.Sync(); err != nil {
			return err
		}
		b.durable = true
	}
	if err := h.claimed.Sync(); err != nil {
		return err
	}
	return h.drop.Sync()
}

// current reports whether the configured path still leads here.
func (h *home) current() (bool, error) {
	if same, err := h.drop.Current(); err != nil || !same {
		return false, err
	}
	return still(h.drop, stateName, h.state)
}

// mend makes the folder of the claims again where somebody has removed it.
func (h *home) mend(c Config) error {
	same, err := still(h.state, claimedName, h.claimed)
	if err != nil || same {
		return err
	}
	again, err := own(c, h.state, claimedName)
	if err != nil {
		return err
	}
	c.Log.Warn("folder of the claims was removed or replaced", "path", again.Path())
	err = h.claimed.Close()
	h.claimed = again
	return err
}

// own opens the folder name of parent, made if it is missing, and makes sure
// that it is ours alone.
func own(c Config, parent *vfs.Dir, name string) (*vfs.Dir, error) {
	path := parent.Join(name)
	if err := parent.Mkdir(name, ownPerm); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	dir, err := parent.OpenDir(name)
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("open %s: it is a link or a file, and must be a folder of the agent's own; remove it", path)
	}
	if err != nil {
		return nil, err
	}
	if err = private(c, dir); err == nil {
		// Also where it was there before: the process that made it may have
		// crashed before this.
		err = parent.Sync()
	}
	if err != nil {
		dir.Close()
		return nil, err
	}
	return dir, nil
}

func private(c Config, dir *vfs.Dir) error {
	fi, err := dir.Stat()
	if err != nil {
		return err
	}
	if owner, me, ok := foreignOwner(fi); ok {
		return fmt.Errorf("open %s: it belongs to user %d, and must be a folder of user %d, as whom the agent runs; "+
			"move what is in it to safety and remove it, or run the agent as its owner", dir.Path(), owner, me)
	}
	if modesCount && fi.Mode().Perm() != ownPerm {
		c.Log.Warn("permissions of the agent's own folder set to 0700", "path", dir.Path(), "were", fi.Mode().Perm().String())
		return dir.Chmod(ownPerm)
	}
	return nil
}

// LockHolder is what the lock file says about who holds it. It serves messages
// only: the lock itself is flock's, which no crash leaves behind.
type LockHolder struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

func (h *home) takeLock(c Config) (err error) {
	if h.lock, err = h.state.OpenFile(lockName, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return err
	}
	if err := lockPatiently(h.lock); errors.Is(err, vfs.ErrLocked) {
		return inUse(c.Drop, h.lock)
	} else if err != nil {
		return err
	}
	who := LockHolder{PID: os.Getpid(), Since: time.Now().UTC().Truncate(time.Second)}
	who.Host, _ = os.Hostname() // a message without it is still one
	text, err := json.Marshal(who)
	if err != nil {
		return err
	}
	if err = h.lock.Truncate(0); err == nil {
		_, err = h.lock.Write(append(text, '\n'))
	}
	if err != nil { // a full disk, say: no reason not to serve
		c.Log.Warn("lock file does not say who holds it", "err", err)
	}
	return nil
}

// lockPatiently takes the lock also where those who only look ([HolderIn]) have a
// shared one for an instant, however often they look: what is locked by them
// alone, an agent does not hold.
func lockPatiently(lock *vfs.File) error {
	const (
		tries, pause = 3, 20 * time.Millisecond // an agent may be ending
		looks, blink = 1000, time.Millisecond   // a failsafe: nobody looks for that long
	)
	held := 0
	for range looks {
		err := lock.Lock()
		if !errors.Is(err, vfs.ErrLocked) {
			return err
		}
		if is, err := lock.Locked(); err != nil {
			return err
		} else if !is {
			time.Sleep(blink)
			continue
		}
		if held++; held == tries {
			return err
		}
		time.Sleep(pause)
	}
	return vfs.ErrLocked
}

func inUse(drop string, lock *vfs.File) error {
	who := readHolder(lock)
	return &InUseError{Drop: drop, PID: who.PID, Host: who.Host, Since: who.Since}
}

// readHolder reads as much of the lock file as can be ours. What is none of ours
// tells nothing.
func readHolder(lock io.Reader) LockHolder {
	const enough = 4096
	var who LockHolder
	text, err := io.ReadAll(io.LimitReader(lock, enough))
	if err != nil || json.Unmarshal(text, &who) != nil {
		return LockHolder{}
	}
	return who
}
