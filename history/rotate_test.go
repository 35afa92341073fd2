package history

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestTheHistoryIsBoundedAndTheTotalsAreNot(t *testing.T) {
	const size, batches = 4 << 10, 200
	f := newFolder(t)
	l := f.log(size)
	reader := Open(f.drop)
	var followed []string
	l.Seen(f.dir, "open", []string{"open.json"})
	l.Merged(f.dir, "late", []Record{applied("late.json", "P1", "1", "2")})
	for i := range batches {
		f.batch(l, fmt.Sprintf("b%03d", i))
		for rec, err := range reader.Records() {
			f.must(err)
			followed = append(followed, name(rec))
		}
		for _, file := range []string{fileName, previousName} {
			if info, err := os.Stat(f.path(file)); err == nil && info.Size() > size+512 {
				t.Errorf("%s has %d bytes", file, info.Size())
			}
		}
		if i == 50 {
			l.Seen(f.dir, "half", []string{"half.json"})
			l.Merged(f.dir, "half", []Record{applied("half.json", "P1", "1", "2")})
		}
	}
	f.say("402 200 0 200 2")
	l.Committed(f.dir, "half") // what it is about stands in a file that is gone
	f.say("402 201 0 200 1")
	if b := f.books(); !b.Open[Key{"open", "open.json"}] || time.Since(b.Since) > time.Minute {
		t.Errorf("%+v", b)
	}
	var want []string
	for i := range batches {
		want = append(want, fmt.Sprintf("b%03d/a.json applied", i), fmt.Sprintf("b%03d/b.json rejected", i))
	}
	if !slices.Equal(followed, want) {
		t.Errorf("followed were %d records: %q", len(followed), followed)
	}
	left := f.shown()
	if len(left) < 10 || !slices.Equal(left, want[len(want)-len(left):]) {
		t.Errorf("left are %q", left)
	}
	for _, n := range []int{0, 1, 3, len(left), 1000} {
		records, err := Tail(f.drop, n)
		f.must(err)
		if len(records) != min(n, len(left)) || n > 0 && name(records[len(records)-1]) != want[len(want)-1] {
			t.Errorf("the newest %d are %d", n, len(records))
		}
	}
}

// A rotation is two steps and may end between them, in a crash or an error.
func TestARotationThatFailsLosesNothing(t *testing.T) {
	for n := range 100 {
		f := newFolder(t)
		l := f.log(2 << 10)
		for i := range 3 {
			f.batch(l, fmt.Sprint("b", i))
		}
		f.ops, f.left, f.fail = 0, n, syscall.EIO
		for i := range 3 {
			f.batch(l, fmt.Sprint("c", i))
		}
		if f.left > 0 {
			if _, err := os.Stat(f.path(previousName)); err != nil || n < 30 {
				t.Errorf("nothing was rotated in %d operations: %v", n, err)
			}
			return
		}
		f.left = -1
		l.Flush()
		f.say("12 6 0 6 0")
	}
}

func TestTailReadsTheEndOnly(t *testing.T) {
	f := newFolder(t)
	whole := f.fill(3)
	if len(whole) < 300_000 {
		t.Fatal(len(whole))
	}
	all := f.shown()
	for _, n := range []int{1, 50, 999, 1000, 1001, 2500, 3000, 4000} {
		records, err := Tail(f.drop, n)
		f.must(err)
		var got []string
		for _, rec := range records {
			got = append(got, name(rec))
		}
		if !slices.Equal(got, all[max(0, len(all)-n):]) {
			t.Errorf("%d: %d records", n, len(got))
		}
	}
	// The end of the newer file does not go on where the end of the older one is.
	f.must(os.WriteFile(f.path(previousName), []byte(whole), 0o600))
	records, err := Tail(f.drop, 5000)
	f.must(err)
	if len(records) != 3000+3000 && len(records) != 5000 {
		t.Errorf("%d records", len(records))
	}
}

func TestFollowGoesOnUntilItIsDone(t *testing.T) {
	f := newFolder(t)
	f.must(os.Remove(f.path())) // the agent has not begun yet
	synctest.Test(t, func(t *testing.T) {
		done := make(chan struct{})
		var got []string
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for rec, err := range Open(f.drop).Follow(done) {
				if err != nil {
					t.Error(err)
				}
				got = append(got, name(rec))
			}
		}()
		time.Sleep(time.Second)
		f.must(os.Mkdir(f.path(), 0o700))
		f.dir = f.open()
		l := f.log(2 << 10)
		for i := range 10 {
			f.batch(l, fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		close(done)
		<-ended
		if len(got) != 20 || got[19] != "9/b.json rejected" {
			t.Errorf("%q", got)
		}
	})
}

func TestAReaderMayStopAnywhere(t *testing.T) {
	f := newFolder(t)
	f.fill(1)
	n := 0
	for _, err := range Read(f.drop) {
		f.must(err)
		if n++; n == 5 {
			break
		}
	}
	done := make(chan struct{})
	for range Open(f.drop).Follow(done) {
		break
	}
	if n != 5 {
		t.Error(n)
	}
}

func TestLinesThatAreNoneAreCounted(t *testing.T) {
	f := newFolder(t)
	f.batch(f.log(1<<20), "b1")
	text := "\x00\x00\n{}\n[]\n\n{\"at\":5}\n" + strings.Repeat("x", lineMax+100) + "\n" + f.text(fileName)
	f.must(os.WriteFile(f.path(fileName), []byte(text), 0o600))
	f.say2("2 1 0 1 0")
	if b := f.books(); b.Unreadable != 5 {
		t.Errorf("%d lines are none", b.Unreadable)
	}
	f.shows("b1/a.json applied", "b1/b.json rejected")
}

func TestAnErrorOfTheDiskEndsTheReading(t *testing.T) {
	broken := errors.New("broken")
	if _, err := eachLine(&brokenReader{text: "{}\n", err: broken}, func([]byte) bool { return true }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

type brokenReader struct {
	text string
	err  error
}

func (r *brokenReader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, r.err
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}
