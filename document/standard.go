package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/tailscale/hujson"
)

var errTooDeep = errors.New("more than 10,000 arrays and objects are inside each other")

// standardize returns text with spaces in place of comments and trailing commas.
func standardize(text []byte) ([]byte, *jsontext.SyntacticError) {
	if at := tooDeepAt(text); at >= 0 {
		return nil, &jsontext.SyntacticError{ByteOffset: int64(at), Err: errTooDeep}
	}
	padded := append(slices.Clip(slices.Clone(text)), '\n') // hujson wants a line break behind a line comment
	standard, err := hujson.Standardize(padded)
	if err == nil {
		return standard[:len(text)], nil
	}
	var line, column int
	if _, scanErr := fmt.Sscanf(err.Error(), "hujson: line %d, column %d:", &line, &column); scanErr != nil {
		return nil, &jsontext.SyntacticError{Err: err}
	}
	offset := column - 1
	for rest := padded; line > 1; line-- {
		n := bytes.IndexByte(rest, '\n') + 1
		offset, rest = offset+n, rest[n:]
	}
	offset, err = min(offset, len(text)), errors.Unwrap(err)
	switch {
	case behindEnd(text, offset):
		err = errBehindEnd
	case torn(text[offset:]):
		offset, err = len(text), io.ErrUnexpectedEOF
	}
	return nil, &jsontext.SyntacticError{ByteOffset: int64(offset), Err: err}
}

// behindEnd reports whether what the parser stumbled at follows a whole value, and is no beginning of a comment.
func behindEnd(text []byte, offset int) bool {
	if offset == len(text) || text[offset] == '/' {
		return false
	}
	_, err := hujson.Standardize(append(slices.Clone(text[:offset]), '\n'))
	return err == nil
}

// torn reports whether the rest of a text, at which the parser stumbled, can be the beginning of a token.
func torn(rest []byte) bool {
	return len(bytes.Trim(rest, "abcdefghijklmnopqrstuvwxyz0123456789+-.E")) == 0 || string(rest) == "/"
}

// tooDeepAt returns where a text is nested more deeply than the tokenizer allows, -1 where it is not. hujson recurses
// without a limit, and a megabyte of brackets would be the end of the program. The text need not be valid.
func tooDeepAt(text []byte) int {
	const most = 10_000
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{', '[':
			if depth++; depth > most {
				return i
			}
		case '}', ']':
			depth--
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '/':
			end := -1
			switch rest := text[i:]; {
			case bytes.HasPrefix(rest, []byte("//")):
				end = bytes.IndexByte(rest, '\n')
			case bytes.HasPrefix(rest, []byte("/*")):
				end = bytes.Index(rest[2:], []byte("*/")) + 2
			default:
				continue
			}
			if end < 2 {
				return -1
			}
			i += end
		}
	}
	return -1
}
