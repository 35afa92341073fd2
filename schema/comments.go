package schema

import (
	"regexp"
	"strings"
)

// exampleLine is a line of config.example.yaml: its indentation, its key, and the comment behind that.
var exampleLine = regexp.MustCompile(`^( *)(?:([a-z_]+):.*?)?(?:(?:^| +)# ?(.*))?$`)

// comments are those of config.example.yaml, by key. A key's comment stands behind it and goes on in the lines below that have
// nothing but a comment in the same column; where there is none, it stands in the lines above the key.
func comments(example string) map[string]string {
	found := map[string]string{}
	var above []string
	group, key, column := "", "", -1
	for line := range strings.Lines(example) {
		line = strings.TrimRight(line, "\n")
		m := exampleLine.FindStringSubmatch(line)
		switch {
		case m == nil || line == "":
			above, column = nil, -1
		case m[2] == "" && column >= 0 && strings.Index(line, "#") == column:
			found[key] += " " + m[3]
		case m[2] == "":
			above, column = append(above, m[3]), -1
		default:
			key = m[2]
			if m[1] == "" {
				group = key
			} else {
				key = group + "." + key
			}
			column = -1
			if m[3] != "" {
				found[key], column = m[3], strings.Index(line, "# ")
			} else if len(above) > 0 {
				found[key] = strings.Join(above, " ")
			}
			above = nil
		}
	}
	return found
}
