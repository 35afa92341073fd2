// Package sessionsync holds the example of a configuration, for who writes one. The program is in cmd/sessionsync.
package sessionsync

import _ "embed" // for the file

// ExampleConfig is config.example.yaml: every key with its default, and what it means.
//
//go:embed config.example.yaml
var ExampleConfig string
