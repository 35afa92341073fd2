//go:build unix

package threats

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// mostMemory is what the agent may have, whatever is dropped.
const mostMemory = 200 // MiB

// Each of these files is as large as a fragment may be, and made to cost as much as it can.
func TestTheMostExpensiveFragmentsAreBounded(t *testing.T) {
	const size = 1 << 20
	fill := func(head, piece, tail string) string {
		return head + strings.TrimSuffix(strings.Repeat(piece, (size-len(head)-len(tail))/len(piece)), ",") + tail
	}
	var members strings.Builder
	for i := 0; members.Len() < size-100; i++ {
		fmt.Fprintf(&members, `"%x":0,`, i)
	}
	patch := func(operation string) string {
		return fill(`{"id":"P1","$op":"patch","$patch":[`, operation+",", "]}")
	}
	for name, content := range map[string]string{
		"members.json":    `{"id":"P1","x":{` + strings.TrimSuffix(members.String(), ",") + `}}`,
		"updates.json":    fill("[", `{"id":"P1","a":1},`, "]"),
		"lines.jsonl":     fill("", "{\"id\":\"P1\"}\n", ""),
		"empty.json":      fill(`{"id":"P1","x":[`, "{},", "]}"),
		"deep.json":       `{"id":"P1","x":` + strings.Repeat("[", 60) + strings.Repeat("]", 60) + `}`,
		"deeper.json":     strings.Repeat("[", size/2) + strings.Repeat("]", size/2),
		"number.json":     `{"id":"P1","x":` + strings.Repeat("9", size-100) + `}`,
		"exponent.json":   `{"id":1e999999999}`,
		"id.json":         `{"id":"` + strings.Repeat("P", size-100) + `"}`,
		"insert.json":     patch(`{"op":"add","path":"/log/0","value":0}`),
		"double.json":     patch(`{"op":"copy","from":"/log","path":"/log/0"}`),
		"condition.json":  `{"id":"P1","$if":{"x":{` + strings.TrimSuffix(members.String(), ",") + `}}}`,
		"duplicates.json": fill(`{"id":"P1",`, `"a":1,`, "}"),
		"latin1.json":     fill(`{"id":"P1","x":"`, "\xff", `"}`),
		"escapes.json":    fill(`{"id":"`, `\u001b[2J`, `"}`),
	} {
		t.Run(name, func(t *testing.T) {
			s := newSessionIn(t, inMemory(t))
			s.write(filepath.Join("drop", name), content)
			s.write("drop/good.json", appending("good"))
			began := time.Now()
			r := s.once()
			took := time.Since(began)
			if r.code != 0 && r.code != 3 || took > 30*time.Second {
				t.Errorf("exit code %d after %v\n%.2000s", r.code, took, r.log)
			}
			if r.mib > mostMemory {
				t.Errorf("%d MiB of memory", r.mib)
			}
			if len(r.log) > 100<<10 || !utf8.ValidString(r.log) || strings.Contains(r.log, "\x1b") {
				t.Errorf("%d bytes of log: %.300s", len(r.log), r.log)
			}
			if !strings.Contains(s.read("tasks.json"), `"good"`) {
				t.Error("the good one was not applied")
			}
			t.Logf("%v, %d MiB", took.Round(time.Millisecond), r.mib)
		})
	}
}

func TestManyLargeFragmentsAreNotInMemoryTogether(t *testing.T) {
	s := newSessionIn(t, inMemory(t))
	text := strings.Repeat("x", 1<<20-200)
	for i := range 250 {
		s.write(fmt.Sprintf("drop/%d.json", i), fmt.Sprintf(`{"id":"P1","text":%q}`, text))
	}
	if r := s.once(); r.code != 0 || r.mib > mostMemory {
		t.Errorf("exit code %d, %d MiB of memory for 250 fragments of 1 MiB\n%.2000s", r.code, r.mib, r.log)
	}
}

func TestASparseFileOfATebibyteCostsNothing(t *testing.T) {
	s := newSessionIn(t, inMemory(t))
	if err := os.Truncate(s.path("tasks.json"), 1<<40); err != nil {
		t.Skipf("no such files here: %v", err)
	}
	s.write("tasks.json", `{"backlog": [{"id": "P1", "type": "Phase", "title": "x", "status": "Planned", "log": []}]}`)
	huge := func() {
		f, err := os.Create(s.path("drop", "huge.json"))
		must(t, err)
		must(t, f.Truncate(1<<40))
		must(t, f.Close())
	}
	huge()
	s.write("drop/good.json", appending("good"))
	if r := s.once(); r.code != 3 || r.mib > mostMemory {
		t.Errorf("exit code %d, %d MiB of memory\n%.2000s", r.code, r.mib, r.log)
	}
	s.exactly("good")
	s.rejected(map[string]string{"huge.json": "too_large"})

	// To a recovery folder on another file system it is not copied.
	elsewhere, err := os.MkdirTemp("", "sessionsync-threats-")
	must(t, err)
	defer os.RemoveAll(elsewhere)
	huge()
	s.write("drop/next.json", appending("next"))
	r := s.start([]string{"--once", "--recovery", elsewhere}).ended()
	if !strings.Contains(r.log, "larger ones are not copied") || r.mib > mostMemory {
		t.Errorf("exit code %d, %d MiB of memory\n%.2000s", r.code, r.mib, r.log)
	}
	s.exactly("good", "next")
	if found, err := findFile(s.path("drop", ".sessionsync", "foreign"), "huge.json"); err != nil || found == "" {
		t.Errorf("it was not set aside: %v", err)
	}
}

func TestNoDateOfAFileStopsTheAgent(t *testing.T) {
	s := newSessionIn(t, inMemory(t))
	var want []string
	for i, seconds := range []int64{-1 << 50, -1, 0, 4_000_000_000, 300_000_000_000, 1 << 50} {
		name := fmt.Sprintf("%d.json", i)
		s.write("drop/"+name, appending(name))
		at := unix.Timespec{Sec: seconds}
		must(t, unix.UtimesNanoAt(unix.AT_FDCWD, s.path("drop", name), []unix.Timespec{at, at}, 0))
		want = append(want, name)
	}
	if r := s.once(); r.code != 0 {
		t.Errorf("exit code %d\n%s", r.code, r.log)
	}
	s.exactly(want...)
}

func TestAnEmptyFileIsAnUnfinishedOne(t *testing.T) {
	s := newSession(t)
	for _, name := range []string{"a.json", "b.jsonl", "c.ndjson"} {
		s.write("drop/"+name, "")
	}
	s.write("drop/good.json", appending("good"))
	r := s.once("watch.incomplete_after=200ms")
	s.exactly("good")
	s.rejected(map[string]string{"a.json": "incomplete", "b.jsonl": "incomplete", "c.ndjson": "incomplete"})
	if r.code != 3 {
		t.Errorf("exit code %d\n%s", r.code, r.log)
	}
}
