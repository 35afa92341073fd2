//go:build unix

package producer

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestAnothersAgentMayReadAFragmentWhateverTheUmask(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	for what, c := range map[string]struct {
		owner int
		want  fs.FileMode
	}{
		"in one's own directory":  {os.Getuid(), 0o600},
		"in that of another user": {65534, 0o644},
	} {
		s := newSite(t)
		if err := os.Chown(s.config.Drop, c.owner, -1); err != nil {
			t.Skip("only root can give a directory away: ", err)
		}
		name, err := s.producer().Drop([]byte(`{"id":"P1"}`), OneValue)
		must(t, err)
		info, err := os.Stat(filepath.Join(s.config.Drop, name))
		must(t, err)
		if info.Mode().Perm() != c.want {
			t.Errorf("%s: mode %v", what, info.Mode())
		}
	}
}
