//go:build unix && !linux

package vfs

import (
	"time"

	"golang.org/x/sys/unix"
)

func changedAt(st *unix.Stat_t) time.Time { return time.Unix(st.Mtim.Unix()) }
