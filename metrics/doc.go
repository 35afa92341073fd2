// Package metrics counts what sessions do, by the agent's trace, in Prometheus' conventions.
//
// Each metric of a session has the label session; the others are bounded: reject codes are those of the contract, reasons of
// holding those that have a remedy, and whatever else comes is "other". A session that idles costs some kilobytes and no time.
//
// What waits is looked up when it is asked for. That lists the drop directory, but at most 10,000 of its names, and not again
// before a second has passed and fifty times of what it took: a million files make a scrape neither slow nor hot. Beyond that
// number the count is the one of the agent's last own scan, and the oldest of those that were looked at stands for all.
//
// Everything here may be called from several goroutines.
package metrics
