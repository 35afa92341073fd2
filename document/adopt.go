package document

import (
	"bytes"

	"github.com/sessionsync/sessionsync/jsonedit"
)

// Adopt returns a document in which what has changed from base to theirs is carried over into this one: both are texts of
// the tasks file that Parse has accepted before, and theirs is what another program has made of base. What both sides have
// changed is as theirs has it. The error is a *SyntaxError: the result is no tasks file of the layout.
func (d *Document) Adopt(base, theirs []byte) (*Document, error) {
	own := d.Bytes()
	t := jsonedit.New(own[len(d.prefix):], nil, d.style, "")
	t.Identify(d.layout.ID)
	t.Adopt(bytes.TrimPrefix(base, byteOrderMark), bytes.TrimPrefix(theirs, byteOrderMark))
	return Parse(append(d.prefix[:len(d.prefix):len(d.prefix)], t.Bytes()...), d.layout)
}
