package vfs

import (
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const tempPerm fs.FileMode = 0o600

// The digits of a temporary name's number, which has 63 bits. Of these numbers one
// in 92,000 has fewer than 15, and so is never given: .tasks.json1 and
// .tasks.json20261125 are a person's.
const (
	leastDigits = 15
	leastNumber = 1e14
	mostDigits  = len("9223372036854775807")
)

// CreateTemp creates a hidden file to be renamed to target later: renameio's
// naming ("." + target + a random number, here of 15 digits at least) and its
// exclusive creation, mode 0600 whatever the umask. Only these are taken from
// renameio; its replacement never makes the directory durable, so that is left to
// Sync, Rename and Dir.Sync of this package. After an error no file is left
// behind, unless it says so.
func (d *Dir) CreateTemp(target string) (*File, error) {
	hidden := "." + target
	if err := d.before(OpCreate, hidden); err != nil {
		return nil, err
	}
	f, name, err := d.createLong(target, createTemp)
	if err != nil {
		return nil, err
	}
	t := &File{f: f, name: name, path: d.Join(name), hook: d.hook}
	fi, err := f.Stat()
	if err == nil && fi.Mode().Perm() != tempPerm {
		// A umask that takes even the owner's bits. renameio would do this
		// itself (WithStaticPermissions), but leaves the file when it fails.
		err = t.Chmod(tempPerm)
	}
	if err != nil {
		f.Close()
		d.root.Remove(name)
		return nil, d.fail(OpCreate, name, err)
	}
	return t, nil
}

// createLong has create make files until one has a number that is long enough, and
// removes the others. After an error none is left, unless it is one of remove.
func (d *Dir) createLong(target string, create func(*os.Root, string) (*os.File, string, error)) (*os.File, string, error) {
	hidden := "." + target
	for {
		f, name, err := create(d.root, target)
		if err != nil {
			return nil, "", d.fail(OpCreate, hidden, err)
		}
		if len(name) >= len(hidden)+leastDigits {
			return f, name, nil
		}
		f.Close()
		if err := d.root.Remove(name); err != nil {
			return nil, "", d.fail(OpRemove, name, err)
		}
	}
}

// TempName returns a name that IsTemp knows, for what CreateTemp does not make: a
// link, or what is renamed for a moment. It is random, so whoever uses it must
// notice if it is taken.
func TempName(target string) string {
	return "." + target + strconv.FormatInt(leastNumber+rand.Int64N(math.MaxInt64-leastNumber), 10)
}

// IsTemp reports whether name is one that CreateTemp or TempName gives for target.
// With IsTempName it is the one place that knows such names.
func IsTemp(name, target string) bool {
	digits, ok := strings.CutPrefix(name, "."+target)
	return ok && len(digits) >= leastDigits && len(digits) <= mostDigits && areDigits(digits)
}

// IsTempName reports whether there is a target, whatever its name, for which name
// is a temporary one: a single path element that begins with a dot and ends in a
// number of 15 to 19 digits, before which more can stand: those of a target such as
// tasks-20261125.
func IsTempName(name string) bool {
	number := len(name) - leastDigits
	return number > len(".") && name[0] == '.' && areDigits(name[number:]) &&
		filepath.Base(name) == name && filepath.IsLocal(name)
}

func areDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
