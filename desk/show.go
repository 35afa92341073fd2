package desk

import (
	"errors"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/recovery"
)

// View is an entry with what there is to know about it now.
type View struct {
	Entry     recovery.Entry // without its updates
	Fragments []FragmentView // in the order in which they would apply
	Cannot    string         // why it cannot be tried again; "" where it can
	Trouble   error          // why nothing is known of the tasks file; nil where it could be read
}

// FragmentView is one raw fragment.
type FragmentView struct {
	File   recovery.File
	Known  bool             // to the manifest
	Reason *recovery.Reason // of the rejection; nil in a batch that failed whole, and where the manifest does not know it
	Place  *Place           // of the fault; nil where that is not in the text
	Edited bool             // the raw file is not the one that was rejected
	Would  *fragment.Error  // why it would be rejected now; nil where it would be applied. Unknown after View.Trouble
	Items  []ItemView       // those that it names; none of a fragment that does not parse
}

// ItemView is an item as it is now.
type ItemView struct {
	Scope, ID string
	There     bool
	Changed   bool     // since the fragment was rejected
	Members   []Member // its own, without its children
}

// Member is a member of an item, its value as written.
type Member struct {
	Name  string
	Value jsontext.Value
}

// Show looks at an entry, its raw fragments and the items that they name.
func (d *Desk) Show(name string) (View, error) {
	e, err := d.store.Head(name)
	if err != nil {
		return View{}, err
	}
	files, err := d.store.Files(e)
	if err != nil {
		return View{}, err
	}
	v := View{Entry: e}
	if err := retryable(e, len(files)); err != nil {
		v.Cannot = err.Error()
	}
	doc, _, err := preview.Document(d.config.Against)
	v.Trouble = err
	for _, f := range files {
		fv, err := d.showFragment(e, f, doc)
		if err != nil {
			return View{}, err
		}
		v.Fragments = append(v.Fragments, fv)
	}
	return v, nil
}

// showFragment looks at one; doc is nil where the tasks file cannot be read. It applies the fragment to doc.
func (d *Desk) showFragment(e recovery.Entry, f recovery.File, doc *document.Document) (FragmentView, error) {
	v := FragmentView{File: f}
	known := manifestOf(e, f)
	v.Known = known.File != ""
	data, updates, err := d.parse(e.Name, f)
	if err != nil && !errors.As(err, &v.Would) {
		return v, err
	}
	v.Edited = data != nil && known.SHA256 != "" && sum(data) != known.SHA256
	if doc != nil && v.Would == nil {
		v.Items = itemsNow(doc, doc.Named(updates, d.config.Against.Options), known)
		if _, err := doc.Apply(updates, d.config.Against.Options); err != nil && !errors.As(err, &v.Would) {
			return v, err
		}
	}
	v.Reason = known.Error
	where := v.Reason
	if v.Edited || where == nil || where.Line == 0 && where.Pointer == "" && where.Update == 0 {
		where = nil
		if v.Would != nil {
			where = recovery.ReasonOf(v.Would)
		}
	}
	if where != nil && data != nil {
		if place, ok := Locate(f.Own, data, *where); ok {
			v.Place = &place
		}
	}
	return v, nil
}

// manifestOf is what the manifest says of a raw fragment; nothing where it does not know it.
func manifestOf(e recovery.Entry, f recovery.File) recovery.Fragment {
	for _, known := range e.Fragments {
		if known.Stored() == f.Stored {
			return known
		}
	}
	return recovery.Fragment{}
}

func itemsNow(doc *document.Document, named []fragment.Item, known recovery.Fragment) (views []ItemView) {
	changed := changedSince(doc, known)
	for _, item := range named {
		v := ItemView{Scope: item.Scope, ID: item.ID, There: item.SHA256 != ""}
		v.Changed = slices.ContainsFunc(changed, func(c fragment.Item) bool { return c.ID == item.ID && c.Scope == item.Scope })
		for name, value := range doc.Own(item.Scope, item.ID) {
			v.Members = append(v.Members, Member{name, slices.Clone(value)})
		}
		views = append(views, v)
	}
	return views
}
