package fragment

import (
	"fmt"
	"strings"
)

// didYouMean is a remedy where a word is a known one mistyped, otherwise the remedy given.
func didYouMean(word string, known []string, otherwise string) string {
	best, least := "", 3 // more than two slips of the finger is another word, as is one that shares half of its letters only
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < least && d < (len(k)+1)/2 {
			best, least = k, d
		}
	}
	if best == "" {
		return otherwise
	}
	return fmt.Sprintf("did you mean %q?", best)
}

// distance is how many letters must be added, dropped or changed (Levenshtein); long words, which would be slow, are
// far from everything.
func distance(a, b string) int {
	const long = 24
	if len(a) > long || len(b) > long {
		return long
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
