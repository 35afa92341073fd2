package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

// lock looks at what lies in the place of the lock of the tasks file, without taking it.
func (e *examination) lock(at place, dir *vfs.Dir, name string, exchanges bool) {
	if e.ctx.Err() != nil {
		return
	}
	name += ".lock"
	info, err := dir.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		at.ok("lock", "nobody has it locked; document.lock is %s", e.lockKind())
		return
	}
	if err != nil {
		at.find("lock", Warning, e.remedy(err, dir.Path()), "%v", err)
		return
	}
	l := found{path: dir.Join(name), info: info, age: time.Since(info.ModTime()), owner: ownerName(ownerOf(info).uid)}
	if info.Mode().IsRegular() {
		l.holder = flockHolder(info)
	}
	level, says, remedy := l.judge(e.lockKind(), e.Reassert > 0 && exchanges)
	at.find("lock", level, remedy, "%s", says)
}

func (e *examination) lockKind() lockfile.Kind {
	if e.Lock == "" {
		return lockfile.None
	}
	return e.Lock
}

// found is what lies in the place of the lock.
type found struct {
	path   string
	info   fs.FileInfo
	age    time.Duration // since its last sign of life
	owner  string
	holder string // who has locked the file with flock; "" where nobody has, or it is not told
}

// lockStale is when the npm package proper-lockfile takes a lock for left behind.
const lockStale = 10 * time.Second

// judge says what it means for an agent that takes a lock of that kind. What others undo is mended where that is asked for
// and nothing is overwritten unseen.
func (l found) judge(kind lockfile.Kind, mended bool) (level Level, says, remedy string) {
	if l.info.IsDir() {
		return l.judgeFolder(kind, mended)
	}
	if l.info.Mode().IsRegular() {
		return l.judgeFile(kind, mended)
	}
	says = fmt.Sprintf("%s is neither a folder nor a file, and no lock", l.path)
	if kind == lockfile.None {
		return Warning, says, "remove it"
	}
	return Error, says + ": the agent holds", "remove it"
}

func (l found) judgeFolder(kind lockfile.Kind, mended bool) (level Level, says, remedy string) {
	alive := l.age.Abs() <= lockStale
	if alive {
		says = fmt.Sprintf("a program of %s has it locked as proper-lockfile does (%s)", l.owner, l.path)
	} else {
		says = fmt.Sprintf("a program of %s has left a lock as of proper-lockfile behind, %s ago (%s)", l.owner,
			rounded(l.age), l.path)
	}
	switch kind {
	case lockfile.ProperLockfile:
		if alive {
			return OK, says + "; the agent waits for it", ""
		}
		return OK, says + "; the next who locks takes it over", ""
	case lockfile.Flock:
		return Error, says + ", and document.lock is flock, which makes a file there: the agent holds",
			"set document.lock to proper-lockfile, or remove it if no program is at work"
	}
	return unlocked(says, alive, mended, "set document.lock to proper-lockfile")
}

func (l found) judgeFile(kind lockfile.Kind, mended bool) (level Level, says, remedy string) {
	says = fmt.Sprintf("%s, a file of %s, is there; nobody is known to have locked it", l.path, l.owner)
	if l.holder != "" {
		says = fmt.Sprintf("%s has it locked with flock (%s)", l.holder, l.path)
	}
	switch kind {
	case lockfile.Flock:
		return OK, says + "; the agent waits for who has it", ""
	case lockfile.ProperLockfile:
		if l.age.Abs() <= lockStale && l.holder == "" {
			return Note, says + "; it is fresh, and counts as a lock that is held", ""
		}
		return Error, says + ", and document.lock is proper-lockfile, which makes a folder there: the agent holds",
			"set document.lock to flock if that is what the other programs use, else remove it if no program is at work"
	}
	return unlocked(says, l.holder != "", mended, "set document.lock to flock if that is what the other programs use")
}

// unlocked is what it means that others lock and the agent does not.
func unlocked(says string, held, mended bool, remedy string) (Level, string, string) {
	says += ", and document.lock is none: the agent goes on beside it"
	switch {
	case held && !mended:
		return Error, says + ", and what the other one undoes stays undone", remedy
	case held:
		return Warning, says + ", and what the other one undoes is applied again (document.reassert)", remedy
	}
	return Warning, says, remedy + ", or remove what is left of it"
}

func rounded(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}
