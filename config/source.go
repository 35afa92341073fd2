package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// The layers, the weakest first.
const (
	fileLayer = iota
	variableLayer
	flagLayer
)

// maxTokens is many times what all keys need. The parser's time and memory grow with the square of the depth: the tasks
// file, named as the config file by mistake, is refused at once, and a megabyte of brackets does not eat the machine.
const maxTokens = 5000

// source is one text that says something: the file, a variable, a flag. Its methods read YAML nodes into Go values and
// write down what is wrong with them.
type source struct {
	name     string   // sessionsync.yaml, SESSIONSYNC_BATCH_QUIET, --log-level
	layer    int      // above
	key      string   // the one key that a variable or a flag is about; "" for the file
	lines    []string // of the file, for excerpts
	base     string   // the folder from which its relative paths count
	problems *[]Problem
}

// place is where in a source something stands.
type place struct {
	source       *source
	line, column int // 0 where it is not in the file
}

// placeOf is the first character of a node.
func (s *source) placeOf(node ast.Node) place {
	if s.layer != fileLayer || node == nil {
		return place{source: s}
	}
	tk := node.GetToken()
	if mapping, ok := node.(ast.MapNode); ok { // a mapping's own token is its first colon
		if iter := mapping.MapRange(); tk.Type != token.MappingStartType && iter.Next() {
			tk = iter.Key().GetToken()
		}
	}
	return place{s, tk.Position.Line, tk.Position.Column}
}

func (s *source) problem(node ast.Node, path, format string, args ...any) {
	s.placeOf(node).problem(path, format, args...)
}

func (p place) problem(path, format string, args ...any) {
	s, message := p.source, fmt.Sprintf(format, args...)
	if path != "" && path != s.key { // the name of a variable says it already
		message = path + ": " + message
	}
	problem := Problem{Place: p.String(), Key: path, Message: message, layer: s.layer, line: p.line, column: p.column}
	if p.line > 0 {
		problem.Excerpt = excerpt(s.lines, p.line, p.column)
	}
	*s.problems = append(*s.problems, problem)
}

func (p place) String() string {
	if p.line == 0 {
		return p.source.name
	}
	return fmt.Sprintf("%s:%d:%d", p.source.name, p.line, p.column)
}

// parse is the one YAML document of a text; nil where the text holds none. Not ok: the problem is written down.
func (s *source) parse(text string) (ast.Node, bool) {
	if line, column, what := foreign(text); what != "" {
		if s.layer != fileLayer {
			line, column = 0, 0
		}
		place{s, line, column}.problem("", "%s", what)
		return nil, false
	}
	tokens := lexer.Tokenize(text)
	words := 0
	for _, tk := range tokens {
		if tk.Type != token.CommentType {
			words++
		}
	}
	if words > maxTokens {
		place{source: s}.problem("", "holds more than %d words and signs; that is no configuration", maxTokens)
		return nil, false
	}
	// Duplicate keys are found by mapping, which goes on behind them.
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, message := place{source: s}, err.Error()
		if syntax, ok := err.(yaml.Error); ok { //nolint:errorlint // the parser's own, never wrapped
			message = syntax.GetMessage()
			if tk := syntax.GetToken(); tk != nil && s.layer == fileLayer {
				at.line, at.column = tk.Position.Line, tk.Position.Column
			}
		}
		at.problem("", "not YAML: %s", printable(message))
		return nil, false
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.DirectiveType {
			continue
		}
		if body != nil {
			s.problem(doc.Body, "", "a second YAML document; only one is read")
			return nil, false
		}
		body = doc.Body
	}
	return body, true
}

// foreign finds the first character that no YAML text may hold; what is "" where there is none.
func foreign(text string) (line, column int, what string) {
	if strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") {
		return 1, 1, "is UTF-16; save it as UTF-8"
	}
	line = 1
	for i, r := range text {
		column++
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD"):
			return line, column, fmt.Sprintf("the byte 0x%02x is not UTF-8", text[i])
		case r == '\n':
			line, column = line+1, 0
		case unicode.IsControl(r) && r != '\t' && r != '\r':
			return line, column, fmt.Sprintf("holds the control character %U", r)
		}
	}
	return 0, 0, ""
}

// mapping reads each member by the function of its name.
func (s *source) mapping(node ast.MapNode, path string, members map[string]func(path string, value ast.Node)) {
	if path != "" {
		path += "."
	}
	first := map[string]ast.Node{}
	for iter := node.MapRange(); iter.Next(); {
		key := iter.Key()
		name := nameOf(key)
		read, known := members[name]
		switch before := first[name]; {
		case before != nil:
			s.problem(key, path+printable(short(name)), "stands twice%s", s.also(before))
		case known:
			first[name] = key
			read(path+name, iter.Value())
		default:
			first[name] = key
			message := "unknown key"
			if meant := nearest(name, slices.Sorted(maps.Keys(members))); meant != "" {
				message += didYouMean(meant)
			} else if meant := only(name, paths()); meant != "" {
				message += didYouMean(meant)
			}
			s.problem(key, path+printable(short(name)), "%s", message)
		}
	}
}

func (s *source) also(node ast.Node) string {
	if p := s.placeOf(node); p.line > 0 {
		return fmt.Sprintf("; the first time in line %d", p.line)
	}
	return ""
}

func nameOf(key ast.MapKeyNode) string {
	if explicit, ok := key.(*ast.MappingKeyNode); ok && explicit.Value != nil { // ? name
		return explicit.Value.GetToken().Value
	}
	return key.GetToken().Value
}

// printable is a text as part of a message: on one line, and without power over a terminal.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
	}
	return b.String()
}

// short is the beginning of a value that nobody wants to read whole.
func short(text string) string {
	const enough = 80
	if runes := []rune(text); len(runes) > enough {
		return string(runes[:enough]) + "…"
	}
	return text
}
