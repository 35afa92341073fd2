package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sessionsync/sessionsync/fragment"
	"github.com/sessionsync/sessionsync/recovery"
)

// Draft is the text of a raw fragment, to be edited.
type Draft struct {
	Entry string
	File  recovery.File
	Text  []byte
}

// Draft reads a raw fragment of an entry: the one that was dropped under that name, or the only one where name is "".
// Entries that the agent may take at any moment, and those that cannot be tried again, are refused.
func (d *Desk) Draft(entry, name string) (Draft, error) {
	e, err := d.store.Head(entry)
	if err != nil {
		return Draft{}, err
	}
	files, err := d.store.Files(e)
	if err != nil {
		return Draft{}, err
	}
	if err := retryable(e, len(files)); err != nil {
		return Draft{}, fmt.Errorf("edit recovery entry %q: %w", entry, err)
	}
	if e.Retryable {
		return Draft{}, fmt.Errorf("edit recovery entry %q: %w; 'sessionsync recovery retry' waits for that, 'discard' takes it away",
			entry, recovery.ErrRetryable)
	}
	f, err := pick(files, name)
	if err != nil {
		return Draft{}, fmt.Errorf("edit recovery entry %q: %w", entry, err)
	}
	text, err := d.read(entry, f.Stored)
	if err != nil {
		return Draft{}, fmt.Errorf("edit recovery entry %q: %w", entry, err)
	}
	return Draft{entry, f, text}, nil
}

func pick(files []recovery.File, name string) (recovery.File, error) {
	if name == "" && len(files) == 1 {
		return files[0], nil
	}
	var names []string
	for _, f := range files {
		if f.Own == name {
			return f, nil
		}
		names = append(names, fragment.Quote(f.Own))
	}
	const most = 8
	if len(names) > most {
		names = append(names[:most], "…")
	}
	all := strings.Join(names, ", ")
	if name == "" {
		return recovery.File{}, &NameError{"it holds several fragments; name one of them behind the entry: " + all}
	}
	return recovery.File{}, &NameError{fmt.Sprintf("it holds no fragment %s, but %s", fragment.Quote(name), all)}
}

// Judge says what is wrong with the form of a text that is to take a draft's place, and where; nil where it is a fragment.
func (d *Desk) Judge(draft Draft, text []byte) (*fragment.Error, *Place) {
	var wrong *fragment.Error
	if _, err := fragment.Parse(draft.File.Own, text, d.config.Against.Limits); !errors.As(err, &wrong) {
		return nil, nil // Parse has no other errors
	}
	if place, ok := Locate(draft.File.Own, text, *recovery.ReasonOf(wrong)); ok {
		return wrong, &place
	}
	return wrong, nil
}

// Save puts a text in the place of a draft's raw fragment, in one step, if that is still what was read. After an error it is
// the old one or the new one.
func (d *Desk) Save(ctx context.Context, draft Draft, text []byte) error {
	return d.turn(ctx, func() error { return d.store.Replace(draft.Entry, draft.File.Stored, sum(draft.Text), text) })
}
