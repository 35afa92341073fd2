package config

import (
	"fmt"
	"strings"
)

// notOneOf says that a value is none of those that there are.
func notOneOf(value string, those []string) string {
	message := fmt.Sprintf("%q is not one of %s", short(value), strings.Join(those, ", "))
	if meant := nearest(value, those); meant != "" {
		message += didYouMean(meant)
	}
	return message
}

func didYouMean(meant string) string { return fmt.Sprintf("; did you mean %q?", meant) }

// nearest is the candidate that was probably meant, or "".
func nearest(word string, candidates []string) string {
	best, found := 3, "" // two slips are a typing error, three are another word
	for _, candidate := range candidates {
		d := distance(strings.ToLower(word), candidate)
		if d < best && d < len(candidate) {
			best, found = d, candidate
		}
	}
	return found
}

// only is the one candidate that ends in that word after a separator, or "": a key that was written without its group.
func only(word string, candidates []string) string {
	found := ""
	for _, candidate := range candidates {
		if rest, ok := strings.CutSuffix(candidate, word); ok && (strings.HasSuffix(rest, ".") || strings.HasSuffix(rest, "_")) {
			if found != "" {
				return ""
			}
			found = candidate
		}
	}
	return found
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that lead from a to b.
func distance(a, b string) int {
	if len(a) > len(b)+2 || len(b) > len(a)+2 {
		return 3 // far enough, and a word of a megabyte costs nothing
	}
	var twoAbove, above []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		twoAbove, above, row = above, row, make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(above[j], row[j-1]) + 1
			if a[i-1] == b[j-1] {
				row[j] = min(row[j], above[j-1])
			} else {
				row[j] = min(row[j], above[j-1]+1)
			}
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoAbove[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
