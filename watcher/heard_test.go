package watcher

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

func TestRealFilesAreHeardOf(t *testing.T) {
	for _, c := range []struct {
		name string
		drop func(r *real)
	}{
		{"renamed in from a dot name", func(r *real) { r.move("x.json", whole) }},
		{"moved in from elsewhere", func(r *real) {
			r.must(os.WriteFile(r.Dir+".elsewhere", []byte(whole), 0o644))
			r.must(os.Rename(r.Dir+".elsewhere", r.path("x.json")))
		}},
		{"linked in", func(r *real) {
			r.put("elsewhere", whole)
			r.must(os.Link(r.path("elsewhere"), r.path("x.json")))
		}},
		{"written by >", func(r *real) { r.shell(`echo '` + whole + `' > x.json`) }},
		{"appended slowly by >>", func(r *real) {
			r.put("x.json", "")
			for _, c := range whole {
				f, err := os.OpenFile(r.path("x.json"), os.O_APPEND|os.O_WRONLY, 0)
				r.must(err)
				_, err = io.WriteString(f, string(c))
				r.must(err)
				r.must(f.Close())
			}
		}},
		{"half-written, then finished", func(r *real) {
			r.put("x.json", half)
			r.move("other.json", whole)
			r.sends("other.json") // the half one is not ready, though it was there first
			f, err := os.OpenFile(r.path("x.json"), os.O_APPEND|os.O_WRONLY, 0)
			r.must(err)
			defer f.Close()
			_, err = f.WriteString(`lete"}`)
			r.must(err)
		}},
		{"a link", func(r *real) { r.must(os.Symlink("/etc/passwd", r.path("x.json"))) }},
		{"a FIFO without a writer", func(r *real) { r.shell("mkfifo x.json") }},
		{"with the time of another year", func(r *real) { r.shell("echo '{}' > .x; touch -d 2001-01-01 .x; mv .x x.json") }},
		{"with a time to come", func(r *real) { r.shell("echo '{}' > .x; touch -d 2101-01-01 .x; mv .x x.json") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if runtime.GOOS == "windows" {
				t.Skip("no shell there")
			}
			r := realWatcher(t, nil)
			r.run()
			r.hears("DEBUG scanned")
			c.drop(r)
			r.sends("x.json")
		})
	}
}

func TestARealDirectoryComesAndGoes(t *testing.T) {
	for _, c := range []struct {
		name string
		play func(r *real)
	}{
		{"it and its parent are missing at the start", func(r *real) {
			r.Dir = filepath.Join(r.Dir, "deep", "drop")
			r.run()
			r.hears(isMissing)
			r.must(os.MkdirAll(r.Dir, 0o755))
			r.hears(isThere)
		}},
		{"it is removed and made again", func(r *real) {
			r.run()
			r.hears("DEBUG scanned")
			r.must(os.Remove(r.Dir))
			r.hears(isMissing)
			r.must(os.Mkdir(r.Dir, 0o755))
			r.hears(isThere)
		}},
		{"it is removed with all its contents while somebody has it open", func(r *real) {
			r.must(os.MkdirAll(r.path(".sessionsync/claimed"), 0o700))
			held, err := os.Open(r.Dir)
			r.must(err)
			defer held.Close()
			r.run()
			r.hears("DEBUG scanned")
			r.must(os.RemoveAll(r.Dir))
			r.hears(isMissing)
			r.must(os.Mkdir(r.Dir, 0o755))
			r.hears(isThere)
		}},
		{"it is moved away and back", func(r *real) {
			r.run()
			r.hears("DEBUG scanned")
			r.must(os.Rename(r.Dir, r.Dir+".away"))
			r.hears(isMissing)
			r.must(os.Rename(r.Dir+".away", r.Dir))
			r.hears(isThere)
		}},
		{"another one takes its place", func(r *real) {
			r.run()
			r.hears("DEBUG scanned")
			r.must(os.Mkdir(r.Dir+".new", 0o755))
			r.must(os.Remove(r.Dir))
			r.must(os.Rename(r.Dir+".new", r.Dir))
			r.hears("WARN ")
			r.hears(isThere)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := realWatcher(t, func(c *Config) { c.Mode = Auto })
			c.play(r)
			r.move("x.json", whole)
			r.sends("x.json")
			r.move("y.json", whole) // and it is heard again
			r.sends("y.json")
		})
	}
}

func TestTheWorkingDirectoryItselfCanBeTheDropDirectory(t *testing.T) {
	for _, dir := range []string{".", "../drop", "../drop//"} {
		t.Run(dir, func(t *testing.T) {
			r := realWatcher(t, nil)
			t.Chdir(r.Dir)
			r.Dir = dir
			r.run()
			r.hears("DEBUG scanned")
			r.move("x.json", whole)
			r.sends("x.json")
		})
	}
}

// Ten thousand are there before the start, and as many come from four processes while it runs, half of them politely.
func TestTwentyThousandFilesAreSentOnceEach(t *testing.T) {
	const each = 2500
	r := realWatcher(t, func(c *Config) { c.Mode = Auto; c.Settle = 50 * ms; c.Rescan = 100 * ms })
	r.Trace.Deaf = func(cause error) { t.Errorf("no event was missed, and yet: %v", cause) }
	r.must(os.Mkdir(r.path(canaryName), 0o700))
	claimed := r.Dir + ".claimed"
	r.must(os.Mkdir(claimed, 0o755))
	for i := range 4 * each {
		r.put(fmt.Sprintf("before%05d.json", i), whole)
	}
	r.run()
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range each {
				name := filepath.Join(r.Dir, fmt.Sprintf("w%d-%05d.json", w, i))
				at := name
				if w < 2 {
					at = filepath.Join(r.Dir, fmt.Sprintf(".w%d", w))
				}
				if err := os.WriteFile(at, []byte(whole), 0o644); err != nil {
					t.Error(err)
				}
				if at != name {
					if err := os.Rename(at, name); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	go func() {
		for range r.said { // nobody else listens
		}
	}()
	got := map[string]bool{}
	for late := time.After(2 * failsafe); len(got) < 8*each; {
		select {
		case files := <-r.out:
			if len(files) > maxSlice {
				t.Fatalf("a slice of %d", len(files))
			}
			for _, f := range files {
				if got[f.Name] {
					t.Fatalf("%s was sent twice", f.Name)
				}
				got[f.Name] = true
				r.must(os.Rename(r.path(f.Name), filepath.Join(claimed, f.Name)))
			}
			r.done <- Done{Others: namesOf(files)}
		case <-late:
			t.Fatalf("only %d were sent", len(got))
		}
	}
	writers.Wait()
	for name := range got {
		if text, err := os.ReadFile(filepath.Join(claimed, name)); err != nil || string(text) != whole {
			t.Fatalf("%s was sent before it was whole: %q, %v", name, text, err)
		}
	}
}

func TestARealRunOnceEnds(t *testing.T) {
	r := realWatcher(t, func(c *Config) { c.Mode = Auto; c.Once = true; c.IncompleteAfter = 300 * ms })
	r.put("a.json", whole)
	r.put("b.json", half)
	ended := make(chan error, 1)
	go func() { ended <- New(r.Config).Run(t.Context(), r.out, r.done) }()
	r.sends("a.json", "b.json")
	select {
	case err := <-ended:
		r.must(err)
	case <-time.After(failsafe):
		t.Fatal("Run did not end")
	}
}

func TestListeningToWhatIsNotThere(t *testing.T) {
	if l, err := new(Notifier).listen([]string{filepath.Join(t.TempDir(), "missing")}, hearFragment); err == nil {
		l.close()
		t.Error("it was listened to")
	}
}

func TestAListenerKnowsThatItsWatchIsGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "drop")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := new(Notifier).listen([]string{dir}, hearFragment)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if !l.alive() {
		t.Error("dead from the start")
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	select {
	case h := <-l.hints:
		if h.failed == nil {
			t.Errorf("the hint is %v", h)
		}
	case <-time.After(failsafe):
		t.Fatal("nothing was heard")
	}
	if l.alive() {
		t.Error("still alive")
	}
}
