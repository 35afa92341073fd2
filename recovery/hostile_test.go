//go:build unix

package recovery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A sparse file of a TiB takes no room in the drop directory; to read it takes ten minutes.
func TestAFileThatIsTooLargeToReadIsMovedUnread(t *testing.T) {
	const size = 1 << 40
	huge := func(b *bench) {
		b.put("huge.json", "")
		if err := os.Truncate(b.from().Join("huge.json"), size); err != nil {
			t.Skipf("no sparse files here: %v", err)
		}
	}
	b := newBench(t)
	huge(b)
	name, err := b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "huge.json"}}}, b.from())
	must(t, err)
	fi, err := os.Stat(filepath.Join(b.dir, name, "fragments", "huge.json"))
	must(t, err)
	if e := b.entries(1)[0]; fi.Size() != size || e.Fragments[0].SHA256 != "" {
		t.Errorf("%d bytes, digest %q", fi.Size(), e.Fragments[0].SHA256)
	}

	b = newBenchIn(t, quick(t), elsewhere(t))
	huge(b)
	_, err = b.Add(Entry{Batch: batch, Fragments: []Fragment{{Name: "huge.json"}}}, b.from())
	var unmovable *UnmovableError
	if !errors.As(err, &unmovable) || unmovable.Name != "huge.json" || !strings.Contains(err.Error(), "larger ones are not copied") {
		t.Errorf("to another file system: %v", err)
	}
	must(t, os.Remove(b.from().Join("huge.json")))
}

func TestAManifestIsReadableForThoseAloneWhoMayReadItsFragments(t *testing.T) {
	for _, c := range []struct {
		fragments []fs.FileMode
		want      fs.FileMode
	}{
		{[]fs.FileMode{0o644, 0o666}, 0o644},
		{[]fs.FileMode{0o644, 0o640}, 0o640},
		{[]fs.FileMode{0o600, 0o644}, 0o600},
		{[]fs.FileMode{0o204}, 0o604},
	} {
		b := newBench(t)
		e := Entry{Batch: batch}
		for i, perm := range c.fragments {
			file := string(rune('a'+i)) + ".json"
			b.put(file, file)
			must(t, os.Chmod(b.from().Join(file), perm))
			e.Fragments = append(e.Fragments, Fragment{Name: file})
		}
		name, err := b.Add(e, b.from())
		must(t, err)
		manifest := filepath.Join(b.dir, name, manifestName)
		// As after a crash, with one fragment that the manifest does not know: it is written again.
		must(t, os.WriteFile(filepath.Join(b.dir, name, "fragments", "more.json"), nil, 0o644))
		must(t, os.Rename(filepath.Join(b.dir, name), filepath.Join(b.dir, addingPrefix+name)))
		must(t, b.Resume(b.batch))
		fi, err := os.Stat(manifest)
		must(t, err)
		if fi.Mode().Perm() != c.want {
			t.Errorf("fragments of %o: a manifest of %o, not %o", c.fragments, fi.Mode().Perm(), c.want)
		}
	}
}

func TestAManifestOfMoreFragmentsThanABatchCanHaveIsNone(t *testing.T) {
	if testing.Short() {
		t.Skip("a large input, and one goroutine")
	}
	read := func(fragments string) (Entry, error) {
		return readManifest(strings.NewReader(`{"version":"1.0","fragments":`+fragments+`,"batch":"x"}`), false)
	}
	for _, list := range []string{"[" + strings.Repeat("{},", fragmentsMax) + "{}]", "7", "[7]", "[{}", "[{},}", "{"} {
		if e, err := read(list); err == nil {
			t.Errorf("%.10s…: %d fragments", list, len(e.Fragments))
		}
	}
	for list, want := range map[string]int{"null": 0, "[]": 0, `[{"updates":-7},{"file":"fragments/x.json"}]`: 2} {
		if e, err := read(list); err != nil || len(e.Fragments) != want || e.Batch != "x" || want > 0 && e.Fragments[0].Updates != 0 {
			t.Errorf("%s: %+v, %v", list, e, err)
		}
	}
}
