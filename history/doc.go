// Package history keeps who changed what and when, from which file, with the old and the new value: the agent writes it, with
// a [Log], and anybody whom the folder lets in reads it, with [Read], [Tail] and [Open], and adds it up, with [ReadBooks].
//
// It is kept beside the claims, in <drop>/.sessionsync (0700), as JSON Lines (0600):
//
//	history.jsonl    what was written last
//	history.1.jsonl  what was there before, until it in turn is replaced
//
// A line is an object with "at" and, all but a few, "batch". Those that tell what became of a fragment (a [Record]) have "file"
// and "outcome":
//
//	{"at":"…","batch":"…","file":"a.json","outcome":"applied","changes":[{"id":"P1","path":"/status","old":"Planned","new":"Complete"}]}
//	{"at":"…","batch":"…","file":"b.json","outcome":"rejected","code":"unknown_id","id":"P7","message":"…"}
//
// The others are for the books: "history" with the totals at the head of a file, "open" behind it, "start" of an agent, "seen"
// fragments, a batch that is "merged" or "committed", "retried" and "returned" fragments, a "gap".
//
// # The promise
//
//   - Never does the history hold or fail a batch. Trouble with it is logged once, and what could not be written is written
//     later, as far as it is not more than 1 MiB: then a line says that there is a gap.
//   - Readers show what is committed, and nothing else, whatever kills the agent at whatever moment.
//   - It is bounded: each of the two files holds max_bytes, or one block of lines where that alone is larger. A value of more
//     than 2 KiB is cut to its size and its digest (XXH3, 128 bits), and a fragment's changes are counted, not told, from 1 MiB
//     of them on.
//   - What other programs write to the tasks file is not in it, but for what they undid for good ("overwritten"). What the
//     agent applies again in a batch of its own has "by":"agent"; what it puts back on the way, before it merges the next
//     batch, is not told.
//
// # The crash argument
//
// A block of lines is one write(2) to a file that was opened for appending. For each batch there are three:
//
//  1. "seen", when its fragments have been read. A crash behind it finds them among the claims.
//  2. "merged" and the records of what applies, when it is merged and the tasks file is not replaced yet. A crash
//     leaves records without a commit, which nobody shows. If the batch is merged again its records are written again, and
//     those behind the last "merged" count.
//  3. The records of what is rejected, and "committed", before anything is moved to the recovery folder or deleted. A crash
//     between the replacement and this leaves the claims with their intent: the next start finds by it that the batch is
//     applied, and writes the line then.
//
// So after a kill nothing is missing, and no change is told twice; a reject may be, which was not in the recovery folder yet
// and had to wait in the drop directory once more. A torn last line is no line; whoever begins to write ends it
// with a newline. There is no fsync: a loss of power takes the tail of the history, some seconds of it, and never an update.
// "start" names the boot, so that the books do not count as missing what was at work then.
//
// A file that is full is renamed, and the next one begins with the totals. A crash in between leaves no history.jsonl: the
// totals are then taken from history.1.jsonl.
package history
