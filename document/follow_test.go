package document

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

const followed = `{
  "note": "x",
  "backlog": [
    {"id": "P1", "title": "One", "milestones": [
      {"id": "P1.M1", "status": "Planned", "tasks": [], "n": 1},
      {"id": "P1.M2", "status": "Planned"}
    ], "after": true},
    {"id": "P2", "title": "Two", "milestones": [{"id": "P2.M1"}]},
    {"title": "no id"}
  ]
}
`

// picture tells everything that there is to know of a document.
func picture(d *Document) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %v %v %+v\n", d.prefix, d.comments, d.scopes, d.style)
	d.root.descendants(func(n *node) {
		fmt.Fprintf(&b, "%q %q %q %d %v %q", n.scope, n.id, n.list, n.depth, n.numeric, n.text())
		for i := range len(n.kids) + 1 {
			fmt.Fprintf(&b, " %q", n.gap(i))
		}
		for _, kid := range n.kids {
			fmt.Fprintf(&b, " %d–%d %v", kid.at, kid.end, kid.parent == n)
		}
		if n != d.root && n.id != "" {
			at := -1
			for i, m := range d.items[key{n.scope, n.id}] {
				if m == n {
					at = i
				}
			}
			fmt.Fprintf(&b, " %d of %d", at, len(d.items[key{n.scope, n.id}]))
		}
		b.WriteByte('\n')
	})
	fmt.Fprintln(&b, len(d.items))
	return b.String()
}

func parse(t *testing.T, text string, layout Layout) *Document {
	t.Helper()
	d, err := Parse([]byte(text), layout)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return d
}

func TestFollowReadsOnlyTheItemThatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		old, new string
		suspect  string // those items that are
		again    bool   // all is read again
	}{
		"nothing":                       {"", "", "", false},
		"a member":                      {`"n": 1`, `"n": 22`, "P1 P1.M1", false},
		"a member goes":                 {`"status": "Planned", "tasks"`, `"tasks"`, "P1 P1.M1", false},
		"white space within":            {`{"id": "P1.M2",`, `{ "id": "P1.M2",`, "P1 P1.M2", false},
		"a member before the children":  {`"One"`, `"1"`, "P1", false},
		"a member behind them":          {`"after": true`, `"after": false, "b": []`, "P1", false},
		"between them":                  {"},\n      {\"id\": \"P1.M2\"", "}  ,{\"id\": \"P1.M2\"", "P1", false},
		"a child comes":                 {`[{"id": "P2.M1"}]`, `[{"id": "P2.M1"}, {"id": "P2.M2"}]`, "P2 P2.M1 P2.M2", false},
		"a child comes first":           {`[{"id": "P2.M1"}]`, `[{"id": "P2.M0"}, {"id": "P2.M1"}]`, "P2 P2.M0 P2.M1", false},
		"a child goes":                  {`[{"id": "P2.M1"}]`, `[]`, "P2", false},
		"the list of children goes":     {`, "milestones": [{"id": "P2.M1"}]`, ``, "P2", false},
		"another list takes its place":  {`"after": true`, `"milestones": []`, "P1", false},
		"an id":                         {`"id": "P1.M2"`, `"id": "P1.M3"`, "P1 P1.M3", false},
		"an id that is there":           {`"id": "P1.M2"`, `"id": "P2.M1"`, "P1 P2.M1 P2.M1", false},
		"an id goes":                    {`"id": "P1.M2", `, ``, "P1", false},
		"an id comes":                   {`"title": "no id"`, `"id": "P3"`, "P3", false},
		"two items of one parent":       {`"Planned", "tasks": [], "n": 1},` + "\n" + `      {"id": "P1.M2", "status": "Planned"}`, `"A", "tasks": [], "n": 1},` + "\n" + `      {"id": "P1.M2", "status": "B"}`, "P1 P1.M1 P1.M2", false},
		"two items with no parent":      {`"Two"`, `"2"`, "P2", false},
		"what is around the items":      {`"note": "x"`, `"note": "y"`, "all", true},
		"an item comes at the top":      {`{"title": "no id"}`, `{"title": "no id"}, {"id": "P4"}`, "all", true},
		"a comment":                     {`"n": 1`, `"n": 1 // c` + "\n", "all", true},
		"the end":                       {"]\n}\n", "]\n}", "all", true},
		"a mark of the order of bytes":  {"{\n  \"note\"", "\xef\xbb\xbf{\n  \"note\"", "all", true},
		"a number becomes a text":       {`"n": 1`, `"n": "1"`, "P1 P1.M1", false},
		"what is no text becomes one":   {`"One"`, `"Öne"`, "P1", false},
		"the same again and again":      {`"milestones": [{"id": "P2.M1"}]`, `"milestones": [{"id": "P2.M1"},{"id": "P2.M1"},{"id": "P2.M1"}]`, "P2 P2.M1 P2.M1 P2.M1", false},
		"an item that looks like a gap": {`"tasks": []`, `"tasks": [{}]`, "P1 P1.M1", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := parse(t, followed, Backlog)
			d.trust()
			text := strings.Replace(followed, c.old, c.new, 1)
			got, err := d.Follow([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if want := parse(t, text, Backlog); picture(got) != picture(want) {
				t.Errorf("it is\n%s\nand not\n%s", picture(got), picture(want))
			}
			if again := got != d; again != c.again {
				t.Errorf("all is read again: %v", again)
			}
			var suspect []string
			got.root.descendants(func(n *node) {
				if n.id != "" && n != got.root && got.Suspect(n.scope, n.id) {
					suspect = append(suspect, n.id)
				}
			})
			if s := strings.Join(suspect, " "); s != c.suspect && !(c.suspect == "all" && got.strange) {
				t.Errorf("suspect are %s", s)
			}
			if got.trust(); got.Suspect("", "P1") || got.Suspect("", "P2") {
				t.Error("suspicion does not end")
			}
			if !got.Suspect("", "P9") {
				t.Error("an item that is not there is not suspect")
			}
		})
	}
}

func TestFollowOfWhatIsNoTasksFileChangesNothing(t *testing.T) {
	for _, c := range [][2]string{
		{`"n": 1`, `"n": `}, {`"n": 1`, `"n": "` + "\xff" + `"`}, {`"after": true`, `"after": "` + "\xc3" + `"`}, {`"after": true}`, `"after": true`},
		{`"One"`, `"One`}, {`"backlog"`, `"b"`}, {`{"id": "P1.M2"`, `["id": "P1.M2"`},
	} {
		d := parse(t, followed, Backlog)
		before := picture(d)
		text := strings.Replace(followed, c[0], c[1], 1)
		_, want := Parse([]byte(text), Backlog)
		if _, err := d.Follow([]byte(text)); want == nil || !reflect.DeepEqual(err, want) {
			t.Errorf("%s: %v, and Parse says %v", c[1], err, want)
		}
		if picture(d) != before {
			t.Errorf("%s: it has changed to\n%s", c[1], picture(d))
		}
	}
}

// Whatever others do to a document, and we have done before, Follow is Parse.
func FuzzFollow(f *testing.F) {
	for _, layout := range []string{"backlog", "taskmaster", "flat"} {
		for _, text := range []string{
			followed, `{"backlog":[{"id":"P1","milestones":[{"id":"P1.M1"}],"milestones":[{"id":"P1.M1"},{"id":"P1.M1"}]}]}`,
			`{"master":{"tasks":[{"id":1,"title":"a","subtasks":[{"id":1},{"id":"2","n":null}]},{"id":2}]},"other":{"tasks":[]}}`,
			`[{"id":"a","x":{}},{"id":"b"}, 3, {"id":"a"}]`,
		} {
			f.Add(layout, text, `{"id":"P1.M1","status":"Complete","x":{"y":[1]}}`, `[{"id":"5","$op":"upsert"},{"id":"1.1","a":1}]`, uint16(90), uint8(3), "}, {\"id\":\"P1.M1\"}", uint64(1))
		}
	}
	f.Fuzz(func(t *testing.T, name, text, update, other string, at uint16, cut uint8, in string, seed uint64) {
		layout, err := ParseLayout(name)
		if err != nil {
			return
		}
		d, err := Parse([]byte(text), layout)
		if err != nil {
			return
		}
		r := rand.New(rand.NewPCG(seed, 0))
		for range r.IntN(3) {
			for _, u := range []string{update, other} {
				if updates, err := fragment.Parse("f.json", []byte(u), fragment.Limits{MaxBytes: 1 << 16, MaxDepth: 64}); err == nil {
					d.Apply(updates, Options{}) // what is rejected leaves no trace
				}
			}
			d.Written()
			d = follow(t, d, d.Bytes(), layout)
			now := d.Bytes()
			from := int(at) % (len(now) + 1)
			to := min(from+int(cut), len(now))
			d = follow(t, d, bytes.Join([][]byte{now[:from], []byte(in), now[to:]}, nil), layout)
			// A piece of its own in another place: that leaves more texts whole.
			now = d.Bytes()
			if open := bytes.IndexByte(now[r.IntN(len(now)):], '{'); open >= 0 {
				from, to = r.IntN(len(now)), r.IntN(len(now))
				d = follow(t, d, bytes.Join([][]byte{now[:from], now[min(from, to):max(from, to)], now[from:]}, nil), layout)
			}
		}
	})
}

// follow holds Follow against Parse. Where neither takes the text, the document stays what it was.
func follow(t *testing.T, d *Document, text []byte, layout Layout) *Document {
	t.Helper()
	before := picture(d)
	want, wantErr := Parse(text, layout)
	got, err := d.Follow(bytes.Clone(text))
	switch {
	case !reflect.DeepEqual(err, wantErr):
		t.Fatalf("%q: %v, and Parse says %v", text, err, wantErr)
	case err != nil && picture(d) != before:
		t.Fatalf("%q: refused, and it has changed from\n%s\nto\n%s", text, before, picture(d))
	case err != nil:
		return d
	case picture(got) != picture(want):
		t.Fatalf("from\n%s\n%q makes\n%s\nand Parse\n%s", before, text, picture(got), picture(want))
	}
	return got
}
