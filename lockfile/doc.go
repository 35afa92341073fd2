// Package lockfile takes the lock that other programs of the tasks file take before they touch it.
//
// # What it promises
//
// Whoever holds the lock of tasks.json has tasks.json.lock, in one of two ways:
//
//   - [ProperLockfile] is what the npm package proper-lockfile (4.1.2) does with its defaults. The lock is a folder; mkdir
//     takes it, because of two mkdirs one fails. Its modification time says that the holder lives: it is set anew every
//     5 s, and a folder whose time is more than 10 s ago is stale and anybody's.
//   - [Flock] is flock(2) on a file (on Windows LockFileEx, which no program but another agent looks at). The file stays
//     when the lock is released: to remove it would let two programs lock two files of one name. Where somebody else
//     removes it, the lock counts only if the name still leads to the file that was locked.
//
// A holder that follows the same rules is never disturbed: a folder that is not our own is neither touched nor removed
// unless it is stale, so no holder sees its folder's time change or thinks its lock compromised because of us. Nothing is
// written into the folder, which would change its time. Our own is known by an open handle, not by its time, as the npm
// package has to do it, which probes the precision of times for that: the handle cannot become another folder's, and a
// time that is set through it cannot land on one. Between a mkdir and the handle lie some microseconds.
//
// With ProperLockfile a fresh thing of whatever kind is a lock that is held, as it is for the npm package. Task Master needs
// that: half of it locks with the package, the other half with a file of that name, which in turn fails on our folder.
//
// # What a crash leaves
//
// Of flock nothing: the kernel gives the lock back. Of proper-lockfile the folder, which the others take over once it is
// stale, 10 s later. The moment of a takeover that was cut off leaves an empty hidden folder, .tasks.json.lock and a number,
// which the next takeover removes.
//
// # What is not safe
//
//   - A stale folder is taken over in two calls: look, then take away. Who takes it with the npm package removes whatever
//     lies there by then, also a lock that was taken in between. We rename it first, look at what came out, and put a
//     fresh one back; in the microseconds until then somebody else can have taken the free name, and there are two
//     holders. [Lock.Held] says so, to be asked right before what the lock is for; the npm package says "compromised", at
//     its next refresh.
//   - A holder that stands still for more than 10 s (a laptop that sleeps, a stopped process) loses the lock while it
//     believes to have it. Held says so.
//   - The time of a folder that was just made comes from the clock of the file system, a server's where it is remote; all
//     other ones are set by the holder's clock and judged by that of whoever looks. Where those clocks differ by more than
//     some seconds a lock goes stale early, or late. A remote file system may also cache what it says of the folder.
//   - The lock belongs to a path. The file's own folder is asked here, links resolved, as the npm package does by default; a
//     program that turns that off (Task Master) and comes by a link takes another one.
//   - There is no queue: of those who wait, anyone may be next.
package lockfile
