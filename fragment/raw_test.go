package fragment

import (
	"slices"
	"testing"
)

func TestRawReturnsTheUpdatesAsFarAsTheyParse(t *testing.T) {
	for _, c := range []struct {
		says, name, src string
		want            []string
	}{
		{"one object", "a.json", ` {"id":1} `, []string{`{"id":1}`}},
		{"an array's elements, whatever they are", "a.json", `[{"id":1}, 7,[ ]]`, []string{`{"id":1}`, `7`, `[ ]`}},
		{"an empty array", "a.json", `[]`, nil},
		{"a scalar is no update", "a.json", `7`, nil},
		{"half a file", "a.json", `{"id":`, nil},
		{"a lone surrogate", "a.json", `{"id":"\ud83d"}`, []string{`{"id":"\ud83d"}`}},
		{"a byte order mark", "a.json", "\xef\xbb\xbf{}", []string{`{}`}},
		{"the lines that are whole", "a.jsonl", "{\"id\":1}\n\n{\"id\":\n[]\n{\"id\":2}", []string{`{"id":1}`, `{"id":2}`}},
		{"duplicate names are not whole", "a.ndjson", `{"a":1,"a":2}`, nil},
	} {
		t.Run(c.says, func(t *testing.T) {
			var got []string
			for _, v := range Raw(c.name, []byte(c.src)) {
				got = append(got, string(v))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
