//go:build unix

package writer

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestAFileThatGrowsWhileItIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		grown := false
		b.config.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpRead && !grown {
				grown = true
				b.inPlace(b.content() + strings.Repeat(" ", 4096))
			}
			return nil
		}
		if r := b.mustCommit(b.writer(), adding(t, "a")...); r.Attempts != 2 || r.Bytes < 4096 {
			t.Errorf("result is %+v", r)
		}
		b.applied("a")
	})
}

// The times of older kernels and of FAT do not tell two versions apart that were written within a moment.
func TestAYoungVersionIsToldByItsBytes(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	w.renames = true
	v, err := w.read()
	if err != nil {
		t.Fatal(err)
	}
	defer v.close()
	b.inPlace(strings.Replace(original, `"Two"`, `"Zwo"`, 1))
	now, err := os.Stat(b.path)
	if err != nil {
		t.Fatal(err)
	}
	v.info = now // as if the clock had stood still
	for _, young := range []bool{true, false} {
		v.young = young
		if same, err := w.isCurrent(v); same == young || err != nil {
			t.Errorf("young %v: isCurrent = %v, %v", young, same, err)
		}
	}
}

func TestAReaderThatNeverPausesNeverSeesATornFile(t *testing.T) {
	b := newBench(t)
	w := b.writer()
	ready, stop, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	reads := 0
	go func() {
		last := -1
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			data, err := os.ReadFile(b.path)
			var doc struct{ Backlog []item }
			if err == nil {
				err = json.Unmarshal(data, &doc)
			}
			if err == nil && (len(doc.Backlog) != 2 || len(doc.Backlog[0].Log) < last) {
				err = fmt.Errorf("%d items, %d marks after %d", len(doc.Backlog), len(doc.Backlog[0].Log), last)
			}
			if err != nil {
				done <- fmt.Errorf("read %d: %w\n%s", reads, err, data)
				return
			}
			last = len(doc.Backlog[0].Log)
			if reads++; reads == 1 {
				close(ready)
			}
		}
	}()
	<-ready
	for i := range 200 {
		b.mustCommit(w, adding(t, fmt.Sprint(i))...)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := len(b.items()["P1"].Log); got != 200 || reads < 200 {
		t.Errorf("%d marks, %d reads", got, reads)
	}
	b.noTemp()
}
