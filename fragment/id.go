package fragment

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// maxDigits bounds an id that is written with an exponent: no floating-point number has a longer integer, and 1e999999999
// must not be written out. Without an exponent the file's size is the bound.
const maxDigits = 309

// CanonicalID is the id that a value stands for: a string itself, an integer of whatever notation (5, 5.0, 50e-1) its
// decimal digits. v is a JSON value without white space around it. The error ends a sentence that begins with what the
// value is of: `"id"` + ` is 1.5, not an integer`.
func CanonicalID(v jsontext.Value) (string, error) {
	switch v.Kind() {
	case '"':
		s, ok := unquote(v)
		switch {
		case !ok:
			return "", errHalfPair
		case s == "":
			return "", errors.New("is an empty string")
		}
		return s, nil
	case '0':
		return integer(v)
	default:
		return "", fmt.Errorf("is %s", describe(v))
	}
}

var errHalfPair = errors.New(`holds half of a surrogate pair (such as "\ud83d" alone)`)

// integer is the decimal form of a JSON number, by value.
func integer(v jsontext.Value) (string, error) {
	mark := bytes.IndexAny(v, ".eE")
	if mark < 0 {
		if string(v) == "-0" {
			return "0", nil
		}
		return string(v), nil
	}
	number, exponent, _ := strings.Cut(strings.ToLower(string(v)), "e")
	number, negative := strings.CutPrefix(number, "-")
	whole, fraction, _ := strings.Cut(number, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0", nil
	}
	significant := strings.TrimRight(digits, "0")

	// No mantissa that fits into a file makes up for such an exponent; the bound keeps the sum from
	// overflowing.
	const absurd = 1 << 40
	power := int64(0)
	if exponent != "" {
		var err error
		if power, err = strconv.ParseInt(exponent, 10, 64); err != nil || power > absurd || power < -absurd {
			power = absurd
			if exponent[0] == '-' {
				power = -absurd
			}
		}
	}
	zeros := power - int64(len(fraction)) + int64(len(digits)-len(significant))
	switch {
	case zeros < 0:
		return "", fmt.Errorf("is %s, not an integer", describe(v))
	case int64(len(significant))+zeros > max(maxDigits, int64(len(digits))):
		return "", fmt.Errorf("is %s, an integer of more than %d digits", describe(v), maxDigits)
	}
	s := significant + strings.Repeat("0", int(zeros))
	if negative {
		s = "-" + s
	}
	return s, nil
}
