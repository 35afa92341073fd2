package fragment_test

import (
	"fmt"

	"github.com/sessionsync/sessionsync/fragment"
)

func ExampleParse() {
	src := []byte(`[
  {"id": "P1.M1.T1.S1", "status": "Complete", "notes": null},
  {"id": 5, "$op": "create", "$parent": "P1.M1", "title": "Write it down", "story_points": 1.0}
]`)
	updates, err := fragment.Parse("done.json", src, fragment.Limits{MaxBytes: 1 << 20, MaxDepth: 64})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range updates {
		fmt.Printf("line %d: %s %s", u.Line, u.Op, u.ID)
		for _, m := range u.Members {
			fmt.Printf(" %s=%s", m.Name, m.Value)
		}
		fmt.Println()
	}
	// Output:
	// line 2: merge P1.M1.T1.S1 status="Complete" notes=null
	// line 3: create 5 title="Write it down" story_points=1.0
}

func ExampleParse_lines() {
	src := []byte("{\"id\": 1, \"status\": \"Complete\"}\n{\"id\": 2, \"status\": Complete}\n")
	_, err := fragment.Parse("done.jsonl", src, fragment.Limits{})
	fmt.Println(err.(*fragment.Error).Code)
	fmt.Println(err)
	// Output:
	// invalid_json
	// line 2, column 21: unexpected 'C' where a value should begin; put text in double quotes
}

// A file that is still being written is worth another look.
func ExampleParse_incomplete() {
	_, err := fragment.Parse("done.json", []byte(`{"id": "P1.M1.T1.S1", "sta`), fragment.Limits{})
	fmt.Println(err.(*fragment.Error).Code == fragment.Incomplete)
	// Output:
	// true
}

func ExampleError() {
	_, err := fragment.Parse("a.json", []byte(`[{"id": 1}, {"id": "P1", "$op": "upset"}]`), fragment.Limits{})
	fmt.Println(err)
	// Output:
	// update 2 (P1), at /$op, line 1, column 33: $op is "upset"; did you mean "upsert"?
}

func ExamplePosition() {
	fmt.Println(fragment.Position([]byte("{\r\n  \"größe\": x"), 16))
	// Output:
	// 2 12
}
