// Package document holds a tasks file in memory, finds the items in it and applies updates to them without loss.
//
// What it promises:
//
//   - Every byte that no update touched is as it was. Bytes of a parsed document are the bytes it was parsed from: order of
//     members, indentation, number literals, escapes, a byte order mark, CRLF, comments and trailing commas included.
//   - A fragment applies as a whole or not at all.
//   - No update changes an item's id or makes an id stand twice in its scope.
//   - What Apply leaves can be parsed again, and has the same items.
//
// The text is walked once, by Parse. An index leads from id to item; an item that changes gets a text of its own, with a
// hole where each of its children stands, so that an update costs what the item's own members cost and not what the
// document does. There is no tree of Go values and nothing is serialized again.
//
// Other programs may write back what they read before. For that, Apply tells the effects of a fragment where it is asked,
// each with the value that was replaced; Reassert finds in a later document which of them stand as if the fragment had not
// been, and applies those again, and no others: what a later effect left, and any third value, stays. Reasserting all of
// what was undone gives the same document but for the places of items within their lists.
//
// Only updates that reach into an item's list of children through the item itself (a merge of "subtasks", a JSON Patch
// with a path below it) cost as much as all that hangs below the item.
package document
