//go:build unix

package acceptance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/internal/built"
)

// tally is what the fragments of a run are counted by: each appends a note of its own to an item's list, so that one lost
// shows as a gap and one applied twice as a repetition.
func tally(t *testing.T, tasks []byte, want map[string]bool) {
	t.Helper()
	seen := map[string]bool{}
	_, byID := items(t, tasks)
	for id, item := range byID {
		list, _ := item["log"].([]any)
		for _, note := range list {
			name := note.(string)
			if seen[name] {
				t.Errorf("%s was applied twice, to %s", name, id)
			}
			if !want[name] {
				t.Errorf("%s was never dropped", name)
			}
			seen[name] = true
		}
	}
	lost := 0
	for name := range want {
		if !seen[name] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d fragments were lost", lost, len(want))
	}
}

// withLogs gives each item an empty log, which the fragments of a tally append to.
func withLogs(t *testing.T, s *session) (ids []string) {
	t.Helper()
	ids, _ = items(t, s.read("tasks.json"))
	for i, id := range ids {
		s.drop(i, fmt.Sprintf("log-%04d.json", i), fmt.Sprintf(`{"id":%q,"log":[]}`, id))
	}
	if code, log := s.once(); code != 0 {
		t.Fatalf("exit code %d\n%s", code, log)
	}
	return ids
}

const appendNote = `{"id":"%s","$op":"patch","$patch":[{"op":"add","path":"/log/-","value":"%s"}]}`

func TestFourShellLoopsThatRenameAndTwoThatWriteInPlaceLoseNothing(t *testing.T) {
	const each = 100
	for name, tasks := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, tasks)
			ids := withLogs(t, s)
			stop := s.start()
			want := map[string]bool{}
			var loops sync.WaitGroup
			for loop := range 6 {
				write := `printf '%s\n' "$fragment" > drop/.$loop-$i && mv drop/.$loop-$i drop/$loop-$i.json`
				if loop >= 4 {
					write = `printf '%s\n' "$fragment" > drop/$loop-$i.json`
				}
				fragment := fmt.Sprintf(appendNote, ids[loop%len(ids)], "$loop-$i")
				script := fmt.Sprintf("loop=%d; i=0; while [ $i -lt %d ]; do fragment=\"%s\"; %s; i=$((i+1)); done",
					loop, each, shellQuoted(fragment), write)
				for i := range each {
					want[fmt.Sprintf("%d-%d", loop, i)] = true
				}
				loops.Go(func() {
					cmd := exec.Command("sh", "-c", script)
					cmd.Dir = s.folder
					if out, err := cmd.CombinedOutput(); err != nil {
						t.Errorf("%v\n%s", err, out)
					}
				})
			}
			loops.Wait()
			s.untilEmpty()
			stop()
			tally(t, s.read("tasks.json"), want)
			if codes := s.recovered(); len(codes) > 0 {
				t.Errorf("recovered: %v", codes)
			}
		})
	}
}

// shellQuoted makes a text fit between double quotes, its variables still variables.
func shellQuoted(s string) string {
	s = strings.NewReplacer(`"`, `\"`, `$op`, `\$op`, `$patch`, `\$patch`).Replace(s)
	return s
}

func TestTenThousandFragmentsBeforeTheStartAndTenThousandFromFourProcessesWhileItRuns(t *testing.T) {
	const waiting, processes, each = 10_000, 4, 2_500
	files := realFiles(t)
	if len(files) > 1 {
		delete(files, "tasks.json") // with its five items their logs would be what is measured
	}
	for name, tasks := range files {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, tasks)
			ids := withLogs(t, s)
			want := map[string]bool{}
			for i := range waiting {
				note := fmt.Sprintf("w-%d", i)
				want[note] = true
				s.drop(i, note+".json", fmt.Sprintf(appendNote, ids[i%len(ids)], note))
			}
			begin := time.Now()
			stop := s.start()
			s.untilEmpty()
			drained := time.Since(begin)
			begin = time.Now()
			var producers sync.WaitGroup
			for p := range processes {
				for i := range each {
					want[fmt.Sprintf("p%d-%d", p, i)] = true
				}
				producers.Go(func() { produce(t, s.folder, p, each, ids) })
			}
			producers.Wait()
			s.untilEmpty()
			t.Logf("%d waiting fragments applied in %v; %d from %d processes within %v; at most %d KiB of memory",
				waiting, drained.Round(time.Millisecond), processes*each, processes, time.Since(begin).Round(time.Millisecond), stop())
			tally(t, s.read("tasks.json"), want)
			if codes := s.recovered(); len(codes) > 0 {
				t.Errorf("recovered: %v", codes)
			}
		})
	}
}

// produce runs another process that drops fragments, each by a temporary name and a rename.
func produce(t *testing.T, folder string, process, n int, ids []string) {
	cmd := exec.Command(os.Args[0], append([]string{fmt.Sprint(process), fmt.Sprint(n)}, ids...)...)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), producerVariable+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// producerVariable makes of this test's program a producer; its arguments are its number, how many fragments, the ids.
const producerVariable = "SESSIONSYNC_ACCEPTANCE_PRODUCER"

func TestMain(m *testing.M) {
	if os.Getenv(producerVariable) != "" {
		if err := beProducer(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(built.Main(m))
}

func beProducer(process, fragments string, ids []string) error {
	n, err := strconv.Atoi(fragments)
	for i := 0; i < n && err == nil; i++ {
		name := fmt.Sprintf("p%s-%d", process, i)
		hidden := filepath.Join("drop", "."+name)
		if err = os.WriteFile(hidden, fmt.Appendf(nil, appendNote, ids[i%len(ids)], name), 0o644); err == nil {
			err = os.Rename(hidden, filepath.Join("drop", name+".json"))
		}
	}
	return err
}
