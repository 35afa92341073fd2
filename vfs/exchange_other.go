//go:build !linux && !darwin

package vfs

import "errors"

func exchange(*Dir, string, string) error { return errors.ErrUnsupported }

func cannotExchange(error) bool { return true }
