// Package filesystems holds only tests: they run the real program on file systems of each kind that can be mounted here, with
// producers, a neighbour and kills, count what came of it, and have the doctor say what it finds there.
package filesystems
