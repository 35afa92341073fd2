package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/sessionsync/sessionsync/vfs"
)

// InClaims calls look with the folder of each claimed batch, the oldest first, until it says that it has seen enough. It is for
// those who want to see: it takes no lock and changes nothing. A batch that is settled meanwhile is passed over, and where no
// agent has ever run there is none. An error is that of look, trouble with the disk, or a permission.
func InClaims(drop *vfs.Dir, look func(id string, batch *vfs.Dir) (enough bool, err error)) error {
	state, err := drop.OpenDir(stateName)
	if err != nil {
		return unlessMissing(err)
	}
	defer state.Close()
	return inFolders(state, claimedName, look)
}

// inFolders calls look with each folder of one of the agent's folders: there is one for each batch.
func inFolders(state *vfs.Dir, name string, look func(folder string, dir *vfs.Dir) (enough bool, err error)) error {
	parent, err := state.OpenDir(name)
	if err != nil {
		return unlessMissing(err)
	}
	defer parent.Close()
	var folders []string
	err = parent.List(func(e fs.DirEntry) bool {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
		return true
	})
	if err != nil {
		return err
	}
	slices.Sort(folders)
	for _, folder := range folders {
		dir, err := parent.OpenDir(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		enough, err := look(folder, dir)
		dir.Close() // it was only read
		if err != nil || enough {
			return err
		}
	}
	return nil
}

// unlessMissing is err, unless that says that there is no such thing: then nobody has begun there.
func unlessMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Claim is a fragment that some agent has claimed.
type Claim struct {
	Batch, Name string
	vfs.Status
}

// Claims lists what is claimed in a drop directory, and what else lies there, each with its status; see InClaims.
func Claims(drop string) (claims []Claim, err error) {
	dir, err := vfs.Open(drop, nil)
	if err == nil {
		defer dir.Close()
		claims, err = claimsIn(dir)
	}
	if err = unlessMissing(err); err != nil {
		return nil, fmt.Errorf("look at claimed batches: %w", err)
	}
	return claims, nil
}

func claimsIn(drop *vfs.Dir) (claims []Claim, err error) {
	err = InClaims(drop, func(id string, batch *vfs.Dir) (_ bool, err error) {
		if IsID(id) {
			claims, err = appendClaims(claims, id, batch)
		}
		return false, err
	})
	return claims, err
}

func appendClaims(claims []Claim, id string, batch *vfs.Dir) ([]Claim, error) {
	var names []string
	if err := batch.List(func(e fs.DirEntry) bool { names = append(names, e.Name()); return true }); err != nil {
		return nil, err
	}
	for _, name := range names {
		switch status, err := batch.Status(name); {
		case err == nil:
			claims = append(claims, Claim{id, name, status})
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return claims, nil
}

// IsSetAside reports whether a fragment of a batch was set aside, because not even the recovery could take it; and where.
func IsSetAside(drop, batch, name string) (path string, is bool, err error) {
	state, err := OpenOwn(drop)
	if err != nil {
		return "", false, unlessMissing(err)
	}
	defer state.Close()
	foreign, err := state.OpenDir(foreignName)
	if err != nil {
		return "", false, unlessMissing(err)
	}
	defer foreign.Close()
	folder, err := foreign.OpenDir(batch)
	if err != nil {
		return "", false, unlessMissing(err)
	}
	defer folder.Close()
	if _, err = folder.Lstat(name); err != nil {
		return "", false, unlessMissing(err)
	}
	return folder.Join(name), true, nil
}

// OpenOwn opens the agent's own folder in a drop directory, to look into it.
func OpenOwn(drop string) (*vfs.Dir, error) {
	dir, err := vfs.Open(drop, nil)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return dir.OpenDir(stateName)
}
