package writer

import (
	"context"
	"syscall"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestProbeTellsWhetherACommitWouldSucceedAndLeavesNothing(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	if err := w.Probe(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.noTemp()
	for _, step := range []struct {
		op   vfs.Op
		code syscall.Errno
	}{{vfs.OpCreate, syscall.EROFS}, {vfs.OpWrite, syscall.ENOSPC}, {vfs.OpSync, syscall.EIO}} {
		n := 1
		b.config.Hook = failing(step.op, ".tasks.json", &n, step.code)
		w := b.writer()
		got := trouble(t, w.Probe(context.Background()))
		if got.Code != codeOf(step.code) || got.Attempts != 1 || got.Replaced {
			t.Errorf("%s: trouble is %+v", step.op, got)
		}
		if w.checked != nil && w.checked.dir != nil {
			t.Error("a folder of trouble is held open")
		}
		b.noTemp()
	}
	b.put("{")
	if got := trouble(t, w.Probe(context.Background())); got.Code != InvalidTasksFile || got.Attempts != 1 {
		t.Errorf("trouble is %+v", got)
	}
}

func TestATemporaryFileThatProbeCannotRemoveIsRemovedByTheNextOne(t *testing.T) {
	b := newBench(t)
	n := 1
	b.config.Hook = failing(vfs.OpRemove, ".tasks.json", &n, syscall.EIO)
	w := b.writer()
	if got := trouble(t, w.Probe(context.Background())); got.Code != "EIO" {
		t.Errorf("trouble is %+v", got)
	}
	if len(temps(t, b.dir)) != 1 {
		t.Fatal("this test needs one that is left")
	}
	if err := w.Probe(context.Background()); err != nil {
		t.Fatal(err)
	}
	b.noTemp()
}
