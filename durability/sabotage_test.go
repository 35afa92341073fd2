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

// sabotages are agents that are broken in the ways that the loops are there to catch. Each does its harm in a hook, before
// the operation that it is about.
var sabotages = map[string]vfs.Hook{
	"claims deleted before the replacement": func(op vfs.Op, path string) error {
		if op == vfs.OpSync && filepath.Base(path) == "drop" { // the last step of recording the intent
			removeAll(filepath.Join(path, ".sessionsync", "claimed", "*", "add-*"))
		}
		return nil
	},
	"no intent kept": func(op vfs.Op, path string) error {
		if op == vfs.OpSync && filepath.Base(filepath.Dir(path)) == "claimed" {
			removeAll(filepath.Join(path, ".intent.json"))
		}
		return nil
	},
	"temporary file written in place of the tasks file": func(op vfs.Op, path string) error {
		if op == vfs.OpWrite && strings.HasPrefix(filepath.Base(path), ".tasks.json") {
			os.WriteFile(filepath.Join(filepath.Dir(path), "tasks.json"), []byte(`{"backlog": [`), 0o644)
		}
		return nil
	},
}

func removeAll(pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		panic(err)
	}
	for _, path := range paths {
		os.Remove(path)
	}
}

func TestTheKillLoopNoticesABrokenAgent(t *testing.T) {
	for name := range sabotages {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
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
	for name, harm := range sabotages {
		t.Run(name, func(t *testing.T) {
			for n := int64(1); ; n++ {
				folder := quickDir(t)
				prepare(t, folder)
				var count atomic.Int64
				runOnce(context.Background(), folder, func(op vfs.Op, path string) error {
					if count.Add(1) >= n {
						return syscall.EIO
					}
					return harm(op, path)
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
