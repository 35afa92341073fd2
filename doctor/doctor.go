// Package doctor finds out whether the agent can do its work here, by trying, and says of each finding what a person can
// do about it.
//
// # The levels
//
// An error loses updates: with things as they are, what is dropped, or what another program writes to the tasks file, is lost
// or never gets there, and not only in a rare moment. These are all of them:
//
//   - The drop directory, the folder of the tasks file or the recovery folder is no folder, or cannot be read, written,
//     entered or made by this user; a rename or an fsync in one of them fails. The agent could claim, write or keep nothing.
//   - The drop directory has the sticky bit and belongs to somebody else: other users' fragments cannot be claimed.
//   - <drop>/.sessionsync is a link or a file, belongs to another user, or lies on another file system.
//   - The tasks file is missing, not a regular file, unreadable or invalid; it is mounted by itself, immutable, or kept in
//     place by a sticky bit. No update would be applied.
//   - The tasks file has a second name (a hard link): the first replacement breaks it, and who writes by the other name
//     writes from then on into another file.
//   - What lies in the place of its lock is not what document.lock makes there; or another program has the lock, while
//     document.lock is none and document.reassert 0: what it undoes stays undone.
//   - The file system's clock is 5 s or more off and document.lock is proper-lockfile: then two programs hold one lock.
//   - There is no room for another copy of the tasks file, or none for a file.
//
// A warning is about what is weaker here than elsewhere (what can be lost in a moment, or at a loss of power), or about what
// waits for a person. A note is worth knowing.
//
// # What it promises
//
// It changes nothing: what it tries it tries in files of its own, empty or of one byte, under hidden names
// (.sessionsync-doctor and a number) that the agent takes for no fragment and no program for the tasks file. They are
// removed again after errors too, and when the context ends, after which nothing more is tried. What a kill has left, the next
// examination removes. Modification times of the folders change.
//
// A running agent is not disturbed: it hears of names that are not its own. Three things are held for some microseconds:
// a share of the agent's lock for an instant (see spool.Holder), and a lease of the tasks file, as the agent itself takes it;
// who opens it for writing then waits as long.
//
// What it says holds for the user it runs as, and for this moment.
package doctor

import (
	"context"
	"os/user"
	"runtime"
	"strconv"
	"time"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/lockfile"
	"github.com/sessionsync/sessionsync/vfs"
)

// Config is what the agent would be told. Hook is nil in production.
type Config struct {
	Drop, Tasks, Recovery string
	Layout                document.Layout
	Lock                  lockfile.Kind // of the tasks file; "" is none
	Reassert              time.Duration
	Poll                  bool     // watch.mode is poll: no events are listened to
	File                  string   // the config file; "" where there is none
	Warnings              []string // of the configuration
	Hook                  vfs.Hook
}

// examination is one run over all places.
type examination struct {
	Config
	ctx    context.Context
	me     identity
	report *Report
	drop   *bench // open while there is a drop directory that can be written
	served bool   // an agent runs
}

// Examine looks at everything, one place after the other. It returns what it has found also when ctx ends before.
func Examine(ctx context.Context, c Config) Report {
	e := &examination{Config: c, ctx: ctx, me: self()}
	e.report = &Report{
		User: userName(), System: runtime.GOOS + "/" + runtime.GOARCH, Drop: c.Drop, Tasks: c.Tasks, Recovery: c.Recovery,
	}
	for _, look := range []func(){e.configuration, e.machine, e.agent, e.dropDirectory, e.tasksFile, e.recoveryFolder} {
		if ctx.Err() == nil {
			look()
		}
	}
	if e.drop != nil {
		e.drop.end(e.at("drop"))
	}
	return *e.report
}

func (e *examination) at(name string) place { return place{e.report, name} }

// configuration passes on what the configuration itself was warned of.
func (e *examination) configuration() {
	at := e.at("configuration")
	from := e.File
	if from == "" {
		from = "no config file: the defaults, variables and flags"
	}
	at.ok("file", "%s", from)
	for _, warning := range e.Warnings {
		at.find("warning", Warning, "correct it, or remove it", "%s", warning)
	}
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return strconv.Itoa(self().uid)
	}
	return u.Username
}
