package vfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

func TestAFileDoesWhatItSays(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	f, err := d.OpenFile("f", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if f.Name() != "f" || f.Path() != d.Join("f") {
		t.Errorf("Name %q, Path %q", f.Name(), f.Path())
	}
	if _, err := io.WriteString(f, "hello, world"); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(5); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := f.Chmod(0o444); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if err := f.Chown(-1, -1); err != nil {
			t.Fatal(err)
		}
	}
	fi, err := f.Stat()
	if err != nil || fi.Size() != 5 || fi.Mode().Perm() != 0o444 {
		t.Errorf("Stat: %v, %v", fi, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); !errors.Is(err, os.ErrClosed) || pathOf(t, err) != d.Join("f") {
		t.Errorf("second Close: %v", err)
	}
	f, err = d.OpenFile("f", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil || string(b) != "hello" {
		t.Errorf("read %q, %v", b, err)
	}
	if _, err := f.Write([]byte("x")); err == nil || pathOf(t, err) != d.Join("f") {
		t.Errorf("writing a file opened for reading: %v", err)
	}
}

func TestALockIsHeldOnceAndUntilClose(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "lock", "content")
	two := [2]*File{}
	for i := range two {
		f, err := d.OpenFile("lock", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		two[i] = f
	}
	if err := two[0].Lock(); err != nil {
		t.Fatal(err)
	}
	if err := two[1].Lock(); !errors.Is(err, ErrLocked) {
		t.Errorf("second lock: %v, want ErrLocked", err)
	}
	if b, err := io.ReadAll(two[1]); err != nil || string(b) != "content" {
		t.Errorf("who finds it locked reads %q, %v", b, err)
	}
	if err := two[0].Close(); err != nil {
		t.Fatal(err)
	}
	if err := two[1].Lock(); err != nil {
		t.Errorf("after Close: %v", err)
	}
	if err := two[1].Close(); err != nil {
		t.Fatal(err)
	}
	if err := two[1].Lock(); err == nil {
		t.Error("a closed file was locked")
	}
}

func TestATempFileIsHiddenPrivateAndNew(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	seen := map[string]bool{}
	for range 20 {
		f, err := d.CreateTemp("tasks.json")
		if err != nil {
			t.Fatal(err)
		}
		fi, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && fi.Mode() != 0o600 {
			t.Errorf("mode %v, want 0600", fi.Mode())
		}
		if !IsTemp(f.Name(), "tasks.json") || seen[f.Name()] {
			t.Errorf("name %q", f.Name())
		}
		seen[f.Name()] = true
		if _, err := os.Lstat(d.Join(f.Name())); err != nil {
			t.Error(err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOnePredicateKnowsATemporaryName(t *testing.T) {
	for name, want := range map[string]bool{
		".tasks.json100000000000000":       true,
		".tasks.json9223372036854775807":   true,
		TempName("tasks.json"):             true,
		".tasks.json":                      false,
		".tasks.json1":                     false,
		".tasks.json20261125":              false, // a dated backup
		".tasks.json20261125101530":        false,
		"tasks.json100000000000000":        false,
		".tasks.json100000000000000x":      false,
		".tasks.json-100000000000000":      false,
		".tasks.json.100000000000000":      false,
		".other.json100000000000000":       false,
		".tasks.json92233720368547758070":  false,
		".tasks.json100000000000000.swp":   false,
		".tasks.json10000000000000\u0661":  false,
		"..tasks.json100000000000000":      false,
		".tasks.json100000000000000 ":      false,
		".tasks.json12345678901234567 890": false,
	} {
		if got := IsTemp(name, "tasks.json"); got != want {
			t.Errorf("IsTemp(%q) = %v", name, got)
		}
	}
	if !IsMoveTemp(".move170000000000000") || IsMoveTemp(".moved170000000000000") {
		t.Error("IsMoveTemp")
	}
}

func TestATemporaryNameIsKnownWhateverItIsFor(t *testing.T) {
	for name, want := range map[string]bool{
		".tasks.json100000000000000":              true,
		TempName("intent.json"):                   true,
		TempName("x"):                             true,
		".tasks-20261125" + "9223372036854775807": true, // for tasks-20261125
		".a b\n100000000000000":                   true,
		"":                                        false,
		".":                                       false,
		"..":                                      false,
		".100000000000000":                        false, // for nothing
		".tasks.json":                             false,
		".tasks.json10000000000000":               false,
		"tasks.json100000000000000":               false,
		".tasks.json100000000000000x":             false,
		"../.tasks.json100000000000000":           false,
		"./tasks.json100000000000000":             false,
		".tasks/100000000000000":                  false,
		"/.tasks.json100000000000000":             false,
		".tasks.json100000000000000/":             false,
		"./../../../home/somebody/2026112510153000": false,
	} {
		if got := IsTempName(name); got != want {
			t.Errorf("IsTempName(%q) = %v", name, got)
		}
	}
}

// The numbers are renameio's, and of these a short one is too rare to wait for.
func TestATempFileWithAShortNumberIsMadeAnew(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	numbers := []string{"0", "20261125", "99999999999999", "100000000000000", "1"}
	create := func(root *os.Root, target string) (*os.File, string, error) {
		name := "." + target + numbers[0]
		numbers = numbers[1:]
		f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, tempPerm)
		return f, name, err
	}
	f, name, err := d.createLong("tasks.json", create)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := names(t, d); name != ".tasks.json100000000000000" || !slices.Equal(got, []string{name}) {
		t.Errorf("made %q, there are %q", name, got)
	}
	numbers = []string{"1", "100000000000000"}
	if _, _, err := d.createLong("tasks.json", create); !errors.Is(err, fs.ErrExist) || pathOf(t, err) != d.Join(".tasks.json") {
		t.Errorf("the second one fails: %v", err)
	}
	if got := names(t, d); len(got) != 1 {
		t.Errorf("there are %q", got)
	}
	removed := func(root *os.Root, target string) (*os.File, string, error) {
		f, _, err := create(root, target)
		return f, "." + target + "2", err // a name that there is not: the removal fails
	}
	numbers = []string{"1"}
	_, _, err = d.createLong("tasks.json", removed)
	if !errors.Is(err, fs.ErrNotExist) || pathOf(t, err) != d.Join(".tasks.json2") {
		t.Errorf("the removal fails: %v", err)
	}
}

func TestAnErrorIsUnwrappedToItsCause(t *testing.T) {
	err := &os.PathError{Op: "a", Path: "b", Err: os.NewSyscallError("c", &os.LinkError{Err: syscall.EXDEV})}
	if got := cause(err); got != syscall.EXDEV {
		t.Errorf("cause %v", got)
	}
}

func TestWhetherALockIsHeldCanBeSeenWithoutTakingIt(t *testing.T) {
	d := open(t, t.TempDir(), nil)
	put(t, d, "lock", "content")
	agent, err := d.OpenFile("lock", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	looker, err := d.OpenFile("lock", os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	look := func(want bool) {
		t.Helper()
		if locked, err := looker.Locked(); locked != want || err != nil {
			t.Errorf("locked: %v, %v", locked, err)
		}
	}
	look(false)
	look(false)
	if err := agent.Lock(); err != nil {
		t.Errorf("after the looks: %v", err)
	}
	look(true)
	if err := agent.Close(); err != nil {
		t.Fatal(err)
	}
	look(false)
	if err := looker.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := looker.Locked(); err == nil {
		t.Error("of a closed file it is known")
	}
}
