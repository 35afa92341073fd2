package document

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// list makes a JSON array of what each makes of 0 to n-1.
func jsonList(n int, each func(i int) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(each(i))
	}
	return b.String() + "]"
}

func flatItems(n int, layout func(i int) string) string { return jsonList(n, layout) + "\n" }

func lines(i int) string {
	return "\n  {\n    \"id\": " + strconv.Itoa(i) + ",\n    \"title\": \"an item\",\n    \"status\": \"Planned\"\n  }"
}

func oneLine(i int) string { return `{"id":` + strconv.Itoa(i) + `,"title":"an item"}` }

// What one fragment of some hundred kilobytes can ask for at the most; how the cost grows is for benchmarks.
func TestTheLargestFragmentsLeaveASoundDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	merge := func(n int) string {
		return `{"id":0,` + strings.Trim(jsonList(n, func(i int) string { return `"` + strconv.Itoa(i) + `":1` }), "[]") + `}`
	}
	for name, c := range map[string]struct {
		n                  int
		document, fragment func(n int) string
	}{
		"new members on one item":             {25_000, func(int) string { return flatItems(10, lines) }, merge},
		"new members on one item on one line": {25_000, func(int) string { return flatItems(10, oneLine) }, merge},
		"members that go, every other one": {10_000, func(n int) string { return "[" + merge(n) + "]" },
			func(n int) string {
				return `{"id":0,` + strings.Trim(jsonList(n/2, func(i int) string { return `"` + strconv.Itoa(2*i) + `":null` }), "[]") + `}`
			}},
		"preconditions": {10_000, func(n int) string { return "[" + merge(n) + "]" },
			func(n int) string { return `{"id":0,"x":1,"$if":{` + strings.TrimPrefix(merge(n), `{"id":0,`) + `}` }},
		"creates": {5_000, func(n int) string { return flatItems(2*n, lines) },
			func(n int) string {
				return jsonList(n, func(i int) string { return `{"id":"x` + strconv.Itoa(i) + `","$op":"create"}` })
			}},
		"creates on one line": {5_000, func(n int) string { return flatItems(10, oneLine) },
			func(n int) string {
				return jsonList(n, func(i int) string { return `{"id":"x` + strconv.Itoa(i) + `","$op":"create"}` })
			}},
		"removes from the start": {5_000, func(n int) string { return flatItems(n, lines) },
			func(n int) string {
				return jsonList(n, func(i int) string { return `{"id":` + strconv.Itoa(i) + `,"$op":"remove"}` })
			}},
		"removes from the end": {5_000, func(n int) string { return flatItems(n, oneLine) },
			func(n int) string {
				return jsonList(n, func(i int) string { return `{"id":` + strconv.Itoa(n-1-i) + `,"$op":"remove"}` })
			}},
		"merges, and then one that fails": {5_000, func(n int) string { return flatItems(n, lines) },
			func(n int) string {
				return jsonList(n+1, func(i int) string { return `{"id":` + strconv.Itoa(i) + `,"x":[1]}` })
			}},
		"a list of children that is replaced": {5_000, func(n int) string { return `[{"id":-1,"kids":` + flatItems(n, oneLine) + `}]` },
			func(n int) string {
				return `{"id":-1,"kids":` + jsonList(n, func(i int) string { return oneLine(i * 2) }) + `}`
			}},
	} {
		t.Run(name, func(t *testing.T) {
			layout := Layout{ID: "id", Children: []string{"kids"}}
			d := parsed(t, c.document(c.n), layout)
			_, err := d.Apply(updates(t, c.fragment(c.n)), Options{})
			if failed := err != nil; failed != strings.Contains(name, "fails") {
				t.Fatal(err)
			}
			sound(t, d)
		})
	}
}

func TestAPatchCannotAskForMoreThanItShould(t *testing.T) {
	ops := func(n int, each func(i int) string) string {
		return `{"id":1,"$op":"patch","$patch":` + jsonList(n, each) + `}`
	}
	big := `[{"id":1,"a":{},"text":"` + strings.Repeat("x", 4000) + `"}]`
	for _, c := range []struct{ name, before, fragment, err string }{
		{"twenty thousand operations on an item of some kilobytes", big,
			ops(20_000, func(i int) string { return `{"op":"add","path":"/a/x","value":` + strconv.Itoa(i) + `}` }), ""},
		{"twenty thousand new members, one by one", `[{"id":1}]`,
			ops(20_000, func(i int) string { return `{"op":"add","path":"/` + strconv.Itoa(i) + `","value":1}` }),
			`too_large: update 1 (1): operation 7`},
		{"copies of copies", `[{"id":1,"a":[1,2,3]}]`,
			ops(64, func(i int) string { return `{"op":"copy","from":"/a","path":"/a/-"}` }),
			`too_large: update 1 (1): operation 22 (copy "/a/-"): copies make the item grow by more than 16 MiB; copy less`},
		{"copies in copies", `[{"id":1,"a":{}}]`,
			ops(64, func(i int) string { return `{"op":"copy","from":"/a","path":"` + strings.Repeat("/a", 1+i) + `"}` }),
			`too_deep: update 1 (1): operation 24`},
		{"copies over each other of what is deep and wide", `[{"id":1,"a":` + deepAndWide(9) + `,"b":` + deepAndWide(8) + `}]`,
			ops(2000, func(i int) string {
				if i%2 == 0 {
					return `{"op":"copy","from":"/a","path":"/b"}`
				}
				return `{"op":"replace","path":"/b` + strings.Repeat("/a", 200) + `/0","value":` + strconv.Itoa(i) + `}`
			}), `too_large: update 1 (1): operation `},
		{"deeper with each move", `[{"id":1,"a":{}}]`,
			ops(2000, func(i int) string {
				if i%2 == 0 {
					return `{"op":"add","path":"/b","value":{}}`
				}
				return `{"op":"move","from":"/a","path":"/b/a"}`
			}), `patch_failed: update 1 (1), at /b/a: operation 4 (move "/b/a"): from: no member "a"; look at the item as it is now, and correct the patch`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := parsed(t, c.before, Flat)
			_, err := d.Apply(updates(t, c.fragment), Options{})
			sound(t, d)
			switch {
			case err == nil && c.err == "":
			case err == nil:
				t.Errorf("no error, but %d bytes; want %s", len(d.Bytes()), c.err)
			case !strings.HasPrefix(said(t, err), c.err) || c.err == "":
				t.Errorf("got  %s\nwant %s", said(t, err), c.err)
			}
		})
	}
}

func deepAndWide(different int) string {
	wide := jsonList(50_000, func(i int) string { return strconv.Itoa(i % different) })
	return strings.Repeat(`{"a":`, 200) + wide + strings.Repeat("}", 200)
}

func TestNothingGetsDeeperThanReadersGo(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	layout := Layout{ID: "id", Children: []string{"kids"}}
	says := func(n int) string {
		return fmt.Sprintf("too_deep: update 1 (1): %d arrays and objects would be inside each other, the limit is 256; nest less deeply", n)
	}
	testApply(t, layout, Options{}, []applyCase{
		{"as deep as can be", `[{"id":1,"y":0}]`, `{"id":1,"x":` + deep(254) + `}`, `[{"id":1,"y":0,"x":` + deep(254) + `}]`},
		{"deeper", `[{"id":1}]`, `{"id":1,"x":` + deep(255) + `}`, says(257)},
		{"deeper, with a children list", `[{"id":1}]`, `{"id":1,"x":` + deep(255) + `,"kids":[]}`, says(257)},
		{"deeper, created", `[]`, `{"id":1,"$op":"create","x":` + deep(255) + `}`, says(257)},
		{"deeper, below another item", `[{"id":0,"kids":[{"id":1}]}]`, `{"id":1,"x":` + deep(254) + `}`, says(258)},
		{"what is deeper already may stay", `[{"id":1,"x":` + deep(2000) + `}]`, `{"id":1,"y":1}`, `[{"id":1,"x":` + deep(2000) + `,"y":1}]`},
		{"what is deeper already may become less deep", `[{"id":1,"x":` + deep(2000) + `}]`, `{"id":1,"x":` + deep(1500) + `}`, `[{"id":1,"x":` + deep(1500) + `}]`},
	})
}
