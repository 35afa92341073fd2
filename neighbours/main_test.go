//go:build unix

package neighbours

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/sessionsync/sessionsync/internal/built"
)

var length = flag.Duration("neighbours", 2*time.Second, "how long each kind of neighbour works beside the agent")

// childVariable makes of this test's program a neighbour; its arguments are the way it saves, the tasks file, how long.
const childVariable = "SESSIONSYNC_NEIGHBOUR"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(os.Args[1], os.Args[2], os.Args[3]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(built.Main(m))
}

func child(way, path, long string) error {
	lasts, err := time.ParseDuration(long)
	if err != nil {
		return err
	}
	p := &program{path: path, books: newBooks(theirs)}
	if err := p.run(ways[way], lasts); err != nil {
		return fmt.Errorf("%s: save %d: %w", way, p.books.Writes+1, err)
	}
	return json.NewEncoder(os.Stdout).Encode(p.books)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
