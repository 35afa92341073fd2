package fleet

import (
	"path/filepath"
	"testing"

	"github.com/sessionsync/sessionsync/config"
)

func TestWhoHasNoPatternTakesNoneOfTheSystemsInstances(t *testing.T) {
	l := new(lookout)
	l.watch()
	defer l.unwatch()
	c := config.Default()
	if l.follow(c); l.system != nil {
		t.Error("listens, and nothing can come or go")
	}
	c.Sessions = []config.Session{{Glob: filepath.Join(t.TempDir(), "*", "tasks.json")}}
	if l.follow(c); l.system == nil { // a configuration that was read again
		t.Error("does not listen")
	}
}
