package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/vfs"
)

// tasksFile looks at the file and at the folder in which its replacement is made: that of the file itself, links resolved.
func (e *examination) tasksFile() {
	at := e.at("tasks")
	target, err := filepath.EvalSymlinks(e.Tasks)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		at.find("file", Error, "create it, or correct the path in the configuration", "%v: the agent holds until it is there",
			err)
		return
	case err != nil:
		at.find("file", Error, e.remedy(err, filepath.Dir(e.Tasks)), "%v", err)
		return
	}
	if info, err := os.Lstat(e.Tasks); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		at.ok("link", "it leads to %s, which is what will be replaced; the link stays", target)
	}
	dir, err := vfs.Open(filepath.Dir(target), e.Hook)
	if err != nil {
		at.find("permissions", Error, e.remedy(err, filepath.Dir(target)), "%v", err)
		return
	}
	defer dir.Close() // nothing is written through it
	info, err := dir.Lstat(filepath.Base(target))
	if err != nil {
		at.find("file", Error, e.remedy(err, dir.Path()), "%v", err)
		return
	}
	e.content(at)
	e.identity(at, dir, info)
	exchanges := e.tasksFolder(at, dir.Path(), uint64(max(info.Size(), 0)))
	e.lock(at, dir, info.Name(), exchanges)
	e.writer(at, dir, info)
}

// content reads the file as the agent would.
func (e *examination) content(at place) {
	p, err := preview.Run(preview.Config{Tasks: e.Tasks, Layout: e.Layout}, nil)
	if named := (*fs.PathError)(nil); errors.As(err, &named) { // without the remedies of a preview
		err = named
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		at.find("content", Error, fmt.Sprintf("give user %s read permission on it and on the folders that lead to it",
			e.report.User), "%v", err)
	case errors.Is(err, vfs.ErrNotRegular):
		at.find("content", Error, "let the path in the configuration lead to a regular file", "%v", err)
	case err != nil:
		at.find("content", Error, "correct it, or set document.layout to what it is", "%v", err)
	case len(p.Duplicates) > 0:
		at.find("content", Warning, "give each item an id of its own: sessionsync check names them",
			"valid, %s; %s, which no update can name", count(p.Items, "item", "items"),
			count(len(p.Duplicates), "id stands more than once", "ids stand more than once"))
	default:
		at.ok("content", "valid, %s", count(p.Items, "item", "items"))
	}
}

// identity looks at what a replacement has to keep, and at what keeps it from taking place.
func (e *examination) identity(at place, dir *vfs.Dir, info fs.FileInfo) {
	owner := ownerOf(info)
	switch {
	case owner.uid == e.me.uid || e.me.uid == 0:
		at.ok("owner", "%s, mode %#o: both are kept", ownerName(owner.uid), info.Mode().Perm())
	default:
		at.find("owner", Note, "run the agent as "+ownerName(owner.uid),
			"%s, mode %#o: its next version will belong to %s", ownerName(owner.uid), info.Mode().Perm(), e.report.User)
	}
	if n := namesOf(info); n > 1 {
		at.find("names", Error, "remove the other names, or make symbolic links of them: find DIR -samefile "+quoted(dir.Join(info.Name())),
			"it has %d names (hard links): a replacement changes one of them, the others keep the old file", n)
	}
	err := dir.Replaceable(info.Name())
	switch {
	case errors.Is(err, syscall.EBUSY):
		at.find("mount", Error, "mount its folder instead of the file", "it is mounted by itself, and cannot be replaced")
	case errors.Is(err, syscall.EPERM):
		at.find("attributes", Error, "chattr -i -a "+quoted(dir.Join(info.Name())),
			"it is immutable or may only be appended to, and cannot be replaced")
	case err != nil:
		at.find("attributes", Warning, e.remedy(err, dir.Path()), "%v", err)
	}
	folder, err := dir.Stat()
	if err == nil && folder.Mode()&fs.ModeSticky != 0 && e.me.uid != 0 && owner.uid != e.me.uid &&
		ownerOf(folder).uid != e.me.uid {
		at.find("sticky bit", Error, fmt.Sprintf("run the agent as %s, or take the bit away: chmod -t %s",
			ownerName(owner.uid), quoted(dir.Path())),
			"its folder has the sticky bit: the file of another user cannot be replaced")
	}
}

// tasksFolder tries in the folder of the file what a commit does, and reports whether two names can be exchanged there.
func (e *examination) tasksFolder(at place, path string, size uint64) (exchanges bool) {
	b, missing := e.enter(at, path)
	if b == nil {
		if missing {
			at.find("permissions", Error, "make it again", "its folder was removed just now")
		}
		return false
	}
	defer b.end(at)
	e.volume(at, path, size)
	b.tryCommon(e, at)
	err := b.tryExchange()
	weak := Warning
	if e.lockKind() != lockfile.None { // nobody who takes it writes in that moment
		weak = Note
	}
	b.judge(at, "exchange", err, verdict{
		works:      "two files can change names in one step: no write of another program is overwritten unseen",
		cannot:     "two files cannot change names in one step: what another program writes in the microseconds before a replacement is lost",
		weak:       weak,
		weakRemedy: "choose ext4, xfs, btrfs, tmpfs or APFS, or have all its writers take a lock (document.lock)",
		fails:      Error,
		remedy:     "choose a folder on another file system",
	})
	b.judge(at, "leases", b.tryLease(), verdict{
		works:      "it is told who has a file open for writing",
		cannot:     "it is not told who has a file open for writing: one that has not changed for 50 ms counts as written",
		weak:       Note,
		weakRemedy: "choose a local file system on Linux where programs save in place, slowly",
		fails:      Warning,
		remedy:     "choose a folder on another file system",
	})
	b.events(e, at)
	b.clock(e, at)
	return err == nil
}

// writer asks whether somebody has the file open for writing at this moment.
func (e *examination) writer(at place, dir *vfs.Dir, info fs.FileInfo) {
	if e.ctx.Err() != nil || !info.Mode().IsRegular() {
		return
	}
	f, err := dir.OpenFile(info.Name(), os.O_RDONLY, 0)
	if err != nil {
		return // content has said so
	}
	has, err := f.HasWriter()
	err = errors.Join(err, f.Close())
	switch {
	case errors.Is(err, vfs.ErrCannotTell):
		at.find("writers", Note, "run the agent as the file's owner, or with CAP_LEASE",
			"it is not told whether a program has it open for writing")
	case err != nil:
		at.find("writers", Warning, e.remedy(err, dir.Path()), "%v", err)
	case has:
		at.find("writers", Warning, "wait until it has saved; if it keeps the file open, end it: fuser "+quoted(dir.Join(info.Name())),
			"a program has it open for writing: nothing is applied until that closes it")
	default:
		at.ok("writers", "no program has it open for writing")
	}
}
