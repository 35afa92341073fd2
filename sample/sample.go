// Package sample ships a small tasks file to try the program on.
package sample

import _ "embed"

//go:embed session/tasks.json
var tasks []byte

// Tasks returns the tasks file.
func Tasks() []byte { return tasks }
