package writer

import (
	"encoding/hex"
	"io"

	"github.com/zeebo/xxh3"

	"github.com/sessionsync/sessionsync/document"
)

// A digest tells documents apart after a crash. Nobody gains by forging one: who could would write the tasks file itself. So
// it need only be quick: XXH3 takes a tenth of the time of writing, where SHA-256 takes longer than that.

func digestOf(data []byte) string {
	sum := xxh3.Hash128(data).Bytes()
	return hex.EncodeToString(sum[:])
}

// digestOfDocument is that of the bytes that a document writes.
func digestOfDocument(doc *document.Document) string {
	hash := xxh3.New()
	doc.Pieces(func(text []byte) error { hash.Write(text); return nil }) // neither ever fails
	sum := hash.Sum128().Bytes()
	return hex.EncodeToString(sum[:])
}

// writeDigested writes a document and returns its digest, which another processor finds meanwhile.
func writeDigested(to io.Writer, doc *document.Document) (string, error) {
	digest := make(chan string, 1)
	go func() { digest <- digestOfDocument(doc) }()
	_, err := doc.WriteTo(to)
	return <-digest, err
}
