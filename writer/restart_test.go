//go:build unix

package writer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/vfs"
)

func TestReplacedTellsTheStatesAfterACrashApart(t *testing.T) {
	for _, c := range []struct {
		name     string
		now      string // which document the tasks file is: base, new, foreign
		temp     string // and the temporary file; "" for none
		rename   bool   // the one was to be renamed over the other, not exchanged
		withdraw bool
		want     bool
		err      error
	}{
		{name: "before the exchange", now: "base", temp: "new"},
		{name: "before the exchange, and somebody has taken the temporary file away", now: "base"},
		{name: "before the exchange, and somebody has written", now: "foreign", temp: "new"},
		{name: "after the exchange", now: "new", temp: "base", want: true},
		{name: "after the exchange, and somebody has written", now: "foreign", temp: "base", want: true},
		{name: "after the exchange, and somebody has taken the temporary file away", now: "new", want: true},
		{name: "somebody has taken the temporary file away and has written", now: "foreign", err: ErrUnclear},
		{name: "before the rename", now: "base", temp: "new", rename: true},
		{name: "after the rename", now: "new", rename: true, want: true},
		{name: "after the rename, and somebody has written", now: "foreign", rename: true, want: true},
		{name: "somebody has written just what was intended", now: "new", temp: "new", want: true},
		{name: "withdrawn", now: "base", withdraw: true},
		{name: "withdrawn, and somebody has written", now: "foreign", withdraw: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			w := b.writer()
			b.mustCommit(w, adding(t, "a")...)
			texts := map[string]string{"base": original, "new": b.content(), "foreign": strings.Replace(original, "Two", "Zwo", 1)}
			b.put(texts[c.now])
			if c.temp != "" {
				put(t, filepath.Join(b.dir, b.intent.Temp), texts[c.temp])
			}
			in := b.intent
			in.Exchange = !c.rename
			if c.withdraw {
				in = in.withdrawn()
			}
			synced := false
			w.config.Hook = func(op vfs.Op, path string) error {
				synced = synced || op == vfs.OpSync && path == b.dir
				return nil
			}
			got, err := w.Replaced(in)
			if got != c.want || !errors.Is(err, c.err) || synced != c.want {
				t.Errorf("Replaced = %v, %v, folder synced %v; want %v", got, err, synced, c.want)
			}
			if b.content() != texts[c.now] {
				t.Error("the tasks file was touched")
			}
		})
	}
}

// Somebody has put an intent of his own among the claims.
func TestAnIntentThatNamesOtherFilesIsNotBelieved(t *testing.T) {
	for _, change := range []func(in *Intent){
		func(in *Intent) { in.Temp = "tasks.json" },
		func(in *Intent) { in.Temp = "../t" },
		func(in *Intent) { in.Displaced = []string{"notes.txt"} },
	} {
		b := newBench(t)
		w := b.writer()
		b.mustCommit(w, adding(t, "a")...)
		put(t, filepath.Join(b.dir, "notes.txt"), "mine")
		in := b.intent
		change(&in)
		if replaced, err := w.Replaced(in); replaced || err != nil {
			t.Errorf("%+v: Replaced = %v, %v", in, replaced, err)
		}
		b.applied("a")
		if _, err := os.Stat(filepath.Join(b.dir, "notes.txt")); err != nil || len(b.kept) > 0 {
			t.Errorf("%+v: kept %q, %v", in, b.kept, err)
		}
	}
}

func TestReplacedSaysSoWhenItCannotTell(t *testing.T) {
	b := newBench(t)
	b.mustCommit(b.writer(), adding(t, "a")...)
	for at := 1; ; at++ {
		f := &fault{at: at, err: errDead}
		b.config.Hook = f.hook
		replaced, err := b.writer().Replaced(b.intent)
		if f.hit == "" {
			break
		}
		if strings.HasPrefix(f.hit, "close ") && err == nil {
			continue
		}
		if replaced || !trouble(t, err).Replaced || !errors.Is(err, errDead) {
			t.Errorf("%s: Replaced = %v, %v", f.hit, replaced, err)
		}
	}
	b.config.Hook = nil
	if err := os.Remove(b.path); err != nil {
		t.Fatal(err)
	}
	if replaced, err := b.writer().Replaced(b.intent); replaced || trouble(t, err).Code != "ENOENT" {
		t.Errorf("Replaced = %v, %v", replaced, err)
	}
}

func TestSweepRemovesOurTemporaryFilesAndNothingElse(t *testing.T) {
	b := newBench(t)
	kept := []string{".tasks.json", ".tasks.json120000000000000x", ".tasks.jsonx", ".other.json120000000000000",
		"tasks.json120000000000000", ".tasks.json-100000000000000", ".tasks.json1", ".tasks.json20261125"}
	for _, name := range append(kept, ".tasks.json120000000000000", ".tasks.json9223372036854775807") {
		put(t, filepath.Join(b.dir, name), "x")
	}
	if err := os.Mkdir(filepath.Join(b.dir, ".tasks.json130000000000000"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("tasks.json", filepath.Join(b.dir, ".tasks.json140000000000000")); err != nil {
		t.Fatal(err)
	}
	if err := b.writer().Sweep(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, e := range entries {
		have[e.Name()] = true
	}
	for _, name := range append(kept, "tasks.json", ".tasks.json130000000000000", ".tasks.json140000000000000") {
		if !have[name] {
			t.Errorf("%s is gone", name)
		}
	}
	if have[".tasks.json120000000000000"] || have[".tasks.json9223372036854775807"] {
		t.Errorf("left are %v", have)
	}
	if got := strings.Count(b.log.String(), "level=INFO"); got != 2 {
		t.Errorf("log is\n%s", b.log)
	}
}

func TestSweepSaysWhatItCouldNotRemoveAndRemovesTheRest(t *testing.T) {
	b := newBench(t)
	put(t, filepath.Join(b.dir, ".tasks.json100000000000000"), "x")
	put(t, filepath.Join(b.dir, ".tasks.json200000000000000"), "x")
	b.config.Hook = func(op vfs.Op, path string) error {
		if op == vfs.OpRemove && strings.HasSuffix(path, "json100000000000000") {
			return errDead
		}
		return nil
	}
	err := b.writer().Sweep()
	if !errors.Is(err, errDead) {
		t.Errorf("Sweep = %v", err)
	}
	checkMessage(t, err)
	if left := temps(t, b.dir); len(left) != 1 || left[0] != ".tasks.json100000000000000" {
		t.Errorf("left are %q", left)
	}
	b.config.Path = filepath.Join(b.dir, "nowhere", "tasks.json")
	if err := b.writer().Sweep(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Sweep = %v", err)
	}
	if err := b.writer().Check(context.Background()); trouble(t, err).Code != "ENOENT" {
		t.Errorf("Check = %v", err)
	}
}
