// Package durability holds the agent against faults of every call, kills at every step and power loss at every moment.
//
//	go test ./durability -v            a sample of the points; what the README's test command runs
//	go test ./durability -v -every     every point
//
// All three loops share one oracle, which looks at nothing but what is on disk.
package durability

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	accounts "github.com/sessionsync/sessionsync/books"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/history"
	"github.com/sessionsync/sessionsync/vfs"
)

var every = flag.Bool("every", false, "try every point, not a sample")

// sampled is the distance of the points that are tried: every one with -every, and a third of the usual ones with -short.
func sampled(step int) int {
	switch {
	case *every:
		return 1
	case testing.Short():
		return 3 * step
	}
	return step
}

const tasks = `{
  "backlog": [
    {
      "id": "P1",
      "type": "Phase",
      "title": "One",
      "status": "Planned",
      "log": ["begin"],
      "note": 1.0
    },
    {"id": "P2", "type": "Phase", "title": "Two", "status": "Planned", "log": []}
  ]
}
`

// dropped are the fragments of the scenario. Those whose name begins with add apply exactly once: each appends its own
// name to a log, so that one that is lost or applied twice shows. Those that begin with bad are rejected. Two append only
// while their item's title is what the other one has not changed yet, so that they would be rejected if applied twice.
var dropped = []struct{ name, content string }{
	{"add-1.json", appendTo("P1", "add-1")},
	{"bad-2.json", `{"id":"P7","status":"Complete"}`},
	{"add-3.json", `{"id":"P2","$op":"patch","$if":{"title":"Two"},"$patch":[{"op":"add","path":"/log/-","value":"add-3"},{"op":"replace","path":"/title","value":"Three"}]}`},
	{"bad-4.jsonl", "{\"id\":\"P1\"}\n{\"id\":\n{}\n"},
	{"add-5.json", appendTo("P2", "add-5")},
	{"add-6.jsonl", appendTo("P1", "add-6") + "\n" + `{"id":"P1","status":"Complete"}` + "\n"},
	{"same-7.json", `{"id":"P1","note":1}`},
}

func appendTo(id, note string) string {
	return fmt.Sprintf(`{"id":%q,"$op":"patch","$patch":[{"op":"add","path":"/log/-","value":%q}]}`, id, note)
}

// prepare makes a session with all fragments waiting in it.
func prepare(t testing.TB, folder string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Join(folder, "drop"), 0o755))
	must(t, os.WriteFile(filepath.Join(folder, "tasks.json"), []byte(tasks), 0o644))
	for i, d := range dropped {
		path := filepath.Join(folder, "drop", d.name)
		must(t, os.WriteFile(path, []byte(d.content), 0o644))
		at := time.Now().Add(-time.Hour + time.Duration(i)*time.Second)
		must(t, os.Chtimes(path, at, at))
	}
}

// quickDir is a folder in memory where there is one: what fsync costs on a disk says nothing here.
func quickDir(t *testing.T) string {
	t.Helper()
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		return t.TempDir()
	}
	folder, err := os.MkdirTemp("/dev/shm", "sessionsync-durability-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	return folder
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// settings make the scenario two or three batches, and its retries quick.
func settings(folder string) (config.Config, error) {
	return config.Load(config.Options{Dir: folder, Flags: map[string]string{
		"watch.mode": "poll", "watch.settle": "0s", "watch.incomplete_after": "10ms", "batch.quiet": "0s", "batch.max_fragments": "3",
		"retry.base": "1ms", "retry.max": "2ms", "log.level": "error",
	}})
}

// runOnce runs the agent until everything is handled or it has to hold.
func runOnce(ctx context.Context, folder string, hook vfs.Hook, log io.Writer) error {
	c, err := settings(folder)
	if err != nil {
		return err
	}
	a, err := agent.New(c, agent.Options{Once: true, Hook: hook, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		return err
	}
	_, err = a.Run(ctx)
	return err
}

// restart runs the agent without faults, as often as a supervisor would until nothing is left to do.
func restart(folder string) error {
	var err error
	for range 3 {
		var log strings.Builder
		if err = runOnce(context.Background(), folder, nil, &log); err == nil {
			return nil
		}
		err = fmt.Errorf("%w\n%s", err, log.String())
	}
	return err
}

// verdict says what is wrong with a session after everything has been handled; nil if nothing is.
func verdict(folder string) error {
	text, err := os.ReadFile(filepath.Join(folder, "tasks.json"))
	if err != nil {
		return err
	}
	var document struct {
		Backlog []struct {
			ID, Title, Status string
			Log               []string
		}
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("tasks.json is torn: %w", err)
	}
	applied := map[string]int{}
	for _, item := range document.Backlog {
		for _, note := range item.Log {
			applied[note]++
		}
	}
	if applied["begin"] != 1 {
		return errors.New("tasks.json has lost what was in it before")
	}
	recovered, err := recoveredNames(folder)
	if err != nil {
		return err
	}
	var wrong []error
	for _, d := range dropped {
		base := strings.TrimSuffix(strings.TrimSuffix(d.name, ".json"), ".jsonl")
		wantApplied, wantRecovered := 0, 0
		switch {
		case strings.HasPrefix(d.name, "add"):
			wantApplied = 1
		case strings.HasPrefix(d.name, "bad"):
			wantRecovered = 1
		}
		if unreadable := recovered[d.name+" unreadable"]; unreadable > 0 { // what EACCES on a fragment makes of it, rightly
			wantApplied, wantRecovered = 0, 1
		}
		if applied[base] != wantApplied || recovered[d.name] != wantRecovered {
			wrong = append(wrong, fmt.Errorf("%s was applied %d times and is in the recovery folder %d times, not %d and %d",
				d.name, applied[base], recovered[d.name], wantApplied, wantRecovered))
		}
	}
	return errors.Join(append(wrong, leftovers(folder))...)
}

// balanced says what the history lacks after everything has been handled: it must have told the end of each fragment, once.
// Only a loss of power may take something from it.
func balanced(folder string) error {
	c := accounts.Config{Drop: filepath.Join(folder, "drop"), Recovery: filepath.Join(folder, "recovery"), Patience: time.Millisecond}
	r, err := accounts.Check(context.Background(), c)
	if err != nil {
		return err
	}
	if !r.Balanced() || r.Seen != len(dropped) || r.Waiting != 0 || len(r.Gone)+len(r.Untold) > 0 {
		return fmt.Errorf("the books do not balance: %+v", r)
	}
	told := map[string]int{}
	for rec, err := range history.Read(c.Drop) {
		if err != nil {
			return err
		}
		told[rec.File]++
	}
	for _, d := range dropped {
		if told[d.name] != 1 && !(strings.HasPrefix(d.name, "bad") && told[d.name] == 2) { // it was not moved yet in the crash
			return fmt.Errorf("the history tells of %s %d times", d.name, told[d.name])
		}
	}
	return nil
}

// recoveredNames counts the fragments in the recovery folder, whose bytes must be what was dropped.
func recoveredNames(folder string) (map[string]int, error) {
	names := map[string]int{}
	entries, err := filepath.Glob(filepath.Join(folder, "recovery", "*", "fragments", "*"))
	if err != nil {
		return nil, err
	}
	for _, path := range entries {
		names[filepath.Base(path)]++
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, d := range dropped {
			if d.name == filepath.Base(path) && d.content != string(b) {
				return nil, fmt.Errorf("%s has other bytes than were dropped: %q", path, b)
			}
		}
		var manifest struct {
			Version string
			Error   struct{ Code string }
		}
		text, err := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(path)), "recovery.json"))
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &manifest); err != nil || manifest.Version != "1.0" {
			return nil, fmt.Errorf("manifest of %s: %v, version %q", path, err, manifest.Version)
		}
		if manifest.Error.Code == "unreadable" {
			names[filepath.Base(path)+" unreadable"]++
		}
	}
	return names, nil
}

// leftovers finds what must not survive: temporary files, claims, half entries, fragments in the drop directory.
func leftovers(folder string) error {
	var left []error
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name := d.Name()
		switch {
		case relative == "drop/.sessionsync" || relative == "drop/.sessionsync/lock" || relative == "drop/.sessionsync/claimed",
			relative == "drop/.sessionsync/history.jsonl":
		case strings.HasPrefix(relative, "drop/"), strings.HasPrefix(name, ".") && relative != ".":
			left = append(left, fmt.Errorf("%s is left", relative))
		}
		return nil
	})
	return errors.Join(append(left, err)...)
}

// show describes a session, for a failure's message.
func show(folder string) string {
	var b strings.Builder
	filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			text, _ := os.ReadFile(path)
			fmt.Fprintf(&b, "--- %s\n%s\n", strings.TrimPrefix(path, folder), text)
		}
		return nil
	})
	return b.String()
}
