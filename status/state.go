package status

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/sessionsync/sessionsync/spool"
	"github.com/sessionsync/sessionsync/vfs"
)

const (
	stateName = "state.json"
	version   = 1

	// Ours has a kilobyte; whoever may write to the agent's folder is the agent's user.
	stateMax = 64 << 10
)

// State is what a running agent says of itself. Times are in UTC.
type State struct {
	Version    int       `json:"version"`
	PID        int       `json:"pid"`
	Host       string    `json:"host"`
	Since      time.Time `json:"since"`          // when it took the lock
	Updated    time.Time `json:"updated"`        // when this was written
	Ended      time.Time `json:"ended,omitzero"` // when it ended, if it did so by itself
	Held       *Held     `json:"held,omitempty"` // nil while it works
	LastCommit *Commit   `json:"lastCommit"`     // nil before the first one; it outlives the agent
	Counters   Counters  `json:"sinceStart"`
}

// Held is why an agent claims nothing.
type Held struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"` // with what a person can do
}

// Commit is a replacement of the tasks file.
type Commit struct {
	Time      time.Time `json:"time"`
	Batch     string    `json:"batch"`
	Fragments int       `json:"fragments"`
	Updates   int       `json:"updates"`
	Bytes     int64     `json:"bytes"` // of the tasks file
	Took      Duration  `json:"took"`
}

// Counters count since the start of the agent.
type Counters struct {
	Commits       int            `json:"commits"` // replacements of the tasks file
	Fragments     int            `json:"fragments"`
	Applied       int            `json:"applied"` // updates that changed something
	Unchanged     int            `json:"unchanged"`
	Rejected      map[string]int `json:"rejected"` // fragments by code
	ForeignWrites int            `json:"foreignWrites"`
	Reasserted    int            `json:"reasserted"`
}

// RejectedInAll is how many fragments were rejected, for whatever reason.
func (c Counters) RejectedInAll() (n int) {
	for _, count := range c.Rejected {
		n += count
	}
	return n
}

// Duration is written for people, "12.5ms".
type Duration time.Duration

// MarshalText writes it as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText is the opposite of MarshalText.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// clone is a state that nobody else changes.
func (s State) clone() State {
	s.Counters.Rejected = maps.Clone(s.Counters.Rejected)
	return s
}

// by reports whether the state is that of a process.
func (s *State) by(who *spool.LockHolder) bool { return s.PID == who.PID && s.Host == who.Host }

// of reports whether the state is that of the agent that holds the lock: a process of the same number may have had it
// before, as in a container that was started again.
func (s *State) of(who *spool.LockHolder) bool { return s.by(who) && s.Since.Equal(who.Since) }

// readState reads the state file in the agent's own folder.
func readState(own *vfs.Dir) (*State, error) {
	is, err := own.Status(stateName)
	if err != nil {
		return nil, err
	}
	if !is.Mode.IsRegular() || is.Size > stateMax {
		return nil, &fs.PathError{Op: "read", Path: own.Join(stateName), Err: fmt.Errorf("it is no state file; remove it")}
	}
	text, is, err := own.ReadFile(stateName, is.Size)
	if err != nil {
		return nil, err
	}
	var s State
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, &fs.PathError{Op: "read", Path: own.Join(stateName), Err: err}
	}
	if s.Version != version {
		return nil, &fs.PathError{Op: "read", Path: own.Join(stateName),
			Err: fmt.Errorf("version %d, and %d is known", s.Version, version)}
	}
	return &s, nil
}

// writeState replaces the state file. After an error the one before is still there.
func writeState(own *vfs.Dir, s State) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := own.CreateTemp(stateName)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = own.Rename(f.Name(), own, stateName)
	}
	if err != nil {
		own.Remove(f.Name()) // else the next start removes it
	}
	return err
}

// sweep removes what a kill has left of a replacement.
func sweep(own *vfs.Dir) error {
	var left []string
	err := own.List(func(e fs.DirEntry) bool {
		if vfs.IsTemp(e.Name(), stateName) {
			left = append(left, e.Name())
		}
		return true
	})
	for _, name := range left {
		if err == nil {
			err = own.Remove(name)
		}
	}
	return err
}
