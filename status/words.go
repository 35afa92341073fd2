package status

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Age is how long ago something was, as a person says it: two units at most.
func Age(d time.Duration) string {
	d = max(0, d)
	hours := int(d.Hours())
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case hours == 0:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case hours < 48:
		return fmt.Sprintf("%dh%02dm", hours, int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd", hours/24)
}

// MostFirst lists what was counted, the largest number first.
func MostFirst(counts map[string]int) []string {
	return slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
}
