package config

import (
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Layout says where the items of the tasks file are: either one of the known layouts by its name, or in words of one's own.
type Layout struct {
	Name string // backlog, taskmaster or flat; "" where the other fields say it

	ID            string   // the member that holds an item's id; "id" where it is left out
	Items         string   // the member of the document that holds the items; "": the document itself is the list
	Children      []string // the members of an item that hold its children, outermost first
	Scoped        bool     // the document holds several such lists, each under its scope's name
	LocalIDs      bool     // ids are unique among siblings only, and addressed as 5.2
	DerivedParent bool     // P1.M1.T1.S2 is a child of P1.M1.T1
}

// hasScopes reports whether the tasks file holds several lists.
func (l Layout) hasScopes() bool { return l.Scoped || l.Name == "taskmaster" }

var layoutNames = []string{"backlog", "taskmaster", "flat"}

// layout reads a name or a mapping.
func (s *source) layout(node ast.Node) (Layout, bool) {
	const path = "document.layout"
	mapping, ok := node.(ast.MapNode)
	if !ok {
		name, ok := node.(*ast.StringNode)
		if !ok {
			s.problem(node, path, "needs a name (%s) or a mapping, not %s", strings.Join(layoutNames, ", "), describe(node))
			return Layout{}, false
		}
		if !slices.Contains(layoutNames, name.Value) {
			s.problem(node, path, "%s", notOneOf(name.Value, layoutNames))
			return Layout{}, false
		}
		return Layout{Name: name.Value}, true
	}

	layout, before := Layout{ID: "id"}, len(*s.problems)
	members := map[string]func(string, ast.Node){
		"id":             func(path string, v ast.Node) { s.scalar(path, v, &layout.ID) },
		"items":          func(path string, v ast.Node) { s.scalar(path, v, &layout.Items) },
		"children":       func(path string, v ast.Node) { layout.Children = s.names(path, v) },
		"scoped":         func(path string, v ast.Node) { s.scalar(path, v, &layout.Scoped) },
		"local_ids":      func(path string, v ast.Node) { s.scalar(path, v, &layout.LocalIDs) },
		"derived_parent": func(path string, v ast.Node) { s.scalar(path, v, &layout.DerivedParent) },
	}
	s.mapping(mapping, path, members)
	if layout.ID == "" {
		s.problem(node, path+".id", "must not be empty")
	}
	if slices.Contains(layout.Children, layout.ID) {
		s.problem(node, path+".children", "%q is the id's member", layout.ID)
	}
	return layout, len(*s.problems) == before
}

// names reads a list of member names, each of them once.
func (s *source) names(path string, node ast.Node) []string {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		s.problem(node, path, "needs a list of member names such as [milestones, tasks], not %s", describe(node))
		return nil
	}
	var names []string
	for _, value := range list.Values {
		var name string
		if !s.scalar(path, value, &name) {
			continue
		}
		switch {
		case name == "":
			s.problem(value, path, "a member name must not be empty")
		case slices.Contains(names, name):
			s.problem(value, path, "%q stands twice", name)
		default:
			names = append(names, name)
		}
	}
	return names
}
