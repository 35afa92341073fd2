// Package agent wires the stages together: what lies in the drop directory becomes batches, and each batch one
// replacement of the tasks file.
//
//	drop directory ─▶ watcher ─▶ batcher ─▶ committer: claim, read, merge, replace, settle
//
// Three goroutines, one for each stage, one that looks out for other programs' writes to the tasks file, and one that listens
// to who wants rejected fragments tried again; Run shows all of them with their channels. Work waits on disk, in the drop
// directory or in a claimed batch, never in memory alone, so the agent may end at any moment: its start is its recovery.
//
// The watcher has read what the committer claims. So the document is merged with that, and written beside the tasks file,
// while the claim is under way; only when that has brought the very same files is the intent recorded and the tasks file
// replaced.
//
// When the tasks file cannot be read or written, the agent holds: it claims nothing more, tries with growing delays (100 ms
// to 30 s) whether it can be now, and then applies first what it has already, in the order in which the batches closed.
// Holding and going on are logged once each.
//
// What somebody has marked in the recovery folder to be tried again (a Store's Mark) is given back at the start, when the
// agent goes on after trouble, and when it is asked to: Run listens to the bell that spool.Ask rings, and then reads the
// entries that the notes name and no others, so that a folder of 100,000 costs nothing.
//
// Within document.reassert of an update the agent remembers what it replaced. Where another program brings such a value back,
// because it has held the whole file in memory, the update is applied again, as a batch of the agent's own, after the delays
// of the retries; what is still undone at the end is in the recovery folder as overwritten. That memory ends with the
// process. Within document.unknown_id_grace an update that names an item which is not there stays claimed, in a batch of
// its own, and is tried again whenever the document has changed.
package agent
