// Package fragment turns the bytes of a dropped file into updates: fragment format, version 1.
//
// A fragment is a file whose name ends in .json, .jsonl or .ndjson and does not begin with a dot. A .json file holds
// one update or an array of them, the other two hold one update a line:
//
//	{"id": "P1.M1.T1.S1", "status": "Complete"}                      change a member (RFC 7396: null removes it)
//	{"id": 5, "$op": "create", "$parent": "P1.M1.T1", "title": "…"}  a new item; upsert creates or merges
//	{"id": "P1.M1.T1.S2", "$op": "remove"}                           take an item away
//	{"id": "P1", "$op": "patch", "$patch": [                         RFC 6902, paths relative to the item
//	    {"op": "add", "path": "/tags/-", "value": "late"}]}
//	{"id": "P1", "status": "Failed", "$if": {"status": "Retrying"}}  only where the item still looks like this
//	{"id": 5, "$scope": "master", "status": "Complete"}              in one of several lists
//
// # The promise
//
// [Parse] judges form and nothing else: whether an item exists, or a patch applies, is for the document to say.
//
//   - All or nothing: it returns every update of the file, in order, or an [*Error] and no update.
//   - Half-written is not bad: a file that ends inside a JSON value has the code [Incomplete] and no other, so each
//     beginning of a good file is either good or incomplete. The one exception is what no ending could mend, such as
//     nesting that is already too deep. The form of an update is judged only in a file that is JSON from end to end.
//   - A newer producer is not half understood: a control member that this version does not know rejects the fragment,
//     before anything else about that update is judged.
//   - Values are kept as they were written, as slices of the source: number literals, escapes and spacing survive.
//     Lone surrogate escapes ("\ud83d") are accepted in values, as RFC 8259 has it; in a text that names something
//     (an id, a member of the update, a path, a scope) they are refused, because they would be taken for one another;
//     further inside, two such names in one object count as one that stands twice.
//   - Any bytes may be given to it. Time and memory are proportional to the size of the file, which [Limits] bound.
//   - Each error names its place and what a person can do, and quotes what it takes from the file, so that it is safe
//     to print.
//
// The functions of this package can be called from several goroutines at once.
package fragment

import "strings"

// Limits bound what a fragment may cost.
type Limits struct {
	MaxBytes int64 // of the whole file; 0: any
	MaxDepth int   // of arrays and objects inside each other, the outermost being 1; 0: as deep as jsontext goes, 10,000
}

// IsName reports whether a file of that name in the drop directory is a fragment.
func IsName(name string) bool {
	if strings.HasPrefix(name, ".") {
		return false
	}
	for _, ending := range [...]string{".json", ".jsonl", ".ndjson"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// holdsLines reports whether a file of that name holds one update a line.
func holdsLines(name string) bool {
	return strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".ndjson")
}
