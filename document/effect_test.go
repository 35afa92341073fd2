package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/jsonedit"
)

// listed is an effect as a table has it.
func listed(e Effect) string {
	item, show := e.ID, func(value []byte) string {
		if value == nil {
			return "-"
		}
		return string(value)
	}
	if e.Scope != "" {
		item = e.Scope + ":" + item
	}
	if e.Created() {
		item += " below " + fmt.Sprintf("%q", e.Parent)
	}
	return fmt.Sprintf("%d %s %s %s => %s", e.Update, item, e.Path, show(e.Old), show(e.New))
}

const tagged = `{"a":{"tasks":[{"id":1,"n":{"x":null,"y":[1,2]},"subtasks":[{"id":1,"s":"p"},{"id":2}]},{"id":"2","subtasks":[{"id":"1"}]}]},"b":{"tasks":[]}}`

func TestEffectsAreTheSmallestPartsThatChanged(t *testing.T) {
	tree := `{"backlog":[{"id":"P1","t":1,"milestones":[{"id":"P1.M1","tasks":[{"id":"P1.M1.T1","s":1}]},{"id":"P1.M2"}]},{"id":"P2"}]}`
	cases := []struct {
		name, before string
		layout       Layout
		fragment     string
		want         []string
	}{
		{"a scalar member", tree, Backlog, `{"id":"P1","t":2}`, []string{`0 P1 /t 1 => 2`}},
		{"a member of an object", tagged, Taskmaster, `{"id":1,"$scope":"a","n":{"z":{"k":1}}}`, []string{`0 a:1 /n/z - => {"k":1}`}},
		{"an array is one value", tagged, Taskmaster, `{"id":1,"$scope":"a","n":{"y":[1]}}`, []string{`0 a:1 /n/y [1,2] => [1]`}},
		{"a null that goes is a value that goes", tagged, Taskmaster, `{"id":1,"$scope":"a","n":{"x":null}}`, []string{`0 a:1 /n/x null => -`}},
		{"what changes nothing has no effect", tagged, Taskmaster, `[{"id":1,"$scope":"a","n":{"y":[1.0,2]}},{"id":"1.1","$scope":"a","s":"q"}]`,
			[]string{`1 a:1.1 /s "p" => "q"`}},
		{"an object in place of a scalar is one value", tree, Backlog, `{"id":"P1","t":{"a":1}}`, []string{`0 P1 /t 1 => {"a":1}`}},
		{"a created item", tagged, Taskmaster, `{"x":1,"id":"1.3","$scope":"a","$op":"create"}`, []string{`0 a:1.3 below "1"  - => {"x":1,"id":3}`}},
		{"a removed item, with what hangs below it", tree, Backlog, `{"id":"P1.M1","$op":"remove"}`,
			[]string{`0 P1.M1  {"id":"P1.M1","tasks":[{"id":"P1.M1.T1","s":1}]} => -`}},
		{"children replaced through their parent", tree, Backlog,
			`{"id":"P1","t":3,"milestones":[{"id":"P1.M0","tasks":[]},{"id":"P1.M1","tasks":[{"id":"P1.M1.T1","s":2}]}]}`,
			[]string{`0 P1 /t 1 => 3`, `0 P1.M2  {"id":"P1.M2"} => -`, `0 P1.M0 below "P1"  - => {"id":"P1.M0","tasks":[]}`, `0 P1.M1.T1 /s 1 => 2`}},
		{"children in another order are one value", tree, Backlog, `{"id":"P1","milestones":[{"id":"P1.M2"},{"id":"P1.M1","tasks":[]}]}`,
			[]string{`0 P1 /milestones [{"id":"P1.M1","tasks":[{"id":"P1.M1.T1","s":1}]},{"id":"P1.M2"}] => [{"id":"P1.M2"},{"id":"P1.M1","tasks":[]}]`}},
		{"an item that moves is one value with all lists it moves between", tree, Backlog,
			`{"id":"P1","$op":"patch","$patch":[{"op":"move","from":"/milestones/0/tasks/0","path":"/milestones/-"}]}`,
			[]string{`0 P1 /milestones [{"id":"P1.M1","tasks":[{"id":"P1.M1.T1","s":1}]},{"id":"P1.M2"}] => ` +
				`[{"id":"P1.M1","tasks":[]},{"id":"P1.M2"},{"id":"P1.M1.T1","s":1}]`}},
		{"an id that tells of another parent is of no item that an update could create", tree, Backlog, `{"id":"P2","milestones":[{"id":"P1.M7"}]}`,
			[]string{`0 P2 /milestones - => [{"id":"P1.M7"}]`}},
		{"an id that tells of no parent", tree, Backlog, `{"id":"P2","milestones":[{"id":".M7"},{"id":"M8"}]}`,
			[]string{`0 .M7 below "P2"  - => {"id":".M7"}`, `0 M8 below "P2"  - => {"id":"M8"}`}},
		{"a list that goes is one value", tree, Backlog, `{"id":"P1.M1","tasks":null}`, []string{`0 P1.M1 /tasks [{"id":"P1.M1.T1","s":1}] => -`}},
		{"two updates of one member", tree, Backlog, `[{"id":"P1","t":2},{"id":"P1","t":3}]`, []string{`0 P1 /t 1 => 2`, `1 P1 /t 2 => 3`}},
		{"comments and twins are not in it", `[{"id":1,"a":{/*c*/"b":1,"b":[2,/*d*/],},}]`, Flat, `{"id":1,"a":null}`, []string{`0 1 /a {"b":[2]} => -`}},
		{"nor are twins, beside half of a surrogate pair", `[{"id":1,"a":{"b":1,"b":2,"\ud83d":3}}]`, Flat, `{"id":1,"a":null}`, []string{`0 1 /a {"b":2,"\ud83d":3} => -`}},
		{"names are escaped", `[{"id":1}]`, Flat, `{"id":1,"a/b":{"~":1}}`, []string{`0 1 /a~1b - => {"~":1}`}},
		{"half of a surrogate pair cannot be in a path", `[{"id":1,"a":{"\ud83d":1}}]`, Flat, `{"id":1,"a":{"\ud83d":2}}`,
			[]string{`0 1 /a {"\ud83d":1} => {"\ud83d":2}`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := parsed(t, c.before, c.layout)
			out, err := d.Apply(updates(t, c.fragment), Options{Effects: true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range out.Effects {
				got = append(got, listed(e))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			reassertLaw(t, c.before, c.layout, d, out.Effects, true)
		})
	}
}

func TestTheSizeOfAnEffectIsThatOfItsValues(t *testing.T) {
	for _, c := range []struct {
		fragment string
		want     int
	}{
		{`{"id":1,"a":[1,2]}`, len(`[1]`) + len(`[1,2]`)},
		{`{"id":1,"a":null}`, len(`[1]`)},
		{`{"id":2,"$op":"create","b":true}`, len(`{"id":2,"b":true}`)},
	} {
		out, err := parsed(t, `[{"id":1,"a":[ 1 ]}]`, Flat).Apply(updates(t, c.fragment), Options{Effects: true})
		if err != nil || len(out.Effects) != 1 || out.Effects[0].Size() != c.want {
			t.Errorf("%s: %+v %v, not of size %d", c.fragment, out.Effects, err, c.want)
		}
	}
}

// reassertLaw: what is undone as a whole comes back as a whole, if fragments can hold its values, and where nothing is undone
// nothing is done.
func reassertLaw(tb testing.TB, before string, layout Layout, after *Document, effects []Effect, comesBack bool) {
	tb.Helper()
	describe := func() string {
		var b strings.Builder
		for _, e := range effects {
			fmt.Fprintf(&b, "%s\n", listed(e))
		}
		return b.String()
	}
	if done := parsed(tb, string(after.Bytes()), layout).Reassert(effects, Options{}); len(done) > 0 {
		tb.Fatalf("nothing was undone in\n%s\nand %s was applied for\n%s", after.Bytes(), done[0].Fragment, describe())
	}
	if !comesBack || !holdable(effects) {
		return
	}
	d := parsed(tb, before, layout)
	done := d.Reassert(effects, Options{})
	sound(tb, d)
	if want := after.Bytes(); !jsonedit.Equal(inOrder(tb, d.Bytes(), layout), inOrder(tb, want, layout)) {
		tb.Fatalf("of\n%s\nwas made\n%s\nnot\n%s\nby %+v for\n%s", before, d.Bytes(), want, done, describe())
	}
	again := parsed(tb, before, layout)
	for _, r := range done {
		us, err := fragment.Parse("x.json", r.Fragment, fragment.Limits{})
		if err != nil {
			tb.Fatalf("%v in %s", err, r.Fragment)
		}
		if _, err := again.Apply(us, Options{}); err != nil {
			tb.Fatalf("%v in %s", err, r.Fragment)
		}
	}
	if !bytes.Equal(again.Bytes(), d.Bytes()) {
		tb.Fatalf("the fragments %+v make\n%s\nnot\n%s", done, again.Bytes(), d.Bytes())
	}
}

// holdable reports whether fragments can hold the values of effects: no object in them has two names that only halves of
// surrogate pairs tell apart.
func holdable(effects []Effect) bool {
	for _, e := range effects {
		for _, value := range []jsontext.Value{e.Old, e.New} {
			if value != nil && !value.IsValid(jsontext.AllowInvalidUTF8(true)) {
				return false
			}
		}
	}
	return true
}

// inOrder returns a document with the items of each list in the order of their ids: those that are created again are
// behind the others.
func inOrder(tb testing.TB, text []byte, layout Layout) []byte {
	tb.Helper()
	plain, syntax := standardize(bytes.TrimPrefix(text, byteOrderMark))
	if syntax != nil {
		tb.Fatal(syntax)
	}
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		tb.Fatal(err)
	}
	var walk func(value any, isList bool)
	walk = func(value any, isList bool) {
		switch v := value.(type) {
		case []any:
			id := func(element any) string {
				item, _ := element.(map[string]any)
				return fmt.Sprint(item[layout.ID])
			}
			if isList {
				slices.SortStableFunc(v, func(a, b any) int { return strings.Compare(id(a), id(b)) })
			}
			for _, element := range v {
				walk(element, false)
			}
		case map[string]any:
			for name, member := range v {
				walk(member, name == layout.Items || layout.holdsChildren(name))
			}
		}
	}
	walk(value, layout.Items == "")
	sorted, err := json.Marshal(value)
	if err != nil {
		tb.Fatal(err)
	}
	return sorted
}

// once reports whether no two updates are about the same item or about items inside each other: what is done to one place
// more than once can look, halfway, like what it was before, and then not all of it comes back.
func once(effects []Effect) bool {
	for i, e := range effects {
		for _, f := range effects[i+1:] {
			if f.Update != e.Update && (f.ID == e.ID || strings.HasPrefix(f.ID, e.ID+".") || strings.HasPrefix(e.ID, f.ID+".")) {
				return false
			}
		}
	}
	return true
}

func TestWhatWasUndoneIsBroughtBack(t *testing.T) {
	key := Layout{ID: "key", Children: []string{"kids"}}
	cases := []struct {
		name, before string
		layout       Layout
		fragment     string
	}{
		{"a member changed twice", `[{"id":1,"a":1}]`, Flat, `[{"id":1,"a":2},{"id":1,"a":3}]`},
		{"a member changed and changed back", `[{"id":1,"a":1}]`, Flat, `[{"id":1,"a":2},{"id":1,"a":1},{"id":1,"b":2}]`},
		{"a member inside one that was new", `[{"id":1}]`, Flat, `[{"id":1,"a":{"b":1}},{"id":1,"a":{"b":2,"c":3}}]`},
		{"a created item that was changed", `[]`, Flat, `[{"id":1,"$op":"create","a":1},{"id":1,"a":2,"b":3}]`},
		{"a parent and its child", `{"backlog":[]}`, Backlog,
			`[{"id":"P1","$op":"create","a":[{"b":null}]},{"id":"P1.M1","$op":"create"},{"id":"P1.M1.T1","$op":"create"},{"id":"P1.M1","x":1}]`},
		{"an item created with children", `{"a":{"tasks":[]},"b":{"tasks":[]}}`, Taskmaster,
			`{"id":7,"$op":"create","$scope":"b","subtasks":[{"id":1,"x":null},{"id":2,"subtasks":[{"id":"q"}]}]}`},
		{"an item changed, then removed", `[{"id":1,"a":1},{"id":2}]`, Flat, `[{"id":1,"a":2},{"id":1,"$op":"remove"}]`},
		{"an item removed, then created elsewhere", `{"backlog":[{"id":"P1","milestones":[{"id":"X"}]},{"id":"P2"}]}`, Backlog,
			`[{"id":"X","$op":"remove"},{"id":"X","$op":"create","$parent":"P2"}]`},
		{"a child changed, then its parent removed and created elsewhere with the child as it was",
			`{"backlog":[{"id":"P1","milestones":[{"id":"X","tasks":[{"id":"Y","s":1}]}]},{"id":"P2"}]}`, Backlog,
			`[{"id":"Y","s":2},{"id":"X","$op":"remove"},{"id":"X","$op":"create","$parent":"P2","tasks":[{"id":"Y","s":1}]}]`},
		{"nulls in an object, and in a created item", `{"tasks":[{"id":1}]}`, Taskmaster,
			`[{"id":1,"$op":"patch","$patch":[{"op":"add","path":"/a","value":{"b":null}},{"op":"add","path":"/subtasks","value":[{"id":1,"x":null,"y":{"z":null}}]}]},
			 {"id":1,"$op":"patch","$patch":[{"op":"replace","path":"/a/b","value":1},{"op":"add","path":"/c","value":null}]}]`},
		{"a null further inside a created item", `{"tasks":[{"id":1,"subtasks":[]}]}`, Taskmaster,
			`{"id":1,"subtasks":[{"id":1,"y":{"z":[],"n":null}}]}`},
		{"a first child whose id is written unlike its parent's", `{"tasks":[{"id":1}]}`, Taskmaster, `{"id":1,"subtasks":[{"id":"1"}]}`},
		{"something else than items in a list of children", `{"tasks":[{"id":1,"subtasks":[{"id":1},7]}]}`, Taskmaster,
			`{"id":1,"subtasks":[{"id":1},8,{"id":2}]}`},
		{"a list of children that was something else", `{"tasks":[{"id":1,"subtasks":7},{"id":2,"subtasks":null}]}`, Taskmaster,
			`[{"id":1,"subtasks":[{"id":1}]},{"id":2,"subtasks":[{"id":1}]}]`},
		{"the ids of two items that stand twice", `{"backlog":[{"id":"P1","milestones":[{"id":"A","tasks":[{"id":"B"}]},{"id":"C","tasks":[{"id":"B"}]}]}]}`, Backlog,
			`{"id":"P1","milestones":[{"id":"A","tasks":[]},{"id":"C","tasks":[{"id":"B"}],"x":1}]}`},
		{"a removed item with a null", `[{"id":1,"x":null,"y":{"z":null}}]`, Flat, `{"id":1,"$op":"remove"}`},
		{"a member that is null becomes a value", `[{"id":1,"x":null}]`, Flat, `{"id":1,"x":2}`},
		{"ids that are strings of digits", `{"tasks":[{"id":"1","subtasks":[{"id":"1"}]}]}`, Taskmaster,
			`[{"id":2,"$op":"create"},{"id":"2.1","$op":"create"},{"id":"1.2","$op":"create"},{"id":"1.1","$op":"remove"}]`},
		{"an id of integer is one in an empty list too", `[]`, Flat, `{"id":5.0,"$op":"create"}`},
		{"an id in a member of another name", `[{"key":"A","id":7,"kids":[]}]`, key,
			`[{"id":"A","$op":"patch","$patch":[{"op":"add","path":"/kids/-","value":{"x":1,"key":"B","id":8,"$op":"x"}}]},{"id":"C","$op":"create","y":1}]`},
		{"the list of children comes with the first", `{"tasks":[{"id":1}]}`, Taskmaster, `{"id":1,"subtasks":[{"id":1},{"id":2}]}`},
		{"an empty list", `{"tasks":[{"id":1}]}`, Taskmaster, `{"id":1,"subtasks":[]}`},
		{"ids of both kinds in one list", `{"tasks":[{"id":1,"subtasks":[{"id":1}]}]}`, Taskmaster, `{"id":1,"subtasks":[{"id":1},{"id":"2"}]}`},
		{"another list than that of its depth", `{"backlog":[{"id":"P1"}]}`, Backlog, `{"id":"P1","tasks":[{"id":"P1.T1"}]}`},
		{"an id that ends with its dot", `{"backlog":[{"id":"P1"}]}`, Backlog, `{"id":"P1","milestones":[{"id":"0."}]}`},
		{"an id with a dot of its own below a parent", `{"tasks":[{"id":"1","subtasks":[{"id":"2"}]}]}`, Taskmaster, `{"id":"1","subtasks":[{"id":"2"},{"id":"2.1"}]}`},
		{"the id that is written otherwise", `{"tasks":[{"id":1,"subtasks":[{"id":1}]}]}`, Taskmaster, `{"id":1,"subtasks":[{"id":"1"}]}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := parsed(t, c.before, c.layout)
			out, err := d.Apply(updates(t, c.fragment), Options{Effects: true})
			if err != nil {
				t.Fatal(err)
			}
			reassertLaw(t, c.before, c.layout, d, out.Effects, true)
		})
	}
}

func TestAnyOtherValueIsTheOtherProgramsWish(t *testing.T) {
	const before = `{"tasks":[{"id":1,"a":1,"o":{"x":1},"subtasks":[{"id":1,"s":1},{"id":2}]}]}`
	cases := []struct{ name, fragment, now string }{
		{"another value", `{"id":1,"a":2}`, `{"tasks":[{"id":1,"a":3,"o":{"x":1}}]}`},
		{"no value", `{"id":1,"a":2}`, `{"tasks":[{"id":1,"o":{"x":1}}]}`},
		{"no item", `{"id":1,"a":2,"b":1}`, `{"tasks":[]}`},
		{"no object around a member that was new", `{"id":1,"o":{"y":1}}`, `{"tasks":[{"id":1,"a":1}]}`},
		{"a scalar where the object was", `{"id":1,"o":{"y":1}}`, `{"tasks":[{"id":1,"a":1,"o":5}]}`},
		{"a removed item that is back with another value", `{"id":"1.1","$op":"remove"}`, `{"tasks":[{"id":1,"subtasks":[{"id":1,"s":2}]}]}`},
		{"a removed item that is back with one more child", `{"id":1,"$op":"remove"}`,
			`{"tasks":[{"id":1,"a":1,"o":{"x":1},"subtasks":[{"id":1,"s":1},{"id":2},{"id":3}]}]}`},
		{"no parent for the created item", `{"id":"1.3","$op":"create"}`, `{"tasks":[]}`},
		{"a created item that was changed", `{"id":"1.3","$op":"create"}`, `{"tasks":[{"id":1,"subtasks":[{"id":3,"x":1}]}]}`},
		{"no such list any more", `{"id":2,"$op":"create"}`, `{"x":{"tasks":[]},"y":{"tasks":[]}}`},
		{"the id stands twice", `{"id":1,"a":2}`, `{"tasks":[{"id":1,"a":1},{"id":1,"a":1}]}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, err := parsed(t, before, Taskmaster).Apply(updates(t, c.fragment), Options{Effects: true})
			if err != nil || len(out.Effects) == 0 {
				t.Fatal(out, err)
			}
			d := parsed(t, c.now, Taskmaster)
			for _, e := range out.Effects {
				if d.Undone(e) {
					t.Errorf("it counts as undone: %s", listed(e))
				}
			}
			if done := d.Reassert(out.Effects, Options{}); len(done) > 0 || d.Modified() {
				t.Errorf("%s was applied", done[0].Fragment)
			}
		})
	}
}

func TestWhatNoFragmentCanHoldStaysUndone(t *testing.T) {
	for _, c := range []struct{ name, before, fragment string }{
		{"two halves, of which one was added", `[{"id":1,"a":{"\ud80a":0}}]`, `{"id":1,"a":{"\ud800":1}}`},
		{"two halves that went with what they were in", `[{"id":1,"a":{"\ud80a":0,"\ud800":1}}]`, `{"id":1,"a":null}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := parsed(t, c.before, Flat).Apply(updates(t, c.fragment), Options{Effects: true})
			if err != nil || len(out.Effects) != 1 || holdable(out.Effects) {
				t.Fatal(out, err)
			}
			d := parsed(t, c.before, Flat)
			if done := d.Reassert(out.Effects, Options{}); len(done) > 0 || d.Modified() {
				t.Errorf("%s was applied", done[0].Fragment)
			}
		})
	}
}

// A later effect takes the place of an earlier one, also of one inside: what looks like an undo is what was wanted.
func TestWhatALaterFragmentSetIsNotAnUndo(t *testing.T) {
	for _, fragments := range [][]string{
		{`{"id":1,"a":2}`, `{"id":1,"a":1}`},
		{`{"id":1,"a":{"b":2}}`, `{"id":1,"a":5}`, `{"id":1,"a":{"b":1}}`},
		{`{"id":1,"o":{"x":2}}`, `{"id":1,"o":null}`, `{"id":1,"o":{"x":1,"z":1}}`, `{"id":1,"o":{"z":2}}`},
		{`{"id":"1.1","s":2}`, `{"id":1,"$op":"remove"}`, `{"id":1,"$op":"create","subtasks":[{"id":1,"s":1}]}`},
		{`{"id":"1.1","$op":"remove"}`, `{"id":"1.1","$op":"create","s":1}`, `{"id":"1.1","s":2}`, `{"id":"1.1","s":1}`},
		{`{"id":"1.1","s":2}`, `{"id":1,"subtasks":null}`, `{"id":1,"subtasks":[{"id":1,"s":1}]}`},
		{`{"id":3,"$op":"create"}`, `{"id":3,"$op":"remove"}`},
		{`{"id":"1.1","s":2}`, `{"id":1,"$op":"remove"}`, `{"id":1,"$op":"create","subtasks":[{"id":1,"s":1}]}`, `{"id":"1.1","y":1}`},
		{`{"id":"1.1","s":2}`, `{"id":1,"subtasks":null}`, `{"id":1,"subtasks":[{"id":7}]}`,
			`{"id":1,"$op":"patch","$patch":[{"op":"add","path":"/subtasks","value":[7,{"id":1,"s":1}]}]}`, `{"id":"1.1","y":1}`},
		{`{"id":"1.2","$op":"create"}`, `{"id":1,"subtasks":null}`, `{"id":1,"subtasks":[{"id":1,"s":1}]}`, `{"id":1,"a":7}`},
	} {
		const before = `{"tasks":[{"id":1,"a":1,"o":{"x":1},"subtasks":[{"id":1,"s":1}]}]}`
		d := parsed(t, before, Taskmaster)
		var effects []Effect
		for _, f := range fragments {
			out, err := d.Apply(updates(t, f), Options{Effects: true})
			if err != nil {
				t.Fatal(err)
			}
			effects = append(effects, out.Effects...)
		}
		reassertLaw(t, before, Taskmaster, d, effects, false)
	}
}

// A counter that was set a thousand times, or a thousand members of one item, take no longer than they must.
func TestManyEffectsOnOneItemAreBroughtBack(t *testing.T) {
	for _, member := range []func(i int) string{
		func(int) string { return `"n":` },
		func(i int) string { return fmt.Sprintf(`"n%d":`, i) },
	} {
		const before = `[{"id":1,"n":-1}]`
		d := parsed(t, before, Flat)
		var effects []Effect
		for i := range 1000 {
			out, err := d.Apply(updates(t, fmt.Sprintf(`{"id":1,%s%d}`, member(i), i)), Options{Effects: true})
			if err != nil {
				t.Fatal(err)
			}
			effects = append(effects, out.Effects...)
		}
		reassertLaw(t, before, Flat, d, effects, true)
	}
}

func TestAReassertingFragmentAppliesOnlyToWhatItWasMadeFor(t *testing.T) {
	const before = `[{"id":1,"a":1,"o":{"x":1}}]`
	for _, c := range []struct{ fragment, now, elsewhere string }{
		{`{"id":1,"a":2}`, before, `[{"id":1,"a":3}]`},
		{`{"id":1,"a":null}`, before, `[{"id":1,"a":3}]`},
		{`{"id":1,"a":null}`, before, `[{"id":1}]`},
		{`{"id":1,"b":2}`, before, `[{"id":1,"b":null}]`},
		{`{"id":1,"o":{"y":1}}`, before, `[{"id":1}]`},
		{`{"id":1,"$op":"remove"}`, before, `[{"id":1,"a":1,"o":{"x":2}}]`},
		{`{"id":2,"$op":"create"}`, before, `[{"id":2}]`},
	} {
		out, err := parsed(t, before, Flat).Apply(updates(t, c.fragment), Options{Effects: true})
		if err != nil || len(out.Effects) != 1 {
			t.Fatal(out, err)
		}
		d, e := parsed(t, c.now, Flat), out.Effects[0]
		now, _ := d.Value(e.Scope, e.ID, e.Path)
		text := string(e.Reassert(now))
		if _, err := d.Apply(updates(t, text), Options{}); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := parsed(t, c.elsewhere, Flat).Apply(updates(t, text), Options{}); err == nil {
			t.Errorf("%s applied to %s", text, c.elsewhere)
		}
	}
}

func TestEffectsLeaveApplyAsItIs(t *testing.T) {
	texts := []string{
		tagged,
		`{"tasks":[{"id":1,"x":{"a":{"b":1,"c":null}},"subtasks":[{"id":1,"subtasks":[{"id":1},{"id":2}]},{"id":2}]},{"id":2},{"id":3}]}`,
		"{\n  \"a\": {\n    \"tasks\": [\n      // one\n      {\n        \"id\": 1,\n        \"x\": [1, 2], // x\n      },\n      { \"id\": 2, \"subtasks\": [3, { \"id\": 1 }] }\n    ]\n  },\n  \"b\": { \"tasks\": [] }\n}\n",
	}
	for i, text := range texts {
		r := rand.New(rand.NewPCG(uint64(i), 9))
		d := parsed(t, text, Taskmaster)
		lawful := 0
		for range 1000 {
			var list []string
			for range 1 + r.IntN(3) {
				list = append(list, randomUpdate(r))
			}
			us := updates(t, "["+strings.Join(list, ",")+"]")
			before := string(d.Bytes())
			twin := parsed(t, before, Taskmaster)
			twin.style = d.style
			out, err := d.Apply(us, Options{Effects: true})
			plain, plainErr := twin.Apply(us, Options{})
			if err != nil && out.Effects != nil || plain.Effects != nil || (len(out.Effects) > 0) != (out.Applied > 0) {
				t.Fatalf("%q has the effects %v, unasked %v", list, out.Effects, plain.Effects)
			}
			effects := out.Effects
			out.Effects = nil
			if fmt.Sprint(err) != fmt.Sprint(plainErr) || fmt.Sprint(out) != fmt.Sprint(plain) || !bytes.Equal(d.Bytes(), twin.Bytes()) {
				t.Fatalf("%q on\n%s\nmade\n%s\n%v %v, without effects\n%s\n%v %v", list, before, d.Bytes(), out, err, twin.Bytes(), plain, plainErr)
			}
			sound(t, d)
			if len(effects) > 0 && once(effects) {
				lawful++
				reassertLaw(t, before, Taskmaster, d, effects, true)
			}
			if len(d.Bytes()) > 3000 {
				d = parsed(t, text, Taskmaster)
			}
		}
		if lawful < 50 {
			t.Errorf("only %d fragments have been brought back on\n%s", lawful, text)
		}
	}
}

// What one update did, undone as a whole, comes back as a whole.
func FuzzReassert(f *testing.F) {
	for _, text := range []string{
		`{"backlog":[{"id":"P1","a":1.0,"o":{"x":null},"milestones":[{"id":"P1.M1","b":[1,2],"tasks":[]},{"id":"P1.M2"}]},{"id":"P2"}]}`,
		"{ // c\n \"backlog\": [ {\"id\": \"P1\", /* d */ \"a\": {\"b\":1,\"b\":2,},}, 7, ],\n}",
		`{"backlog":[{"id":"P1","milestones":[{"id":"P1"},{"title":"none"}]},{"id":5,"a":{"\ud83d":1}}]}`,
		`{"a":{"tasks":[{"id":"1","a":{"\ud83d":1,"b":2,"b":3},"subtasks":[{"id":"1"},{"id":"."}]},{"id":"1.2"}]},"b":{"tasks":[]}}`,
	} {
		for _, update := range []string{
			`{"id":"P1","a":2,"b":{"c":null,"d":1}}`,
			`{"id":"P1","a":null}`,
			`{"id":"P1.M1","$op":"remove"}`,
			`{"id":"P1.M3","$op":"create","n":[null,{"x":null}]}`,
			`{"id":"P1","$op":"patch","$patch":[{"op":"move","from":"/milestones/0","path":"/milestones/-"},{"op":"add","path":"/z","value":null}]}`,
			`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/milestones/0","value":{"$if":1,"x":null,"id":"Q"}}]}`,
			`{"id":"P1","milestones":[{"id":"P1.M1","b":[2]},{"id":"P1.M3"}]}`,
			`{"id":5,"a":{"\ud83d":2}}`,
			`{"id":"P1","milestones":[{"id":"0."},{"id":"P2.M1"},{"id":".x"}]}`,
			`{"id":".x","$op":"create","$parent":"1","$scope":"a"}`,
			`{"id":1,"$scope":"a","a":null,"subtasks":[{"id":"1"},{"id":".x"}]}`,
		} {
			f.Add(text, update)
		}
	}
	f.Fuzz(func(t *testing.T, text, update string) {
		for _, layout := range []Layout{Backlog, Taskmaster, Flat} {
			d, err := Parse([]byte(text), layout)
			if err != nil {
				continue
			}
			us, err := fragment.Parse("f.json", []byte(update), fragment.Limits{MaxBytes: 1 << 16, MaxDepth: 64})
			if err != nil || len(us) > 1 {
				continue
			}
			out, err := d.Apply(us, Options{Effects: true})
			if err != nil {
				continue
			}
			reassertLaw(t, text, layout, d, out.Effects, true)
		}
	})
}

// A thousand fragments on one document of ten thousand items, with and without their effects.
func BenchmarkEffects(b *testing.B) {
	text := flatItems(10_000, lines)
	var fragments [][]fragment.Update
	for i := range 1000 {
		fragments = append(fragments, updates(b, fmt.Sprintf(`{"id":%d,"status":"Complete","n":{"i":%d}}`, i, i)))
	}
	for _, effects := range []bool{false, true} {
		b.Run(fmt.Sprintf("effects=%v", effects), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				d := parsed(b, text, Flat)
				b.StartTimer()
				for _, us := range fragments {
					if out, err := d.Apply(us, Options{Effects: effects}); err != nil || effects != (len(out.Effects) == 2) {
						b.Fatal(out, err)
					}
				}
			}
		})
	}
	b.Run("reassert", func(b *testing.B) {
		var effects []Effect
		d := parsed(b, text, Flat)
		for _, us := range fragments {
			out, _ := d.Apply(us, Options{Effects: true})
			effects = append(effects, out.Effects...)
		}
		for b.Loop() {
			b.StopTimer()
			d := parsed(b, text, Flat)
			b.StartTimer()
			if done := d.Reassert(effects, Options{}); len(done) != 2000 {
				b.Fatal(len(done))
			}
		}
	})
}
