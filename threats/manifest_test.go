//go:build unix

package threats

import (
	"bufio"
	"os"
	"strings"
	"testing"
	"time"
)

// The recovery folder is the agent's. If somebody has got at it all the same, what he writes is data.
func TestManifestsOfAHandLeadNowhereAndAreBounded(t *testing.T) {
	const entry = "20261122T101530.123Z-1899999999999999"
	const before = `{"version":"1.0","timestamp":"2026-11-22T10:15:30.123Z","error":{"code":"ENOSPC","message":"x","attempts":3},` +
		`"pendingCount":1,"pendingUpdates":[],"batch":"1899999999999999","tasksFile":"tasks.json","retryable":true,`
	for _, c := range []struct {
		name, head, piece string
		times             int // how often the piece stands in it
		tail              string
	}{
		{"a path out of it", before + `"fragments":[{"file":"../../tasks.json"},{"file":"../../../secret.json"},`, "", 0,
			`{"file":"/etc/passwd"},{"file":"fragments/../../../secret.json"}]}`},
		{"a name out of it", before + `"fragments":[{"file":"fragments/x.json","name":"../../../secret.json"},`, "", 0,
			`{"file":"fragments/x.json","name":"..\\x2fsecret.json"}]}`},
		{"a bomb of fragments", before + `"fragments":[`, "{},", 30 << 20, "{}]}"},
		{"a bomb of depth", `{"version":"1.0","x":`, "[", 60 << 20, ""},
		{"a bomb of a string", `{"version":"1.0","batch":"`, "xxxx", 5 << 20, `"}`},
		{"a bomb of members", "{", `"x":0,`, 4 << 20, `"version":"1.0"}`},
		{"a number", `{"version":"1.0","pendingCount":`, "9", 1 << 20, "}"},
		{"an endless one", "", "", 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSessionIn(t, inMemory(t))
			s.secret(appending(password))
			must(t, os.MkdirAll(s.path("recovery", entry, "fragments"), 0o755))
			must(t, os.WriteFile(s.path("recovery", entry, "fragments", "x.json"), []byte(appending("x")), 0o644))
			manifest := s.path("recovery", entry, "recovery.json")
			if c.head == "" {
				must(t, os.Symlink("/dev/zero", manifest))
			} else {
				must(t, writeBomb(manifest, c.head, c.piece, c.times, c.tail))
			}
			s.write("drop/good.json", appending("good"))
			began := time.Now()
			r := s.once()
			if r.code != 0 || r.mib > 3*mostMemory || time.Since(began) > patience/2 {
				t.Errorf("exit code %d, %d MiB, after %v\n%.2000s", r.code, r.mib, time.Since(began), r.log)
			}
			notes := s.notes()
			if notes["good"] != 1 || notes[password] != 0 || notes["x"] > 1 {
				t.Errorf("applied: %v", notes)
			}
			if !strings.Contains(s.read("secret.json"), password) {
				t.Error("the secret was changed")
			}
			t.Logf("%v, %d MiB", time.Since(began).Round(time.Millisecond), r.mib)
		})
	}
}

// writeBomb holds little of it in memory, which would count as the agent's when that is started.
func writeBomb(path, head, piece string, times int, tail string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	w.WriteString(head)
	for range times {
		w.WriteString(piece)
	}
	w.WriteString(tail)
	return w.Flush()
}
