package jsonedit

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// adopted merges three texts and holds the result against two laws: it parses, and the same again changes no value (which
// equal elements in a list could break).
func adopted(t *testing.T, ours, base, theirs string) string {
	t.Helper()
	text := New([]byte(ours), nil, DefaultStyle, "")
	text.Identify("id")
	text.Adopt([]byte(base), []byte(theirs))
	after := string(text.Bytes())
	if !parses([]byte(after)) {
		t.Fatalf("ours %q, base %q and theirs %q became %q", ours, base, theirs, after)
	}
	if text.Adopt([]byte(base), []byte(theirs)); !Equal(text.Bytes(), []byte(after)) {
		t.Errorf("ours %q, base %q and theirs %q became %q, and then %q", ours, base, theirs, after, text.Bytes())
	}
	return after
}

type adoptCase struct{ name, base, ours, theirs, after string }

func testAdoptions(t *testing.T, cases []adoptCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if after := adopted(t, c.ours, c.base, c.theirs); after != c.after {
				t.Errorf("base\n%s\nours\n%s\ntheirs\n%s\nafter\n%s\nwant\n%s", c.base, c.ours, c.theirs, after, c.after)
			}
		})
	}
}

func TestAdoptMergesObjectsMemberByMember(t *testing.T) {
	testAdoptions(t, []adoptCase{
		{"they change one, the text changes another", `{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"a":1,"b":3}`, `{"a":2,"b":3}`},
		{"they add one, the text adds another", `{"a":1}`, `{"a":1,"b":2}`, `{"a":1,"c":3}`, `{"a":1,"b":2,"c":3}`},
		{"they remove one, the text removes another", `{"a":1,"b":2,"c":3}`, `{"a":1,"b":2}`, `{"b":2,"c":3}`, `{"b":2}`},
		{"they remove what the text changed", `{"a":1,"b":2}`, `{"a":2,"b":2}`, `{"b":2}`, `{"b":2}`},
		{"they change what the text removed: it comes back", `{"a":{"x":1},"b":2}`, `{"b":2}`, `{"a":{"x":2},"b":2}`, "{\"b\":2,\"a\":{\"x\":2}}"},
		{"they leave what the text removed: it stays away", `{"a":{"x":1.0},"b":2}`, `{"b":2}`, `{"a": {"x":1},"b":3}`, `{"b":3}`},
		{"both change the same: theirs counts", `{"a":1}`, `{"a":2}`, `{"a":3}`, `{"a":3}`},
		{"both make the same change: the text stays", `{"a":1}`, `{"a": 2.0}`, `{"a":2}`, `{"a": 2.0}`},
		{"both change different members deep inside", `{"a":{"b":{"c":1,"d":1}}}`, `{"a":{"b":{"c":2,"d":1}}}`, `{"a":{"b":{"c":1,"d":3}}}`, `{"a":{"b":{"c":2,"d":3}}}`},
		{"both add an object: it has the members of both", `{}`, `{"a":{"x":1,"y":1}}`, `{"a":{"y":2,"z":2}}`, `{"a":{"x":1,"y":2,"z":2}}`},
		{"both make an object of a scalar: it has the members of both", `{"a":null}`, `{"a":{"x":1}}`, `{"a":{"y":2}}`, `{"a":{"x":1,"y":2}}`},
		{"both add a list: it has the elements of both", `{}`, `{"a":[1,2]}`, `{"a":[2,3]}`, `{"a":[1,2,3]}`},
		{"they make a scalar of an object that the text changed", `{"a":{"x":1}}`, `{"a":{"x":2}}`, `{"a":3}`, `{"a":3}`},
		{"the text makes a scalar of an object that they changed", `{"a":{"x":1}}`, `{"a":3}`, `{"a":{"x":2}}`, `{"a":{"x":2}}`},
		{"the text makes a scalar of an object that they left", `{"a":{"x":1},"b":1}`, `{"a":3,"b":1}`, `{"a":{ "x": 1e0 },"b":2}`, `{"a":3,"b":2}`},
		{"null is a value like others", `{"a":1,"b":null}`, `{"a":1,"b":null,"c":1}`, `{"a":null}`, `{"a":null,"c":1}`},
		{"a name that stands twice: the last one counts", `{"a":1,"a":2,"b":1}`, `{"a":1,"a":2,"b":2}`, `{"a":1,"a":3,"b":1}`, `{"a":1,"a":3,"b":2}`},
		{"a name that stands twice and goes: both go", `{"a":1,"a":2,"b":1}`, `{"a":1,"a":2,"b":2}`, `{"b":1}`, `{"b":2}`},
		{"a name in other letters is the same name", `{"a":1,"b":1}`, `{"\u0061":1,"b":2}`, `{"\u0061":3,"b":1}`, `{"\u0061":3,"b":2}`},
		{"another order is no change", `{"a":1,"b":1}`, `{"a":2,"b":1}`, `{"b":1,"a":1}`, `{"a":2,"b":1}`},
		{"the whole is a scalar", `1`, `2`, ` 3 `, `3`},
		{"the whole becomes a list", `{"a":1}`, `{"a":2}`, `[1]`, `[1]`},
		{"comments around the three texts", "// b\n1", "// o\n2 // p", "/* t */ 3 // u", "// o\n3 // p"},
	})
}

func TestAdoptMergesListsOfIdentifiedObjects(t *testing.T) {
	testAdoptions(t, []adoptCase{
		{"each changes another member of one object", `[{"id":1,"x":1,"y":1}]`, `[{"id":1,"x":2,"y":1}]`, `[{"id":1,"x":1,"y":2}]`, `[{"id":1,"x":2,"y":2}]`},
		{"each appends one: theirs stands last", `[{"id":1}]`, `[{"id":1},{"id":2}]`, `[{"id":1},{"id":3}]`, `[{"id":1},{"id":2},{"id":3}]`},
		{"each appends to an empty list", `[]`, `[{"id":2}]`, `[{"id":3}]`, `[{"id":2}, {"id":3}]`},
		{"they replace the last one, the text appends one", `[{"id":1},{"id":2}]`, `[{"id":1},{"id":2},{"id":3}]`, `[{"id":1},{"id":4}]`, `[{"id":1},{"id":3},{"id":4}]`},
		{"they append where the text removed the last one", `[{"id":1},{"id":2}]`, `[{"id":1}]`, `[{"id":1},{"id":2},{"id":3}]`, `[{"id":1}, {"id":3}]`},
		{"they insert in the middle and at the start", `[{"id":1},{"id":2}]`, `[{"id":1,"x":1},{"id":2}]`, `[{"id":3},{"id":1},{"id":4},{"id":2}]`,
			`[{"id":3},{"id":1,"x":1},{"id":4},{"id":2}]`},
		{"both add the same one: it stands once, with what both say of it", `[{"id":1}]`, `[{"id":1},{"id":2,"x":1}]`, `[{"id":2,"y":1},{"id":1}]`, `[{"id":1},{"id":2,"x":1,"y":1}]`},
		{"they remove one, the text another", `[{"id":1},{"id":2},{"id":3}]`, `[{"id":2},{"id":3}]`, `[{"id":1},{"id":2}]`, `[{"id":2}]`},
		{"they remove what the text changed", `[{"id":1,"x":1},{"id":2}]`, `[{"id":1,"x":2},{"id":2}]`, `[{"id":2}]`, `[{"id":2}]`},
		{"they change what the text removed: it comes back in its place", `[{"id":1},{"id":2,"x":1},{"id":3}]`, `[{"id":1},{"id":3}]`, `[{"id":1},{"id":2,"x":2},{"id":3}]`,
			`[{"id":1},{"id":2,"x":2},{"id":3}]`},
		{"they move one that the text changed", `[{"id":1,"x":1.0},{"id":2},{"id":3}]`, `[{"id":1,"x":1.0,"y":1},{"id":2},{"id":3}]`, `[{"id":2},{"id":3},{"id":1,"x":1.0}]`,
			`[{"id":2},{"id":3},{"id":1,"x":1.0,"y":1}]`},
		{"they move and change one that the text changed", `[{"id":1,"x":1},{"id":2},{"id":3}]`, `[{"id":1,"x":1,"y":1},{"id":2},{"id":3}]`, `[{"id":2},{"id":3},{"id":1,"x":2}]`,
			`[{"id":2},{"id":3},{"id":1,"x":2,"y":1}]`},
		{"the text moves one that they change", `[{"id":1,"x":1},{"id":2}]`, `[{"id":2},{"id":1,"x":1}]`, `[{"id":1,"x":2},{"id":2}]`, `[{"id":2},{"id":1,"x":2}]`},
		{"the text moves one that they remove", `[{"id":1},{"id":2},{"id":3}]`, `[{"id":3},{"id":1},{"id":2}]`, `[{"id":1},{"id":2}]`, `[{"id":1},{"id":2}]`},
		{"lists in lists", `[{"id":1,"kids":[{"id":2}]}]`, `[{"id":1,"kids":[{"id":2},{"id":3}]}]`, `[{"id":1,"kids":[{"id":2,"x":1},{"id":4}]}]`,
			`[{"id":1,"kids":[{"id":2,"x":1},{"id":3},{"id":4}]}]`},
		{"an identifier that stands twice", `[{"id":1,"x":1},{"id":1,"x":2}]`, `[{"id":1,"x":1},{"id":1,"x":2},{"id":2}]`, `[{"id":1,"x":1},{"id":1,"x":3}]`,
			`[{"id":1,"x":1},{"id":1,"x":3},{"id":2}]`},
		{"something without an identifier between them", `[{"id":1},null,{"x":1}]`, `[{"id":1,"y":1},null,{"x":1}]`, `[null,{"id":1},{"x":2},7]`, `[null,{"id":1,"y":1},{"x":2},7]`},
	})
}

func TestAdoptMergesOtherListsByValue(t *testing.T) {
	testAdoptions(t, []adoptCase{
		{"each appends one", `["a"]`, `["a","x"]`, `["a","y"]`, `["a","x","y"]`},
		{"each puts one in between", `[1,9]`, `[1,2,9]`, `[1,3,9]`, `[1,2,3,9]`},
		{"both append the same: it stands once", `[1]`, `[1,2]`, `[1,2.0]`, `[1,2]`},
		{"they remove one, the text appends one", `[1,2]`, `[1,2,3]`, `[2]`, `[2,3]`},
		{"each removes one of three", `[1,2,3]`, `[2,3]`, `[1,2]`, `[2]`},
		{"they append the same again", `[1]`, `[0,1]`, `[1,1]`, `[0,1,1]`},
		{"they change one, the text another", `[1,2,3]`, `[7,2,3]`, `[1,2,8]`, `[7,2,8]`},
		{"they change an object without an identifier, the text another", `[{"n":1},{"n":2}]`, `[{"n":3},{"n":2}]`, `[{"n":1},{"n":4}]`, `[{"n":3},{"n":4}]`},
		{"they move one: it keeps its literal", `[1.0,2,3]`, `[1.0,2,3,4]`, `[2,3,1]`, `[2,3,4,1.0]`},
		{"numbers are equal by value", `[1]`, `[1.0,2]`, `[1e0,3]`, `[1.0,2,3]`},
		{"they empty the list", `[1,2]`, `[1,2,3]`, `[]`, `[3]`},
		{"the list is as it was: it becomes theirs", `{"a":[1,2,3],"b":1}`, `{"a":[1,2,3],"b":2}`, `{"a":[3,4,1],"b":1}`, `{"a":[3,4,1],"b":2}`},
		{"lists that differ in the ninth level only are the same list",
			`[[[[[[[[[[1]]]]]]]]],0]`, `[[[[[[[[[[1]]]]]]]]],0,5]`, `[[[[[[[[[[2]]]]]]]]],0]`, `[[[[[[[[[[2]]]]]]]]],0,5]`},
	})
}

func TestAdoptFollowsTheLayoutAndLeavesCommentsAlone(t *testing.T) {
	testAdoptions(t, []adoptCase{
		{"base and theirs are equal: not a byte changes", `{"a":[1,{"id":2}]}`, "{ \"a\" :[1 , {\"id\":2.0}], // x\n}", "{\n\"a\": [1.0, {\"id\": 2}]\n}", "{ \"a\" :[1 , {\"id\":2.0}], // x\n}"},
		{"compact text is adopted in the style of the lines around",
			`{"list":[{"id":1,"x":1}]}`,
			"{\n  \"list\": [\n    // one\n    {\n      \"id\": 1, // its id\n      \"x\": 2\n    }\n  ]\n}",
			`{"list":[{"id":1,"x":1,"y":{"z":[]}},{"id":2,"x":[3]}],"v":1}`,
			"{\n  \"list\": [\n    // one\n    {\n      \"id\": 1, // its id\n      \"x\": 2,\n      \"y\": {\n        \"z\": []\n      }\n    },\n" +
				"    {\n      \"id\": 2,\n      \"x\": [\n        3\n      ]\n    }\n  ],\n  \"v\": 1\n}"},
		{"what is on one line stays there", "{\"a\":1,\"b\":1}", `{"a": 2, "b": 1}`, "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [1]\n  }\n}", `{"a": 2, "b": {"c": [1]}}`},
		{"tabs, CRLF and a trailing comma", `{"a":[1]}`, "{\r\n\t\"a\": [\r\n\t\t1,\r\n\t\t2,\r\n\t],\r\n}", `{"a":[1,{"b":3}],"c":4}`,
			"{\r\n\t\"a\": [\r\n\t\t1,\r\n\t\t2,\r\n\t\t{\r\n\t\t\t\"b\": 3\r\n\t\t},\r\n\t],\r\n\t\"c\": 4,\r\n}"},
		{"the comment of what they remove goes with it", `[{"id":1},{"id":2}]`, "[\n  {\"id\":1}, // one\n  {\"id\":2, \"x\":1} // two\n]", `[{"id":2}]`, "[\n  {\"id\":2, \"x\":1} // two\n]"},
		{"a comment that they write stays with them", `{"a":1}`, `{"a":1,"b":2}`, "{\"a\":1,\n // why\n \"c\":[3 /* three */]}", `{"a":1,"b":2,"c":[3]}`},
		{"what they move keeps its layout and the comments inside, in lines that are indented anew",
			`[{"id":1},{"id":2},{"id":3}]`, "[\n      {\n        \"id\": 1, // one\n        \"x\" : 1.0\n      },\n  {\"id\": 2},\n  {\"id\": 3}\n]", `[{"id":2},{"id":3},{"id":1,"y":1}]`,
			"[\n      {\"id\": 2},\n  {\"id\": 3},\n  {\n    \"id\": 1, // one\n    \"x\" : 1.0,\n    \"y\" : 1\n  }\n]"},
		{"a list that the text did not change: an element changes in its place, beside its comment",
			"{\"a\": [\n  1, // one\n  2 // two\n], \"b\": 1}", "{\"a\": [\n  1, // one\n  2 // two\n], \"b\": 2}", `{"a":[3,2],"b":1}`, "{\"a\": [\n  3, // one\n  2 // two\n], \"b\": 2}"},
		{"both did the same: not a byte changes", "[1, 2, 3]", "[3, // three\n 1, 2]", "[3, // three\n 1, 2]", "[3, // three\n 1, 2]"},
	})
}

// Every two lists of up to four different letters, as strings and as objects, that are made of a list of up to three. Which
// letters that one holds makes no difference.
func TestAdoptOfSmallListsKeepsTheLaws(t *testing.T) {
	lists := []string{""}
	for i := 0; i < len(lists); i++ {
		for _, letter := range "abcd" {
			if len(lists[i]) < 4 && !strings.ContainsRune(lists[i], letter) {
				lists = append(lists, lists[i]+string(letter))
			}
		}
	}
	for _, kind := range []string{`"%c"`, `{"id":"%c","all":[]%s}`} {
		write := func(list, more string) []byte {
			var elements []string
			for _, letter := range list {
				if kind[0] == '{' {
					elements = append(elements, fmt.Sprintf(kind, letter, more))
				} else {
					elements = append(elements, fmt.Sprintf(kind, letter))
				}
			}
			return []byte("[" + strings.Join(elements, ",") + "]")
		}
		for _, base := range []string{"", "a", "ab", "abc"} {
			for _, ours := range lists {
				for _, theirs := range lists {
					after := adopted(t, string(write(ours, `,"ours":1`)), string(write(base, "")), string(write(theirs, `,"theirs":1`)))
					var got strings.Builder
					for e := range Elements([]byte(after)) {
						letter := string(e[1 : len(e)-1])
						if kind[0] == '{' {
							id, _ := New(e, nil, DefaultStyle, "").Get("/id")
							letter = string(id[1 : len(id)-1])
							for member, list := range map[string]string{`"ours"`: ours, `"theirs"`: theirs} {
								if strings.Contains(string(e), member) != strings.Contains(list, letter) {
									t.Errorf("%q, %q and %q: %s", base, ours, theirs, after)
								}
							}
						}
						got.WriteString(letter)
					}
					if broken := brokenListLaw(base, ours, theirs, got.String(), kind[0] == '{'); broken != "" {
						t.Fatalf("of %q one makes %q, the other %q, together %q: %s", base, ours, theirs, got.String(), broken)
					}
				}
			}
		}
	}
}

// brokenListLaw returns what is wrong with a merged list; changed tells that they have changed each element that they keep.
func brokenListLaw(base, ours, theirs, got string, changed bool) string {
	keep := func(list string, wanted func(letter string) bool) string {
		return strings.Join(slices.DeleteFunc(strings.Split(list, ""), func(l string) bool { return !wanted(l) }), "")
	}
	in := func(list string) func(string) bool {
		return func(letter string) bool { return strings.Contains(list, letter) }
	}
	without := func(list string) func(string) bool {
		return func(letter string) bool { return !strings.Contains(list, letter) }
	}

	want := keep(ours, func(l string) bool { return in(theirs)(l) || without(base)(l) })
	want += keep(theirs, func(l string) bool { return without(ours)(l) && (changed || without(base)(l)) })
	if a, b := sorted(got), sorted(want); a != b {
		return "it should hold " + b
	}
	weMoved, theyMoved := keep(base, in(ours)) != keep(ours, in(base)), keep(base, in(theirs)) != keep(theirs, in(base))
	bothAdded := keep(keep(ours, in(theirs)), without(base)) != "" // the other's stands where the one has it
	switch {
	case ours == base && got != theirs:
		return "where the one changed nothing it is what the other made"
	case !changed && theirs == base && got != ours:
		return "where the other changed nothing it is what the one made"
	case ours == theirs && got != ours:
		return "where both did the same it is that"
	case !theyMoved && keep(got, in(ours)) != keep(ours, in(got)):
		return "what the other did not move stands in the order of the one"
	case !weMoved && !bothAdded && keep(got, in(theirs)) != keep(theirs, in(got)):
		return "what the one did not move stands in the order of the other"
	}
	return ""
}

func sorted(list string) string {
	letters := strings.Split(list, "")
	slices.Sort(letters)
	return strings.Join(letters, "")
}

func TestAdoptTakesAFewPassesHoweverTheTextIsLaidOut(t *testing.T) {
	items := func(first, last, lineBreak string) []byte {
		list := make([]string, 20000)
		for i := range list {
			list[i] = fmt.Sprintf(`{%s"id":%d,%s"title":"an item as any other"}`, lineBreak, i, lineBreak)
		}
		list[0] = strings.Replace(list[0], "an item", first, 1)
		list[len(list)-1] = strings.Replace(list[len(list)-1], "an item", last, 1)
		return []byte(`{"list":[` + strings.Join(list, ",") + `]}`)
	}
	deep := func(scalar, lineBreak string) []byte {
		return []byte(strings.Repeat("["+lineBreak+scalar+",", 1500) + scalar + strings.Repeat("]", 1500))
	}
	for _, c := range []struct {
		name               string
		ours, base, theirs []byte
		want               []byte
		differentlyLaidOut bool
	}{
		{"a change in one item", items("ours", "an item", "\n"), items("an item", "an item", "\n"), items("an item", "theirs", "\n"), items("ours", "theirs", "\n"), false},
		{"on one line, which they broke into many", items("ours", "an item", ""), items("an item", "an item", ""), items("an item", "theirs", "\n"), items("ours", "theirs", ""), true},
		{"on one line, without a change of ours", items("an item", "an item", ""), items("an item", "an item", ""), items("an item", "theirs", "\n"), items("an item", "theirs", ""), true},
		{"nested deeply", deep("1", "\n"), deep("1", ""), deep("2", ""), deep("2", ""), true},
		{"nested deeply, without a change of ours", deep("1", ""), deep("1", ""), deep("2", ""), deep("2", ""), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			text := New(c.ours, nil, DefaultStyle, "")
			text.Identify("id")
			text.Adopt(c.base, c.theirs)
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if got := text.Bytes(); !c.differentlyLaidOut && string(got) != string(c.want) || !Equal(got, c.want) {
				t.Error("it became something else")
			}
		})
	}
}
