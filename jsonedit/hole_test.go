package jsonedit

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// marked makes a text with a mark at each ^, and shows one the same way.
func marked(text string) *Text {
	var marks []int
	var b strings.Builder
	for i := range len(text) {
		if text[i] == '^' {
			marks = append(marks, b.Len())
			continue
		}
		b.WriteByte(text[i])
	}
	return New([]byte(b.String()), marks, DefaultStyle, "")
}

func show(t *Text) string {
	s := string(t.Bytes())
	for _, mark := range slices.Backward(t.Marks()) {
		s = s[:mark] + "^" + s[mark:]
	}
	return s
}

func TestMarksMoveAlong(t *testing.T) {
	for _, c := range []struct{ name, before, patch, after string }{
		{"behind a longer value", `{"a":1,"list":[^{},^{}],"b":2}`, `{"a":1000}`, `{"a":1000,"list":[^{},^{}],"b":2}`},
		{"behind a shorter value", `{"a":1000,"list":[^{}],"b":2}`, `{"a":1}`, `{"a":1,"list":[^{}],"b":2}`},
		{"before a change", `{"list":[^{}],"b":2}`, `{"b":20,"c":3}`, `{"list":[^{}],"b":20,"c":3}`},
		{"between changes", `{"a":1,"x":[^{}],"b":2,"y":[^{},^{}],"c":3}`, `{"a":10,"b":null,"c":30}`, `{"a":10,"x":[^{}],"y":[^{},^{}],"c":30}`},
		{"behind a member that goes", `{"a":1,"list":[^{}]}`, `{"a":null}`, `{"list":[^{}]}`},
		{"before a member that goes", `{"list":[^{}],"a":1}`, `{"a":null}`, `{"list":[^{}]}`},
		{"directly behind the place where an element comes in", `{"l":[^{}]}`, `{}`, `{"l":[^{}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := marked(c.before)
			text.Merge(Members([]byte(c.patch)))
			if got := show(text); got != c.after {
				t.Errorf("got %s, want %s", got, c.after)
			}
		})
	}
	t.Run("an insertion right before a mark", func(t *testing.T) {
		text := marked(`[^{},^{}]`)
		for _, op := range operations(t, `[{"op":"add","path":"/0","value":1},{"op":"add","path":"/2","value":2},{"op":"add","path":"/-","value":3}]`) {
			if err := text.Patch(op); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := show(text), `[1,^{},2,^{},3]`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
	t.Run("a move that fails half way", func(t *testing.T) {
		text := marked(`{"a":1,"b":[^{}]}`)
		if err := text.Patch(Operation{Op: "move", From: "/a", Path: "/c/d"}); err == nil {
			t.Fatal("no error")
		}
		if got, want := show(text), `{"a":1,"b":[^{}]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestHolesComeAndGo(t *testing.T) {
	for _, c := range []struct {
		name, before string
		pointer      jsontext.Pointer
		mark         int
		indent       string
		after        string
	}{
		{"behind the others", "{\n  \"a\": [\n    ^{},\n    ^{}\n  ]\n}", "/a", 2, "    ", "{\n  \"a\": [\n    ^{},\n    ^{},\n    ^{}\n  ]\n}"},
		{"as the first", "{\n  \"a\": [],\n  \"b\": [^{}]\n}", "/a", 0, "    ", "{\n  \"a\": [\n    ^{}\n  ],\n  \"b\": [^{}]\n}"},
		{"between marks of other lists", `{"a":[^{}],"b":[1],"c":[^{}]}`, "/b", 1, "", `{"a":[^{}],"b":[1,^{}],"c":[^{}]}`},
		{"behind a trailing comma", "[\n  ^{}, // x\n]", "", 1, "  ", "[\n  ^{}, // x\n  ^{},\n]"},
		{"on the line of the bracket", "[^{}, ^{}]", "", 2, "", "[^{}, ^{}, ^{}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := marked(c.before)
			mark, indent, err := text.AppendHole(c.pointer)
			if err != nil || mark != c.mark || indent != c.indent {
				t.Errorf("mark %d, indent %q, error %v", mark, indent, err)
			}
			if got := show(text); got != c.after {
				t.Errorf("got\n%s\nwant\n%s", got, c.after)
			}
			if err := text.RemoveHole(c.pointer, mark); err != nil {
				t.Error(err)
			}
			if got := show(text); got != c.before {
				t.Errorf("taken out again, it is\n%s\nwant\n%s", got, c.before)
			}
		})
	}
	t.Run("not where there is no array", func(t *testing.T) {
		text := marked(`{"a":{},"b":[^{}]}`)
		if _, _, err := text.AppendHole("/a"); err == nil || err.Error() != "/a is not an array" {
			t.Errorf("in an object: %v", err)
		}
		if _, _, err := text.AppendHole("/c"); err == nil || err.Error() != `no member "c"` {
			t.Errorf("in nothing: %v", err)
		}
		if err := text.RemoveHole("/c", 0); err == nil || err.Error() != `no member "c"` {
			t.Errorf("from nothing: %v", err)
		}
		if got, want := show(text), `{"a":{},"b":[^{}]}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestDepthCountsBracketsAndNothingElse(t *testing.T) {
	for text, want := range map[string]int{
		`1`: 0, `"[[["`: 0, `{}`: 1, `[{"a":"]"},[]]`: 2, `{"\"{":[/* [[[[ */ [1 // {{{{` + "\n" + `]]}`: 3, `[[],[[]],[]]`: 3,
	} {
		if got := Depth([]byte(text)); got != want {
			t.Errorf("Depth(%s) is %d, want %d", text, got, want)
		}
	}
}

func TestMembersAndElementsAreSlicesOfTheText(t *testing.T) {
	text := []byte(` { "a" : 1.0 , "\u0061" : [ 2 , {} ] /* x */, } `)
	var names, values []string
	for name, value := range Members(text) {
		names, values = append(names, name), append(values, string(value))
	}
	if !slices.Equal(names, []string{"a", "a"}) || !slices.Equal(values, []string{"1.0", "[ 2 , {} ]"}) {
		t.Errorf("members %q %q", names, values)
	}
	var elements []string
	for value := range Elements([]byte(values[1])) {
		elements = append(elements, string(value))
	}
	if !slices.Equal(elements, []string{"2", "{}"}) {
		t.Errorf("elements %q", elements)
	}
	for range Members(text) {
		break
	}
	for range Elements([]byte("[1,2]")) {
		break
	}
}

func TestStyleOfWhatIsNoObject(t *testing.T) {
	for _, text := range []string{`1`, `{}`, `[ ]`, `"x"`} {
		if got := StyleOf([]byte(text), DefaultStyle); got != DefaultStyle {
			t.Errorf("StyleOf(%s) is %+v", text, got)
		}
	}
}

func TestAppendFormatDropsCommentsAndKeepsLiterals(t *testing.T) {
	value := "// x\n{\"a\" /* b */: 1.00, \"c\": [true, // d\n null, ], \"\\u0065\": {}}"
	got := string(AppendFormat([]byte("x: "), []byte(value), DefaultStyle, "    "))
	want := "x: {\n      \"a\": 1.00,\n      \"c\": [\n        true,\n        null\n      ],\n      \"\\u0065\": {}\n    }"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
