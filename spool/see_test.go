package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/vfs"
)

func look(t *testing.T, drop string) Sight {
	t.Helper()
	s, err := See(drop)
	must(t, err)
	return s
}

func TestALookTellsWhatWaitsAndWhatIsClaimed(t *testing.T) {
	s := newStation(t)
	s.put("a.json", "{}")
	s.put("b.json", "{}")
	s.claim("a.json", "b.json")
	s.put("d.json", "{}")
	s.claim("d.json")
	old := time.Now().Add(-time.Hour).Truncate(time.Second)
	must(t, os.Chtimes(s.put("c.jsonl", "{}"), old, old))
	s.put("e.json", "{}")
	s.put(".hidden.json", "{}")
	s.put("note.txt", "{}")
	must(t, os.Mkdir(filepath.Join(s.drop, "folder.json"), 0o755))
	must(t, os.Mkdir(filepath.Join(s.drop, ".sessionsync", "claimed", "18a5c2d3e4f5a6b7"), 0o700)) // a crash can leave it

	got := look(t, s.drop)
	if got.Hidden != nil || got.Waiting.Fragments != 2 || !got.Waiting.Oldest.Equal(old) || got.Waiting.More || got.Waiting.Sampled {
		t.Errorf("waiting: %+v", got)
	}
	if got.Batches != 2 || got.Claimed.Fragments != 3 || got.Claimed.Oldest.IsZero() {
		t.Errorf("claimed: %+v", got)
	}
	if got.Holder == nil || got.Holder.PID != os.Getpid() || time.Since(got.Holder.Since) > time.Minute {
		t.Errorf("holder: %+v", got.Holder)
	}
	must(t, s.Close())
	if got := look(t, s.drop); got.Holder != nil || got.Batches != 2 || got.Waiting.Fragments != 2 {
		t.Errorf("without an agent: %+v", got)
	}
	s.open()
}

func TestALookBeforeTheFirstRunSeesWhatWaits(t *testing.T) {
	drop := t.TempDir()
	must(t, os.WriteFile(filepath.Join(drop, "a.json"), nil, 0o644))
	if got := look(t, drop); got.Waiting.Fragments != 1 || got.Holder != nil || got.Hidden != nil {
		t.Errorf("%+v", got)
	}
	must(t, os.Mkdir(filepath.Join(drop, Folder), 0o700))
	if got := look(t, drop); got.Waiting.Fragments != 1 || got.Holder != nil || got.Hidden != nil {
		t.Errorf("with an empty folder: %+v", got)
	}
	if entries, err := os.ReadDir(filepath.Join(drop, Folder)); err != nil || len(entries) > 0 {
		t.Errorf("the look has made %v (%v)", entries, err)
	}
	if _, err := See(filepath.Join(drop, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no drop directory: %v", err)
	}
}

func TestWhatIsInTheWayOfALookIsTold(t *testing.T) {
	for name, hide := range map[string]func(t *testing.T, own string){
		"a link in place of the folder": func(t *testing.T, own string) { must(t, os.Symlink(t.TempDir(), own)) },
		"a file in place of the folder": func(t *testing.T, own string) { must(t, os.WriteFile(own, nil, 0o644)) },
		"a link in place of the lock": func(t *testing.T, own string) {
			must(t, os.Mkdir(own, 0o700))
			must(t, os.Symlink("/dev/null", filepath.Join(own, "lock")))
		},
		"a folder in place of the lock": func(t *testing.T, own string) {
			must(t, os.MkdirAll(filepath.Join(own, "lock"), 0o700))
		},
		"a file in place of the claims": func(t *testing.T, own string) {
			must(t, os.Mkdir(own, 0o700))
			must(t, os.WriteFile(filepath.Join(own, "claimed"), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("links need a permission there")
			}
			drop := t.TempDir()
			must(t, os.WriteFile(filepath.Join(drop, "a.json"), nil, 0o644))
			hide(t, filepath.Join(drop, Folder))
			if got := look(t, drop); got.Hidden == nil || got.Waiting.Fragments != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestALookAtManyFragmentsIsBounded(t *testing.T) {
	drop := quickly(t)
	const many = mostTimes + 100
	for i := range many {
		must(t, os.WriteFile(filepath.Join(drop, fmt.Sprintf("%06d.json", i)), nil, 0o644))
	}
	if got := look(t, drop).Waiting; got.Fragments != many || !got.Sampled || got.Oldest.IsZero() {
		t.Errorf("%+v", got)
	}
	p := Pile{Fragments: mostNames - 1}
	dir, err := vfs.Open(drop, nil)
	must(t, err)
	defer dir.Close()
	must(t, p.add(dir, seen))
	if p.Fragments != mostNames || !p.More || !p.Sampled {
		t.Errorf("at the limit: %+v", p)
	}
}

// quickly is a folder in memory, where that can be had.
func quickly(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "sessionsync")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

func TestAHolderThatDoesNotSayWhoItIsIsOneAllTheSame(t *testing.T) {
	for _, text := range []string{"", "{", `{"pid":"x"}`, `[]`} {
		s := newStation(t)
		must(t, os.WriteFile(filepath.Join(s.drop, Folder, "lock"), []byte(text), 0o600))
		if got := look(t, s.drop); got.Holder == nil || got.Holder.PID != 0 {
			t.Errorf("%q: %+v", text, got.Holder)
		}
	}
}

func TestLooksKeepNobodyFromBeginning(t *testing.T) {
	s := newStation(t)
	must(t, s.Close())
	stop := make(chan struct{})
	var lookers sync.WaitGroup
	for range 4 {
		lookers.Go(func() {
			own, err := OpenOwn(s.drop)
			if err != nil {
				t.Error(err)
				return
			}
			defer own.Close()
			for {
				select {
				case <-stop:
					return
				default: // as often as it can be done; a view looks four times a second
					if _, err := HolderIn(own); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 50 {
		sp, err := Open(s.config())
		if err != nil {
			t.Error(err)
			break
		}
		must(t, sp.Close())
	}
	close(stop)
	lookers.Wait()
	s.open()
}
