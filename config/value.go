package config

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// scalar reads a value of the type that into points to. Not ok: the problem is written down, and *into is untouched.
func (s *source) scalar(path string, node ast.Node, into any) bool {
	needs := ""
	switch into := into.(type) {
	case *string:
		if text, ok := stringOf(node); ok {
			*into = text
			return true
		}
		needs = "text"
		if _, ok := node.(ast.ScalarNode); ok && node.Type() != ast.NullType {
			s.problem(node, path, "needs text, not %s; write it in quotes", describe(node))
			return false
		}
	case *bool:
		if b, ok := node.(*ast.BoolNode); ok {
			*into = b.Value
			return true
		}
		needs = "true or false"
	case *int:
		if n, ok := integerOf(node); ok && n >= math.MinInt && n <= math.MaxInt {
			*into = int(n)
			return true
		}
		needs = "a whole number"
	case *time.Duration:
		if d, ok := durationOf(node); ok {
			*into = d
			return true
		}
		needs = "a duration such as 100ms, 5s or 1m30s"
	case *Size:
		if n, ok := sizeOf(node); ok {
			*into = n
			return true
		}
		needs = "a size such as 8MiB, 500kB or 8388608"
	case *Sessions:
		sessions, ok := s.sessions(node)
		if ok {
			*into = sessions
		}
		return ok
	case *Layout:
		layout, ok := s.layout(node)
		if ok {
			*into = layout
		}
		return ok
	}
	s.problem(node, path, "needs %s, not %s", needs, describe(node))
	return false
}

func stringOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

func integerOf(node ast.Node) (int64, bool) {
	number, ok := node.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	switch n := number.Value.(type) {
	case int64:
		return n, true
	case uint64:
		return int64(n), n <= math.MaxInt64
	}
	return 0, false
}

func durationOf(node ast.Node) (time.Duration, bool) {
	if n, ok := integerOf(node); ok {
		return 0, n == 0 // nothing is nothing in every unit
	}
	text, ok := stringOf(node)
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	return d, err == nil
}

func sizeOf(node ast.Node) (Size, bool) {
	if n, ok := integerOf(node); ok {
		return Size(n), true
	}
	text, ok := stringOf(node)
	if !ok {
		return 0, false
	}
	n, err := ParseSize(text)
	return n, err == nil
}

// describe names a value of the wrong type.
func describe(node ast.Node) string {
	switch n := node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.StringNode:
		return "the text " + strconv.Quote(short(n.Value))
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.BoolNode:
		return n.GetToken().Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "the number " + printable(short(n.GetToken().Value))
	case *ast.SequenceNode:
		return "a list"
	case ast.MapNode:
		return "a mapping"
	case *ast.AnchorNode, *ast.AliasNode:
		return "an anchor or alias, which are not understood here"
	case *ast.TagNode:
		return "a tag, which is not understood here"
	}
	return strings.ToLower(node.Type().String())
}
