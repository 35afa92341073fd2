// Package demo tells in about ten seconds what the program does: an agent that runs, programs that drop fragments at once, one
// of which is wrong, and how that one is found, understood, corrected and applied. Nothing of it is staged: what is shown was
// done, in a folder of its own, by the packages that the commands use.
//
// It writes to that folder and to Options.Out, and to nothing else. The folder stays as it is after an error as well.
package demo
