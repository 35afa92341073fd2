package spool

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Inventory is what waits in a drop directory.
type Inventory struct {
	Dropped int     // fragments that nobody has claimed
	Claimed []Place // fragments in batches, but for those of the agent's own
	Aside   []Place // what was set aside: in nobody's way, and in nobody's hands
}

// Place is a name in the folder of a batch.
type Place struct{ Batch, Name string }

// Look tells what waits in a drop directory, whether an agent runs or not. It takes no lock and changes nothing, so what moves
// meanwhile may be in it twice or not at all: look again. An error is trouble with the disk, or a permission.
func Look(drop string) (Inventory, error) {
	dir, err := vfs.Open(drop, nil)
	var in Inventory
	if err == nil {
		defer dir.Close()
		in, err = lookAt(dir)
	}
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("%w; run this as the agent's user", err)
	}
	if err != nil {
		return Inventory{}, fmt.Errorf("look what waits: %w", err)
	}
	return in, nil
}

func lookAt(dir *vfs.Dir) (in Inventory, err error) {
	err = dir.List(func(e fs.DirEntry) bool {
		if fragment.IsName(e.Name()) && !e.IsDir() {
			in.Dropped++
		}
		return true
	})
	if err != nil {
		return in, err
	}
	state, err := dir.OpenDir(stateName)
	if err != nil {
		return in, unlessMissing(err)
	}
	defer state.Close()
	if in.Claimed, err = holders(state, claimedName, true); err != nil {
		return in, err
	}
	in.Aside, err = holders(state, foreignName, false)
	return in, err
}

// holders lists what is in the folders of a folder: one for each batch.
func holders(state *vfs.Dir, name string, fragments bool) (all []Place, err error) {
	err = inFolders(state, name, func(id string, dir *vfs.Dir) (bool, error) {
		var inside []Place
		own := false
		err := dir.List(func(e fs.DirEntry) bool {
			own = own || e.Name() == ownName
			if !fragments || fragment.IsName(e.Name()) && !e.IsDir() {
				inside = append(inside, Place{id, e.Name()})
			}
			return true
		})
		if err == nil && !own {
			all = append(all, inside...)
		}
		return false, err
	})
	return all, err
}
