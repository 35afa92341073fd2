package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/sessionsync/sessionsync/logging"
)

func TestJSONHasNoPowerOverATerminalAndIsTheSameJSON(t *testing.T) {
	evil := "\x1b[2J \u009b2J \u202e \x7f \U000e0001 \n \t é 漢 <&>\u2028\u200b"
	for _, indent := range []string{"", "  "} {
		var b strings.Builder
		if err := encodeJSON(&b, map[string][]string{evil: {evil}}, indent); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if line = strings.TrimSuffix(line, "\n"); logging.Printable(line) != line {
				t.Errorf("%q", line)
			}
		}
		var back map[string][]string
		err := json.Unmarshal([]byte(b.String()), &back)
		if got := back[evil]; err != nil || len(got) != 1 || got[0] != evil {
			t.Errorf("%q, %v", back, err)
		}
		if !strings.Contains(b.String(), "é 漢 <&>") {
			t.Errorf("what can be read is escaped: %s", b.String())
		}
	}
}
