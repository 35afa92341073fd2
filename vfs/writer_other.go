//go:build !linux

package vfs

import "os"

func lease(*os.File) error             { return ErrCannotTell }
func leaseHeld(*os.File) bool          { return false }
func hasWriter(*os.File) (bool, error) { return false, ErrCannotTell }
