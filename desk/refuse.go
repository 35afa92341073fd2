package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/sessionsync/sessionsync/document"
	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/preview"
	"github.com/sessionsync/sessionsync/recovery"
	"github.com/sessionsync/sessionsync/spool"
)

// displaced is the code of entries that hold a version of the tasks file.
const displaced = "displaced"

// changed is the code of what is refused because an item is not what it was.
const changed = "changed"

// retryable says why an entry can never be tried again as it is; nil where it can. It must not be let through: the agent
// would leave it where it is.
func retryable(e recovery.Entry, files int) error {
	switch {
	case e.Error.Code == displaced:
		return errors.New("it holds a version of the tasks file, not an update; " +
			"compare it with the tasks file, put in what is missing, and discard it")
	case files == 0:
		return errors.New("it holds no raw file; write its pendingUpdates into a fragment, drop that, and discard it")
	case !spool.IsID(e.Batch) || !e.OfItsBatch():
		return errors.New("its manifest and its name do not say the same batch of an agent, so no agent would take it; " +
			"move its fragments to the drop directory yourself, and discard it")
	}
	return nil
}

// changedSince returns the items that a fragment names, that were there when it was rejected, and that are there now and not
// the same. A fragment with a precondition that failed says itself what its item has to be like.
func changedSince(doc *document.Document, f recovery.Fragment) (items []fragment.Item) {
	if f.Error != nil && f.Error.Code == string(fragment.PreconditionFailed) {
		return nil
	}
	for _, item := range f.Items {
		now, there := doc.Digest(item.Scope, item.ID)
		if there && item.SHA256 != "" && item.SHA256 != now {
			items = append(items, item)
		}
	}
	return items
}

// refuse says what would be overwritten if an entry was tried again; "" for nothing.
func refuse(doc *document.Document, e recovery.Entry) string {
	var names []string
	for _, f := range e.Fragments {
		for _, item := range changedSince(doc, f) {
			names = append(names, fragment.Quote(item.ID))
		}
	}
	if len(names) == 0 {
		return ""
	}
	const most = 5
	rest, verb := "", "has"
	if len(names) > 1 {
		verb = "have"
	}
	if len(names) > most {
		names, rest = names[:most], fmt.Sprintf(" and %d more", len(names)-most)
	}
	return fmt.Sprintf("%s%s %s changed since this was rejected; "+
		"look with 'sessionsync recovery show', then retry or edit it with --force, or discard it",
		strings.Join(names, ", "), rest, verb)
}

func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// Changed says what keeps an entry from being tried again without Options.Force; "" where nothing does.
func (d *Desk) Changed(name string) (string, error) {
	e, err := d.store.Head(name)
	if err != nil || !namesItems(e) {
		return "", err
	}
	doc, _, err := preview.Document(d.config.Against)
	if err != nil {
		return "", fmt.Errorf("look whether items have changed: %w", err)
	}
	return refuse(doc, e), nil
}

// HoldsNoUpdate reports whether an entry is of the kind that holds a version of the tasks file.
func HoldsNoUpdate(e recovery.Entry) bool { return e.Error.Code == displaced }
