package producer

import (
	"errors"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

func TestAnUpdateInWordsOfTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		what   string
		update Update
		want   string
	}{
		{"text needs no quotes", Update{ID: "P1", Members: []string{"status=Complete"}}, `{"id":"P1","status":"Complete"}`},
		{"JSON is JSON", Update{ID: "P1", Members: []string{"a=1.0", "b=null", `c=["x"]`, "d=true", `e="5"`, "f="}},
			`{"id":"P1","a":1.0,"b":null,"c":["x"],"d":true,"e":"5","f":""}`},
		{"what is not quite JSON is text", Update{ID: "P1", Members: []string{"a= 1", "b=[x", "c=01", `d={"a":1,"a":2}`, "e=NaN"}},
			`{"id":"P1","a":" 1","b":"[x","c":"01","d":"{\"a\":1,\"a\":2}","e":"NaN"}`},
		{"the first = ends the name", Update{ID: "P1", Members: []string{"a=b=c", "a.b=c", "ü=✓"}}, `{"id":"P1","a":"b=c","a.b":"c","ü":"✓"}`},
		{"all values are text", Update{ID: "5", Members: []string{"a=1"}, If: []string{"b=null"}, AllText: true}, `{"id":"5","$if":{"b":"null"},"a":"1"}`},
		{"one value is text", Update{ID: "P1", Members: []string{"a=1"}, Texts: []string{"b=null"}}, `{"id":"P1","a":1,"b":"null"}`},
		{"an integer is a number as an id", Update{ID: "5", Parent: "7", Op: "create"}, `{"id":5,"$op":"create","$parent":7}`},
		{"other ids are text", Update{ID: "5.2"}, `{"id":"5.2"}`},
		{"also such", Update{ID: "007"}, `{"id":"007"}`},
		{"conditions", Update{ID: "P1", If: []string{"a=1", "b=null"}, Scope: "main"}, `{"id":"P1","$scope":"main","$if":{"a":1,"b":null}}`},
		{"an object is added as it is", Update{ID: "P1", Members: []string{"a=1"}, JSON: ` { "b" : {"c": 1e3}, "d":"\u00e4"} `},
			`{"id":"P1","a":1,"b":{"c": 1e3},"d":"\u00e4"}`},
		{"a patch is an operation", Update{ID: "P1", Patch: `[{"op":"add","path":"/a","value":1}]`},
			`{"id":"P1","$op":"patch","$patch":[{"op":"add","path":"/a","value":1}]}`},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := c.update.Fragment()
			if err != nil || string(got) != c.want+"\n" {
				t.Errorf("%s, %v", got, err)
			}
			if _, err := fragment.Parse("x.json", got, fragment.Limits{}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWhatIsNoUpdate(t *testing.T) {
	for _, c := range []struct {
		update Update
		says   string
	}{
		{Update{ID: "P1", Members: []string{"Complete"}}, `"Complete" is no change; write member=value`},
		{Update{ID: "P1", Members: []string{"=x"}}, "no member name"},
		{Update{ID: "P1", Members: []string{"$op=remove"}}, "use --op"},
		{Update{ID: "P1", Members: []string{"id=P2"}}, `"id" is given twice`},
		{Update{ID: "P1", Members: []string{"a=1", "a=2"}}, `"a" is given twice`},
		{Update{ID: "P1", Members: []string{"a=1"}, JSON: `{"a":2}`}, `"a" is given twice`},
		{Update{ID: "P1", If: []string{"a=1", "a=2"}}, `"a" is given twice`},
		{Update{ID: "P1", Op: "remove", JSON: `{"$op":"merge"}`}, `"$op" is given twice`},
		{Update{ID: "P1", JSON: `{"a":`}, "the value of --json is not JSON"},
		{Update{ID: "P1", JSON: `{"a":1} {}`}, "follows the value"},
		{Update{ID: "P1", JSON: `[1]`}, "no object"},
		{Update{ID: "P1", JSON: `{"a":1,"a":2}`}, "not JSON"},
		{Update{ID: "P1", Patch: `[`}, "the patch is not JSON"},
		{Update{ID: "P1", Patch: `[]`, JSON: `{"$patch":[]}`}, `"$patch" is given twice`},
		{Update{ID: "P\xff"}, "not UTF-8"},
		{Update{ID: "P1", Members: []string{"a=\xff"}}, "not UTF-8"},
		{Update{ID: "P1", Members: []string{"a\xff=1"}}, "not UTF-8"},
		{Update{ID: "P1", Op: "\xff"}, "not UTF-8"},
		{Update{ID: "P1", Parent: "\xff"}, "not UTF-8"},
		{Update{ID: "P1", Scope: "\xff"}, "not UTF-8"},
	} {
		_, err := c.update.Fragment()
		var argument *ArgumentError
		if !errors.As(err, &argument) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.update, err, c.says)
		}
	}
}

func TestTheEndingThatATextAsksFor(t *testing.T) {
	for text, want := range map[string]string{
		"":                              OneValue,
		`{"id":1}`:                      OneValue,
		"{\"id\":1}\n\n":                OneValue,
		"{\n\"id\":1\n}\n":              OneValue,
		"[\n{\"id\":1},\n{\"id\":2}]\n": OneValue,
		"{\"id\":1}\n{\"id\":2}":        Lines,
		"\ufeff{\"id\":1}\r\n{\"id\":2": Lines,
		"\n\n{\"id\":1}\n{\"id\":2}\n":  Lines,
		"{\"id\":1,}\n{\"id\":2}\n":     OneValue,
	} {
		if got := Ending([]byte(text)); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}
