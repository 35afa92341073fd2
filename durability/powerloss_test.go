//go:build unix

package durability

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

// The model of power loss. At every fsync, and when the power goes, the session is looked at as it is; an fsync makes durable
// what it is called on and nothing else: of a file its bytes, of a folder its names. After a loss of power a file has the bytes of
// its last fsync or, by chance, its newer ones; and each name that was added or removed since its folder's last fsync is
// there or not, by chance, for each file alone. Only one thing is granted, that a rename is one step: a file that was
// moved is never nowhere. It may be in both places, if only the folder it was moved to has been synced.

// state is a session at one moment: for each folder its names, for each file its bytes.
type state struct {
	names map[inode]map[string]inode // by folder
	bytes map[inode]string           // of files
	info  map[inode]fs.FileInfo
	root  inode
}

type inode uint64

func inodeOf(info fs.FileInfo) inode { return inode(info.Sys().(*syscall.Stat_t).Ino) }

// look sees a session as it is. The stages run beside each other, so a name can vanish between two calls: then it looks
// again.
func look(folder string) (state, error) {
	for {
		s, err := lookOnce(folder)
		if !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
	}
}

func lookOnce(folder string) (state, error) {
	s := state{names: map[inode]map[string]inode{}, bytes: map[inode]string{}, info: map[inode]fs.FileInfo{}}
	parents := map[string]inode{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		i := inodeOf(info)
		s.info[i] = info
		if path == folder {
			s.root = i
		} else {
			s.names[parents[filepath.Dir(path)]][d.Name()] = i
		}
		if d.IsDir() {
			parents[path], s.names[i] = i, map[string]inode{}
			return nil
		}
		b, err := os.ReadFile(path)
		s.bytes[i] = string(b)
		return err
	})
	return s, err
}

// disk is what would survive.
type disk struct {
	mu      sync.Mutex
	folder  string
	now     state
	durable state // names by folder and bytes by file as of their last fsync
	lost    int   // operation at which the power goes; 0: never
	count   int
	syncing func() // carries out the fsync that was announced, once it is known not to have failed
	flaws   flaws
	spoiled map[inode]bool // files whose pages a failed fsync has thrown away: no later fsync makes them durable
	failed  error
	cancel  func() // ends the run when the power has gone
}

// flaws are what the disk, or the agent on it, does wrong.
type flaws struct {
	ignored func(path string) bool // an fsync of such a path is left out
	failing func(path string) bool // the first fsync of such a path fails
	hidden  bool                   // and the agent does not hear of it, as one does not that tries the fsync again
}

func newDisk(folder string) (*disk, error) {
	now, err := look(folder)
	durable, err2 := look(folder)
	if err == nil {
		err = err2
	}
	return &disk{folder: folder, now: now, durable: durable, spoiled: map[inode]bool{}}, err
}

// hook is called before each operation.
func (d *disk) hook(op vfs.Op, path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count++
	if d.lost > 0 && d.count > d.lost {
		return syscall.EIO // what the agent still tries does not happen
	}
	if op == vfs.OpSync || d.count == d.lost {
		now, err := look(d.folder)
		if err != nil {
			d.failed = err
			return err
		}
		d.now = now
	}
	if d.syncing != nil {
		d.syncing()
		d.syncing = nil
	}
	if d.count == d.lost {
		d.cancel()
		return syscall.EIO
	}
	if op != vfs.OpSync || d.flaws.ignored != nil && d.flaws.ignored(path) {
		return nil
	}
	if failing := d.flaws.failing; failing != nil && len(d.spoiled) == 0 && failing(path) {
		return d.spoil(path)
	}
	d.syncing = d.sync(path)
	return nil
}

// spoil fails an fsync as the kernel does: what was not on the disk yet is dropped.
func (d *disk) spoil(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	d.spoiled[inodeOf(info)] = true
	if d.flaws.hidden {
		return nil
	}
	return syscall.EIO
}

// sync returns what the fsync of a path makes durable: what is there now.
func (d *disk) sync(path string) func() {
	info, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	i := inodeOf(info)
	if d.spoiled[i] {
		return nil
	}
	names, isFolder := d.now.names[i]
	names, text := maps.Clone(names), d.now.bytes[i]
	return func() {
		if isFolder {
			d.durable.names[i] = names
		} else {
			d.durable.bytes[i] = text
		}
		d.durable.info[i] = info
	}
}

// survivors builds, in a new folder, a session as a loss of power may have left it.
func (d *disk) survivors(folder string, chance *rand.Rand) error {
	names := d.chosenNames(chance)
	built := map[inode]string{}
	var build func(i inode, path string) error
	build = func(i inode, path string) error {
		for name, child := range names[i] {
			at := filepath.Join(path, name)
			info := d.now.info[child]
			if info == nil {
				info = d.durable.info[child]
			}
			if info == nil {
				continue
			}
			if info.IsDir() {
				if err := os.Mkdir(at, info.Mode().Perm()); err != nil {
					return err
				}
				if err := build(child, at); err != nil {
					return err
				}
				continue
			}
			if other, ok := built[child]; ok { // one file under two names
				if err := os.Link(other, at); err != nil {
					return err
				}
				continue
			}
			built[child] = at
			text, durable := d.durable.bytes[child]
			if newer, ok := d.now.bytes[child]; ok && !d.spoiled[child] && chance.IntN(2) == 0 {
				text, durable = newer, true
			}
			if !durable {
				text = ""
			}
			if err := os.WriteFile(at, []byte(text), info.Mode().Perm()); err != nil {
				return err
			}
			if err := os.Chtimes(at, time.Time{}, info.ModTime()); err != nil {
				return err
			}
		}
		return nil
	}
	return build(d.now.root, folder)
}

// chosenNames decides for each name whether it has survived.
func (d *disk) chosenNames(chance *rand.Rand) map[inode]map[string]inode {
	type place struct {
		folder inode
		name   string
	}
	old, now := map[inode][]place{}, map[inode][]place{}
	chosen := map[inode]map[string]inode{}
	collect := func(names map[inode]map[string]inode, into map[inode][]place) {
		for folder, list := range names {
			if chosen[folder] == nil {
				chosen[folder] = map[string]inode{}
			}
			for name, i := range list {
				into[i] = append(into[i], place{folder, name})
			}
		}
	}
	collect(d.durable.names, old)
	collect(d.now.names, now)
	inodes := map[inode]bool{}
	for i := range old {
		inodes[i] = true
	}
	for i := range now {
		inodes[i] = true
	}
	// Folders first: what was moved into one that has not survived is where it was.
	order := slices.SortedFunc(maps.Keys(inodes), func(a, b inode) int {
		return cmp.Or(cmp.Compare(d.depth(a), d.depth(b)), cmp.Compare(a, b))
	})
	alive := map[inode]bool{d.now.root: true}
	for _, i := range order {
		happened := chance.IntN(2) == 0 // the steps that no fsync has made sure of
		settled := slices.DeleteFunc(slices.Clone(now[i]), func(p place) bool { return !alive[p.folder] })
		var places []place
		for _, p := range settled {
			if happened || d.durable.names[p.folder][p.name] == i {
				places = append(places, p)
			}
		}
		for _, p := range old[i] {
			if !alive[p.folder] || slices.Contains(places, p) {
				continue
			}
			// Removed since: it is still there where the removal was undone, or where the other half of a rename was.
			if !happened || len(now[i]) > 0 && len(places) == 0 {
				places = append(places, p)
			}
		}
		for _, p := range places {
			chosen[p.folder][p.name] = i
			alive[i] = true
		}
	}
	// A name that was taken over by a rename is never without a file.
	for folder := range alive {
		for name, before := range d.durable.names[folder] {
			if _, still := d.now.names[folder][name]; still && chosen[folder][name] == 0 {
				chosen[folder][name] = before
			}
		}
	}
	return chosen
}

// depth orders folders before what is in them, and files behind all folders.
func (d *disk) depth(i inode) int {
	if _, folder := d.now.names[i]; !folder {
		if _, folder := d.durable.names[i]; !folder {
			return 1 << 10
		}
	}
	depth := 0
	for at := i; at != d.now.root && depth < 100; depth++ {
		at = d.parent(at)
	}
	return depth
}

func (d *disk) parent(i inode) inode {
	for _, names := range []map[inode]map[string]inode{d.now.names, d.durable.names} {
		for folder, list := range names {
			for _, child := range list {
				if child == i {
					return folder
				}
			}
		}
	}
	return d.now.root
}

// losePower runs the scenario until the power goes at operation n, restarts on what is left, and returns what is wrong
// then. It is done when the run came to its end before.
func losePower(t *testing.T, n int, seed uint64, flaws flaws) (done bool, wrong error) {
	t.Helper()
	folder, after := quickDir(t), quickDir(t)
	defer os.RemoveAll(folder)
	defer os.RemoveAll(after)
	prepare(t, folder)
	d, err := newDisk(folder)
	must(t, err)
	d.lost, d.flaws = n, flaws
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	runOnce(ctx, folder, d.hook, io.Discard)
	cancel()
	must(t, d.failed)
	if d.count < n {
		return true, nil
	}
	must(t, d.survivors(after, rand.New(rand.NewPCG(seed, uint64(n)))))
	survived := show(after)
	if err := restart(after); err != nil {
		return false, fmt.Errorf("power lost at %d (chance %d): the restart failed: %w\nsurvived:\n%s", n, seed, err, survived)
	}
	if err := verdict(after); err != nil {
		return false, fmt.Errorf("power lost at %d (chance %d): %w\nsurvived:\n%s\nin the end:\n%s", n, seed, err, survived, show(after))
	}
	return false, nil
}

func TestThePowerMayGoAtAnyMoment(t *testing.T) {
	for name, flaws := range map[string]flaws{
		"power losses": {},
		"power losses after an fsync that failed": {failing: isNewDocument},
	} {
		step, chances := sampled(5), uint64(2)
		if *every {
			step, chances = 1, 50
		}
		points := 0
		for n, done := 1, false; !done; n += step {
			for seed := range chances {
				var wrong error
				if done, wrong = losePower(t, n, seed, flaws); wrong != nil {
					t.Fatal(wrong)
				}
				if done {
					break
				}
				points++
			}
		}
		t.Logf("%s: %d points, 0 failures", name, points)
	}
}

func TestThePowerLossModelNoticesABrokenAgent(t *testing.T) {
	missing := func(of func(path string) bool) flaws { return flaws{ignored: of} }
	for _, c := range []struct {
		says  string
		flaws flaws
	}{
		{"no fsync of the new document", missing(isNewDocument)},
		{"no fsync of the tasks file's folder: claims deleted before the replacement is durable", missing(func(path string) bool {
			return filepath.Base(filepath.Dir(path)) != "drop" && hasTasks(path)
		})},
		{"no fsync of the drop directory", missing(func(path string) bool { return filepath.Base(path) == "drop" })},
		{"no fsync of the batch's folder", missing(func(path string) bool { return filepath.Base(filepath.Dir(path)) == "claimed" })},
		{"no fsync of the intent", missing(func(path string) bool { return strings.Contains(filepath.Base(path), ".intent") })},
		{"no fsync of anything", missing(func(string) bool { return true })},
		{"an fsync that failed is tried again", flaws{failing: isNewDocument, hidden: true}},
	} {
		t.Run(c.says, func(t *testing.T) {
			step, chances := 3, uint64(5) // before the 70th operation nothing is written that a fsync could matter to
			if *every {
				step, chances = 1, 20
			}
			for n, done := 70, false; !done; n += step {
				for seed := range chances {
					var wrong error
					if done, wrong = losePower(t, n, seed, c.flaws); wrong != nil {
						return // noticed
					}
					if done {
						break
					}
				}
			}
			t.Error("the model did not notice")
		})
	}
}

func isNewDocument(path string) bool { return strings.HasPrefix(filepath.Base(path), ".tasks.json") }

func hasTasks(path string) bool {
	_, err := os.Lstat(filepath.Join(path, "tasks.json"))
	return err == nil
}
