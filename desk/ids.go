package desk

import (
	"encoding/json"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
)

// IDs returns the first ids that an entry is about, each once, and whether there are more.
func (d *Desk) IDs(e recovery.Entry, most int) (ids []string, more bool) {
	seen := map[string]bool{}
	add := func(id string) {
		if id == "" || seen[id] {
			return
		}
		if len(ids) == most {
			more = true
			return
		}
		seen[id] = true
		ids = append(ids, id)
	}
	known := false
	for _, f := range e.Fragments {
		for _, item := range f.Items {
			known = true
			add(item.ID)
		}
	}
	if known || e.PendingCount == 0 {
		return ids, more
	}
	whole, err := d.store.Entry(e.Name)
	if err != nil {
		return nil, false // it is gone by now; a list is of what was there
	}
	for _, update := range whole.PendingUpdates {
		var u struct {
			ID json.RawMessage `json:"id"`
		}
		if json.Unmarshal(update, &u) == nil && u.ID != nil {
			if id, err := fragment.CanonicalID(jsontext.Value(u.ID)); err == nil {
				add(id)
			}
		}
	}
	return ids, more
}
