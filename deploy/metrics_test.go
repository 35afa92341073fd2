//go:build unix

package deploy

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// exported scrapes the real program while it holds, when it has every metric that there is.
func exported(t *testing.T) (text string, names map[string]bool) {
	t.Helper()
	s := newSession(t, t.TempDir())
	must(t, os.Remove(s.path("tasks.json")))
	s.drop("a")
	a := s.start()
	a.answers("/metrics", 200, "sessionsync_held_reason{")
	_, text = a.ask("/metrics")
	a.stop()
	names = map[string]bool{"up": true, "ALERTS": true} // Prometheus' own
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)[{ ]`).FindAllStringSubmatch(text, -1) {
		names[m[1]] = true
	}
	return text, names
}

func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.Command(tool(t, "promtool"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestWhatTheProgramExportsPassesPromtool(t *testing.T) {
	text, _ := exported(t)
	var own strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "sessionsync_") || strings.Contains(line, " sessionsync_") {
			own.WriteString(line)
		}
	}
	promtool(t, own.String(), "check", "metrics")
}

func TestTheAlertsPassPromtoolAndFireWhenTheyShould(t *testing.T) {
	promtool(t, "", "check", "rules", "prometheus/alerts.yaml")
	promtool(t, "", "test", "rules", "prometheus/alerts_test.yaml")
}

// alerts are the queries of the alerts, by their names.
func alerts(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("prometheus/alerts.yaml")
	must(t, err)
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	must(t, yaml.Unmarshal(text, &file))
	queries := map[string]string{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			queries[r.Alert] = r.Expr
		}
	}
	return queries
}

// panels are the queries of the dashboard, by the titles of their panels.
func panels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("grafana/sessionsync.json")
	must(t, err)
	var board struct {
		Panels []struct {
			Title   string
			Type    string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name, Definition string }
		}
	}
	must(t, json.Unmarshal(text, &board))
	queries := map[string]string{}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		if p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("the panel %q reaches over the edge", p.Title)
		}
		for i, target := range p.Targets {
			queries[fmt.Sprint(p.Title, " ", i+1)] = target.Expr
		}
	}
	for _, v := range board.Templating.List {
		if query, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			queries["the variable "+v.Name] = query[:strings.LastIndex(query, ",")]
		}
	}
	return queries
}

var (
	quoted = regexp.MustCompile(`"[^"]*"`)
	braces = regexp.MustCompile(`\{[^}]*\}`)
	groups = regexp.MustCompile(`\b(by|on|group_left|group_right|without|ignoring)\s*\([^)]*\)`)
	words  = regexp.MustCompile(`\b[a-z][a-z0-9_]*_[a-z0-9_]+\b|\bup\b`)
)

// asked are the metrics that a query asks for.
func asked(query string) []string {
	for _, noise := range []*regexp.Regexp{quoted, braces, groups} {
		query = noise.ReplaceAllString(query, "")
	}
	query = strings.ReplaceAll(query, "histogram_quantile", "")
	return words.FindAllString(strings.ReplaceAll(query, "$__rate_interval", ""), -1)
}

func TestAlertsAndDashboardAskOnlyForWhatTheProgramExports(t *testing.T) {
	_, names := exported(t)
	queries := alerts(t)
	maps.Copy(queries, panels(t))
	seen := map[string]bool{}
	for where, query := range queries {
		metrics := asked(query)
		if len(metrics) == 0 {
			t.Errorf("%s asks for nothing: %s", where, query)
		}
		for _, name := range metrics {
			seen[name] = true
			if !names[name] {
				t.Errorf("%s asks for %s, which nobody exports", where, name)
			}
		}
	}
	for name := range names { // and everything that is exported is shown somewhere
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count")
		if strings.HasPrefix(name, "sessionsync_") && !seen[name] && !seen[base+"_bucket"] && !seen[base+"_sum"] {
			t.Errorf("%s is shown nowhere", name)
		}
	}
}

func TestTheQueriesOfTheDashboardPassPromtool(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	queries := panels(t)
	for i, where := range slices.Sorted(maps.Keys(queries)) {
		query := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*", "$session", ".*").Replace(queries[where])
		fmt.Fprintf(&rules, "      - {record: 'panel:%d', expr: %q}\n", i, query)
	}
	path := filepath.Join(t.TempDir(), "rules.yaml")
	must(t, os.WriteFile(path, []byte(rules.String()), 0o644))
	promtool(t, "", "check", "rules", path)
}
