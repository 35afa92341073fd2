package watcher

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/sessionsync/sessionsync/vfs"
)

// The listening begins first, so what the listing misses is heard.
func TestListeningComesBeforeTheScan(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpReadDir && len(b.listened()) == 0 {
				t.Error("scanned without listening")
			}
			return nil
		}
		b.run()
		b.silent(time.Second)
		if len(b.listened()) != 1 {
			t.Errorf("listened at %v", b.listened())
		}
	})
}

func TestLostEventsAreMadeUpForByAScan(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.run()
		b.silent(time.Second)
		b.old("x.json", whole, time.Hour)
		b.hints <- hint{all: true}
		b.sends(time.Second, "x.json")
		b.silent(time.Second)
		b.old("y.json", whole, time.Hour)
		b.silent(29*time.Second - 1)
		b.sends(31*time.Second, "y.json") // the rescan counts from the last scan
		b.said()
	})
}

func TestWithoutEventsTheDirectoryIsPolled(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.deaf = syscall.EMFILE
		b.run()
		b.silent(9500 * ms)
		b.old("x.json", whole, time.Hour)
		b.silent(499 * ms)
		b.sends(10*time.Second, "x.json")
		b.said(isDeaf + ` error="too many open files" remedy="` + limited(syscall.EMFILE) + `"`)
		b.set(nil, false)
		b.silent(2 * time.Second)
		b.said(isDeaf, isHearing)
		want := []time.Duration{0, 100 * ms, 300 * ms, 700 * ms, 1500 * ms, 3100 * ms, 6300 * ms, 11300 * ms}
		if !slices.Equal(b.listened(), want) {
			t.Errorf("listened at %v, want %v", b.listened(), want)
		}
		b.old("y.json", whole, time.Hour)
		b.tell("y.json")
		b.sends(12*time.Second, "y.json")
	})
}

func TestAfterAnErrorOfTheWatcherThereIsAScanAndANewWatcher(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.run()
		b.silent(time.Minute)
		b.old("x.json", whole, time.Hour)
		b.hints <- hint{all: true, failed: errors.New("read inotify: input/output error")}
		b.sends(time.Minute, "x.json")
		b.silent(200 * ms)
		b.said(isDeaf+` error="read inotify: input/output error" remedy="it is tried again; watch.mode poll does without"`,
			isHearing)
		if want := []time.Duration{0, time.Minute + 100*ms}; !slices.Equal(b.listened(), want) || b.listening() != 1 {
			t.Errorf("listened at %v, want %v; %d are listening", b.listened(), want, b.listening())
		}
	})
}

func TestADirectoryThatWasMovedAndBackWhileEventsCannotBeHadAnyMoreIsPolled(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.run()
		b.silent(time.Second)
		b.set(syscall.EMFILE, false)
		b.old("x.json", whole, time.Hour)
		b.hints <- hint{all: true, failed: errMoved}
		b.sends(time.Second, "x.json")
		b.silent(500 * ms)
		b.old("y.json", whole, time.Hour)
		b.sends(2*time.Second, "y.json")
		b.said(isDeaf)
	})
}

func TestAWatcherThatFailsAgainAndAgainIsNotASpin(t *testing.T) {
	inBubble(t, func(b *bench) {
		var scans atomic.Int64
		b.Hook = func(op vfs.Op, path string) error {
			if op == vfs.OpReadDir {
				scans.Add(1)
			}
			return nil
		}
		b.run()
		for time.Since(b.start) < time.Minute {
			select {
			case b.hints <- hint{all: true, failed: errors.New("again")}:
			case <-time.After(time.Second):
			}
		}
		if len(b.listened()) > 20 || scans.Load() > 120 {
			t.Errorf("listened %d times, %d reads of the directory", len(b.listened()), scans.Load())
		}
		// One that was of use for a while is replaced quickly.
		b.silent(time.Minute)
		before := time.Since(b.start)
		b.hints <- hint{all: true, failed: errors.New("again")}
		b.silent(time.Second)
		if again := b.listened()[len(b.listened())-1]; again != before+100*ms {
			t.Errorf("listened again at %v, want 100 ms after %v", again, before)
		}
	})
}

func TestAWatchThatTheSystemDropsWithoutAWordIsRenewedByTheRescan(t *testing.T) {
	inBubble(t, func(b *bench) {
		b.run()
		b.silent(time.Second)
		b.set(nil, true)
		b.silent(29*time.Second + 1)
		b.set(nil, false)
		b.silent(time.Second)
		b.said(isDeaf, isHearing)
		if b.listening() != 1 {
			t.Errorf("%d are listening", b.listening())
		}
	})
}

func TestModes(t *testing.T) {
	t.Run("poll never listens", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.Mode = Poll
			b.run()
			b.silent(500 * ms)
			b.old("x.json", whole, time.Hour)
			b.sends(time.Second, "x.json")
			b.said()
			if len(b.listened()) > 0 {
				t.Error("it listened")
			}
		})
	})
	t.Run("notify ends when it cannot listen at its start", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.Mode = Notify
			b.deaf = syscall.ENOSPC
			b.run()
			err := b.ends(0)
			if !errors.Is(err, syscall.ENOSPC) || !strings.HasPrefix(err.Error(), `listen to drop directory "`) ||
				!strings.HasSuffix(err.Error(), ": no space left on device; "+limited(syscall.ENOSPC)) {
				t.Errorf("Run returned %v", err)
			}
		})
	})
	t.Run("notify goes on when it cannot listen any more", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.Mode = Notify
			b.run()
			b.silent(time.Second)
			b.set(syscall.ENOSPC, false)
			b.hints <- hint{all: true, failed: fsnotify.ErrClosed}
			b.silent(500 * ms)
			b.old("x.json", whole, time.Hour)
			b.sends(2*time.Second, "x.json")
			b.said(isDeaf)
		})
	})
	t.Run("a directory that goes while listening begins is missing, not deaf", func(t *testing.T) {
		inBubble(t, func(b *bench) {
			b.deaf = &fs.PathError{Op: "inotify_add_watch", Path: b.Dir, Err: syscall.ENOENT}
			b.run()
			b.silent(3 * time.Second)
			b.said()
			if len(b.listened()) > 31 {
				t.Errorf("tried %d times in 3 s", len(b.listened()))
			}
			b.must(os.Remove(b.Dir))
			b.silent(time.Second)
			b.said(isMissing)
		})
	})
}

func TestATraceIsToldOfDeafnessAndOfHearingAgain(t *testing.T) {
	inBubble(t, func(b *bench) {
		var told []error
		b.Trace.Deaf = func(cause error) { told = append(told, cause) }
		b.deaf = syscall.ENOSPC
		b.run()
		b.silent(3 * time.Second)
		b.set(nil, false)
		b.silent(5 * time.Second)
		if len(told) != 2 || !errors.Is(told[0], syscall.ENOSPC) || !strings.HasSuffix(told[0].Error(), "; "+limited(syscall.ENOSPC)) || told[1] != nil {
			t.Errorf("told %v", told)
		}
	})
}
