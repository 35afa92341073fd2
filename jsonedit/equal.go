package jsonedit

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/big"
	"strings"
)

// Equal reports whether two texts hold the same JSON value: numbers by value, strings by what their escapes mean, objects
// whatever the order of their members (RFC 6902, section 4.6). Comments and white space do not count; of a name that
// stands twice the last one does. Both texts must have been accepted by a strict tokenizer.
func Equal(a, b []byte) bool { return equalAt(a, skipTrivia(a, 0), b, skipTrivia(b, 0)) }

func equalAt(a []byte, i int, b []byte, j int) bool {
	switch {
	case a[i] == '"' || b[j] == '"':
		return a[i] == b[j] && equalString(a[i:skipString(a, i)], b[j:skipString(b, j)])
	case a[i] == '{' || b[j] == '{':
		return a[i] == b[j] && equalObject(a, i, b, j)
	case a[i] == '[' || b[j] == '[':
		return a[i] == b[j] && equalArray(a, i, b, j)
	}
	x, y := a[i:skipValue(a, i)], b[j:skipValue(b, j)]
	if bytes.Equal(x, y) {
		return true
	}
	return isNumber(x[0]) && isNumber(y[0]) && numberOf(string(x)) == numberOf(string(y))
}

func isNumber(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

func equalString(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if bytes.IndexByte(a, '\\') < 0 && bytes.IndexByte(b, '\\') < 0 {
		return false
	}
	return unquote(a) == unquote(b)
}

func equalArray(a []byte, i int, b []byte, j int) bool {
	x, y := scanComposite(a, i), scanComposite(b, j)
	if len(x.elements) != len(y.elements) {
		return false
	}
	for k := range x.elements {
		if !equalAt(a, x.elements[k].value, b, y.elements[k].value) {
			return false
		}
	}
	return true
}

func equalObject(a []byte, i int, b []byte, j int) bool {
	x, y := membersByName(a, scanComposite(a, i)), membersByName(b, scanComposite(b, j))
	if len(x) != len(y) {
		return false
	}
	for name, e := range x {
		f, ok := y[name]
		if !ok || !equalAt(a, e.value, b, f.value) {
			return false
		}
	}
	return true
}

// membersByName holds of each name the last member.
func membersByName(b []byte, c composite) map[string]element {
	m := make(map[string]element, len(c.elements))
	for _, e := range c.elements {
		m[nameOf(b, e)] = e
	}
	return m
}

// number is the value of a number literal: its sign, its significant digits without zeros on either side (none for
// zero) and the power of ten of the last of them. No power of ten is ever computed, so 1e999999999 costs no more than
// its own length.
type number struct {
	negative         bool
	digits, exponent string
}

func numberOf(literal string) number {
	mantissa, power := literal, "0"
	if i := strings.IndexAny(literal, "eE"); i >= 0 {
		mantissa, power = literal[:i], literal[i+1:]
	}
	mantissa, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	trimmed := strings.TrimRight(digits, "0")
	significant := strings.TrimLeft(trimmed, "0")
	if significant == "" {
		return number{} // 0 and -0 are the same
	}
	shift := int64(len(digits) - len(trimmed) - len(fraction))
	if len(power) > maxExponentDigits {
		return number{negative, significant, fmt.Sprintf("%s%+d", power, shift)}
	}
	exponent, _ := new(big.Int).SetString(power, 10)
	return number{negative, significant, exponent.Add(exponent, big.NewInt(shift)).String()}
}

// maxExponentDigits is the length up to which exponents are added up, which takes longer than their length. Beyond it
// equal numbers that are written differently count as different ones.
const maxExponentDigits = 1000

var seed = maphash.MakeSeed()

// hashDepth is how many levels of a value its hash tells of: each costs another pass, and lists in lists are hashed at each
// level anew.
const hashDepth = 8

// hash returns a number that is the same for values that are equal, and for others only if they differ nowhere but hashDepth
// levels below.
func hash(b []byte, i int) uint64 { return hashTo(hashDepth, b, i) }

func hashTo(depth int, b []byte, i int) uint64 {
	switch {
	case b[i] == '"':
		return maphash.Comparable(seed, unquote(b[i:skipString(b, i)]))
	case isNumber(b[i]):
		return maphash.Comparable(seed, numberOf(string(b[i:skipValue(b, i)])))
	case !isComposite(b[i]) || depth == 0:
		return uint64(b[i]) // of true, false and null one letter tells
	}
	c := scanComposite(b, i)
	sum := uint64(b[i])
	if b[i] == '[' {
		for _, e := range c.elements {
			sum = maphash.Comparable(seed, [2]uint64{sum, hashTo(depth-1, b, e.value)})
		}
		return sum
	}
	for name, e := range membersByName(b, c) {
		sum += maphash.Comparable(seed, [2]uint64{maphash.String(seed, name), hashTo(depth-1, b, e.value)})
	}
	return sum
}
