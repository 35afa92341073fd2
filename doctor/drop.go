package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/sessionsync/sessionsync/fragment"
)

// ownName is the agent's own folder in the drop directory.
const ownName = ".sessionsync"

// dropDirectory leaves its bench open: the recovery folder is tried against it.
func (e *examination) dropDirectory() {
	at := e.at("drop")
	b, missing := e.enter(at, e.Drop)
	if missing {
		at.find("folder", Warning, "mkdir "+quoted(e.Drop),
			"missing: the agent waits until it is there, and producers fail until then")
		return
	}
	if b == nil {
		return
	}
	e.drop = b
	e.company(at, b)
	e.volume(at, e.Drop, 0)
	b.tryCommon(e, at)
	b.links(at)
	b.events(e, at)
	b.clock(e, at)
	e.own(at, b)
	e.waiting(at, b)
	if err := b.clear(); err != nil {
		at.find("clean-up", Warning, "remove it", "a file of this examination is still there: %v", err)
	}
}

// links tries what receipts need. The agent itself needs none.
func (b *bench) links(at place) {
	err := b.tryLink()
	if errors.Is(err, errLate) {
		at.find("hard links", Note, "have producers that wait for a receipt look again", "%v: receipts work, and come late",
			errLate)
		return
	}
	const instead = "do without receipts: look whether the fragment is still there instead"
	b.judge(at, "hard links", err, verdict{
		works:  "a file can have a second name: receipts work",
		cannot: "a file cannot have a second name: there are no receipts", weak: Note, weakRemedy: instead,
		fails: Note, remedy: instead,
	})
}

// company says who else may write to the drop directory, and what that lets them do.
func (e *examination) company(at place, b *bench) {
	info, err := b.dir.Stat()
	if err != nil {
		at.find("producers", Warning, e.remedy(err, e.Drop), "%v", err)
		return
	}
	level, says, remedy := e.judgeCompany(info)
	at.find("producers", level, remedy, "%s", says)
}

func (e *examination) judgeCompany(info fs.FileInfo) (level Level, says, remedy string) {
	who, everybody := others(info)
	owner := ownerOf(info)
	says = "its owner, " + ownerName(owner.uid) + ", alone may drop"
	if who != "" {
		says = fmt.Sprintf("%s may drop, and its owner, %s", who, ownerName(owner.uid))
	}
	ours := owner.uid == e.me.uid || e.me.uid == 0
	switch sticky := info.Mode()&fs.ModeSticky != 0; {
	case sticky && !ours:
		return Error, says + "; it has the sticky bit: fragments of other users cannot be claimed",
			fmt.Sprintf("make user %s its owner, or take the bit away: chmod -t %s", e.report.User, quoted(e.Drop))
	case sticky || who == "":
		return OK, says, ""
	case everybody:
		level = Warning
	default:
		level = Note
	}
	says += fmt.Sprintf("; without the sticky bit they may also remove the fragments of others, and rename %s away", ownName)
	if !ours {
		return level, says, fmt.Sprintf("make user %s its owner, then: chmod +t %s", e.report.User, quoted(e.Drop))
	}
	return level, says, "chmod +t " + quoted(e.Drop)
}

// own looks at the agent's own folder.
func (e *examination) own(at place, b *bench) {
	path := b.dir.Join(ownName)
	info, err := b.dir.Lstat(ownName)
	if errors.Is(err, fs.ErrNotExist) {
		at.ok("own folder", "%s is not there yet: the agent makes it at its start", ownName)
		return
	}
	if err != nil {
		at.find("own folder", Error, e.remedy(err, path), "%v", err)
		return
	}
	level, says, remedy := e.judgeOwn(info, path)
	at.find("own folder", level, remedy, "%s", says)
	if level == Error || !info.IsDir() || ownerOf(info).uid != e.me.uid {
		return
	}
	dir, err := b.dir.OpenDir(ownName)
	if err != nil {
		at.find("claims", Error, e.remedy(err, path), "%v", err)
		return
	}
	inner := newBench(e.ctx, dir)
	switch err := b.tryMove(inner); {
	case e.ctx.Err() != nil:
	case err == nil:
		at.ok("claims", "a fragment can be renamed into it")
	case errors.Is(err, syscall.EXDEV):
		at.find("claims", Error, "unmount what is mounted on "+path,
			"it is on another file system than the drop directory: no fragment can be claimed")
	default:
		at.find("claims", Error, e.remedy(err, path), "no fragment can be claimed: %v", err)
	}
	inner.end(at)
}

func (e *examination) judgeOwn(info fs.FileInfo, path string) (level Level, says, remedy string) {
	owner := ownerOf(info)
	switch {
	case !info.IsDir():
		return Error, ownName + " is a link or a file, and must be a folder of the agent's own", "remove it"
	case owner.uid != e.me.uid:
		return Error, fmt.Sprintf("%s belongs to %s: an agent of user %s refuses to start", ownName, ownerName(owner.uid),
				e.report.User),
			fmt.Sprintf("run the agent, and this, as %s; or move what is in it to safety and remove it", ownerName(owner.uid))
	case modesCount && info.Mode().Perm() != 0o700:
		return Warning, fmt.Sprintf("%s has the mode %#o, not 0700: who can enter it can change what is claimed; the agent sets it at its start",
			ownName, info.Mode().Perm()), "chmod 700 " + quoted(path)
	}
	return OK, ownName + " is a folder of this user alone", ""
}

// waiting counts the fragments that lie there.
func (e *examination) waiting(at place, b *bench) {
	n := 0
	err := b.dir.List(func(entry fs.DirEntry) bool {
		if !entry.IsDir() && fragment.IsName(entry.Name()) {
			n++
		}
		return e.ctx.Err() == nil
	})
	switch {
	case e.ctx.Err() != nil:
	case err != nil:
		at.find("fragments", Warning, e.remedy(err, e.Drop), "%v", err)
	case n == 0:
		at.ok("fragments", "none is waiting")
	case e.served:
		at.ok("fragments", "%s waiting for the agent that runs", count(n, "is", "are"))
	default:
		at.find("fragments", Note, "start the agent: sessionsync run", "%s waiting, and no agent runs", count(n, "is", "are"))
	}
}

func count(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
