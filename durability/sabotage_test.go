//go:build unix

package durability

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

// sabotage is an agent that is broken in a way that the loops are there to catch. It does its harm in a hook, before the
// operation that it is about.
type sabotage struct {
	before func(op vfs.Op, path string) bool
	harm   func(path string)
}

var sabotages = map[string]sabotage{
	"claims deleted before the replacement": {
		func(op vfs.Op, path string) bool { // the last step of recording the intent
			return op == vfs.OpSync && filepath.Base(path) == "drop" && len(claims(path)) > 0
		},
		func(path string) { removeAll(claims(path)) },
	},
	"no intent kept": {
		func(op vfs.Op, path string) bool {
			return op == vfs.OpSync && filepath.Base(filepath.Dir(path)) == "claimed"
		},
		func(path string) { removeAll([]string{filepath.Join(path, ".intent.json")}) },
	},
	"temporary file written in place of the tasks file": {
		func(op vfs.Op, path string) bool {
			return op == vfs.OpWrite && strings.HasPrefix(filepath.Base(path), ".tasks.json")
		},
		func(path string) {
			os.WriteFile(filepath.Join(filepath.Dir(path), "tasks.json"), []byte(`{"backlog": [`), 0o644)
		},
	},
}

func (s sabotage) hook(op vfs.Op, path string) error {
	if s.before != nil && s.before(op, path) {
		s.harm(path)
	}
	return nil
}

// from is the operation at which a loop begins to try: a little before that which the harm is done at, as what goes on at the
// same time makes the number differ. Until then the agent is whole.
func (s sabotage) from(t *testing.T) int {
	const around = 10
	folder := quickDir(t)
	prepare(t, folder)
	var count, first atomic.Int64
	runOnce(context.Background(), folder, func(op vfs.Op, path string) error {
		if n := count.Add(1); s.before(op, path) {
			first.CompareAndSwap(0, n)
		}
		return nil
	}, io.Discard)
	if first.Load() == 0 {
		t.Fatal("the harm is never done")
	}
	return int(max(1, first.Load()-around))
}

func claims(drop string) []string {
	paths, err := filepath.Glob(filepath.Join(drop, ".sessionsync", "claimed", "*", "add-*"))
	if err != nil {
		panic(err)
	}
	return paths
}

func removeAll(paths []string) {
	for _, path := range paths {
		os.Remove(path)
	}
}

func TestTheKillLoopNoticesABrokenAgent(t *testing.T) {
	for name, s := range sabotages {
		t.Run(name, func(t *testing.T) {
			for n := s.from(t); ; n++ {
				folder := quickDir(t)
				prepare(t, folder)
				if !runUntilKilled(t, folder, n, killSabotage+"="+name) {
					t.Fatal("the loop did not notice")
				}
				if restart(folder) != nil || verdict(folder) != nil {
					return
				}
				must(t, os.RemoveAll(folder))
			}
		})
	}
}

func TestTheFaultLoopNoticesABrokenAgent(t *testing.T) {
	for name, s := range sabotages {
		t.Run(name, func(t *testing.T) {
			for n := int64(s.from(t)); ; n++ {
				folder := quickDir(t)
				prepare(t, folder)
				var count atomic.Int64
				runOnce(context.Background(), folder, func(op vfs.Op, path string) error {
					if count.Add(1) >= n {
						return syscall.EIO
					}
					return s.hook(op, path)
				}, io.Discard)
				if count.Load() < n {
					t.Fatal("the loop did not notice")
				}
				if restart(folder) != nil || verdict(folder) != nil {
					return
				}
				must(t, os.RemoveAll(folder))
			}
		})
	}
}
