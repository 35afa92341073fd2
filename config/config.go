// Package config is what the agent is told to do: the defaults, the config file, the variables and the flags.
//
// [Load] promises:
//
//   - Flags beat variables, variables beat the file, the file beats the defaults; each key alone, never a group as a whole.
//   - Nothing is half understood. An unknown key, a key that stands twice, a value of the wrong type, a value that cannot
//     work, alone or together with another one: each is a problem with its place, and all of them are reported at once.
//     Unknown variables are only warned of, because others set those too.
//   - Nothing is read but the config file and what the caller passes in: not the environment, not the working directory.
//   - A configuration that is returned without an error has joined, cleaned paths, and every value is within its limits.
//     Whether those paths exist is not looked at here.
//
// Nesting of paths (recovery inside drop, …) is judged by their text: links and letter case are not seen through.
package config

import (
	"log/slog"
	"time"
)

// Config is everything that can be configured. The struct is the list of keys: a yaml tag is the key's name, and oneof
// are the only values that it takes.
type Config struct {
	Drop     string   `yaml:"drop"`     // the drop directory
	Tasks    string   `yaml:"tasks"`    // the tasks file
	Recovery string   `yaml:"recovery"` // the recovery folder
	Sessions Sessions `yaml:"sessions"` // several of these three; empty: they are the one session
	Watch    Watch    `yaml:"watch"`
	Batch    Batch    `yaml:"batch"`
	Fragment Fragment `yaml:"fragment"`
	Retry    Retry    `yaml:"retry"`
	Document Document `yaml:"document"`
	History  History  `yaml:"history"`
	Log      Log      `yaml:"log"`
	Listen   string   `yaml:"listen"` // for health and metrics; "": none. See [ListenAddress]

	Session  string   `yaml:"-"` // its name, of one of several; see Each
	File     string   `yaml:"-"` // the config file that was read; "" where there was none
	Warnings []string `yaml:"-"` // for the log: what was passed in and means nothing

	set map[string]place `yaml:"-"` // where the value of a key comes from; nil where all are defaults
}

// Watch is how the drop directory is looked at.
type Watch struct {
	Mode            string        `yaml:"mode" oneof:"auto notify poll"`
	Rescan          time.Duration `yaml:"rescan"`           // at least 1ms: a scan without a pause is a spin
	Settle          time.Duration `yaml:"settle"`           // how long a file must have been left alone
	IncompleteAfter time.Duration `yaml:"incomplete_after"` // when an unfinished file is given up
}

// Batch is when a batch closes.
type Batch struct {
	Quiet        time.Duration `yaml:"quiet"`
	MaxWait      time.Duration `yaml:"max_wait"` // at least Quiet
	MaxFragments int           `yaml:"max_fragments"`
	MaxBytes     Size          `yaml:"max_bytes"`
	Leading      bool          `yaml:"leading"`
}

// Fragment is what one fragment may cost.
type Fragment struct {
	MaxBytes Size `yaml:"max_bytes"` // at most Batch.MaxBytes
	MaxDepth int  `yaml:"max_depth"` // 1 to 10000
}

// Retry is how passing trouble with the tasks file is met.
type Retry struct {
	Attempts int           `yaml:"attempts"` // at least 1: the first one counts
	Base     time.Duration `yaml:"base"`     // more than 0; doubles with each attempt
	Max      time.Duration `yaml:"max"`      // at least Base
	Jitter   int           `yaml:"jitter"`   // percent, 0 to 100
}

// Document is how the tasks file is read and written.
type Document struct {
	Layout Layout `yaml:"layout"`
	Scope  string `yaml:"scope"`                                   // for layouts with several lists; "" where none is chosen
	Schema string `yaml:"schema"`                                  // [SchemaBuiltin], [SchemaNone] or the path of a JSON Schema
	Lock   string `yaml:"lock" oneof:"none proper-lockfile flock"` // what the tasks file's other writers take

	Reassert       time.Duration `yaml:"reassert"`         // how long an update is applied again when another program undoes it; 0: never
	UnknownIDGrace time.Duration `yaml:"unknown_id_grace"` // how long an update waits for its item to appear
}

// The values of Document.Schema that are not a path. A file of such a name is written ./none.
const (
	SchemaBuiltin = "builtin"
	SchemaNone    = "none"
)

// History is how much is kept of who changed what.
type History struct {
	MaxBytes Size `yaml:"max_bytes"` // of each of its two files, at least 64KiB; 0: nothing is kept
}

// Log is what is logged, and in which form.
type Log struct {
	Level  string `yaml:"level" oneof:"debug info warn error"`
	Format string `yaml:"format" oneof:"auto text json"`
}

// SlogLevel is the level for a handler.
func (l Log) SlogLevel() slog.Level {
	var level slog.Level // info, also for a Log that Load did not make
	_ = level.UnmarshalText([]byte(l.Level))
	return level
}

// Wrong makes an error of what somebody else found out about a key's value: a file that it names cannot be used, say. It has
// the place of the value, as those of [Load] have.
func (c Config) Wrong(key string, cause error) *Error {
	e := &Error{}
	p, set := c.set[key]
	if !set {
		e.Problems = []Problem{{Key: key, Message: printable(key + ": " + cause.Error())}}
		return e
	}
	s := *p.source
	s.problems = &e.Problems
	place{&s, p.line, p.column}.problem(key, "%s", printable(cause.Error()))
	return e
}

// Default is the configuration of the contract, its paths not yet joined with a folder.
func Default() Config {
	return Config{
		Drop:     "./drop",
		Tasks:    "./tasks.json",
		Recovery: "./recovery",
		Watch: Watch{
			Mode: "auto", Rescan: 30 * time.Second, Settle: 50 * time.Millisecond, IncompleteAfter: 5 * time.Second,
		},
		Batch: Batch{
			Quiet: 100 * time.Millisecond, MaxWait: time.Second, MaxFragments: 1000, MaxBytes: 8 << 20, Leading: false,
		},
		Fragment: Fragment{MaxBytes: 1 << 20, MaxDepth: 64},
		Retry:    Retry{Attempts: 3, Base: 100 * time.Millisecond, Max: 2 * time.Second, Jitter: 10},
		Document: Document{
			Layout: Layout{Name: "backlog"}, Scope: "", Schema: SchemaBuiltin, Lock: "none",
			Reassert: 10 * time.Second, UnknownIDGrace: 0,
		},
		History: History{MaxBytes: 16 << 20},
		Log:     Log{Level: "info", Format: "auto"},
		Listen:  "",
	}
}
