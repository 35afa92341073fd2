package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/dustin/go-humanize"

	"github.com/sessionsync/sessionsync/vfs"
)

// enter opens a folder to try things in it, if it can be read, written and entered, and says what stands in the way if not.
// A folder that is missing is the caller's to judge: nil and missing.
func (e *examination) enter(at place, path string) (b *bench, missing bool) {
	dir, err := vfs.Open(path, e.Hook)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true
	}
	if err != nil {
		at.find("permissions", Error, e.remedy(err, path), "%v", err)
		return nil, false
	}
	b = newBench(e.ctx, dir)
	err = dir.List(func(fs.DirEntry) bool { return false })
	if err == nil {
		_, err = b.closed()
	}
	if e.ctx.Err() != nil || err != nil {
		if e.ctx.Err() == nil {
			at.find("permissions", Error, e.remedy(err, path), "%v", err)
		}
		b.end(at)
		return nil, false
	}
	at.ok("permissions", "user %s can read, write and enter %s", e.report.User, path)
	return b, false
}

// remedy is what can be done about an error in a folder.
func (e *examination) remedy(err error, path string) string {
	for _, r := range []struct {
		cause  error
		remedy string
	}{
		{syscall.EROFS, "mount its file system writable"},
		{syscall.ENOSPC, "free space on its file system"},
		{syscall.EDQUOT, "free space in the quota of user " + e.report.User},
		{syscall.ENOTDIR, "remove what is in the folder's place, or correct the path in the configuration"},
		{syscall.ELOOP, "let the link lead to a folder, or correct the path in the configuration"},
		{syscall.EIO, "look at the disk, and into the system's log"},
		{fs.ErrPermission, fmt.Sprintf("give user %s permission to read, write and enter %s, or run the agent as another user", e.report.User, path)},
	} {
		if errors.Is(err, r.cause) {
			return r.remedy
		}
	}
	return "find out what the error says of its file system, or choose another folder"
}

// others says who else may write to a folder, and reports whether that is everybody.
func others(info fs.FileInfo) (who string, everybody bool) {
	switch perm := info.Mode().Perm(); {
	case perm&0o002 != 0:
		return "everybody", true
	case perm&0o020 != 0:
		return "group " + groupName(ownerOf(info).gid), false
	}
	return "", false
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}

func ownerName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

// volume says what the folder lies on, and whether there is room for copies of a file of that size.
func (e *examination) volume(at place, path string, size uint64) {
	v, err := volumeOf(path)
	if err != nil {
		at.find("file system", Note, "find it out with: df "+quoted(path), "cannot be found out: %v", err)
		return
	}
	level, says, remedy := natureOf(v.kind).judge()
	at.find("file system", level, remedy, "%s%s%s", v.kind, on(v.mount), says)
	level, says, remedy = v.judgeSpace(size)
	at.find("space", level, remedy, "%s", says)
}

func on(mount string) string {
	if mount == "" {
		return ""
	}
	return " on " + mount
}

// Room that is left: with less than the first nothing goes on, with less than the second it will not for long. Both are
// beside copies of the tasks file.
const (
	leastRoom  = 64 << 10
	littleRoom = 16 << 20
	leastFiles = 8
)

func (v volume) judgeSpace(size uint64) (level Level, says, remedy string) {
	says = fmt.Sprintf("%s of %s free", humanize.IBytes(v.free), humanize.IBytes(v.size))
	if v.files > 0 {
		says += fmt.Sprintf(", room for %s files", humanize.Comma(int64(min(v.freeFiles, 1<<62))))
	}
	const remedy1 = "free space on it"
	switch {
	case v.free < size+leastRoom:
		return Error, says + ": too little to write the next version", remedy1
	case v.files > 0 && v.freeFiles < leastFiles:
		return Error, says + ": too few to write the next version", "remove files on it, or make it anew with more inodes"
	case v.free < 10*size+littleRoom:
		return Warning, says, remedy1
	}
	return OK, says, ""
}

// tryCommon tries what every folder has to have.
func (b *bench) tryCommon(e *examination, at place) {
	b.judge(at, "rename", b.tryRename(), verdict{
		works:  "puts a file in another one's place in one step",
		fails:  Error,
		remedy: "choose a folder on another file system",
	})
	b.judge(at, "durability", b.trySync(), verdict{
		works:  "fsync of a file and of the folder say that they are done",
		cannot: "the folder knows no fsync: a loss of power can undo a rename that has been reported", weak: Warning,
		weakRemedy: "choose a folder on another file system where power may be lost",
		fails:      Error,
		remedy:     "look at the disk, and into the system's log",
	})
}

// verdict is how to judge a try.
type verdict struct {
	works      string
	cannot     string // what follows where the system cannot do it
	weak       Level  // and how much that matters
	weakRemedy string
	fails      Level // any other error
	remedy     string
}

// judge says what a try has shown. After the end of the context it says nothing.
func (b *bench) judge(at place, check string, err error, v verdict) {
	switch {
	case b.ctx.Err() != nil:
	case err == nil:
		at.ok(check, "%s", v.works)
	case v.cannot != "" && cannot(err):
		at.find(check, v.weak, v.weakRemedy, "%s", v.cannot)
	default:
		at.find(check, v.fails, v.remedy, "%v", err)
	}
}

// events tries whether they are told of. Without them nothing is lost, so the worst is a warning.
func (b *bench) events(e *examination, at place) {
	if e.Poll {
		at.find("events", Note, "set it to auto to have them",
			"not tried: watch.mode is poll, the folder is looked at every second")
		return
	}
	err := b.tryEvents()
	if b.ctx.Err() != nil {
		return
	}
	kind := ""
	if v, err := volumeOf(b.dir.Path()); err == nil {
		kind = v.kind
	}
	switch {
	case err != nil:
		at.find("events", Warning, eventsRemedy(err), "%v; what happens there is found by looking (watch.rescan)", err)
	case natureOf(kind) == shared:
		at.find("events", Warning, "set watch.mode to poll where other machines write there",
			"they tell of what this machine does; what others do on %s is found by looking (watch.rescan)", kind)
	default:
		at.ok("events", "a file that was made was told of")
	}
}

func eventsRemedy(err error) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return "raise fs.inotify.max_user_instances (sysctl), or the limit of open files (ulimit -n)"
	case errors.Is(err, syscall.ENOSPC):
		return "raise fs.inotify.max_user_watches (sysctl)"
	}
	return "set watch.mode to poll: then new files are found within a second"
}

// clock compares the file system's with this machine's.
func (b *bench) clock(e *examination, at place) {
	ahead, err := b.tryClock()
	if b.ctx.Err() != nil {
		return
	}
	if err != nil {
		at.find("clock", Warning, e.remedy(err, b.dir.Path()), "%v", err)
		return
	}
	level, says, remedy := judgeClock(ahead, e.Lock)
	at.find("clock", level, remedy, "%s", says)
}

// nearest is the closest folder above a path that is there.
func nearest(path string) string {
	for {
		above := filepath.Dir(path)
		if above == path {
			return path
		}
		if path = above; exists(path) {
			return path
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
