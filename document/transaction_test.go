package document

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/fragment"
)

// A fragment that fails leaves nothing behind: whatever comes after it does what it would have done without.
func TestAFragmentThatFailsLeavesNothing(t *testing.T) {
	text := `{"tasks":[{"id":1,"subtasks":[{"id":1},{"id":2},{"id":3}]},{"id":2,"x":[1]},{"id":3}],"x":{"tasks":[{"id":1},{"id":9}]},"y":{"tasks":[]}}`
	const fails = `{"id":77,"nothing":true}`
	for _, before := range []string{
		`{"id":1,"$scope":"x","y":1}`,
		`{"id":2,"x":[1,2],"subtasks":[{"id":4}]}`,
		`{"id":4,"$op":"create","$scope":"y"}`,
		`{"id":4,"$op":"create","$scope":"x"}`,
		`{"id":"1.4","$op":"create","$scope":"x"}`,
		`{"id":"2.1","$op":"create"}`,
		`{"id":"1.2","$op":"remove"}`,
		`{"id":2,"$op":"remove"},{"id":3,"$op":"remove"}`,
		`{"id":9,"$op":"remove"},{"id":9,"$op":"create","$scope":"x"}`,
		`{"id":"1.1","$op":"remove"},{"id":"1.2","$op":"remove"},{"id":"1.3","$op":"remove"},{"id":"1.1","$op":"create","$scope":"x"}`,
		`{"id":"1.2","z":1},{"id":"1.2","z":2},{"id":"1.2","$op":"remove"},{"id":"3.4","$op":"upsert"}`,
		`{"id":3,"$op":"patch","$patch":[{"op":"add","path":"/subtasks","value":[{"id":1},{"id":2}]}]},{"id":"3.1","$op":"remove"},{"id":"3.2","x":1},{"id":"3.3","$op":"create"}`,
		`{"id":3,"subtasks":[{"id":1,"subtasks":[{"id":1}]}]},{"id":"3.1.1","x":1},{"id":3,"subtasks":null},{"id":"3.1","$op":"create"}`,
		`{"id":3,"a":1},{"id":"3.1","$op":"create"},{"id":3,"a":2},{"id":"3.2","$op":"create"},{"id":3,"subtasks":[]}`,
	} {
		t.Run(before, func(t *testing.T) {
			d, twin := parsed(t, text, Taskmaster), parsed(t, text, Taskmaster)
			for range 2 {
				if _, err := d.Apply(updates(t, "["+before+","+fails+"]"), Options{}); err == nil || !strings.Contains(err.Error(), "77") {
					t.Fatalf("not the error that it should be: %v", err)
				}
				sound(t, d)
				if string(d.Bytes()) != text || d.Modified() {
					t.Fatalf("it left\n%s", d.Bytes())
				}
			}
			for _, next := range []string{before, `{"id":"1","$scope":"x","w":1}`, `{"id":5,"$op":"create","$scope":"y"}`} {
				_, err := d.Apply(updates(t, "["+next+"]"), Options{})
				_, twinErr := twin.Apply(updates(t, "["+next+"]"), Options{})
				if fmt.Sprint(err) != fmt.Sprint(twinErr) || !bytes.Equal(d.Bytes(), twin.Bytes()) {
					t.Fatalf("then %s made\n%s\n%v, without it\n%s\n%v", next, d.Bytes(), err, twin.Bytes(), twinErr)
				}
				sound(t, d)
			}
		})
	}
}

// randomUpdate makes an update that may or may not apply to a document in the layout taskmaster.
func randomUpdate(r *rand.Rand) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	id := pick("1", "2", "3", "4", `"1.1"`, `"1.2"`, `"2.1"`, `"2.2"`, `"3.1"`, `"1.1.1"`, `"4.1"`)
	value := pick(`1`, `null`, `"x"`, `[]`, `[1,2]`, `{"a":1}`, `{"a":{"b":null}}`, `true`)
	children := pick(`[]`, `null`, `[{"id":1}]`, `[{"id":1},{"id":2,"x":1}]`, `[{"id":2},{"id":1}]`, `[{"id":1},{"id":1}]`, `[{"x":1}]`)
	scope := pick("", "", "", `,"$scope":"a"`, `,"$scope":"b"`)
	switch r.IntN(10) {
	case 0, 1:
		return `{"id":` + id + scope + `,"$op":"remove"}`
	case 2, 3, 4:
		return `{"id":` + id + scope + `,"$op":"` + pick("create", "upsert") + `","x":` + value + `,"subtasks":` + children + `}`
	case 5:
		return `{"id":` + id + scope + `,"subtasks":` + children + `}`
	case 6, 7:
		path := pick("/x", "/subtasks", "/subtasks/-", "/subtasks/0", "/subtasks/1", "/subtasks/0/x", "/subtasks/0/id", "/id", "")
		from := pick("/x", "/subtasks", "/subtasks/0", "/subtasks/1", "/subtasks/0/x", "/id")
		op := pick(`"op":"add","value":`+value, `"op":"replace","value":`+value, `"op":"remove"`, `"op":"copy","from":"`+from+`"`, `"op":"add","value":{"id":1}`)
		return `{"id":` + id + scope + `,"$op":"patch","$patch":[{` + op + `,"path":"` + path + `"}]}`
	}
	return `{"id":` + id + scope + `,"` + pick("x", "y", "title") + `":` + value + `}`
}

// Fragments of all kinds, one after the other: each applies as a whole, as it would to a freshly parsed document, or not
// at all; and what they leave is sound.
func TestManyFragmentsOnOneDocument(t *testing.T) {
	texts := []string{
		`{"tasks":[]}`,
		`{"a":{"tasks":[{"id":1,"subtasks":[{"id":1},{"id":2}]},{"id":2}]},"b":{"tasks":[{"id":1}]}}`,
		"{\n  \"a\": {\n    \"tasks\": [\n      // one\n      {\n        \"id\": 1,\n        \"x\": [1, 2], // x\n      }, // 1\n      { \"id\": 2 } /* 2 */\n    ]\n  },\n  \"b\": { \"tasks\": [] } // b\n}\n",
		"{ \"tasks\": [ { \"id\": \"1\"\n    , \"subtasks\": [ { \"id\": \"1\" } ]\n    }\n  , { \"id\": \"2\" }\n  ]\n}",
	}
	for i, text := range texts {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		d := parsed(t, text, Taskmaster)
		applied := 0
		for range 4000 {
			var list []string
			for range 1 + r.IntN(3) {
				list = append(list, randomUpdate(r))
			}
			source := "[" + strings.Join(list, ",") + "]"
			us, err := fragment.Parse("x.json", []byte(source), fragment.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			before := d.Bytes()
			fresh := parsed(t, string(before), Taskmaster)
			// The style is that of the document as it was read; the fresh one would see its own.
			fresh.style = d.style
			out, err := d.Apply(us, Options{})
			freshOut, freshErr := fresh.Apply(us, Options{})
			if fmt.Sprint(err) != fmt.Sprint(freshErr) || fmt.Sprint(out) != fmt.Sprint(freshOut) || !bytes.Equal(d.Bytes(), fresh.Bytes()) {
				t.Fatalf("%s on\n%s\nmade\n%s\n%v %v, and on a fresh document\n%s\n%v %v", source, before, d.Bytes(), out, err, fresh.Bytes(), freshOut, freshErr)
			}
			if err != nil && !bytes.Equal(before, d.Bytes()) {
				t.Fatalf("%s failed with %v and left\n%s\nof\n%s", source, err, d.Bytes(), before)
			}
			if err == nil {
				applied++
			}
			sound(t, d)
			if len(d.Bytes()) > 4000 {
				d = parsed(t, text, Taskmaster)
			}
		}
		if applied < 300 {
			t.Errorf("only %d fragments applied to\n%s", applied, text)
		}
	}
}
