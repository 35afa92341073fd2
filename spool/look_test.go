package spool

import (
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// looks are all ways to look at a drop directory from outside.
var looks = map[string]func(dir *vfs.Dir) (any, error){
	"what is claimed": func(dir *vfs.Dir) (any, error) { return claimsIn(dir) },
	"what waits":      func(dir *vfs.Dir) (any, error) { return lookAt(dir) },
	"how much": func(dir *vfs.Dir) (any, error) {
		s, err := see(dir)
		if err == nil {
			err = s.Hidden
		}
		return s.Claimed.Fragments, err
	},
}

func TestALookThatFailsSaysSo(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "{}")
	s.claim("a.json")
	for name, look := range looks {
		left := -1
		dir, err := vfs.Open(s.drop, func(op vfs.Op, path string) error {
			if left--; left == 0 {
				return syscall.EIO
			}
			return nil
		})
		must(t, err)
		defer dir.Close()
		want, err := look(dir)
		must(t, err)
		for at := 1; ; at++ {
			left = at
			got, err := look(dir)
			if left > 0 { // there are no more operations
				break
			}
			// A close that fails, or a status that cannot be had, may be of no account.
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: operation %d fails: %v and no error", name, at, got)
			}
		}
	}
}

// What a look has listed may be gone when it comes there.
func TestALookPassesOverWhatIsSettledMeanwhile(t *testing.T) {
	for name, look := range looks {
		for _, what := range []string{"batch", "fragment"} {
			s := newStation(t)
			s.put("a.json", "{}")
			b := s.claim("a.json")
			folder := filepath.Join(s.drop, stateName, claimedName, b.ID)
			dir, err := vfs.Open(s.drop, func(op vfs.Op, path string) error {
				switch {
				case what == "batch" && op == vfs.OpOpen && path == folder:
					return os.RemoveAll(folder)
				case what == "fragment" && op != vfs.OpReadDir && path == filepath.Join(folder, "a.json"):
					return os.RemoveAll(path)
				}
				return nil
			})
			must(t, err)
			if got, err := look(dir); err != nil {
				t.Errorf("%s, while the %s goes: %v, %v", name, what, got, err)
			}
			must(t, dir.Close())
		}
	}
}

func TestWhatWaitsIsCountedWithinBounds(t *testing.T) {
	drop := t.TempDir()
	for _, name := range []string{"a.json", "b.json", "c.json", "x", "y"} {
		must(t, os.WriteFile(filepath.Join(drop, name), nil, 0o644))
	}
	for _, c := range []struct {
		what    string
		most    Most
		sampled bool
		more    bool
	}{
		{"all of them", Most{9, 9, 9}, false, false},
		{"of some the time", Most{9, 9, 1}, true, false},
		{"some of them", Most{9, 2, 9}, false, true},
		{"some of the names", Most{2, 9, 9}, false, true},
	} {
		p, err := Waiting(drop, c.most)
		if err != nil || p.Sampled != c.sampled || p.More != c.more || p.Fragments > c.most.Names {
			t.Errorf("%s: %+v, %v", c.what, p, err)
		}
	}
	if _, err := Waiting(filepath.Join(drop, "none"), seen); err == nil {
		t.Error("no drop directory: no error")
	}
}
