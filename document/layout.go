package document

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Layout says where in a tasks file the items are. The zero value is of no use: take one of the named ones, or fill in
// ID at least.
type Layout struct {
	Name          string   // for messages; "" for one of the user's own
	ID            string   // the member that holds an item's id
	Items         string   // the member of the root (of a scope, where Scoped) that holds the list; "": the root is the list
	Children      []string // the members that hold the children, by depth; a single one serves every depth
	Scoped        bool     // the root's members are scopes, unless it has Items itself
	LocalIDs      bool     // a child's id is unique among its siblings only; it is addressed as parent.child
	DerivedParent bool     // an item's id is its parent's, a dot and more
}

// The named layouts.
var (
	Backlog    = Layout{Name: "backlog", ID: "id", Items: "backlog", Children: []string{"milestones", "tasks", "subtasks"}, DerivedParent: true}
	Taskmaster = Layout{Name: "taskmaster", ID: "id", Items: "tasks", Children: []string{"subtasks"}, Scoped: true, LocalIDs: true, DerivedParent: true}
	Flat       = Layout{Name: "flat", ID: "id"}
)

// ParseLayout returns the layout of that name.
func ParseLayout(name string) (Layout, error) {
	for _, l := range []Layout{Backlog, Taskmaster, Flat} {
		if l.Name == name {
			return l, nil
		}
	}
	return Layout{}, fmt.Errorf("unknown layout %q: take backlog, taskmaster or flat, or describe your own", name)
}

// title is how a message names the layout.
func (l *Layout) title() string {
	if l.Name == "" {
		return "the configured layout"
	}
	return "the layout " + l.Name
}

// childrenAt returns the member that holds the children of an item at that depth, the top being 0.
func (l *Layout) childrenAt(depth int) (string, bool) {
	switch {
	case len(l.Children) == 1:
		return l.Children[0], true
	case depth < len(l.Children):
		return l.Children[depth], true
	}
	return "", false
}

// holdsChildren reports whether a member of that name holds children.
func (l *Layout) holdsChildren(member string) bool { return slices.Contains(l.Children, member) }

// parentOf returns the id of the parent that an id tells of; "" for an item at the top.
func (l *Layout) parentOf(id string) string {
	if l.DerivedParent {
		if dot := strings.LastIndexByte(id, '.'); dot > 0 {
			return id[:dot]
		}
	}
	return ""
}

// address returns the id by which a child is known in its scope; "" where it or its parent has none.
func (l *Layout) address(parent *node, local string) string {
	if !l.LocalIDs || parent.parent == nil || local == "" {
		return local
	}
	if parent.id == "" {
		return ""
	}
	return parent.id + "." + local
}

// local returns what of an address stands in the item itself.
func (l *Layout) local(parent *node, id string) string {
	if l.LocalIDs && parent.parent != nil {
		return strings.TrimPrefix(id, parent.id+".")
	}
	return id
}

// listPointer returns where a scope's list of top items is.
func (l *Layout) listPointer(scope string) jsontext.Pointer {
	var p jsontext.Pointer
	if scope != "" {
		p = p.AppendToken(scope)
	}
	if l.Items != "" {
		p = p.AppendToken(l.Items)
	}
	return p
}
