package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/agent"
	"github.com/sessionsync/sessionsync/config"
	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/vfs"
)

// office is a session with a desk and the real agent.
type office struct {
	*Desk
	t      *testing.T
	config config.Config
	hook   vfs.Hook // of the agent that the desk runs; nil for none
}

const tasks = `{"backlog":[
  {"id":"P1","type":"Phase","title":"One","status":"Planned","milestones":[{"id":"P1.M1","type":"Milestone","title":"Em","status":"Planned"}]},
  {"id":"P2","type":"Phase","title":"Two","status":"Planned"}
]}
`

func newOffice(t *testing.T) *office {
	t.Helper()
	folder := t.TempDir()
	c := config.Default()
	c.Drop, c.Tasks, c.Recovery = filepath.Join(folder, "drop"), filepath.Join(folder, "tasks.json"), filepath.Join(folder, "recovery")
	c.Watch.Settle, c.Watch.IncompleteAfter, c.Batch.Quiet, c.Retry.Base = time.Millisecond, 50*time.Millisecond, 10*time.Millisecond, time.Millisecond
	o := &office{t: t, config: c}
	must(t, os.Mkdir(c.Drop, 0o755))
	o.write(tasks)
	layout, err := agent.Layout(c.Document.Layout)
	must(t, err)
	o.Desk = New(Config{
		Drop: c.Drop, Recovery: c.Recovery,
		Against: preview.Config{
			Tasks: c.Tasks, Layout: layout, Options: document.Options{Schema: document.BuiltinSchema()},
			Limits: fragment.Limits{MaxBytes: int64(c.Fragment.MaxBytes), MaxDepth: c.Fragment.MaxDepth},
		},
		Run: func(ctx context.Context) error {
			a, err := agent.New(o.config, agent.Options{Back: true, Hook: o.hook})
			must(t, err)
			_, err = a.Run(ctx)
			return err
		},
	})
	return o
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) write(text string) {
	o.t.Helper()
	must(o.t, os.WriteFile(o.config.Tasks, []byte(text), 0o644))
}

func (o *office) tasks() string {
	o.t.Helper()
	text, err := os.ReadFile(o.config.Tasks)
	must(o.t, err)
	return string(text)
}

// replaceInTasks is another program's write.
func (o *office) replaceInTasks(old, new string) {
	o.t.Helper()
	o.write(strings.Replace(o.tasks(), old, new, 1))
}

// rejected has an agent reject a fragment, and names its entry.
func (o *office) rejected(name, text string) string {
	o.t.Helper()
	before := map[string]bool{}
	for _, n := range o.names() {
		before[n] = true
	}
	must(o.t, os.WriteFile(filepath.Join(o.config.Drop, name), []byte(text), 0o644))
	a, err := agent.New(o.config, agent.Options{Once: true})
	must(o.t, err)
	_, err = a.Run(o.t.Context())
	must(o.t, err)
	for _, n := range o.names() {
		if !before[n] {
			return n
		}
	}
	o.t.Fatalf("%s was not rejected", name)
	return ""
}

func (o *office) names() []string {
	o.t.Helper()
	names, err := o.store.Names()
	must(o.t, err)
	return names
}

// running starts a real agent; it ends with the test.
func (o *office) running() {
	o.t.Helper()
	a, err := agent.New(o.config, agent.Options{})
	must(o.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := a.Run(ctx)
		ended <- err
	}()
	o.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
	})
	o.until("the agent serves", func() bool {
		_, err := os.Stat(filepath.Join(o.config.Drop, ".sessionsync", "retry"))
		return err == nil
	})
}

func (o *office) until(what string, ok func() bool) {
	o.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			o.t.Fatalf("waited in vain until %s", what)
		}
	}
}

func (o *office) retry(options Options, names ...string) []Fate {
	o.t.Helper()
	if options.Wait == 0 {
		options.Wait = time.Minute
	}
	fates, err := o.Retry(o.t.Context(), names, options)
	must(o.t, err)
	return fates
}

// are compares fates with lines such as "a.json applied" and "b.json rejected unknown_id".
func are(t *testing.T, fates []Fate, want ...string) {
	t.Helper()
	var got []string
	for _, f := range fates {
		line := string(f.State)
		if f.Fragment != "" {
			line = f.Fragment + " " + line
		}
		if f.Code != "" {
			line += " " + f.Code
		}
		got = append(got, line)
	}
	if g, w := strings.Join(got, ", "), strings.Join(want, ", "); g != w {
		t.Errorf("fates: %s, want %s\n%+v", g, w, fates)
	}
}

func TestAnEntryIsNamedByABeginningThatNoOtherHas(t *testing.T) {
	o := newOffice(t)
	if _, err := o.Resolve([]string{"x"}); err == nil {
		t.Error("found in an empty folder")
	}
	for _, name := range []string{"2026-a", "2026-ab", "2027", ".hidden"} {
		must(t, os.MkdirAll(filepath.Join(o.config.Recovery, name), 0o755))
	}
	for words, want := range map[string]string{
		"2027":         "2027",
		"2027 2":       "begin with \"2\"",
		"20 ":          "begin with \"20\"",
		"2026-a":       "2026-a",
		"2026-ab 2027": "2026-ab 2027",
		"2027 2027":    "2027",
		"2028":         "no entry",
		".hidden":      "no entry",
		"../drop":      "no name",
		"":             "no name",
		`..\drop`:      "no name",
		"2026-ab/":     "no name",
	} {
		names, err := o.Resolve(strings.Split(strings.TrimSuffix(words, " "), " "))
		got := strings.Join(names, " ")
		var wrong *NameError
		if err != nil && !errors.As(err, &wrong) {
			t.Errorf("%q: %v", words, err)
		}
		if err != nil && strings.Contains(err.Error(), want) || err == nil && got == want {
			continue
		}
		t.Errorf("%q: %q, %v, want %q", words, got, err, want)
	}
}

func TestEntriesAreListedByCodeAndTellTheirIDs(t *testing.T) {
	o := newOffice(t)
	o.rejected("a.json", `[{"id":"P1"},{"id":"P8"},{"id":"P9"}]`)
	o.rejected("b.json", `{"id":"P1",}`)
	o.rejected("c.json", `[{"id":7,"$x":1},{"id":"P1"}]`)
	for code, want := range map[string]int{"": 3, "unknown_id": 1, "none": 0} {
		entries, err := o.Entries(code)
		if err != nil || len(entries) != want {
			t.Errorf("%q: %d, %v", code, len(entries), err)
		}
	}
	entries, err := o.Entries("")
	must(t, err)
	for i, want := range []string{"P1 P8 true", " false", "7 P1 false"} {
		ids, more := o.IDs(entries[i], 2)
		if got := fmt.Sprintf("%s %v", strings.Join(ids, " "), more); got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	must(t, os.RemoveAll(filepath.Join(o.config.Recovery, entries[2].Name)))
	if ids, more := o.IDs(entries[2], 2); ids != nil || more {
		t.Errorf("of what is gone: %v", ids)
	}
}

func TestShowTellsWhyWhereAndWhatIsThereNow(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", "[{\"id\":\"P2\",\"title\":\"Due\"},\n {\"id\":\"P1\",\"status\":\"Done\"}]")
	v, err := o.Show(name)
	must(t, err)
	if len(v.Fragments) != 1 || v.Cannot != "" || v.Trouble != nil || v.Entry.Retryable {
		t.Fatalf("%+v", v)
	}
	f := v.Fragments[0]
	if !f.Known || f.Edited || f.Reason.Code != "schema_violation" || f.Would == nil || f.Place == nil || f.Place.Line != 2 || f.Place.Text[f.Place.Caret:] != `"Done"}]` {
		t.Errorf("%+v", f)
	}
	if len(f.Items) != 2 || f.Items[1].ID != "P1" || !f.Items[1].There || f.Items[1].Changed || len(f.Items[1].Members) != 4 {
		t.Errorf("items %+v", f.Items)
	}
	o.replaceInTasks("One", "Eins")
	raw := filepath.Join(o.config.Recovery, name, "fragments", "a.json")
	must(t, os.WriteFile(raw, []byte(`{"id":"P1",,}`), 0o644))
	v, err = o.Show(name)
	must(t, err)
	if f := v.Fragments[0]; !f.Edited || f.Would == nil || f.Would.Code != fragment.InvalidJSON || f.Place == nil || f.Place.Column != 12 {
		t.Errorf("%+v", f)
	}
	must(t, os.WriteFile(raw, []byte(`{"id":"P1","status":"Complete"}`), 0o644))
	must(t, os.WriteFile(filepath.Join(filepath.Dir(raw), "unknown.json"), []byte(`{}`), 0o644))
	v, err = o.Show(name)
	must(t, err)
	if len(v.Fragments) != 2 || !v.Fragments[0].Items[0].Changed || v.Fragments[0].Would != nil || v.Fragments[1].Known {
		t.Errorf("%+v", v.Fragments)
	}
	must(t, os.Remove(o.config.Tasks))
	if v, err = o.Show(name); err != nil || v.Trouble == nil {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := o.Show("none"); err == nil {
		t.Error("shown")
	}
}

func TestWhatIsAppliedIsGoneAndTheRestIsInANewEntry(t *testing.T) {
	for _, running := range []bool{false, true} {
		t.Run(fmt.Sprintf("running %v", running), func(t *testing.T) {
			o := newOffice(t)
			good := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
			bad := o.rejected("b.json", `{"id":"P4","status":"Complete"}`)
			half := o.rejected("c.json", `{"id":`)
			if running {
				o.running()
			}
			must(t, os.WriteFile(filepath.Join(o.config.Drop, ".waits"), nil, 0o644))
			o.replaceInTasks(`"P2"`, `"P3"`)
			var progress []string
			fates := o.retry(Options{Progress: func(_ string, done, all int) { progress = append(progress, fmt.Sprint(done, all)) }}, half, bad, good)
			are(t, fates, "a.json applied", "b.json rejected unknown_id", "c.json rejected incomplete")
			if len(progress) == 0 || progress[len(progress)-1] != "3 3" {
				t.Errorf("progress %v", progress)
			}
			if !strings.Contains(o.tasks(), "Complete") {
				t.Error("it is not in the tasks file")
			}
			names := o.names()
			if len(names) != 2 || names[0] == bad || fates[1].In != names[0] && fates[1].In != names[1] {
				t.Errorf("entries %v", names)
			}
		})
	}
}

func TestAnEntryOfSeveralFragmentsHasSeveralEnds(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
	folder := filepath.Join(o.config.Recovery, name, "fragments")
	for file, text := range map[string]string{"b.json": `{"id":"P1","status":"Failed"}`, "c.json": `{"id":"P5"}`, "c-2.json": `{"id":"P5"}`} {
		must(t, os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644))
	}
	fates := o.retry(Options{}, name)
	ends := map[string]State{}
	for _, f := range fates {
		ends[f.Fragment] = f.State
	}
	if len(fates) != 4 || ends["a.json"] != Rejected || ends["b.json"] != Applied || ends["c.json"] != Rejected || ends["c-2.json"] != Rejected {
		t.Errorf("%+v", fates)
	}
}

func TestAnItemThatHasChangedSinceIsNotOverwritten(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `[{"id":"P1","title":"Uno"},{"id":"P3","status":"Complete"}]`)
	guarded := o.rejected("b.json", `{"id":"P2","title":"Due","$if":{"status":"Failed"}}`)
	o.replaceInTasks("One", "Eins")
	o.replaceInTasks(`"title":"Two","status":"Planned"`, `"title":"Two","status":"Failed"`)
	o.replaceInTasks("\n]}", `,{"id":"P3","type":"Phase","title":"Three"}]}`)
	if why, err := o.Changed(name); err != nil || !strings.Contains(why, `"P1" has changed`) {
		t.Errorf("%q, %v", why, err)
	}
	if why, err := o.Changed(guarded); err != nil || why != "" {
		t.Errorf("%q, %v", why, err)
	}
	p, fates, err := o.DryRun([]string{name, guarded}, false)
	if err != nil || !strings.Contains(p.Diff, "Due") || strings.Contains(p.Diff, "Uno") || len(p.Verdicts) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	are(t, fates, "refused changed")
	are(t, o.retry(Options{}, name, guarded), "refused changed", "b.json applied")
	if len(o.names()) != 1 || strings.Contains(o.tasks(), "Uno") {
		t.Errorf("it was applied: %s", o.tasks())
	}
	if e, err := o.store.Head(name); err != nil || e.Retryable {
		t.Errorf("marked: %+v, %v", e, err)
	}
	if p, fates, err := o.DryRun([]string{name}, true); err != nil || len(fates) > 0 || !strings.Contains(p.Diff, "Uno") {
		t.Errorf("%+v, %v, %v", p, fates, err)
	}
	are(t, o.retry(Options{Force: true}, name), "a.json applied")
}

func TestAChildThatChangedIsNoChangeOfItsParent(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `[{"id":"P1","title":"Uno"},{"id":"P3","status":"Complete"}]`)
	o.replaceInTasks("Em", "En")
	are(t, o.retry(Options{}, name), "a.json rejected unknown_id")
}

func TestWhatCannotBeTriedAgainIsRefusedWithTheReason(t *testing.T) {
	o := newOffice(t)
	real := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
	text, err := os.ReadFile(filepath.Join(o.config.Recovery, real, "recovery.json"))
	must(t, err)
	var m map[string]any
	must(t, json.Unmarshal(text, &m))
	hand := func(name string, change func(), files ...string) {
		change()
		folder := filepath.Join(o.config.Recovery, name)
		must(t, os.MkdirAll(filepath.Join(folder, "fragments"), 0o755))
		text, err := json.Marshal(m)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(folder, "recovery.json"), text, 0o644))
		for _, f := range files {
			must(t, os.WriteFile(filepath.Join(folder, "fragments", f), []byte(`{"id":"P1"}`), 0o644))
		}
	}
	batch := m["batch"].(string)
	hand("20260101T000000.000Z-"+batch, func() {})
	hand("another name", func() {}, "x.json")
	hand("20260101T000000.000Z-x", func() { m["batch"] = "x" }, "x.json")
	hand("20260101T000001.000Z-", func() { m["batch"] = "" }, "x.json")
	hand("20260101T000000.000Z-displaced", func() { m["error"] = map[string]any{"code": "displaced"} }, "tasks.json")
	var names []string
	for _, n := range o.names() {
		if n != real {
			names = append(names, n)
		}
	}
	fates := o.retry(Options{}, names...)
	for i, want := range []string{"no raw file", "same batch", "version of the tasks file", "same batch", "same batch"} {
		if !strings.Contains(fmt.Sprint(fates), want) || fates[i].State != Refused {
			t.Errorf("%s: %+v", want, fates[i])
		}
	}
	if _, err := o.Draft("20260101T000000.000Z-x", ""); err == nil {
		t.Error("it can be edited")
	}
	for _, e := range must2(o.Entries("displaced"))(t) {
		if !HoldsNoUpdate(e) {
			t.Errorf("%+v", e)
		}
	}
	if len(o.names()) != 6 {
		t.Errorf("now %v", o.names())
	}
}

func must2[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T { must(t, err); return v }
}

func TestHostileEntriesLeadNowhere(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
	folder := filepath.Join(o.config.Recovery, name, "fragments")
	secret := filepath.Join(t.TempDir(), "secret.json")
	must(t, os.WriteFile(secret, []byte(`{"id":"P1","title":"secret"}`), 0o644))
	must(t, os.Symlink(secret, filepath.Join(folder, "link.json")))
	must(t, os.WriteFile(filepath.Join(folder, "large.json"), make([]byte, 2<<20), 0o644))
	v, err := o.Show(name)
	must(t, err)
	for _, f := range v.Fragments {
		if f.File.Own == "link.json" && (f.Would == nil || f.Would.Code != fragment.NotRegular) || f.File.Own == "large.json" && (f.Would == nil || f.Would.Code != fragment.TooLarge) {
			t.Errorf("%+v", f)
		}
	}
	if _, err := o.Draft(name, "link.json"); err == nil {
		t.Error("a link can be edited")
	}
	fates := o.retry(Options{}, name)
	for _, f := range fates {
		if f.State != Rejected {
			t.Errorf("%+v", f)
		}
	}
	if strings.Contains(o.tasks(), "secret") {
		t.Error("the link was followed")
	}
	// A folder of fragments that is a link.
	name = o.names()[0]
	must(t, os.RemoveAll(filepath.Join(o.config.Recovery, name, "fragments")))
	must(t, os.Symlink(filepath.Dir(secret), filepath.Join(o.config.Recovery, name, "fragments")))
	if v, err := o.Show(name); err == nil {
		t.Errorf("%+v", v)
	}
}

func TestTroubleWithTheTasksFileIsHeldAndNothingIsLost(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
	must(t, os.Remove(o.config.Tasks))
	if _, err := o.Retry(t.Context(), []string{name}, Options{Wait: time.Minute}); err == nil || !strings.Contains(err.Error(), "tasks.json") {
		t.Errorf("%v", err)
	}
	if e, err := o.store.Head(name); err != nil || e.Retryable {
		t.Errorf("marked: %+v, %v", e, err)
	}
	fates, err := o.Retry(t.Context(), []string{name}, Options{Wait: time.Minute, Force: true})
	var held *agent.HeldError
	if !errors.As(err, &held) {
		t.Errorf("%v", err)
	}
	are(t, fates, "a.json waiting")
	if _, err := o.Draft(name, ""); !errors.Is(err, recovery.ErrRetryable) {
		t.Errorf("it can be edited: %v", err)
	}
	o.running()
	fates, err = o.Retry(t.Context(), []string{name}, Options{Wait: 300 * time.Millisecond, Force: true})
	must(t, err)
	are(t, fates, "a.json held unknown_id")
	o.write(strings.Replace(tasks, `"P2"`, `"P3"`, 1))
	are(t, o.retry(Options{}, name), "a.json applied")
}

func TestABatchThatCannotBeWrittenIsFollowedUntilItIs(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
	o.replaceInTasks(`"P2"`, `"P3"`)
	full := 0
	o.hook = func(op vfs.Op, path string) error {
		if op == vfs.OpExchange && filepath.Dir(path) == filepath.Dir(o.config.Tasks) {
			full++
			return errors.New("no room")
		}
		return nil
	}
	fates, err := o.Retry(t.Context(), []string{name}, Options{Wait: time.Minute})
	if err == nil || full == 0 || len(o.names()) != 1 {
		t.Fatalf("%+v, %v, %v", fates, err, o.names())
	}
	if fates[0].State != Held || fates[0].In != o.names()[0] || fates[0].In == name {
		t.Errorf("%+v", fates)
	}
	o.hook = nil
	are(t, o.retry(Options{}, o.names()...), "a.json applied")
}

func TestWithoutADropDirectoryNothingIsMarked(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P3","status":"Complete"}`)
	must(t, os.RemoveAll(o.config.Drop))
	if fates, err := o.Retry(t.Context(), []string{name}, Options{Wait: time.Minute}); err == nil {
		t.Errorf("%+v", fates)
	}
	if e, err := o.store.Head(name); err != nil || e.Retryable {
		t.Errorf("marked: %+v, %v", e, err)
	}
}

func TestWhatIsEditedTakesThePlaceOfTheFragment(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P1","status":"Done"}`)
	draft, err := o.Draft(name, "")
	must(t, err)
	if _, err := o.Draft(name, "b.json"); err == nil || !strings.Contains(err.Error(), `"a.json"`) {
		t.Errorf("%v", err)
	}
	if wrong, place := o.Judge(draft, []byte("{\n\"id\":}")); wrong == nil || place == nil || place.Line != 2 {
		t.Errorf("%v, %v", wrong, place)
	}
	if wrong, place := o.Judge(draft, make([]byte, 2<<20)); wrong == nil || wrong.Code != fragment.TooLarge || place != nil {
		t.Errorf("%v, %v", wrong, place)
	}
	text := []byte(`{"id":"P1","status":"Complete"}`)
	if wrong, _ := o.Judge(draft, text); wrong != nil {
		t.Error(wrong)
	}
	must(t, o.Save(t.Context(), draft, text))
	if err := o.Save(t.Context(), draft, text); !errors.Is(err, recovery.ErrChanged) {
		t.Errorf("%v", err)
	}
	must(t, os.WriteFile(filepath.Join(o.config.Recovery, name, "fragments", "b.json"), text, 0o644))
	if _, err := o.Draft(name, ""); err == nil || !strings.Contains(err.Error(), `"a.json"`) {
		t.Errorf("%v", err)
	}
	fates := o.retry(Options{}, name)
	if len(fates) != 2 || fates[0].State != Applied || fates[1].State != Applied || !strings.Contains(o.tasks(), "Complete") {
		t.Errorf("%+v", fates)
	}
	if _, err := o.Draft(name, ""); err == nil {
		t.Error("of what is gone")
	}
}

func TestDiscardTakesOldOnesAndLeavesWhatAnAgentHolds(t *testing.T) {
	o := newOffice(t)
	a, b := o.rejected("a.json", `{"id":"P8"}`), o.rejected("b.json", `{"id":"P9"}`)
	must(t, o.store.Mark(b))
	if names, err := o.OlderThan(time.Hour); err != nil || len(names) > 0 {
		t.Errorf("%v, %v", names, err)
	}
	names, err := o.OlderThan(0)
	if err != nil || len(names) != 1 || names[0] != a {
		t.Errorf("%v, %v", names, err)
	}
	done := 0
	if n, err := o.Discard(t.Context(), []string{a, "none", b}, func(_ string, d, _ int) { done = d }); n != 1 || err == nil || done != 1 {
		t.Errorf("%d, %v, %d", n, err, done)
	}
	if n, err := o.Discard(t.Context(), []string{b}, nil); n != 1 || err != nil || len(o.names()) > 0 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestDesksTakeTurns(t *testing.T) {
	o := newOffice(t)
	name := o.rejected("a.json", `{"id":"P8"}`)
	release, err := o.store.Lock()
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := o.Discard(ctx, []string{name}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	go func() {
		time.Sleep(20 * time.Millisecond) // the other one's work
		release()
	}()
	if _, err := o.Discard(t.Context(), []string{name}, nil); err != nil {
		t.Error(err)
	}
}
