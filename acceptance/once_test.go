package acceptance

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
)

// setStatus is the oracle for a change of status: it changes the text as a careful person would, by hand.
func setStatus(t *testing.T, tasks, id, status string) string {
	t.Helper()
	item := strings.Index(tasks, fmt.Sprintf("%q: %q", "id", id))
	if item < 0 {
		t.Fatalf("no item %s", id)
	}
	place := regexp.MustCompile(`"status": "[A-Za-z]+"`).FindStringIndex(tasks[item:])
	return tasks[:item+place[0]] + fmt.Sprintf("%q: %q", "status", status) + tasks[item+place[1]:]
}

func TestAChangeOfEachItemChangesExactlyItsLine(t *testing.T) {
	for name, tasks := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, tasks)
			ids, byID := items(t, tasks)
			want := string(tasks)
			for i, id := range ids {
				status := "Retrying"
				if byID[id]["status"] == status {
					status = "Obsolete"
				}
				s.drop(i, fmt.Sprintf("%04d.json", i), fmt.Sprintf(`{"id":%q,"status":%q}`, id, status))
				want = setStatus(t, want, id, status)
			}
			if code, log := s.once(); code != 0 {
				t.Fatalf("exit code %d\n%s", code, log)
			}
			if got := string(s.read("tasks.json")); got != want {
				t.Errorf("more or less than %d lines changed:\n%.4000s", len(ids), diff.Diff("want", []byte(want), "got", []byte(got)))
			}
			if codes := s.recovered(); len(codes) > 0 {
				t.Errorf("recovered: %v", codes)
			}
		})
	}
}

// bad are fragments that must be rejected, by the code that each must get. %s is the id of an item that exists.
var bad = []struct{ code, name, content string }{
	{"invalid_json", "syntax.json", `{"id":"%s",,}`},
	{"invalid_json", "duplicate.json", `{"id":"%s","a":1,"a":2}`},
	{"invalid_json", "two.json", `{"id":"%s"}{"id":"%[1]s"}`},
	{"invalid_json", "latin1.json", "{\"id\":\"%s\",\"title\":\"caf\xe9\"}"},
	{"invalid_json", "middle.jsonl", "{\"id\":\"%s\",\n{\"id\":\"%[1]s\"}\n"},
	{"incomplete", "half.json", `{"id":"%s","status":"Comp`},
	{"incomplete", "half.ndjson", "{\"id\":\"%s\",\"status\":\"Complete\"}\n{\"id\":"},
	{"too_large", "large.json", `{"id":"%s","description":"` + strings.Repeat("x", 1<<20) + `"}`},
	{"too_deep", "deep.json", `{"id":"%s","a":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`},
	{"not_an_update", "number.json", `[7,{"id":"%s"}]`},
	{"not_an_update", "control.json", `{"id":"%s","$op":"destroy"}`},
	{"missing_id", "noid.json", `{"status":"Complete","title":"%s"}`},
	{"missing_id", "fraction.json", `{"id":1.5,"title":"%s"}`},
	{"unknown_id", "unknown.json", `{"id":"%s.X9","status":"Complete"}`},
	{"unknown_id", "removed.json", `{"id":"P77","$op":"remove","$if":{"title":"%s"}}`},
	{"already_exists", "exists.json", `{"id":"%s","$op":"create","type":"Phase","title":"x","status":"Planned"}`},
	{"precondition_failed", "if.json", `{"id":"%s","status":"Complete","$if":{"title":"never"}}`},
	{"precondition_failed", "second.jsonl", "{\"id\":\"%s\",\"status\":\"Failed\"}\n{\"id\":\"%[1]s\",\"status\":\"Obsolete\",\"$if\":{\"status\":\"Planned\"}}\n"},
	{"patch_failed", "patch.json", `{"id":"%s","$op":"patch","$patch":[{"op":"test","path":"/title","value":"never"}]}`},
	{"patch_failed", "changeid.json", `{"id":"%s","$op":"patch","$patch":[{"op":"replace","path":"/id","value":"P9"}]}`},
	{"schema_violation", "status.json", `{"id":"%s","status":"Done"}`},
	{"schema_violation", "points.json", `{"id":"%s","story_points":22}`},
	{"schema_violation", "title.json", `{"id":"%s","title":""}`},
	{"schema_violation", "type.json", `{"id":"%s","type":"Epic"}`},
	{"unknown_control", "future.json", `{"id":"%s","$when":"tomorrow"}`},
}

func TestGoodFragmentsOfEveryKindApplyAndBadOnesGoToTheRecoveryFolderWithTheirCode(t *testing.T) {
	for name, tasks := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			s := newSession(t, tasks)
			ids, _ := items(t, tasks)
			n, want := 0, map[string]string{}
			for i := range 300 {
				id := ids[i%len(ids)]
				if i%12 == 0 {
					b := bad[i/12%len(bad)]
					file := fmt.Sprintf("%03d-%s", i, b.name)
					s.drop(n, file, fmt.Sprintf(b.content, id))
					want[file] = b.code
				} else {
					s.drop(n, fmt.Sprintf("%03d.%s", i, []string{"json", "jsonl", "ndjson"}[i%3]), good(i, id))
				}
				n++
			}
			if err := os.Symlink("../tasks.json", s.path("drop", "link.json")); err == nil {
				want["link.json"] = "not_regular"
			}
			code, log := s.once()
			if code != 3 {
				t.Fatalf("exit code %d\n%s", code, log)
			}
			if got := s.recovered(); !maps.Equal(got, want) {
				t.Errorf("recovered:\n got %v\nwant %v", got, want)
			}
			after := s.read("tasks.json")
			_, byID := items(t, after)
			for i := range 300 {
				if i%12 != 0 && !applied(i, ids[i%len(ids)], byID) {
					t.Errorf("fragment %d for %s was not applied: %v", i, ids[i%len(ids)], byID[ids[i%len(ids)]])
				}
			}
			onlyNotesDiffer(t, tasks, after)
		})
	}
}

// good is the i-th good fragment: each puts a note of its own into the item, in one of the ways that there are.
func good(i int, id string) string {
	switch i % 6 {
	case 0:
		return fmt.Sprintf(`{"id":%q,"note_%d":%d}`, id, i, i)
	case 1:
		return fmt.Sprintf(`{"id":%q,"$op":"merge","note_%d":%d}`, id, i, i)
	case 2:
		return fmt.Sprintf(`{"id":%q,"$op":"upsert","note_%d":%d}`, id, i, i)
	case 3:
		return fmt.Sprintf(`{"id":%q,"$op":"patch","$patch":[{"op":"add","path":"/note_%d","value":%d}]}`, id, i, i)
	case 4:
		return fmt.Sprintf(`{"id":%q,"note_%d":%d,"$if":{"note_%d":null}}`, id, i, i, i)
	default:
		return fmt.Sprintf("{\"id\":%q,\"note_%d\":0}\n{\"id\":%q,\"note_%d\":%d}\n", id, i, id, i, i)
	}
}

func applied(i int, id string, byID map[string]map[string]any) bool {
	return byID[id][fmt.Sprintf("note_%d", i)] == float64(i)
}

// onlyNotesDiffer takes the lines of the notes out again, and the comma that the last one of them made necessary on the line
// before: what is left must be the file as it was, to the byte.
func onlyNotesDiffer(t *testing.T, before, after []byte) {
	t.Helper()
	note := regexp.MustCompile(`^ +"note_\d+": \d+(,?)\n$`)
	var kept []string
	lastNote := ""
	for line := range strings.Lines(string(after)) {
		if m := note.FindStringSubmatch(line); m != nil {
			lastNote = line
			continue
		}
		if lastNote != "" && !strings.HasSuffix(lastNote, ",\n") {
			kept[len(kept)-1] = strings.TrimSuffix(kept[len(kept)-1], ",\n") + "\n"
		}
		lastNote = ""
		kept = append(kept, line)
	}
	if got := strings.Join(kept, ""); got != string(before) {
		t.Errorf("something else has changed:\n%.4000s", diff.Diff("before", before, "after without the notes", []byte(got)))
	}
}
