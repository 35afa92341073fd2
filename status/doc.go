// Package status tells how a session is: what waits, what is claimed, what was rejected, who serves the drop directory, and
// how far the items of the tasks file are. With an agent at work and without one.
//
// Two sides meet in the file <drop>/.sessionsync/state.json:
//
//   - A [Keeper] hangs on the trace of a running agent and keeps the file: what was counted since the start, the last commit,
//     and whether and why it holds.
//   - A [Looker] reads it, and looks at the folders themselves. It changes nothing.
//
// # What is promised
//
// The state file is mode 0600 and replaced as a whole: who reads it sees one state or the next, never half of one. It is
// written within a second or so of a change, no more often than that, and not at all while nothing happens. It is never
// synced: after a loss of power it may be old, empty or gone, and nothing is lost by that. An agent that was killed leaves its
// file behind. So whether an agent is alive is never read from it: that the lock tells, and the file counts as the agent's
// only where it names who holds that. Only the process that holds the lock writes it; the one moment after the lock is given
// up, in which the end is written down, is looked at before.
//
// A failure to write it is said once in the log and stops nothing: the agent does its work, and the next change is another
// try.
//
// A look costs what the folders cost to list, up to a million names, and what the tasks file costs to read; what has not
// changed since the last look of the same Looker is not read again. What it finds is data that anybody may have put there:
// print it with logging.Printable.
package status
