package config

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, written 8MiB, 500kB or 8388608.
type Size int64

var errSize = errors.New("not a size")

// ParseSize reads a size. KiB, MiB … count by 1024, kB, MB … by 1000, as everywhere.
func ParseSize(text string) (Size, error) {
	// humanize drops commas: 1,5MiB, as half the world writes one and a half, would become 15 MiB.
	if strings.Contains(text, ",") {
		return 0, errSize
	}
	n, err := humanize.ParseBytes(strings.TrimSpace(text))
	if err != nil || n > math.MaxInt64 {
		return 0, errSize
	}
	return Size(n), nil
}

// String is the shortest exact form; ParseSize reads it back.
func (s Size) String() string {
	n, unit := int64(s), 0
	for n != 0 && n%1024 == 0 {
		n, unit = n/1024, unit+1
	}
	return strconv.FormatInt(n, 10) + [...]string{"", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}[unit]
}
