// Package jsonedit edits JSON text in place: merge patches (RFC 7396) and JSON Patches (RFC 6902) become splices of the
// bytes, and what no edit touched stays as it was, to the byte: order, indentation, number literals, escapes, comments
// and trailing commas.
//
// What it promises: after an edit the text holds the value that the RFC asks for, and differs from the text before only
// inside the members that the edit changed and the commas and line breaks that set them apart. A value that is equal
// already (numbers compared by value, objects whatever their order) is not touched. New text follows the style of its
// neighbours: indentation, line breaks, the space behind a colon, lists on one line or not.
//
// Two versions that were made from the same text can be merged: Adopt carries over what the other one changed, with the
// same promise. Where both changed the same value the other one counts.
//
// What it is not safe for: text that no strict tokenizer has accepted. The scanner here checks nothing and may panic on
// it. Where an object names a member twice, the last one is meant, as in every common parser; removing it removes both.
package jsonedit
