package fragment

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

func TestCanonicalID(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`"P1.M1"`, "P1.M1"},
		{`"5"`, "5"},
		{`"5.0"`, "5.0"}, // a string is itself
		{`" "`, " "},
		{`"\u0035\/\ud83d\ude00"`, "5/😀"},
		{`5`, "5"},
		{`-5`, "-5"},
		{`0`, "0"},
		{`-0`, "0"},
		{`-0.0e5`, "0"},
		{`0e999999999999999999999`, "0"},
		{`5.0`, "5"},
		{`5.000e0`, "5"},
		{`1e3`, "1000"},
		{`1E+3`, "1000"},
		{`-1.5e1`, "-15"},
		{`0.05e2`, "5"},
		{`1200e-2`, "12"},
		{`1e00000000000000000000000003`, "1000"},
		{`12345678901234567890123`, "12345678901234567890123"},
		{`9007199254740993.0`, "9007199254740993"}, // no floating-point number
		{`1e308`, "1" + strings.Repeat("0", 308)},
		{strings.Repeat("7", 400), strings.Repeat("7", 400)},
		{strings.Repeat("7", 400) + ".0", strings.Repeat("7", 400)},
		{"0." + strings.Repeat("0", 400) + "3e401", "3"},
	} {
		if got, err := CanonicalID(jsontext.Value(c.value)); got != c.want || err != nil {
			t.Errorf("CanonicalID(%s) = %q, %v; want %q", c.value, got, err, c.want)
		}
	}
}

func TestCanonicalIDRefuses(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`null`, "is null"},
		{`false`, "is false"},
		{`[5]`, "is an array"},
		{`{"id":5}`, "is an object"},
		{`""`, "is an empty string"},
		{`"a\ud83d"`, `holds half of a surrogate pair (such as "\ud83d" alone)`},
		{`1.5`, "is 1.5, not an integer"},
		{`15e-1`, "is 15e-1, not an integer"},
		{`1e-1`, "is 1e-1, not an integer"},
		{`1e-99999999999999999999`, "is 1e-99999999999999999999, not an integer"},
		{`1e309`, "is 1e309, an integer of more than 309 digits"},
		{`10e308`, "is 10e308, an integer of more than 309 digits"},
		{`-1e999999999`, "is -1e999999999, an integer of more than 309 digits"},
		{`1e9223372036854775807`, "is 1e9223372036854775807, an integer of more than 309 digits"},
		{`1e99999999999999999999`, "is 1e99999999999999999999, an integer of more than 309 digits"},
		{"0." + strings.Repeat("1", 100), "is 0." + strings.Repeat("1", 58) + "…, not an integer"},
	} {
		if got, err := CanonicalID(jsontext.Value(c.value)); err == nil || err.Error() != c.want {
			t.Errorf("CanonicalID(%s) = %q, %v; want %q", c.value, got, err, c.want)
		}
	}
}

func TestCanonicalIDDoesNotWriteOutHugeNumbers(t *testing.T) {
	start := time.Now()
	for _, v := range []string{"1e2147483647", "1e1000000000", "1e-1000000000", "1e" + strings.Repeat("9", 1<<20), "1" + strings.Repeat("0", 1<<20) + "e-1048576"} {
		if id, _ := CanonicalID(jsontext.Value(v)); len(id) > 1 {
			t.Errorf("%d digits", len(id))
		}
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}
