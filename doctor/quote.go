package doctor

import "strings"

// quoted is a path as a shell takes it, for the commands in a remedy.
func quoted(path string) string {
	if path != "" && strings.Trim(path, "/._-+,:@%=ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == "" {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
