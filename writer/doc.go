// Package writer commits batches to the tasks file: read, merge, replace atomically, retry with backoff.
//
// # What it promises
//
// Every reader of the tasks file sees a whole document, the one before a batch or the one after it. The replacement keeps
// mode and owner; where the tasks file is a symbolic link the link stays and its target is replaced. What another
// program wrote is merged into, never overwritten unseen. A document that would not change is not written.
//
// # Other programs
//
// The new document is exchanged with the tasks file (vfs.Dir.Exchange), so that what stood there comes out under the
// temporary name, whatever it was. If that is not the version that was merged into, another program has written in the
// moment before: it is exchanged back at once, and the fragments are merged into it. To leave ours there until they are would be
// simpler, but whoever reads it meanwhile, without what came out, and writes later takes away what came out. Where the moment
// of the way back was taken too, or the file came out as itself and was written to later, both stand against each other: the
// fragments are merged into what came out, the result is exchanged for what stands, and what comes out is looked at again. What
// somebody has written over our document meanwhile, knowing it, is carried over (document.Adopt). So neither side loses
// anything, however often it happens.
//
// A program that saves in place may have opened the tasks file before the exchange, and then writes into what is under the
// temporary name. Where leases can be had one is held for the few system calls from the last look to behind the exchange
// (vfs.Dir.ExchangeIf): it is refused while somebody has the file open for writing, and tells of who tries meanwhile. So what
// came out need not be read to know that it is what was merged into. Otherwise it counts only when nobody has it open for
// writing any more, or, where the system does not tell, when nothing was written to it for 50 ms; then it is read and
// compared. For the same reason a tasks file that somebody has open for writing is not read: it may be half.
//
// The document that was written last is kept, with its index, until somebody else writes: only then is the file read again.
//
// # The crash argument
//
// One commit is, in this order:
//
//  1. read the tasks file and merge the fragments in memory;
//  2. write the new document to a hidden temporary file in the same directory, fsync that and then the directory: its bytes
//     are durable before any name leads to them, and its own name is;
//  3. have the caller record the intent (temporary name, digests of the new and the old document), durably;
//  4. exchange the two names: the commit point;
//  5. look at what came out. If it is another program's version, exchange again, and go back to 1; where that failed because
//     of yet another one, go back to 1 with what came out as the document to merge into;
//  6. fsync the directory: only then may the caller delete the fragments, and then the intent;
//  7. remove what came out (Discard): it is evidence for as long as there is an intent.
//
// A crash leaves one of these states, and Replaced tells them apart by the bytes under the temporary name:
//
//   - No intent: before 3. The tasks file is the old one; a temporary file may be left, Sweep removes it. The fragments
//     are merged again.
//   - The new document: before 4. The fragments are merged again.
//   - The old document: after 4. Replaced makes the directory durable, because the crash may have come before 6, and the
//     fragments are settled without another merge.
//   - Something else: in 5. It is what another program wrote, and it exists nowhere else. The fragments are merged into it
//     again, as long as the tasks file is still the document that took its place. If not, three things have met (a
//     foreign write in the moment of the exchange, a crash within the next milliseconds, another foreign write before the
//     restart) and what they changed cannot be told any more: theirs goes to Config.Keep, for a person.
//   - Nothing: somebody has removed that file, or moved the tasks file away from it. The tasks file tells, if it still is the
//     old document or the new one; if not, ErrUnclear, and the fragments are for a person to judge.
//
// An intent of a second round says which files hold versions that its document takes in (Intent.Displaced): if it was not
// carried out they are merged anew.
//
// So a temporary file is evidence as long as its intent is. Where the commit does not take place after 3 (another program
// was faster, the exchange failed) the intent is withdrawn, durably, before the file is removed: else the next foreign write
// would make the state look as if it had, and a restart would drop fragments that were never merged. Where the intent
// cannot be withdrawn, the file stays for the next Commit, which makes no other one before that.
//
// An error before 4 removes the temporary file, and the next attempt begins at 1: an fsync that failed is not tried again
// on the same file, because its pages count as lost. An error after 4 is different: the new document stands, so the attempts
// that follow only do what is left, and Trouble.Replaced tells the caller that the fragments must not be merged again by
// themselves: the caller asks Replaced first. The same holds where the exchange reports an error and it is not certain
// that it was not done.
//
// # What it does not promise
//
// Where two names cannot be exchanged (Windows, NFS, some FUSE) the tasks file is compared right before a rename, and what
// another program writes in the microseconds between the two is lost; the temporary file is gone with the rename, so its
// absence counts as the commit. Where the system does not tell who has a file open
// (other systems than Linux, other owners' files without CAP_LEASE, file systems without leases) a program that pauses
// for longer than 50 ms in the middle of saving in place writes the rest into a file that is gone.
//
// Two agents with one tasks file do not lose each other's updates; but the Sweep of one takes the other's temporary files
// for left-overs, and a crash of that one can make its batch unclear. Extended attributes and access control lists of the tasks
// file are not copied.
package writer
