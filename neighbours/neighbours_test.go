//go:build unix

package neighbours

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/neighbours/nodetest"
)

// kinds are the neighbours, in the order of the table.
var kinds = []struct {
	name string
	work func(t *testing.T) outcome
}{
	{"nobody", func(t *testing.T) outcome { return beside(t, quickDir(t), "", alone) }},
	{"replaces it by rename", func(t *testing.T) outcome { return beside(t, quickDir(t), "rename") }},
	{"replaces it by rename, with fsync", func(t *testing.T) outcome { return beside(t, t.TempDir(), "fsync") }},
	{"replaces it behind a symbolic link", func(t *testing.T) outcome { return beside(t, quickDir(t), "rename", linked) }},
	{"deletes it and creates it again", func(t *testing.T) outcome { return beside(t, quickDir(t), "anew") }},
	{"writes it in place", func(t *testing.T) outcome { return beside(t, quickDir(t), "in-place") }},
	{"writes it in place, piece by piece", func(t *testing.T) outcome { return beside(t, quickDir(t), "in-pieces", torn) }},
	{"reads and writes through one descriptor", func(t *testing.T) outcome { return beside(t, quickDir(t), "one-descriptor", torn) }},
	{"writes back what it has long had in memory", func(t *testing.T) outcome { return beside(t, quickDir(t), "memory") }},
	{"in place, locked with proper-lockfile", func(t *testing.T) outcome { return beside(t, quickDir(t), "lock", locks("proper-lockfile")) }},
	{"in place, locked with flock", func(t *testing.T) outcome { return beside(t, quickDir(t), "flock", locks("flock")) }},
	{"Node, with proper-lockfile and steno", func(t *testing.T) outcome { return beside(t, quickDir(t), "", locks("proper-lockfile"), inNode) }},
	{"Task Master", besideTaskMaster},
}

func TestBesideAnyNeighbourNeitherSideLosesAnything(t *testing.T) {
	outcomes := make([]*outcome, len(kinds))
	t.Run("kinds", func(t *testing.T) {
		for i, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				o := k.work(t)
				outcomes[i] = &o
				o.nothingLost(t)
			})
		}
	})
	const line = "%-43s %12v %13v %11v %9v %10v %10v\n"
	var table strings.Builder
	fmt.Fprintf(&table, line, "neighbour", "their writes", "our fragments", "lost theirs", "lost ours", "torn reads", "torn by it")
	for i, o := range outcomes {
		if o != nil { // not skipped
			fmt.Fprintf(&table, line, kinds[i].name, o.writes, o.fragments, o.theirs, o.ours, o.torn, o.byThem)
		}
	}
	t.Logf("%v a kind, or what Task Master takes for two calls\n%s", *length, table.String())
}

// The count itself must be able to fail: an agent that applies nothing again loses much to an old memory.
func TestTheCountNoticesAnAgentThatDefendsNothing(t *testing.T) {
	t.Parallel()
	o := beside(t, quickDir(t), "memory", func(sc *scene) {
		sc.patience = 0
		sc.settings = append(sc.settings, "document.reassert=0s")
	})
	if o.ours == 0 || o.theirs > 0 || o.torn > 0 {
		t.Errorf("lost theirs: %d, lost ours: %d, torn reads: %d", o.theirs, o.ours, o.torn)
	}
}

// scene is the work of the agent beside one neighbour.
type scene struct {
	*session
	settings  []string // of the agent
	neighbour func() books
	fragment  func(n int, b *books) string
	patience  time.Duration // a failsafe against waiting for ever for what has been lost, not a timing
	check     func(o outcome)
}

func newScene(s *session) *scene {
	return &scene{
		session: s, fragment: change, patience: 30 * time.Second, check: func(outcome) {},
		// Small batches, and an agent that defends what it has applied for longer than the neighbour works.
		settings: []string{"watch.settle=0s", "batch.quiet=5ms", "batch.max_wait=50ms", "document.reassert=" + (*length + time.Hour).String()},
	}
}

// beside has the agent work beside a neighbour that saves in one of the ways.
func beside(t *testing.T, folder, way string, changes ...func(*scene)) outcome {
	self, err := os.Executable()
	must(t, err)
	sc := newScene(newSession(t, folder))
	sc.neighbour = func() books {
		cmd := exec.Command(self, way, sc.tasks, length.String())
		cmd.Env = append(os.Environ(), childVariable+"=1")
		return booksOf(t, cmd)
	}
	for _, change := range changes {
		change(sc)
	}
	return sc.work()
}

// alone is the agent with no neighbour.
func alone(sc *scene) {
	sc.neighbour = func() books { time.Sleep(*length); return newBooks(theirs) }
}

// locks has the agent take the lock. Among those who lock nothing is ever undone, so nothing has to be applied again.
func locks(kind string) func(*scene) {
	return func(sc *scene) { sc.settings = append(sc.settings, "document.lock="+kind, "document.reassert=0s") }
}

// torn is a neighbour that has the file torn so often that a reader who never sees it is blind.
func torn(sc *scene) {
	sc.check = func(o outcome) {
		if o.byThem == 0 {
			sc.t.Errorf("none of %d reads saw the file torn", o.reads)
		}
	}
}

// linked puts the tasks file elsewhere and a link in its place.
func linked(sc *scene) {
	target := filepath.Join("elsewhere", "real.json")
	must(sc.t, os.Mkdir(sc.path("elsewhere"), 0o755))
	must(sc.t, os.Rename(sc.tasks, sc.path(target)))
	must(sc.t, os.Symlink(target, sc.tasks))
	sc.check = func(outcome) {
		if now, err := os.Readlink(sc.tasks); now != target {
			sc.t.Errorf("the link leads to %q, %v", now, err)
		}
	}
}

// inNode has a program in Node for a neighbour.
func inNode(sc *scene) {
	modules := nodetest.Modules(sc.t, "proper-lockfile", "steno")
	script := filepath.Join("testdata", "neighbour.cjs")
	sc.neighbour = func() books {
		return booksOf(sc.t, exec.Command("node", script, modules, sc.tasks, fmt.Sprint(length.Milliseconds())))
	}
}

// outcome is what came of it.
type outcome struct {
	writes, fragments   int
	theirs, ours, torn  int // lost, and reads that found the file torn although the neighbour was not at it
	byThem, reads       int
	examples, left, log string
}

// work has the agent, the neighbour and a producer work until the neighbour ends, waits until all is quiet, and counts.
func (sc *scene) work() outcome {
	stop := sc.start(sc.settings...)
	reading := read(sc.tasks)
	var them books
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		them = sc.neighbour()
	}()
	us := sc.produce(ended, sc.fragment)
	sc.until(time.Minute, func() bool { return len(sc.left()) == 0 })
	sc.until(sc.patience, func() bool {
		o := sc.count(&them, &us)
		return o.theirs+o.ours+len(sc.left()) == 0
	})
	log := stop()
	o := sc.count(&them, &us)
	o.torn, o.byThem = reading.end(them.Tears)
	o.reads, o.log = reading.reads, log
	for _, path := range sc.left() {
		text, _ := os.ReadFile(path)
		o.left += fmt.Sprintf("%s: %.2000s\n", path, text)
	}
	sc.check(o)
	return o
}

// count looks at what stands in the tasks file, which nobody but the agent writes any more.
func (sc *scene) count(them, us *books) outcome {
	sc.t.Helper()
	text, err := os.ReadFile(sc.tasks)
	must(sc.t, err)
	items, whole := itemsIn(text)
	if !whole {
		sc.t.Fatalf("in the end the file is torn: %q", text)
	}
	o := outcome{writes: them.Writes, fragments: us.Writes}
	o.theirs, o.examples = them.lost(items)
	lost, examples := us.lost(items)
	o.ours, o.examples = lost, o.examples+examples
	return o
}

func (o *outcome) nothingLost(t *testing.T) {
	t.Helper()
	if o.theirs+o.ours+o.torn > 0 || o.left != "" || o.fragments == 0 || o.reads == 0 {
		t.Errorf("%d fragments, lost theirs: %d, lost ours: %d, torn reads: %d of %d\n%sleft in the drop directory and the recovery folder: %.6000s\n%s",
			o.fragments, o.theirs, o.ours, o.torn, o.reads, o.examples, o.left, o.log[max(0, len(o.log)-3000):])
	}
}
