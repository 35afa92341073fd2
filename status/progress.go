package status

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/document"
)

const (
	mostGroups   = 1000 // rows that anybody reads; each costs a title
	mostStatuses = 64   // a status that each item has for itself tells nothing
	others       = "(others)"
	mostTitle    = 200 // bytes of a title, or of a status
)

// measure counts the items of a document by their status: all of them, and those below each top-level item. In a document with
// several scopes each of them is a group, and in one without any depth there are none.
func measure(d *document.Document, t *Tasks) {
	var all tally
	var tops, scopes []group
	deep := false
	for item := range d.Items() {
		status := text(item.Member("status"))
		all.add(status)
		if len(scopes) == 0 || scopes[len(scopes)-1].ID != item.Scope {
			scopes = append(scopes, group{Group: Group{ID: item.Scope}})
		}
		scopes[len(scopes)-1].add(status)
		if item.Depth == 0 {
			if len(tops) == mostGroups {
				t.Omitted++
				continue
			}
			tops = append(tops, group{Group: Group{ID: item.ID, Title: text(item.Member("title"))}, own: status})
			continue
		}
		deep = true
		if t.Omitted == 0 {
			tops[len(tops)-1].add(status)
		}
	}
	t.Items, t.Statuses = all.items, all.counts
	switch {
	case len(scopes) > 1:
		t.Omitted = max(0, len(scopes)-mostGroups)
		t.Groups = groups(scopes[:len(scopes)-t.Omitted])
	case deep:
		t.Groups = groups(tops)
	default:
		t.Omitted = 0
	}
}

// group is a Group while it is counted.
type group struct {
	Group
	tally
	own string // status of the item at its top
}

func groups(counted []group) []Group {
	all := make([]Group, 0, len(counted))
	for _, g := range counted {
		if g.items == 0 {
			g.add(g.own)
		}
		g.Group.Items, g.Group.Statuses = g.items, g.counts
		all = append(all, g.Group)
	}
	return all
}

// tally counts items by their status.
type tally struct {
	items  int
	counts []Count
}

func (t *tally) add(status string) {
	t.items++
	i := slices.IndexFunc(t.counts, func(c Count) bool { return c.Status == status })
	if i < 0 && len(t.counts) >= mostStatuses {
		status = others
		i = slices.IndexFunc(t.counts, func(c Count) bool { return c.Status == status })
	}
	if i < 0 {
		t.counts = append(t.counts, Count{Status: status})
		i = len(t.counts) - 1
	}
	t.counts[i].Items++
}

// text is a value as a person reads it.
func text(v jsontext.Value) string {
	var s string
	switch {
	case v == nil || v.Kind() == 'n':
		return ""
	case v.Kind() == '"':
		unquoted, _ := jsontext.AppendUnquote(nil, v) // accepted before: the error can only be a lone surrogate
		s = string(unquoted)
	default:
		s = string(v)
	}
	if len(s) > mostTitle {
		s = s[:mostTitle] + "…"
	}
	return s
}
