package dashboard

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/status"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.Local)

// full is a report in which everything happens at once.
func full() status.Report {
	r := status.Report{
		Time: noon,
		Drop: status.Drop{Path: "/a/drop", Waiting: status.Pile{Fragments: 1234, More: true, Oldest: noon.Add(-90 * time.Second)}, Claimed: status.Pile{Fragments: 7}},
		Agent: status.Agent{
			Running: true, PID: 42, Host: "vm", Since: noon.Add(-time.Hour), Held: &status.Held{Since: noon.Add(-time.Minute), Why: strings.Repeat("no space left ", 30)},
			LastCommit: &status.Commit{Time: noon.Add(-2 * time.Second), Updates: 5, Took: status.Duration(3 * time.Millisecond)},
			Counters:   &status.Counters{Applied: 1200, Unchanged: 3, Commits: 1},
		},
		Recovery: status.Recovery{
			Entries: 9, Read: 8, Rejected: map[string]int{"unknown_id": 2, "invalid_json": 7, "incomplete": 2}, Retryable: map[string]int{"ENOSPC": 4},
			Newest: []recovery.Reject{{Time: noon, File: "x.json", Code: "unknown_id", Message: "there is no item"}, {Time: noon, File: "y.json", Code: "invalid_json"}},
		},
		Tasks: status.Tasks{
			Path: "/a/tasks.json", Valid: true, Items: 7, Statuses: []status.Count{{Status: "Planned", Items: 4}, {Status: "Complete", Items: 2}, {Status: "", Items: 1}},
			Omitted: 3,
		},
		Next: []status.Advice{{Problem: "it is so", Do: "sessionsync x", Command: true}},
	}
	for i := range 20 {
		r.Tasks.Groups = append(r.Tasks.Groups, status.Group{ID: fmt.Sprintf("P%d", i), Title: "Ein Häuschen 家", Items: 4,
			Statuses: []status.Count{{Status: "Complete", Items: 1}, {Status: "Failed", Items: 1}, {Status: "Implementing", Items: 2}}})
	}
	return r
}

// showing is a view after one look.
func showing(t *testing.T, c Config, width, height int) *model {
	t.Helper()
	m := newModel(c)
	next, cmd := m.Update(m.Init()())
	if next != m || cmd == nil {
		t.Fatal("no further look follows the first one")
	}
	m.Update(tea.WindowSizeMsg{Width: width, Height: height})
	return m
}

func updates(most int) []Update {
	all := []Update{{noon, "P1.M1.T1.S1", "status: Planned → Complete", "a.json"}, {noon, "P2", "title: \"\x1b[2J\"", ""}}
	return all[:min(most, len(all))]
}

func TestThePictureFitsTheTerminal(t *testing.T) {
	m := showing(t, Config{Look: full, Updates: updates}, 80, 24)
	for width := 1; width < 150; width += 3 {
		for height := 1; height < 70; height += 2 {
			m.Update(tea.WindowSizeMsg{Width: width, Height: height})
			lines := strings.Split(m.View().Content, "\n")
			if len(lines) != height {
				t.Fatalf("%d × %d: %d lines", width, height, len(lines))
			}
			for _, line := range lines {
				if w := ansi.StringWidth(line); w > width {
					t.Fatalf("%d × %d: a line of %d: %q", width, height, w, line)
				}
			}
		}
	}
}

func TestThePictureTellsAllThatIsInTheReport(t *testing.T) {
	got := ansi.Strip(showing(t, Config{Look: full, Updates: updates}, 160, 60).draw())
	for _, want := range []string{
		"sessionsync  /a/drop → /a/tasks.json", "12:00:00\n",
		`agent     ■ holds, pid 42 on "vm" for 1h00m`, "held for 1m00s: no space left",
		"1,234+ waiting (oldest 1m30s) · 7 claimed · 4 to be tried again · 11+ rejected: 7 invalid_json, 2 incomplete, 2 unknown_id",
		"1,200 updates (0.0/s) · 3 unchanged · 1 commit · the last 2s ago, 5 updates in 3ms",
		"▸ it is so: sessionsync x",
		"Progress  7 items  █ 2 Complete  ░ 4 Planned  ░ 1 without a status  and 3 more",
		"P19  Ein Häuschen 家", " 25%  1/4",
		"Newest updates\n12:00:00  P1.M1.T1.S1  status: Planned → Complete  a.json\n12:00:00  P2           title: \"\\x1b[2J\"",
		"Newest rejects  and 9 more\n12:00:00  x.json  unknown_id  there is no item",
		"q quits",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestThePictureOfLessThanAll(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *status.Report)
		want   []string
	}{
		"no agent":     {func(r *status.Report) { r.Agent = status.Agent{} }, []string{"○ none runs", "applied   not known"}},
		"hidden":       {func(r *status.Report) { r.Agent = status.Agent{Hidden: true, Problem: "open x: no"} }, []string{"? not known", "open x: no"}},
		"at work":      {func(r *status.Report) { r.Agent.Held = nil }, []string{"● pid 42"}},
		"ended":        {func(r *status.Report) { r.Agent.Running = false }, []string{"1,200 updates ·"}},
		"broken tasks": {func(r *status.Report) { r.Tasks = status.Tasks{Problem: "line 1: oops"} }, []string{"line 1: oops"}},
		"no groups":    {func(r *status.Report) { r.Tasks.Groups, r.Tasks.Omitted = nil, 0 }, []string{"all  "}},
		"no items":     {func(r *status.Report) { r.Tasks = status.Tasks{Valid: true} }, []string{"q quits"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := full()
			c.change(&r)
			got := ansi.Strip(showing(t, Config{Look: func() status.Report { return r }}, 160, 60).draw())
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in\n%s", want, got)
				}
			}
			if strings.Contains(got, "Newest updates") {
				t.Error("nobody keeps the updates, but they are shown")
			}
		})
	}
}

func TestBeforeTheFirstLookItSaysSo(t *testing.T) {
	m := newModel(Config{})
	if got := m.draw(); got != "" {
		t.Errorf("without a terminal: %q", got)
	}
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	if got := m.draw(); got != "looking …" {
		t.Errorf("got %q", got)
	}
}

func TestKeysEndIt(t *testing.T) {
	m := showing(t, Config{Look: full}, 80, 24)
	for _, c := range []struct {
		key  tea.KeyPressMsg
		want tea.Msg
	}{
		{tea.KeyPressMsg{Code: 'q', Text: "q"}, tea.QuitMsg{}},
		{tea.KeyPressMsg{Code: tea.KeyEscape}, tea.QuitMsg{}},
		{tea.KeyPressMsg{Code: 'c', Mod: tea.ModCtrl}, tea.QuitMsg{}},
		{tea.KeyPressMsg{Code: 'z', Mod: tea.ModCtrl}, tea.SuspendMsg{}},
		{tea.KeyPressMsg{Code: 'x', Text: "x"}, nil},
	} {
		var got tea.Msg
		if _, cmd := m.Update(c.key); cmd != nil {
			got = cmd()
		}
		if got != c.want {
			t.Errorf("%s: %T, want %T", c.key, got, c.want)
		}
	}
	if _, cmd := m.Update(again{}); cmd == nil {
		t.Error("it does not look again")
	} else if _, ok := cmd().(seen); !ok {
		t.Error("it does not look again")
	}
}

func TestTheRateIsThatOfTheLastSeconds(t *testing.T) {
	var r rate
	add := func(second float64, count int) {
		r.add(noon.Add(time.Duration(second*float64(time.Second))), noon, count)
	}
	want := func(want float64) {
		t.Helper()
		if got := r.perSecond(); got != want {
			t.Errorf("%v per second, want %v", got, want)
		}
	}
	want(0)
	add(0, 1000) // whenever these were
	want(0)
	add(0.25, 1005)
	want(5) // not 20: of less than a second nothing follows
	for i := range 20 {
		add(float64(i+1), 1000+10*(i+1))
	}
	want(10)
	for i := range 20 {
		add(float64(i+21), 1200)
	}
	want(0)
	if len(r.samples) > 12 {
		t.Errorf("%d samples are kept", len(r.samples))
	}
	add(41, 3) // another agent counts from the beginning
	want(0)
	r.add(noon.Add(42*time.Second), noon.Add(time.Hour), 1000)
	want(0)
}

func TestLinesAreDealtOutFairly(t *testing.T) {
	rows := func(n int) section { return section{rows: make([]string, n)} }
	for _, c := range []struct {
		room     int
		sections []section
		want     []int
	}{
		{100, []section{rows(3), rows(0), rows(5)}, []int{3, 0, 5}},
		{12, []section{rows(9), rows(9), rows(9)}, []int{2, 2, 2}},
		{14, []section{rows(1), rows(9), rows(9)}, []int{1, 4, 3}},
		{8, []section{rows(9), rows(9), rows(9)}, []int{2, 2, 0}},
		{3, []section{rows(9), rows(9), rows(9)}, []int{1, 0, 0}},
		{2, []section{rows(9)}, []int{0}},
		{-5, []section{rows(9)}, []int{0}},
	} {
		if got := share(c.room, c.sections); !slices.Equal(got, c.want) {
			t.Errorf("%d lines: %v, want %v", c.room, got, c.want)
		}
	}
}

func TestABarIsAsLongAsItIsToBeAndFullOnlyWhenAllIsDone(t *testing.T) {
	for _, c := range []struct {
		counts [classes]int
		width  int
		want   string
	}{
		{[classes]int{1, 1, 1, 1}, 8, "██▓▓▚▚░░"},
		{[classes]int{999, 0, 0, 1}, 5, "████░"},
		{[classes]int{5, 0, 0, 0}, 5, "█████"},
		{[classes]int{0, 0, 0, 0}, 5, ""},
		{[classes]int{1, 0, 0, 0}, 0, ""},
	} {
		if got := ansi.Strip(bar(c.counts, c.width)); got != c.want {
			t.Errorf("%v in %d: %q, want %q", c.counts, c.width, got, c.want)
		}
	}
	for status, want := range map[string]class{"Complete": done, "DONE": done, "in-progress": active, "Failed": failed, "": open, "whatever": open} {
		if got := classOf(status); got != want {
			t.Errorf("%q is %v, want %v", status, got, want)
		}
	}
}

func TestItEndsWithItsContextAndTellsWhatElseWentWrong(t *testing.T) {
	broken := errors.New("broken")
	if err := Run(t.Context(), Config{Look: full}, writer(func([]byte) (int, error) { return 0, broken }), []string{"TERM=xterm"}); err == nil {
		t.Error("a terminal that is gone is no error")
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
