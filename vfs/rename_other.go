//go:build unix && !linux && !darwin

package vfs

func renameNew(from *Dir, old string, to *Dir, new string) error { return linkNew(from, old, to, new) }
