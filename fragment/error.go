package fragment

import (
	"strconv"
	"strings"
)

// Code says why a fragment was rejected, for programs.
type Code string

// The reject codes of the contract. Parse itself answers InvalidJSON, Incomplete, TooLarge, TooDeep, NotAnUpdate,
// MissingID, PatchFailed and UnknownControl; the others arise where a fragment is claimed or applied.
const (
	InvalidJSON        Code = "invalid_json"
	Incomplete         Code = "incomplete"
	TooLarge           Code = "too_large"
	TooDeep            Code = "too_deep"
	NotRegular         Code = "not_regular"
	NotAnUpdate        Code = "not_an_update"
	MissingID          Code = "missing_id"
	UnknownID          Code = "unknown_id"
	AmbiguousID        Code = "ambiguous_id"
	AlreadyExists      Code = "already_exists"
	PreconditionFailed Code = "precondition_failed"
	PatchFailed        Code = "patch_failed"
	SchemaViolation    Code = "schema_violation"
	UnknownControl     Code = "unknown_control"
	Unreadable         Code = "unreadable"
	Overwritten        Code = "overwritten" // applied, and undone by another program
)

// Error is why a fragment is rejected.
type Error struct {
	Code         Code
	Update       int    // which update of the fragment, from 1; 0: the file as a whole
	ID           string // that update's id, where known
	Pointer      string // RFC 6901, within the update or the item; "" for none
	Line, Column int    // from 1, the column in characters; 0 where unknown
	Message      string // what is wrong
	Remedy       string // what a person can do; "" where nothing is to be said
	Items        []Item `json:",omitempty"` // that the updates name, as they were then; nil where that was not asked
}

// Item is an item of the tasks file at some moment.
type Item struct {
	Scope  string `json:"scope,omitempty"`
	ID     string `json:"id"`
	SHA256 string `json:"sha256,omitempty"` // in hex, of its own members; "" where it was not there
}

// Error is one sentence: the place, what is wrong, what to do. The code is not in it. It holds no control
// characters, whatever the fields hold, and is as long as Message and Remedy make it.
func (e *Error) Error() string {
	var b strings.Builder
	if place := e.place(); place != "" {
		b.WriteString(place)
		b.WriteString(": ")
	}
	if e.Message != "" {
		b.WriteString(e.Message)
	} else {
		b.WriteString(strings.ReplaceAll(string(e.Code), "_", " "))
	}
	if e.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(e.Remedy)
	}
	return printable(b.String())
}

// place is as much as is known: "update 2 (P1.M1), at /status, line 3, column 14".
func (e *Error) place() string {
	var parts []string
	if e.Update > 0 {
		update := "update " + strconv.Itoa(e.Update)
		if e.ID != "" {
			update += " (" + bare(e.ID) + ")"
		}
		parts = append(parts, update)
	}
	if e.Pointer != "" {
		parts = append(parts, "at "+bare(e.Pointer))
	}
	if e.Line > 0 {
		parts = append(parts, "line "+strconv.Itoa(e.Line))
		if e.Column > 0 {
			parts = append(parts, "column "+strconv.Itoa(e.Column))
		}
	}
	return strings.Join(parts, ", ")
}
