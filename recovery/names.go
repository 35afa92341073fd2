package recovery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sessionsync/sessionsync/fragment"
)

// entryName is the folder of an entry: sorted by time when sorted as text.
func entryName(at time.Time, batch string) string {
	return at.UTC().Format("20060102T150405.000Z") + "-" + batch
}

// numbered is name for the first attempt, then name-2, name-3 …
func numbered(name string, attempt int) string {
	if attempt == 1 {
		return name
	}
	return fmt.Sprintf("%s-%d", name, attempt)
}

// unnumbered takes that number off.
func unnumbered(entry string) string {
	if m := entryForm.FindStringSubmatchIndex(entry); m != nil {
		return entry[:m[3]]
	}
	return entry
}

var entryForm = regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z-(.+?)(?:-\d+)?$`)

// batchOf reads the batch from an entry's name, where the manifest cannot say it;
// "" when it is no name of ours.
func batchOf(entry string) string {
	if m := entryForm.FindStringSubmatch(entry); m != nil {
		return m[1]
	}
	return ""
}

// isOf reports whether an entry of that name can be the batch's. A folder that
// somebody else has put here under a hidden name must not lead to a batch.
func isOf(entry, batch string) bool { return batch != "" && batchOf(entry) == batch }

// storedName is the name of a raw file in an entry: its own, unless that would
// do harm in a terminal or a listing, or is taken. Names are told apart without case,
// because the other file system may not tell it.
func storedName(name string, taken map[string]bool) string {
	stored := name
	if !plain(name) {
		stored = escape(name)
	}
	free := stored
	for i := 2; taken[strings.ToLower(free)]; i++ {
		free = withNumber(stored, i)
	}
	taken[strings.ToLower(free)] = true
	return free
}

// plain reports whether a name is text that can be printed.
func plain(name string) bool {
	for _, r := range name {
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}

// escape writes what is not printable ASCII as %XX, so that the name stays
// readable and is a name everywhere.
func escape(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`%\/:*?"<>|`, c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	const room = 200 // of the 255 bytes that a name may have, for a number behind it
	escaped := b.String()
	if len(escaped) > room {
		sum := sha256.Sum256([]byte(name))
		ext := filepath.Ext(name) // of a fragment: ASCII
		escaped = escaped[:room/2] + "-" + hex.EncodeToString(sum[:8]) + ext
	}
	return escaped
}

func withNumber(name string, n int) string {
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(name, ext), n, ext)
}

// quoted is the manifest's form of a name that is stored under another one.
func quoted(name string) string {
	q := strconv.QuoteToASCII(name)
	return q[1 : len(q)-1]
}

// unquoted gives back what quoted was given; false for anything that is not the
// name of a fragment, as a manifest that somebody has written may hold.
func unquoted(q string) (string, bool) {
	name, err := strconv.Unquote(`"` + q + `"`)
	return name, err == nil && isFragment(name)
}

// isFragment: a single name, and a fragment's.
func isFragment(name string) bool {
	return fragment.IsName(name) && filepath.Base(name) == name && !strings.ContainsRune(name, 0)
}

// isEntryName: a single name, and none of the hidden ones.
func isEntryName(name string) bool {
	return name != "" && !strings.HasPrefix(name, ".") && filepath.Base(name) == name && filepath.IsLocal(name)
}
