// Package producer is the side of those who drop fragments: it puts one into the drop directory, tells what became of it,
// and waits for what others have dropped. It needs no running agent, and asks none: all it knows is in the file system.
//
// # The promise
//
//   - What [Producer.Drop] puts there has the form of a fragment, is whole, and is durable: file and name.
//   - It never replaces anything. Names are new: the time, so that names sort like the times at which they were given, and
//     random letters.
//   - A fate is told only when it is final. Applied means that the document which holds the update is durable.
//   - Nothing of the agent's is written, and no agent is kept from beginning.
//
// # The receipt
//
// A fragment that is dropped with a receipt has two names, hard links of one file: its own, and the receipt, which begins
// with a dot, so that the agent leaves it alone. The agent renames a fragment when it claims it, deletes it when its effect is
// durable, and moves it to the recovery folder when it is rejected. So the fate is read from two looks, in this order:
//
//  1. the link count of the receipt is 1 again, or the fragment is no longer in the drop directory;
//  2. it is in the recovery folder (rejected, or held where the manifest says "retryable"), or it is not: then it is applied,
//     if the link count was 1.
//
// Where the recovery folder is on another file system, the agent copies the fragment there under a hidden folder's name before
// it removes the original, so hidden folders count as well, and so does a copy that came back into the claims.
//
// # A crash
//
// The receipt's name is also the one under which the fragment is written. A producer that is killed before the link leaves a
// hidden file that nobody ever reads; one that is killed while it waits leaves the receipt. Later drops of the same user
// remove both, a day after the last thing that happened to them, when no other name is left.
//
// # What it cannot tell
//
// A fragment that somebody deletes, from the drop directory or from the recovery folder, counts as applied: its second name is
// gone. What is undone by another program after it was applied (the code overwritten) was applied.
package producer

import (
	"fmt"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/vfs"
)

// Config says where the agent's folders are and what it accepts. Hook may be nil.
type Config struct {
	Drop     string
	Recovery string
	Limits   fragment.Limits
	Hook     vfs.Hook
}

// Producer drops fragments. Its methods may be called from several goroutines.
type Producer struct{ config Config }

// New does nothing yet.
func New(c Config) *Producer { return &Producer{c} }

// fragmentsName is the folder of the fragments in a recovery entry.
const fragmentsName = "fragments"

func (p *Producer) open() (*vfs.Dir, error) { return vfs.Open(p.config.Drop, p.config.Hook) }

// ArgumentError is an update that cannot be put together from what was given.
type ArgumentError struct{ Message string }

func (e *ArgumentError) Error() string { return e.Message }

func wrong(format string, args ...any) error { return &ArgumentError{fmt.Sprintf(format, args...)} }
