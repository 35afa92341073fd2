package metrics

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/writer"
)

// scrape is what /metrics answers, a sample a line; without the process's own.
func scrape(t *testing.T, m *Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("answered %d: %s", w.Code, w.Body)
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "sessionsync_") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func has(t *testing.T, lines []string, want ...string) {
	t.Helper()
	for _, line := range want {
		if !slices.Contains(lines, line) {
			t.Errorf("there is no %s in\n%s", line, strings.Join(lines, "\n"))
		}
	}
}

func hasNone(t *testing.T, lines []string, name string) {
	t.Helper()
	for _, line := range lines {
		if strings.HasPrefix(line, name) {
			t.Errorf("there is %s", line)
		}
	}
}

func add(t *testing.T, m *Metrics, name, drop string) *Session {
	t.Helper()
	s, err := m.Add(name, drop)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatTheTraceTellsIsCounted(t *testing.T) {
	m := New("v1")
	trace := add(t, m, "plan", t.TempDir()).Trace()
	trace.Committed(agent.Commit{Written: true, Fragments: 3, Updates: 4, Unchanged: 2, Bytes: 2000, Attempts: 3, Took: 20 * time.Millisecond})
	trace.Committed(agent.Commit{Fragments: 1, Unchanged: 1, Bytes: 2000, Attempts: 1})
	trace.Committed(agent.Commit{Attempts: 1})                                                                  // waits for its item, and waits on
	trace.Committed(agent.Commit{Own: true, Written: true, Fragments: 1, Updates: 1, Bytes: 3000, Attempts: 1}) // applied again
	trace.Rejected(agent.Rejection{Code: "unknown_id", Fragments: 2})
	trace.Rejected(agent.Rejection{Code: "made up\n", Fragments: 1})
	trace.Rejected(agent.Rejection{Code: "made up too", Fragments: 1})
	trace.Failed(agent.Failure{Code: "ENOSPC", Attempts: 3})
	trace.ForeignWrites(5)
	trace.Reasserted(6)
	trace.Overwritten(7)
	trace.Displaced()
	trace.Watcher.Scanned(8)
	trace.Watcher.Overflowed()
	has(t, scrape(t, m),
		`sessionsync_applied_fragments_total{session="plan"} 4`,
		`sessionsync_applied_updates_total{session="plan"} 4`,
		`sessionsync_unchanged_updates_total{session="plan"} 3`,
		`sessionsync_commits_total{session="plan"} 2`,
		`sessionsync_commit_duration_seconds_count{session="plan"} 2`,
		`sessionsync_commit_duration_seconds_bucket{session="plan",le="0.01"} 1`,
		`sessionsync_commit_duration_seconds_bucket{session="plan",le="0.025"} 2`,
		`sessionsync_commit_bytes_sum{session="plan"} 5000`,
		`sessionsync_batch_fragments_count{session="plan"} 2`,
		`sessionsync_batch_fragments_sum{session="plan"} 4`,
		`sessionsync_commit_retries_total{session="plan"} 4`,
		`sessionsync_failed_batches_total{session="plan"} 1`,
		`sessionsync_rejected_fragments_total{code="unknown_id",session="plan"} 2`,
		`sessionsync_rejected_fragments_total{code="other",session="plan"} 2`,
		`sessionsync_rejected_fragments_total{code="too_deep",session="plan"} 0`,
		`sessionsync_foreign_writes_total{session="plan"} 5`,
		`sessionsync_reasserted_updates_total{session="plan"} 6`,
		`sessionsync_overwritten_updates_total{session="plan"} 7`,
		`sessionsync_displaced_versions_total{session="plan"} 1`,
		`sessionsync_rescans_total{session="plan"} 1`,
		`sessionsync_event_overflows_total{session="plan"} 1`,
		`sessionsync_waiting_fragments{session="plan"} 0`,
		`sessionsync_oldest_waiting_seconds{session="plan"} 0`,
	)
}

func TestHoldingHasAReasonWhileItLasts(t *testing.T) {
	m := New("v1")
	trace := add(t, m, "plan", t.TempDir()).Trace()
	for _, c := range []struct {
		cause  error
		reason string
	}{
		{&writer.Trouble{Code: "ENOSPC", Err: syscall.ENOSPC}, "ENOSPC"},
		{&writer.Trouble{Code: writer.InvalidTasksFile, Err: errors.New("torn")}, "invalid_tasks_file"},
		{&writer.Trouble{Code: "E2BIG", Err: syscall.E2BIG}, "other"},
		{errors.New("the recovery folder"), "folder"},
	} {
		trace.Held(c.cause)
		has(t, scrape(t, m), `sessionsync_held{session="plan"} 1`, `sessionsync_held_reason{reason="`+c.reason+`",session="plan"} 1`)
	}
	trace.Resumed()
	lines := scrape(t, m)
	has(t, lines, `sessionsync_held{session="plan"} 0`)
	hasNone(t, lines, "sessionsync_held_reason")

	trace.Watcher.Deaf(syscall.EMFILE)
	trace.Watcher.Missing(syscall.ENOENT)
	has(t, scrape(t, m), `sessionsync_deaf{session="plan"} 1`, `sessionsync_drop_missing{session="plan"} 1`)
	trace.Watcher.Deaf(nil)
	trace.Watcher.Missing(nil)
	has(t, scrape(t, m), `sessionsync_deaf{session="plan"} 0`, `sessionsync_drop_missing{session="plan"} 0`)
}

func TestSessionsComeAndGo(t *testing.T) {
	m := New("v1")
	a := add(t, m, "a", t.TempDir())
	add(t, m, "b\xff", t.TempDir()).Trace().Reasserted(1)
	lines := scrape(t, m)
	has(t, lines, `sessionsync_commits_total{session="a"} 0`, `sessionsync_reasserted_updates_total{session="\"b\\xff\""} 1`)
	if _, err := m.Add("a", t.TempDir()); err == nil {
		t.Error("two sessions of one name")
	}
	m.Remove(a)
	for _, line := range scrape(t, m) {
		if strings.Contains(line, `session="a"`) {
			t.Errorf("is left: %s", line)
		}
	}
	add(t, m, "a", t.TempDir())
}

func TestTheNamesFollowPrometheusConventions(t *testing.T) {
	m := New("v1 \xff")
	add(t, m, "plan", t.TempDir()).Trace().Held(syscall.EIO)
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	if build := scrape(t, m); !strings.HasPrefix(build[slices.IndexFunc(build, func(s string) bool {
		return strings.HasPrefix(s, "sessionsync_build_info")
	})], `sessionsync_build_info{goversion="go1.`) {
		t.Error("no build info")
	}
}

// A code that is added to the contract must not end up among the others.
func TestEveryRejectCodeIsKnown(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../fragment/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return true
		}
		code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		found++
		if fragment.Code(code) != fragment.Overwritten && known(code) != code {
			t.Errorf("%s is unknown", code)
		}
		return true
	})
	if found < 15 {
		t.Errorf("%d codes were found", found)
	}
}

func TestFoldersOfAnyBytesHaveALabelEach(t *testing.T) {
	m := New("v1")
	for _, name := range []string{"a\xfe", "a\xff", "a?"} {
		if _, err := m.Add(name, t.TempDir()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}
